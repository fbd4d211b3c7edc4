"""Figures of what is stored: right on every machine, and of gateways for a token alone."""

import re
from datetime import timedelta

import pytest
import sqlalchemy as sa

from app.domain.access import Principal, Role
from app.domain.fact import FactKind, ToldFact
from app.domain.notice import Channel
from app.domain.notification import Kind
from app.jobs.failures import note_failure
from app.jobs.sweep import sweep
from app.register.key_rotation import rotate_keys, rotate_root
from app.register.messages import recipients
from app.register.messages.outbox import make_messages
from app.register.messages.silences import read_silencing
from app.register.people import enrolment
from app.register.people.enrolment import issue_token
from app.register.tell_fact import tell_fact
from app.register.told_today import ToldToday
from app.store import runs
from app.store.engine import read_head
from app.store.histories import first_place_since
from app.store.leadership import Leadership
from app.store.recipients import Carrier
from tests.conftest import NOW

DCC = Principal("dcc", Role.DCC)
ELSEWHERE = {"REMOTE_ADDR": "192.0.2.1"}


@pytest.fixture
def scrape(web):
    """Return a function that gives the samples whose names begin so: by what stands before the value."""

    def ask(begins, headers=None, **environ):
        text = web.test_client().get("/metrics", headers=headers, environ_base=environ).text
        lines = [line for line in text.splitlines() if line.startswith(begins)]
        return {name.removeprefix(begins): float(value) for name, _, value in (line.rpartition(" ") for line in lines)}

    return ask


@pytest.fixture
def ops(store):
    return {"Authorization": f"Bearer {issue_token(store, label='prometheus', now=NOW, role=Role.OPS)[1]}"}


def test_gateways_stand_as_they_are_told_else_as_they_are_planned(scrape, ops, register, alpha, announce, give, clock):
    told = give(
        alpha,
        announce("now", "2026-11-24T08:00", hours=2), announce("gone", "2026-11-24T08:30"),
        announce("next", "2026-12-01T02:00", gateway="GW-A2"), announce("later", "2026-12-08T02:00", gateway="GW-A2"),
    ).accepted  # fmt: skip

    def stands():
        clock_now = scrape("closures_gateway_", ops)
        return {re.sub(r'\{gateway="(.*)"\}', r" \1", name): value for name, value in clock_now.items()}

    week = timedelta(days=7).total_seconds()
    until = week - 7 * 3600
    assert stands() == {
        "closed GW-A1": 1, "closed GW-A2": 0, "over_time GW-A1": 0, "over_time GW-A2": 0,
        "next_closing_seconds GW-A2": until,
    }  # fmt: skip
    reference = next(
        one.closure.reference
        for one in told
        if one.closure.window.ends - one.closure.window.starts == timedelta(hours=2)
    )
    tell_fact(register, DCC, reference, ToldFact(FactKind.CLOSED, NOW), channel=Channel.API, now=NOW)
    clock.forward(hours=4)
    assert stands()["over_time GW-A1"] == 1
    assert stands()["closed GW-A1"] == 1
    again = ToldFact(FactKind.REOPENED, clock.now)
    tell_fact(register, DCC, reference, again, channel=Channel.API, now=clock.now)
    assert (stands()["over_time GW-A1"], stands()["closed GW-A1"]) == (0, 0)


def test_gateways_are_named_to_nobody_without_a_token_that_may(scrape, web, ops, credentials, alpha, announce, give):
    """Loopback is every account of the machine, and every container beside."""
    give(alpha, announce("now", "2026-11-24T08:00"))
    assert scrape("closures_gateway_closed", ops, **ELSEWHERE) == {'{gateway="GW-A1"}': 1, '{gateway="GW-A2"}': 0}
    for headers in (None, {"Authorization": "Bearer wrong"}, *credentials):
        answer = web.test_client().get("/metrics", headers=headers)
        assert (answer.status_code, "GW-A" in answer.text, "closures_store_fits 1.0" in answer.text) == (
            200,
            False,
            True,
        )
    statuses = [
        web.test_client().get("/metrics", headers=one, environ_base=ELSEWHERE).status_code for one in credentials
    ]
    assert statuses == [403, 403]


def test_what_waits_is_counted(scrape, register, alpha, announce, give):
    recipients.add_recipient(
        register.store, label="ops", carrier=Carrier.EMAIL, address="ops@example.org", kinds={Kind.NEW},
        digest_hour=None, user_code=None, now=NOW,
    )  # fmt: skip
    give(alpha, announce("u1", "2027-02-07T02:00"))
    assert scrape("closures_outbox_") == {
        'messages{state="waiting"}': 0, 'messages{state="dead"}': 0, "notifications": 1,
    }  # fmt: skip
    make_messages(register, NOW)
    assert scrape("closures_outbox_") == {
        'messages{state="waiting"}': 1, 'messages{state="dead"}': 0, "notifications": 0,
    }  # fmt: skip


def test_jobs_are_told_by_age_and_failures(scrape, register, store, clock):
    sweep(register, NOW)
    for _ in range(2):
        note_failure(store, "_keep_house", NOW)
    note_failure(store, "_a_name_that_is_far_longer_than_a_column", NOW)
    clock.forward(seconds=90)
    assert scrape("closures_job_age_seconds") == {'{job="expire"}': 90, '{job="late-changes"}': 90, '{job="sweep"}': 90}
    assert scrape("closures_job_failures_total") == {'{job="a name that i"}': 1, '{job="housekeeping"}': 2}


def test_how_long_an_alertmanager_is_out_of_step_is_told_by_its_recipient(scrape, store, clock):
    assert scrape("closures_silences_age_seconds") == {}
    address, silencing = read_silencing("https://am.example", 'gateway="{gateway}"', [])
    ids = [
        recipients.add_recipient(
            store, label="ops", carrier=Carrier.ALERTMANAGER, address=address, kinds=(), digest_hour=None,
            user_code=None, now=NOW, silencing=silencing,
        ).recipient.id
        for _ in range(3)
    ]  # fmt: skip
    with store.writing() as connection:
        runs.write_bridge(connection, ids[1], NOW + timedelta(seconds=60), "it answered 500")
        runs.write_bridge(connection, ids[2], NOW, "")
    recipients.remove_recipient(store, ids[2], NOW)
    clock.forward(seconds=90)
    assert scrape("closures_silences_age_seconds") == {f'{{recipient="{ids[0]}"}}': 90, f'{{recipient="{ids[1]}"}}': 30}
    assert scrape("closures_job_age_seconds") == {}


def test_the_machine_and_the_release_are_told(scrape, store):
    folders = ["data", "keys"] if store.engine.dialect.name == "sqlite" else ["keys"]
    room = scrape("closures_disk_free_bytes")
    assert list(room) == [f'{{folder="{folder}"}}' for folder in folders]
    assert min(room.values()) > 0
    assert scrape("closures_build_info") == {'{version="0.1.0"}': 1}
    assert scrape("closures_holiday_table_left_seconds")[""] % 86_400 == 0
    assert (scrape("closures_sources"), scrape("closures_store_")) == (
        {"": 0, "_failing": 0}, {"fits": 1, "takes_writes": 1},
    )  # fmt: skip


def test_each_lead_that_is_taken_counts(scrape, store):
    def epoch():
        return scrape("closures_scheduler_epoch")[""]

    leader, other = Leadership(store), Leadership(store)

    def leads():
        return scrape("closures_scheduler_leads")[""]

    assert (epoch(), leads()) == (0, 0)
    assert (leader.take(), epoch(), leads(), other.take(), epoch()) == (True, 1, 1, False, 1)
    leader.give_up()
    assert (leads(), other.take(), epoch(), leads()) == (0, True, 2, 1)


def test_what_was_told_today_is_counted_by_channel_and_notice(scrape, store, alpha, announce, give, reopen):
    def told():
        found = scrape("closures_told_total")
        pattern = re.compile(r'\{band="(.*)",channel="(.*)"\}')
        return {pattern.fullmatch(name).groups(): count for name, count in found.items()}

    bands = (">=20", "10-19", "5-9", "2-4", "<2", "after start", "after end")
    assert told() == {(band, channel.value): 0 for band in bands for channel in Channel}
    # Of yesterday, recorded today.
    give(alpha, announce("u0", "2027-02-06T02:00"), at=NOW.replace(hour=0) - timedelta(microseconds=1))
    give(alpha, announce("u1", "2027-02-07T02:00"), announce("u2", "2026-11-25T02:00"), at=NOW.replace(hour=0))
    assert {name: count for name, count in told().items() if count} == {(">=20", "api"): 1, ("<2", "api"): 1}
    give(alpha, announce("u1", "2027-02-07T03:00"), announce("u2", "2026-11-25T02:00"))  # moved; said again
    give(alpha, announce("u0", "2027-02-06T02:00", withdrawn=True))
    give(alpha, announce("u3", "2026-11-24T02:00"))
    expected = {(">=20", "api"): 3, ("<2", "api"): 1, ("after end", "api"): 1}
    assert {name: count for name, count in told().items() if count} == expected
    assert dict(ToldToday(reopen().register).count(NOW)) == {name[::-1]: count for name, count in expected.items()}


def test_what_was_told_begins_anew_at_midnight_and_without_a_user_that_is_shredded(
    register, store, alpha, enrolled, announce, give
):
    beta, told = enrolled("BETA", "GW-B1"), ToldToday(register)
    for user, gateway in ((alpha, "GW-A1"), (beta, "GW-B1")):
        give(user, announce("u1", "2027-02-07T02:00", gateway=gateway))
    assert told.count(NOW) == {("api", ">=20"): 2}
    enrolment.shred_user(store, "BETA", NOW)
    assert told.count(NOW) == {("api", ">=20"): 1}
    midnight = NOW.replace(hour=0) + timedelta(days=1)
    assert told.count(midnight) == {}
    give(alpha, announce("u2", "2027-02-08T02:00"), at=midnight)
    assert told.count(midnight) == {("api", ">=20"): 1}
    store.keyring.shred(alpha.id)  # as where another process does, and has not said so in the database yet
    assert ToldToday(register).count(midnight) is None


def test_what_was_told_is_counted_in_steps_and_said_when_it_is_whole(register, store, alpha, announce, give):
    give(alpha, *(announce(f"u{number}", f"2027-02-{number:02}T02:00") for number in range(1, 8)))
    with store.reading() as connection:
        begins, size = first_place_since(connection, NOW), read_head(connection).log_size
    told, steps = ToldToday(register, at_once=3), -(-(size - begins) // 3)
    assert [told.count(NOW) for _ in range(steps + 1)] == [*[None] * (steps - 1), *[{("api", ">=20"): 7}] * 2]
    assert steps > 2


def test_where_an_entry_was_altered_the_other_figures_stand(scrape, store, alpha, announce, give):
    give(alpha, announce("u1", "2027-02-07T02:00"))
    with store.writing() as connection:
        connection.execute(sa.text("UPDATE revisions SET number = 7"))
    assert scrape("closures_told") == {}
    assert (scrape("closures_store_fits"), scrape("closures_changes")) == ({"": 1}, {"": 1})


def test_keys_are_as_old_as_their_last_rotation(scrape, store, clock):
    def age():
        return scrape("closures_keys_age_seconds")[""]

    clock.now = store.now() + timedelta(days=400)  # acts are dated by the machine's own clock
    assert 400 * 86_400 <= age() < 401 * 86_400
    rotate_root(store, None, clock.now)
    clock.forward(seconds=7)
    assert age() == 7
    clock.now = store.now()
    rotate_keys(store, None)
    clock.forward(days=1)
    assert 0 < age() <= 86_400
