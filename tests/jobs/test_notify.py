"""Telling people: exactly what an obvious model tells, once, and nothing of an old date after a move."""

import json
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from app.domain.access import Principal, Role
from app.domain.fact import FactKind, ToldFact
from app.domain.maintenance import MaintenanceKind
from app.domain.notice import Channel, Notice, NoticeContent
from app.domain.notification import Kind
from app.domain.refusal import StoreBusy, Unknown
from app.jobs.housekeeping import keep_house
from app.jobs.letter import NotDelivered
from app.jobs.notify import Sent, deliver
from app.jobs.post_office import PostOffice, open_post_office
from app.jobs.sweep import sweep
from app.pulling.http_client import Outbound
from app.register import transaction
from app.register.maintenance import import_maintenance
from app.register.messages import outbox as outbox_at_work
from app.register.messages import recipients
from app.register.messages.leaving import leave_address
from app.register.messages.recipients import RecipientRefused
from app.register.people.enrolment import NameRefused, shred_user
from app.register.receive import preview_notice
from app.register.tell_fact import tell_fact
from app.store import outbox_tables, tables
from app.store.outbox import MessageState
from app.store.recipients import Carrier
from tests.jobs.notification_model import Model

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
DCC = Principal("dcc", Role.DCC)


class Letters:
    """A carrier that keeps letters, and fails as it is told to."""

    def __init__(self):
        self.kept = []
        self.fault = None

    def __call__(self, letter):
        if self.fault is not None:
            raise self.fault
        self.kept.append(letter)

    def take(self):
        """What came since the last look: (address, reference, kind, starts, references of clashes), sorted."""
        found = sorted(
            (
                letter.address,
                one["closure"]["reference"],
                kind,
                one["closure"]["starts"],
                tuple(sorted(other["reference"] for other in one["clashes"])) if kind == "clash" else (),
            )
            for letter in self.kept
            for one in json.loads(letter.payload)["data"]["closures"]
            for kind in one["kinds"]
        )
        self.kept = []
        return found


@pytest.fixture
def letters():
    return Letters()


@pytest.fixture
def office(letters, publisher):
    return PostOffice(publisher, {Carrier.EMAIL: letters, Carrier.WEBHOOK: letters})


@pytest.fixture
def run(register, office, clock):
    """Return a function that does what the scheduler does: sweep, then send."""

    def once():
        sweep(register, clock())
        return deliver(register, office, clock)

    return once


def states(store):
    return [one.message.state for one in recipients.list_messages(store, tuple(MessageState))]


def count(store, table):
    with store.reading() as connection:
        return connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()


EVERYTHING = ("new", "moved", "withdrawn", "late", "clash", "starts", "open", "expired", "receipt", "reminder")


def compare(seed, register, office, letters, clock, give, announce, users, add_recipient):
    """Random notices, moves, withdrawals and clock jumps; after every run, the letters are those of the model."""
    chance = random.Random(seed)
    rulebook = register.rulebook()
    model = Model(rulebook.calendar_for(rulebook.policy_for(NOW)).is_working_day)
    for name, user, kinds, hour in (
        ("dcc-all", None, EVERYTHING[:8], None),
        ("dcc-digest", None, ("new", "withdrawn", "open"), 8),
        ("dcc-new", None, ("new",), 17),
        ("alpha", "ALPHA", EVERYTHING, None),
        ("beta", "BETA", ("moved", "reminder", "receipt", "expired", "clash"), 17),
    ):
        add_recipient(name, *kinds, user=user, digest=hour)
        model.who.append((name, user, kinds, hour))
    told, references = 0, {"ALPHA": [], "BETA": []}
    for _ in range(60):
        for _ in range(chance.choice((0, 1, 1, 2, 3))):
            code = chance.choice(("ALPHA", "BETA"))
            gateway = chance.choice({"ALPHA": ("GW-A1", "GW-A2"), "BETA": ("GW-B1",)}[code])
            starts = clock().replace(minute=0) + timedelta(hours=chance.choice((-3, 1, 5, 20, 30, 150, 200, 400, 900)))
            announced = announce(
                f"uid-{chance.randrange(6)}", f"{starts:%Y-%m-%dT%H:%M}", chance.choice((1, 4, 30)), gateway,
                withdrawn=chance.random() < 0.25,
            )  # fmt: skip
            # By its reference a closure may change its gateway.
            about = chance.choice(references[code]) if references[code] and chance.random() < 0.3 else ""
            outcome = give(users[code], announced, at=clock(), about=about)
            for ack in (*outcome.accepted, *outcome.withdrawn):
                model.notice(code, ack, clock())
                references[code].append(ack.closure.reference)
            clock.forward(seconds=chance.choice((0, 1, 90)))
        if chance.random() < 0.8:
            sweep(register, clock())
            model.sweep(clock())
            deliver(register, office, clock)
            found = letters.take()
            assert found == model.deliver(clock())
            told += len(found)
        clock.forward(hours=chance.choice((0, 0, 1, 1, 3, 12, 26, 26, 100, -2, -30)))
    return told


@pytest.mark.parametrize("seed", range(2))
def test_each_recipient_gets_what_an_obvious_model_says(
    seed, register, office, letters, clock, give, announce, alpha, enrolled, add_recipient
):
    users = {"ALPHA": alpha, "BETA": enrolled("BETA", "GW-B1")}
    told = compare(seed, register, office, letters, clock, give, announce, users, add_recipient)
    assert told > 40


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(100, 103))
def test_each_recipient_gets_what_an_obvious_model_says_for_long(
    seed, register, office, letters, clock, give, announce, alpha, enrolled, add_recipient
):
    users = {"ALPHA": alpha, "BETA": enrolled("BETA", "GW-B1")}
    assert compare(seed, register, office, letters, clock, give, announce, users, add_recipient) > 40


def test_what_is_told_as_it_happens_leaves_like_anything_else(
    register, alpha, announce, give, add_recipient, letters, run, clock
):
    add_recipient("dcc", "over-time", "re-opened")
    reference = give(alpha, announce("u1", "2026-11-24T08:00")).accepted[0].closure.reference
    tell_fact(register, DCC, reference, ToldFact(FactKind.CLOSED, NOW), channel=Channel.API, now=NOW)
    clock.forward(hours=4)
    run()
    tell_fact(register, DCC, reference, ToldFact(FactKind.REOPENED, clock()), channel=Channel.API, now=clock())
    run()
    assert [letter.subject for letter in letters.kept] == [
        "Over time: GW-A1, Tue 24 Nov 2026 08:00 GMT", "Re-opened: GW-A1, Tue 24 Nov 2026 08:00 GMT",
    ]  # fmt: skip


def test_nothing_is_written_where_the_transaction_rolls_back(
    register, store, alpha, announce, give, add_recipient, monkeypatch
):
    add_recipient("dcc")
    whole = transaction.write_head

    def fails(connection, head):
        whole(connection, head)
        raise StoreBusy("The database is busy.", "")

    monkeypatch.setattr(transaction, "write_head", fails)
    with pytest.raises(StoreBusy):
        give(alpha, announce("u1", "2026-12-01T02:00"))
    assert (count(store, tables.revisions), count(store, outbox_tables.notifications)) == (0, 0)
    monkeypatch.undo()
    give(alpha, announce("u1", "2026-12-01T02:00"))
    assert (count(store, tables.revisions), count(store, outbox_tables.notifications)) == (
        1,
        3,
    )  # new, late, and whether it clashes


def test_a_user_hears_of_a_clash_with_dccs_own_dates(
    register, store, letters, run, alpha, announce, give, add_recipient, clock
):
    def plan(uid, starts, *, withdrawn=False):
        announced = replace(announce(uid, starts, withdrawn=withdrawn), gateway="DCC")
        reading = NoticeContent((announced,), (), events=1)
        import_maintenance(register, MaintenanceKind.MAINTENANCE, reading, clock())

    add_recipient("alpha", "clash", user="ALPHA")
    plan("m1", "2027-02-07T03:00")
    plan("m2", "2027-02-08T03:00")
    clock.forward(minutes=1)
    clashing = give(alpha, announce("u1", "2027-02-07T02:00"), at=clock()).accepted[0].closure.reference
    give(alpha, announce("u2", "2027-02-10T02:00"), at=clock())
    assert run() == Sent(1, 0)
    (one,) = json.loads(letters.kept[0].payload)["data"]["closures"]
    assert (one["closure"]["reference"], one["kinds"], one["clashes"]) == (clashing, ["clash"], [])
    assert [band["starts"] for band in one["maintenance_clashes"]] == ["2027-02-07T03:00:00Z"]
    letters.kept = []
    give(alpha, announce("u2", "2027-02-08T02:00"), at=clock.forward(minutes=1))
    plan("m2", "2027-02-08T03:00", withdrawn=True)  # before it is told
    run()
    assert letters.kept == []


def test_a_dry_run_tells_nobody(register, store, alpha, announce, add_recipient):
    add_recipient("dcc")
    notice = Notice("ALPHA", Channel.API, NOW, "text/calendar", b"looked at")
    preview_notice(register, alpha, notice, NoticeContent((announce("u1", "2026-12-01T02:00"),), (), events=1))
    assert count(store, outbox_tables.notifications) == 0


def test_a_reminder_for_the_old_date_dies_with_it(alpha, announce, give, add_recipient, letters, clock, run):
    """OneUptime #2018: people were reminded of a window that had been moved away."""
    add_recipient("dcc", "starts")
    give(alpha, announce("u1", "2026-11-25T06:00"))
    letters.fault = NotDelivered("the mail server could not be spoken to")
    assert run() == Sent(0, 1)
    give(alpha, announce("u1", "2026-12-25T06:00"), at=clock.forward(seconds=30))
    letters.fault = None
    clock.forward(minutes=5)
    assert (run(), letters.take()) == (Sent(0, 0), [])
    clock.now = datetime(2026, 12, 24, 6, 0, tzinfo=UTC)
    assert run() == Sent(1, 0)
    assert [(kind, starts) for _, _, kind, starts, _ in letters.take()] == [("starts", "2026-12-25T06:00:00Z")]


def test_another_try_waits_longer_each_time_and_then_a_person_is_needed(
    register, store, alpha, announce, give, add_recipient, letters, clock, office, run
):
    add_recipient("dcc", "new")
    give(alpha, announce("u1", "2027-12-01T02:00"))
    letters.fault = NotDelivered("the webhook answered 500")
    tried = [(Sent(0, 0), deliver(register, office, clock))]
    for minutes in (1, 5, 21, 85, 325, 565, 805, 1045, 1285, 1525, 1765, 2005):
        clock.now = NOW + timedelta(minutes=minutes, seconds=-1)
        early = deliver(register, office, clock)
        clock.forward(seconds=1)
        tried.append((early, deliver(register, office, clock)))
    assert tried == [(Sent(0, 0), Sent(0, 1))] * 12 + [(Sent(0, 0), Sent(0, 0))]
    (dead,) = recipients.list_messages(store, (MessageState.DEAD,))
    assert (dead.recipient.label, dead.message.fault, dead.message.attempts) == ("dcc", "the webhook answered 500", 12)
    letters.fault = None
    assert (run(), letters.kept) == (Sent(0, 0), [])
    assert outbox_at_work.resend_message(register, dead.message.id.hex(), clock()).state is MessageState.WAITING
    assert run() == Sent(1, 0)
    assert [letter.id for letter in letters.kept] == [dead.message.id.hex()]
    assert outbox_at_work.resend_message(register, dead.message.id.hex(), clock()).state is MessageState.SENT


def test_a_refusal_for_good_is_not_tried_again(store, alpha, announce, give, add_recipient, letters, run):
    add_recipient("dcc", "new")
    give(alpha, announce("u1", "2027-12-01T02:00"))
    letters.fault = NotDelivered("the mail server refused the address (550)", for_good=True)
    assert (run(), states(store)) == (Sent(0, 1), [MessageState.DEAD])


def test_after_two_attempts_of_unknown_end_a_person_decides(
    register, store, alpha, announce, give, add_recipient, letters, clock, run
):
    add_recipient("dcc", "new")
    give(alpha, announce("u1", "2027-12-01T02:00"))
    letters.fault = KeyboardInterrupt()  # the process ends while a letter is with its carrier
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            run()
        clock.forward(hours=1)
    assert (run(), states(store)) == (Sent(0, 0), [MessageState.DEAD])
    (dead,) = recipients.list_messages(store, (MessageState.DEAD,))
    assert "nobody knows" in dead.message.fault


def test_a_clock_that_was_set_back_holds_nothing_up(alpha, announce, give, add_recipient, letters, clock, run):
    add_recipient("dcc", "new", digest=8)
    clock.forward(days=400)
    give(alpha, announce("u1", "2028-12-01T02:00"), at=clock())
    clock.now = NOW
    letters.fault = NotDelivered("not now")
    clock.forward(days=400)
    clock.forward(days=1)
    assert run() == Sent(0, 1)
    clock.now = NOW
    letters.fault = None
    assert run() == Sent(1, 0)


def test_who_is_removed_or_shredded_hears_nothing_more(
    register, store, alpha, enrolled, announce, give, add_recipient, letters, run
):
    beta = enrolled("BETA", "GW-B1")
    gone, stays = add_recipient("gone", "new"), add_recipient("stays", "new")
    add_recipient("beta", "new", user="BETA")
    give(alpha, announce("u1", "2027-12-01T02:00"))
    give(beta, announce("u1", "2027-12-01T02:00", gateway="GW-B1"))
    recipients.remove_recipient(store, gone.id, NOW)
    shred_user(store, "BETA", NOW)
    run()
    assert [(address, kind) for address, _, kind, _, _ in letters.take()] == [(stays.address, "new")]
    assert sorted(states(store)) == [MessageState.DROPPED, MessageState.DROPPED, MessageState.SENT]
    assert [one.recipient.id for one in recipients.list_recipients(store)] == [stays.id]


def test_a_changed_recipient_hears_what_waits_at_its_new_address_and_hour(
    store, alpha, announce, give, add_recipient, letters, clock, run
):
    held = add_recipient("dcc", "new", digest=8)
    give(alpha, announce("u1", "2027-12-01T02:00"))
    (before,) = recipients.list_gatherings(store)
    assert (before.recipient, before.count, before.due_at) == (held, 1, NOW.replace(day=25, hour=8))
    assert run() == Sent(0, 0)
    facts = {"label": "desk", "address": " desk@example.org ", "kinds": [Kind.MOVED], "now": NOW}
    recipients.change_recipient(store, held.id, digest_hour=None, **facts)
    changed = replace(held, label="desk", address="desk@example.org", kinds=frozenset({Kind.MOVED}), digest_hour=None)
    assert recipients.list_recipients(store) == [recipients.ListedRecipient(changed, "")]
    (after,) = recipients.list_gatherings(store)
    assert (after.recipient, after.count, after.due_at) == (changed, 1, None)
    give(alpha, announce("u2", "2027-12-03T02:00"))
    assert run() == Sent(1, 0)
    assert [(address, kind) for address, _, kind, _, _ in letters.take()] == [("desk@example.org", "new")]
    assert recipients.list_gatherings(store) == []


def test_a_change_keeps_a_webhooks_secret_and_its_user(store, alpha, add_recipient):
    held = add_recipient("hook", user="ALPHA", carrier=Carrier.WEBHOOK, address="https://a.example/1")
    recipients.change_recipient(
        store, held.id, label="hook", address="https://a.example/2", kinds=held.kinds, digest_hour=23, now=NOW
    )
    changed = replace(held, address="https://a.example/2", digest_hour=23)
    assert recipients.find_recipient(store, held.id) == recipients.ListedRecipient(changed, "ALPHA")


@pytest.mark.parametrize(
    ("wrong", "refusal"),
    [
        ({"kinds": []}, RecipientRefused),
        ({"kinds": [Kind.RECEIPT]}, RecipientRefused),
        ({"address": "nobody"}, RecipientRefused),
        ({"label": ""}, NameRefused),
    ],
)
def test_a_change_that_does_not_fit_leaves_everything(store, add_recipient, wrong, refusal):
    held = add_recipient("dcc", "new", digest=8)
    facts = {"label": "x", "address": "x@example.org", "kinds": [Kind.OPEN], "digest_hour": None, "now": NOW} | wrong
    with pytest.raises(refusal):
        recipients.change_recipient(store, held.id, **facts)
    assert recipients.list_recipients(store) == [recipients.ListedRecipient(held, "")]


def test_who_is_removed_or_shredded_is_not_changed_any_more(store, alpha, add_recipient):
    gone, shredded = add_recipient("gone", "new"), add_recipient("alpha", "new", user="ALPHA")
    recipients.remove_recipient(store, gone.id, NOW)
    shred_user(store, "ALPHA", NOW)
    for unknown in (gone.id, shredded.id, "nobody"):
        with pytest.raises(Unknown):
            recipients.change_recipient(
                store, unknown, label="x", address="x@example.org", kinds=[Kind.NEW], digest_hour=None, now=NOW
            )


def test_a_letter_names_the_link_by_which_its_recipient_leaves(
    store, alpha, announce, give, add_recipient, letters, run
):
    hook = add_recipient("hook", "new", carrier=Carrier.WEBHOOK, address="https://a.example/1")
    reader = add_recipient("reader", "new")
    give(alpha, announce("u1", "2027-12-01T02:00"))
    run()
    assert {letter.address: letter.leave for letter in letters.kept} == {
        hook.address: "",
        reader.address: leave_address(store, reader, "https://closures.example/"),
    }


def test_a_user_never_hears_of_another(alpha, enrolled, announce, give, add_recipient, letters, run):
    beta = enrolled("BETA", "GW-B1")
    add_recipient("alpha", user="ALPHA")
    give(beta, announce("u1", "2026-12-01T02:00", gateway="GW-B1"))
    give(alpha, announce("u1", "2026-12-01T02:00"))
    run()
    (letter,) = letters.kept
    assert [kind for _, _, kind, _, _ in letters.take()] == ["late", "new", "receipt"]
    assert "BETA" not in letter.text + letter.subject + letter.payload.decode()


def test_without_a_mail_server_it_waits_and_says_why(
    register, store, publisher, alpha, announce, give, add_recipient, clock
):
    add_recipient("dcc", "new")
    give(alpha, announce("u1", "2027-12-01T02:00"))
    assert deliver(register, open_post_office(publisher, Outbound(), None), clock) == Sent(0, 1)
    (found,) = recipients.list_messages(store, (MessageState.WAITING,))
    assert found.message.fault == "CLOSURES_SMTP_URL is not set"


def test_two_schedulers_send_once(register, store, alpha, announce, give, add_recipient, letters, office, clock):
    """Both see the same message; the one whose claim finds it changed leaves it."""
    add_recipient("dcc", "new")
    give(alpha, announce("u1", "2027-12-01T02:00"))
    outbox_at_work.make_messages(register, NOW)
    (seen,) = outbox_at_work.due_messages(register, NOW, 10)
    assert deliver(register, office, clock) == Sent(1, 0)
    assert outbox_at_work.claim_message(register, seen, NOW) is None


def test_what_was_settled_long_ago_is_forgotten(register, store, alpha, announce, give, add_recipient, clock, run):
    add_recipient("dcc", "new")
    give(alpha, announce("u1", "2029-12-01T02:00"))
    run()
    keep_house(register, NOW + timedelta(days=399))
    assert (count(store, outbox_tables.messages), count(store, outbox_tables.notifications)) == (1, 1)
    keep_house(register, NOW + timedelta(days=401))
    assert (count(store, outbox_tables.messages), count(store, outbox_tables.notifications)) == (0, 0)
