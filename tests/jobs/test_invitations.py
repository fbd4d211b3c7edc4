"""Invitations by mail, through a real mail server: a calendar that takes them shows what the feeds do."""

import email
import email.policy
import random
from datetime import timedelta

import icalendar
import pytest
import sqlalchemy as sa

from app.domain.access import Principal, Role
from app.domain.fact import FactKind, ToldFact
from app.domain.notice import Channel
from app.domain.notification import Kind
from app.domain.refusal import StoreBusy
from app.jobs.letter import Letter, NotDelivered
from app.jobs.mail import read_mail_server, send_mail
from app.jobs.notify import Sent, deliver
from app.jobs.post_office import PostOffice, open_post_office
from app.jobs.sweep import sweep
from app.pulling.http_client import Outbound
from app.register.closure_json import entry_of
from app.register.messages import leaving, recipients
from app.register.messages.recipients import RecipientRefused
from app.register.people.enrolment import shred_user
from app.register.reading import read_everything, read_names
from app.register.tell_fact import tell_fact
from app.store import outbox, outbox_tables
from app.store.outbox import MessageState
from app.store.recipients import Carrier
from feeds.entry import Publisher
from feeds.invitation import Invitation, invitation_of
from tests.jobs.conftest import NOW

DCC = Principal("dcc", Role.DCC)
DESK = "desk@dcc.example"


@pytest.fixture
def box(mail_server):
    """(the mailbox of a mail server, its URL)."""
    found, port = mail_server()
    return found, f"smtp://localhost:{port}"


@pytest.fixture
def run(register, publisher, clock, box):
    """Return a function that does what the scheduler does, and gives what then came: parsed mails."""
    office = open_post_office(publisher, Outbound(), box[1])

    def once():
        sweep(register, clock())
        deliver(register, office, clock)
        found = [email.message_from_bytes(octets, policy=email.policy.default) for _, _, octets in box[0].mails]
        box[0].mails.clear()
        return found

    return once


@pytest.fixture
def invite(add_recipient):
    """Return a function that adds a mailbox to invite."""
    return lambda **more: add_recipient("desk", carrier=Carrier.INVITATION, address=DESK, **more)


@pytest.fixture
def expected(register, publisher):
    """Return a function that renders the invitation to a closure as it stands."""

    def make(reference, recipient):
        (closure,) = [one for one in read_everything(register, DCC) if one.reference == reference]
        return invitation_of(entry_of(closure, read_names(register)), recipient.address, recipient.id, publisher)

    return make


def octets_of(mail):
    """The iTIP message in a mail."""
    return mail.get_payload()[1].get_payload(decode=True)


def told(mails):
    """(METHOD, SEQUENCE, DTSTART) of each."""
    found = []
    for mail in mails:
        calendar = icalendar.Calendar.from_ical(octets_of(mail))
        (event,) = calendar.events
        found.append((str(calendar["METHOD"]), event["SEQUENCE"], f"{event.start:%Y-%m-%dT%H:%M}"))
    return found


def test_a_closure_from_first_notice_to_withdrawal(alpha, announce, give, invite, run, clock, expected, store):
    desk = invite()
    reference = give(alpha, announce("u1", "2027-02-07T02:00")).accepted[0].closure.reference
    made, mails = [expected(reference, desk)], run()
    give(alpha, announce("u1", "2027-02-14T02:00"), at=clock.forward(minutes=1))
    made, mails = [*made, expected(reference, desk)], [*mails, *run()]
    give(alpha, announce("u1", "2027-02-14T02:00", withdrawn=True), at=clock.forward(minutes=1))
    made, mails = [*made, expected(reference, desk)], [*mails, *run()]
    assert told(mails) == [
        ("REQUEST", 1, "2027-02-07T02:00"), ("REQUEST", 2, "2027-02-14T02:00"), ("CANCEL", 3, "2027-02-14T02:00"),
    ]  # fmt: skip
    assert [octets_of(mail) for mail in mails] == [one.calendar for one in made]
    messages = recipients.list_messages(store, [MessageState.SENT])
    ids = [f"<{one.message.id.hex()}@closures.example>" for one in reversed(messages)]
    link = leaving.leave_address(store, desk, "https://closures.example")
    assert link.startswith(f"https://closures.example/leave/{desk.id}.")
    for minute, (mail, invitation, message_id) in enumerate(zip(mails, made, ids, strict=True)):
        assert {name: str(value) for name, value in mail.items() if name != "Content-Type"} == {
            "From": "Closure notices <notices@closures.example>",
            "To": DESK,
            "Subject": f"GW-A1 closed (Alpha Energy), {reference}",
            "Date": f"Tue, 24 Nov 2026 09:0{minute}:00 +0000",
            "Message-ID": message_id,
            "Auto-Submitted": "auto-generated",
            "X-Auto-Response-Suppress": "DR, RN, NRN, OOF, AutoReply",
            "List-Unsubscribe": f"<{link}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
            "References": f"<{reference.lower()}.{desk.id}@closures.example>",
            "In-Reply-To": f"<{reference.lower()}.{desk.id}@closures.example>",
            "MIME-Version": "1.0",
        }
        text, calendar = mail.iter_parts()
        assert mail.get_content_type() == "multipart/alternative"
        assert text.get_content().replace("\r\n", "\n") == invitation.text
        assert calendar["Content-Type"].content_type == "text/calendar"
        assert dict(calendar["Content-Type"].params) == {
            "charset": "utf-8", "method": invitation.method, "component": "VEVENT",
        }  # fmt: skip


def test_each_closure_has_a_mail_of_its_own_at_the_hour_of_a_digest_too(alpha, announce, give, invite, run, clock):
    invite(digest=8)
    give(alpha, *(announce(f"u{number}", f"2027-02-0{number}T02:00") for number in range(1, 6)))
    give(alpha, announce("u3", "2027-03-03T02:00"), at=clock.forward(minutes=1))
    assert run() == []
    clock.forward(hours=23)
    assert sorted(told(run())) == [
        ("REQUEST", 1, "2027-02-01T02:00"), ("REQUEST", 1, "2027-02-02T02:00"), ("REQUEST", 1, "2027-02-04T02:00"),
        ("REQUEST", 1, "2027-02-05T02:00"), ("REQUEST", 2, "2027-03-03T02:00"),
    ]  # fmt: skip


def test_a_new_mailbox_begins_with_what_is_planned_or_open(alpha, enrolled, announce, give, invite, run, clock, store):
    beta = enrolled("BETA", "GW-B1")
    starts = {
        "over": "2026-11-24T01:00",
        "open": "2026-11-24T08:00",
        "ahead": "2027-02-07T02:00",
        "off": "2027-02-08T02:00",
    }
    for uid, start in starts.items():
        give(alpha, announce(uid, start))
    give(beta, announce("u1", "2027-02-09T02:00", gateway="GW-B1"))
    give(alpha, announce("off", starts["off"], withdrawn=True), at=clock.forward(seconds=1))
    run()
    give(alpha, announce("over, and not noted yet", "2026-11-24T04:58"), at=clock())
    own = invite(user="ALPHA")
    assert [(one.recipient, one.count) for one in recipients.list_gatherings(store)] == [(own, 2)]
    assert sorted(told(run())) == [("REQUEST", 1, starts["open"]), ("REQUEST", 1, starts["ahead"])]
    give(alpha, announce("ahead", "2027-02-08T02:00"), at=clock.forward(minutes=1))
    give(beta, announce("u1", "2027-02-19T02:00", gateway="GW-B1"), at=clock.forward(minutes=1))
    assert told(run()) == [("REQUEST", 2, "2027-02-08T02:00")]
    assert own.kinds == {Kind.REVISION}


def test_who_is_added_is_told_what_stands_in_the_same_transaction(store, alpha, announce, give, invite, monkeypatch):
    give(alpha, announce("u1", "2027-02-07T02:00"))
    whole = outbox.insert_notifications

    def fails(*given):
        whole(*given)
        raise StoreBusy("The database is busy.", "")

    monkeypatch.setattr(outbox, "insert_notifications", fails)
    with pytest.raises(StoreBusy):
        invite()
    with store.reading() as connection:
        waiting = connection.execute(sa.select(sa.func.count()).select_from(outbox_tables.notifications)).scalar_one()
    assert (recipients.list_recipients(store), waiting) == ([], 0)


def test_what_was_told_as_it_happened_is_a_request_where_it_changes_the_end(
    register, alpha, announce, give, invite, run, clock
):
    before = give(alpha, announce("u0", "2026-11-24T04:00")).accepted[0].closure.reference
    invite()
    late = ToldFact(FactKind.REOPENED, NOW - timedelta(hours=1))  # just as planned, of what no calendar was told of
    tell_fact(register, DCC, before, late, channel=Channel.API, now=NOW)
    reference = give(alpha, announce("u1", "2026-11-24T08:00")).accepted[0].closure.reference
    assert told(run()) == [("REQUEST", 1, "2026-11-24T08:00")]

    def tell(kind, at):
        tell_fact(register, DCC, reference, ToldFact(kind, at), channel=Channel.API, now=clock.forward(minutes=1))
        return told(run())

    assert tell(FactKind.CLOSED, NOW) == []
    assert tell(FactKind.STILL_CLOSED, NOW + timedelta(hours=5)) == [("REQUEST", 2, "2026-11-24T08:00")]
    clock.forward(hours=5)
    assert tell(FactKind.REOPENED, NOW + timedelta(hours=5)) == []  # just as was told
    assert tell(FactKind.TAKEN_BACK, None) == []
    assert tell(FactKind.REOPENED, NOW + timedelta(hours=4)) == [("REQUEST", 3, "2026-11-24T08:00")]


def test_of_a_day_without_a_mail_server_the_newest_alone_is_told_and_once(
    register, publisher, store, alpha, announce, give, invite, run, clock
):
    invite()
    away = open_post_office(publisher, Outbound(), "smtp://localhost:1")
    for day in range(7, 12):
        give(alpha, announce("u1", f"2027-02-{day:02}T02:00"), at=clock())
        give(alpha, announce(f"stays {day}", f"2027-03-{day:02}T02:00"), at=clock())
        for _ in range(6):
            deliver(register, away, clock)
            clock.forward(minutes=48)
    for _ in range(8):
        clock.forward(minutes=30)
        deliver(register, away, clock)
    assert clock() > NOW + timedelta(hours=24)
    mails = []
    for _ in range(5):
        mails += run()
        clock.forward(hours=1)
    assert sorted(told(mails)) == [
        ("REQUEST", 1, "2027-03-07T02:00"), ("REQUEST", 1, "2027-03-08T02:00"), ("REQUEST", 1, "2027-03-09T02:00"),
        ("REQUEST", 1, "2027-03-10T02:00"), ("REQUEST", 1, "2027-03-11T02:00"), ("REQUEST", 5, "2027-02-11T02:00"),
    ]  # fmt: skip
    states = [one.message.state for one in recipients.list_messages(store, tuple(MessageState))]
    assert (states.count(MessageState.SENT), states.count(MessageState.DROPPED)) == (6, 4)


class Calendar:
    """A calendar program: it takes requests and cancellations, by UID, and passes over what is older (RFC 5546 2.1.5)."""

    def __init__(self):
        self.events = {}
        self.taken = []

    def take(self, mails):
        for mail in mails:
            calendar = icalendar.Calendar.from_ical(octets_of(mail))
            (event,) = calendar.events
            uid, sequence = str(event["UID"]), int(event["SEQUENCE"])
            self.taken.append((uid, sequence))
            known = self.events.get(uid)
            assert known is None or known[0] < sequence, "told twice, or something older"
            state = None if calendar["METHOD"] == "CANCEL" else (event.start, event.end)
            self.events[uid] = (sequence, state)

    def shown(self):
        return {uid: state for uid, (_, state) in self.events.items() if state is not None}


@pytest.mark.parametrize("seed", range(2))
def test_a_calendar_shows_what_stands_whatever_happens_to_the_mail_server(
    seed, register, publisher, alpha, announce, give, invite, run, clock, box
):
    chance, shown = random.Random(seed), Calendar()
    away = open_post_office(publisher, Outbound(), "smtp://localhost:1")
    give(alpha, announce("before", "2027-06-07T02:00"))
    invite()
    for _ in range(40):
        for _ in range(chance.randrange(4)):
            starts = f"2027-0{chance.randrange(1, 9)}-0{chance.randrange(1, 9)}T02:00"
            uid, off = f"u{chance.randrange(6)}", chance.random() < 0.3
            give(alpha, announce(uid, starts, withdrawn=off), at=clock())
            clock.forward(seconds=chance.choice((0, 1, 90)))
        match chance.choice(("works", "works", "away", "refuses")):
            case "works":
                shown.take(run())
            case "away":
                deliver(register, away, clock)
            case "refuses":
                box[0].answers = {"DATA": "451 later"}
                assert run() == []
                box[0].answers = {}
        clock.forward(minutes=chance.choice((1, 10, 100)))
    for _ in range(4):
        clock.forward(hours=2)
        shown.take(run())
    stands = {
        f"{one.reference.lower()}@closures.example": (one.window.starts, one.window.ends)
        for one in read_everything(register, DCC)
        if not entry_of(one, read_names(register)).withdrawn
    }
    assert shown.shown() == stands
    assert len(shown.taken) > 10


def test_a_mail_server_that_is_away_is_asked_once_in_a_run_and_holds_up_nobody(
    register, store, publisher, alpha, announce, give, invite, add_recipient, clock, run
):
    invite()
    add_recipient("hook", "new", carrier=Carrier.WEBHOOK, address="https://a.example/1")
    give(alpha, *(announce(f"u{number}", f"2027-02-0{number}T02:00") for number in range(1, 6)))
    asked, hooked = [], []

    def away(letter):
        asked.append(letter)
        raise NotDelivered("the mail server could not be spoken to (TimeoutError)", away=True)

    office = PostOffice(publisher, {Carrier.INVITATION: away, Carrier.WEBHOOK: hooked.append})
    assert deliver(register, office, clock) == Sent(1, 5)
    assert (len(asked), len(hooked)) == (1, 1)
    waiting = [one.message for one in recipients.list_messages(store, [MessageState.WAITING])]
    assert {(one.attempts, one.failures, one.fault) for one in waiting} == {
        (1, 1, "the mail server could not be spoken to (TimeoutError)")
    }
    clock.forward(minutes=1)
    assert len(run()) == 5


def test_kinds_are_not_for_invitations_nor_revisions_for_readers(add_recipient, store):
    with pytest.raises(RecipientRefused, match="no kinds to choose"):
        add_recipient("desk", "new", carrier=Carrier.INVITATION, address=DESK)
    with pytest.raises(RecipientRefused, match="no kinds to choose"):
        add_recipient("desk", "revision")
    assert recipients.list_recipients(store) == []


def test_whose_user_is_shredded_hears_nothing_more(store, alpha, enrolled, announce, give, invite, run):
    beta = enrolled("BETA", "GW-B1")
    give(alpha, announce("u1", "2027-02-07T02:00"))
    give(beta, announce("u1", "2027-02-09T02:00", gateway="GW-B1"))
    invite()
    shred_user(store, "BETA", NOW)
    assert told(run()) == [("REQUEST", 1, "2027-02-07T02:00")]
    invite()
    assert told(run()) == [("REQUEST", 1, "2027-02-07T02:00")]


def test_a_long_name_breaks_no_header_and_an_attempt_no_octet(mail_server):
    box, port = mail_server()
    publisher = Publisher("N", "notices@closures.example", "https://c.example", "closures." + "long." * 12 + "example")
    made = Invitation("REQUEST", b"BEGIN:VCALENDAR\r\n", "s", "t", "cn-7f3k9qz0ab.0c4x8h2m6q1s5w9z")
    letter = Letter("0f" * 16, DESK, "", "s", "t\n", b"", NOW, invitation=made)
    for _ in range(2):
        send_mail(read_mail_server(f"smtp://localhost:{port}"), publisher, letter)
    (first, second) = (octets for _, _, octets in box.mails)
    assert first == second
    thread = f"<{made.thread}@{publisher.uid_domain}>".encode()
    assert b"\r\nReferences: " + thread + b"\r\nIn-Reply-To: " + thread + b"\r\n" in first


def test_a_message_that_leaves_late_is_made_then(alpha, announce, give, invite, clock, register, publisher, box, run):
    """What moves between the making of a message and its sending is told as it stands, in one mail."""
    invite()
    give(alpha, announce("u1", "2027-02-07T02:00"))
    assert deliver(register, open_post_office(publisher, Outbound(), "smtp://localhost:1"), clock) == Sent(0, 1)
    give(alpha, announce("u1", "2027-02-08T02:00"), at=clock.forward(minutes=2))
    assert told(run()) == [("REQUEST", 2, "2027-02-08T02:00")]
    assert run() == []
