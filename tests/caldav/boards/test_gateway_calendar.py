"""A PUT is a notice and a DELETE a withdrawal: what stands in a collection and what the register says are one."""

import json
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from app.caldav.backend import Condition, ObjectRefused, Stale, TokenUnknown
from app.domain.closure import Step
from app.domain.notice import Channel
from app.domain.window import ClosureWindow
from app.jobs.sweep import sweep
from app.register.reading import Question, find_history, read_schedule
from app.register.retention import purge_expired
from app.register.verification import verify_record
from app.register.withdraw import withdraw_closure
from app.store import notices, tables

ABSENT = Condition(none_match=frozenset("*"))
WEEKLY = "RRULE:FREQ=WEEKLY;COUNT=4"
LATER = ("20270214T020000Z", "20270214T060000Z")


@pytest.fixture
def planned(register, dcc):
    """Return a function that tells what the register says: (gateway, start, state, number) of every closure."""

    def tell():
        span = ClosureWindow(datetime(2020, 1, 1, tzinfo=UTC), datetime(2035, 1, 1, tzinfo=UTC))
        found = read_schedule(register, dcc, Question(span))
        return [
            (closure.gateway, f"{closure.window.starts:%m%dT%H}", closure.state.value, closure.number)
            for closure in found
        ]

    return tell


def refused(precondition):
    return pytest.raises(ObjectRefused, match=f"^{precondition}$")


def test_a_put_is_a_notice_with_its_revision_and_receipt(register, dcc, first, event, planned):
    octets = event("u1", stamp="20261101T090000Z")
    stored = first.put("a b.ics", octets, ABSENT)
    member = first.member("a b.ics")
    (ack,) = json.loads(member.receipt)["accepted"]
    assert (stored.created, stored.is_as_sent, stored.entry, member.octets) == (True, True, member.entry, octets)
    assert (member.uid, member.entry.length, ack["gateway"], ack["short_notice"]) == ("u1", len(octets), "GW-A1", False)
    assert planned() == [("GW-A1", "0207T02", "planned", 1)]
    ((revision, _),) = find_history(register, dcc, ack["reference"])
    assert (revision.channel, revision.given_by, revision.step) == ("caldav", "a phone", Step.FIRST)
    line = json.loads(stored.receipt)
    assert (line["reference"], line["closures"], line["changed"], line["band"]) == (ack["reference"], 1, 1, ">=20")
    assert verify_record(register).faults == ()


def test_an_event_dragged_to_another_day_is_a_moved_closure(first, event, planned, clock):
    first.put("a.ics", event("u1"), ABSENT)
    clock.now = datetime(2027, 2, 3, 9, tzinfo=UTC)
    stored = first.put("a.ics", event("u1", *LATER))
    line = json.loads(stored.receipt)
    assert (stored.created, line["change"], line["revision"], line["short_notice"]) == (False, "moved", 2, True)
    assert planned() == [("GW-A1", "0214T02", "planned", 2)]


def test_what_a_client_puts_back_stands_whatever_its_marks_say(first, event, planned):
    first.put("a.ics", event("u1", *LATER, "SEQUENCE:7", stamp="20261120T090000Z"))
    first.put("a.ics", event("u1", stamp="20261101T090000Z"))
    assert planned() == [("GW-A1", "0207T02", "planned", 2)]


def test_an_older_upload_is_still_superseded(first, event, planned, alpha, announce, give):
    first.put("a.ics", event("u1", *LATER, "SEQUENCE:7"))
    outcome = give(alpha, announce("u1", "2027-02-21T02:00", sender_sequence=3))
    assert (len(outcome.superseded), planned()) == (1, [("GW-A1", "0214T02", "planned", 1)])


def test_an_upload_newer_than_the_object_that_was_put_back_is_applied(first, event, planned, alpha, announce, give):
    first.put("a.ics", event("u1", *LATER, "SEQUENCE:7"))
    first.put("a.ics", event("u1", "20270207T020000Z", "20270207T060000Z", "SEQUENCE:2"))
    give(alpha, announce("u1", "2027-02-21T02:00", sender_sequence=3))
    assert planned() == [("GW-A1", "0221T02", "planned", 3)]


def test_the_same_octets_again_change_no_tag_no_token_and_no_revision(first, event, planned):
    octets = event("u1")
    one, token = first.put("a.ics", octets), first.newest
    again = first.put("a.ics", octets)
    assert (again.entry, again.created, first.newest) == (one.entry, False, token)
    assert json.loads(again.receipt)["changed"] == 0
    assert planned() == [("GW-A1", "0207T02", "planned", 1)]


def test_what_was_withdrawn_elsewhere_stays_so_until_its_client_has_seen_it(
    first, event, planned, alpha, announce, give
):
    octets = event("u1")
    first.put("a.ics", octets)
    give(alpha, announce("u1", "2027-02-07T02:00", withdrawn=True, sender_sequence=1))
    cancelled = first.member("a.ics")
    assert b"STATUS:CANCELLED\r\nSEQUENCE:1\r\n" in cancelled.octets
    with pytest.raises(Stale):
        first.put("a.ics", octets)  # an old copy without any condition: its SEQUENCE lies below ours
    assert planned() == [("GW-A1", "0207T02", "withdrawn", 2)]
    first.put("a.ics", octets, Condition(match=frozenset({cancelled.entry.etag})))
    assert planned() == [("GW-A1", "0207T02", "planned", 3)]
    assert json.loads(first.member("a.ics").receipt)["accepted"][0]["change"] == "planned again"


def test_a_deletion_withdraws_and_a_put_of_the_uid_plans_it_again(first, event, planned):
    first.put("a.ics", event("u1"))
    assert (first.delete("a.ics"), first.names(), first.delete("a.ics")) == (True, [], False)
    assert planned() == [("GW-A1", "0207T02", "withdrawn", 2)]
    stored = first.put("a.ics", event("u1", *LATER), ABSENT)
    assert (stored.created, planned()) == (True, [("GW-A1", "0214T02", "planned", 3)])


def test_a_uid_may_come_back_under_another_name(first, event, planned):
    first.put("a.ics", event("u1"))
    first.delete("a.ics")
    first.put("b.ics", event("u1"))
    assert (first.names(), planned()) == (["b.ics"], [("GW-A1", "0207T02", "planned", 3)])


def test_a_past_window_loses_only_its_member(register, first, event, planned, clock):
    first.put("a.ics", event("u1"))
    clock.now = datetime(2027, 2, 7, 3, tzinfo=UTC)  # it has started
    first.delete("a.ics")
    assert (first.names(), planned()) == ([], [("GW-A1", "0207T02", "planned", 1)])


def test_a_move_between_gateways_is_one_closure(first, second, event, planned):
    octets = event("u1")
    first.put("a.ics", octets)
    moved = first.move("a.ics", second, "b.ics")
    assert (first.names(), second.names(), second.member("b.ics").octets) == ([], ["b.ics"], octets)
    assert (moved.created, planned()) == (True, [("GW-A2", "0207T02", "planned", 2)])


def test_a_copy_at_another_gateway_is_a_closure_of_its_own(first, second, event, planned):
    octets = event("u1")
    first.put("a.ics", octets)
    assert second.put("a.ics", octets, ABSENT).also_at == ("GW-A1",)
    first.delete("a.ics")
    assert (first.names(), second.names()) == ([], ["a.ics"])
    assert sorted(planned()) == [("GW-A1", "0207T02", "withdrawn", 2), ("GW-A2", "0207T02", "planned", 1)]


def test_expiry_and_purge_change_nothing_of_a_member(register, first, event, clock):
    first.put("a.ics", event("u1"))
    before, token = first.member("a.ics"), first.newest
    clock.now = datetime(2027, 3, 1, tzinfo=UTC)
    sweep(register, clock.now)
    clock.now = datetime(2028, 3, 1, tzinfo=UTC)
    assert purge_expired(register, clock.now).notices == 1
    assert (first.member("a.ics"), first.newest) == (before, token)


def test_an_expired_closure_may_still_be_changed(register, first, event, planned, clock):
    first.put("a.ics", event("u1"))
    clock.now = datetime(2027, 2, 8, tzinfo=UTC)
    sweep(register, clock.now)
    first.put("a.ics", event("u1", "20270207T020000Z", "20270207T080000Z"))
    assert planned() == [("GW-A1", "0207T02", "planned", 2)]


def test_a_condition_that_does_not_hold_records_nothing(register, first, event, store):
    one = first.put("a.ics", event("u1")).entry
    two = first.put("a.ics", event("u1", *LATER), Condition(match=frozenset({one.etag}))).entry
    before = verify_record(register).size
    for condition in (Condition(match=frozenset({one.etag})), ABSENT):
        with pytest.raises(Stale) as stale:
            first.put("a.ics", event("u1"), condition)
        assert stale.value.entry == two
    with pytest.raises(Stale):
        first.delete("a.ics", Condition(match=frozenset({one.etag})))
    with pytest.raises(Stale) as gone:
        first.put("b.ics", event("u2"), Condition(match=frozenset("*")))
    assert (gone.value.entry, verify_record(register).size) == (None, before)


def test_a_uid_stands_in_one_member_and_a_member_keeps_its_uid(first, event):
    first.put("a.ics", event("u1"))
    with refused("no-uid-conflict") as taken:
        first.put("b.ics", event("u1"))
    with refused("no-uid-conflict") as changed:
        first.put("a.ics", event("u2"))
    assert (taken.value.href_name, changed.value.href_name, first.names()) == ("a.ics", "a.ics", ["a.ics"])


# A rule that goes on longer is taken as far as it is near; dates given one by one cannot be.
MANY_DATES = "\r\n".join(
    f"RDATE:{','.join(f'2027{month:02}{day:02}T{hour:02}0000Z' for day in range(1, 21) for hour in range(8, 18))}"
    for month in (3, 4, 5)
)


@pytest.mark.parametrize(
    ("times", "precondition"),
    [
        (("20470101T000000Z", "20470101T010000Z"), "max-date-time"),
        (("19800101T000000Z", "19800101T010000Z"), "min-date-time"),
        (("20270207T020000Z", "20270207T010000Z"), "valid-calendar-data"),
        (("20270207T020000Z", "20270207T060000Z", MANY_DATES), "max-instances"),
        (("20270207T020000Z", "20270207T060000Z", "RRULE:FREQ=SECONDLY"), "valid-calendar-data"),
    ],
)
def test_what_intake_cannot_take_is_refused_with_a_remedy_and_kept(register, store, first, event, times, precondition):
    octets = event("u1", *times)
    with refused(precondition) as found:
        first.put("a.ics", octets)
    assert (first.names(), found.value.text.startswith("Line "), found.value.text.count(".") >= 2) == ([], True, True)
    with store.reading() as connection:
        (row,) = connection.execute(sa.select(tables.notices))
        kept = notices.read_notice(store, connection, row.id, "ALPHA")
    assert (kept.octets, kept.channel) == (octets, Channel.CALDAV)
    assert verify_record(register).faults == ()


def test_a_window_that_nobody_can_confirm_here_is_taken_with_a_remark(first, event):
    first.put("a.ics", event("u1", "20270207T020000Z", "20280207T020000Z"))
    (ack,) = json.loads(first.member("a.ics").receipt)["accepted"]
    assert ack["remarks"] == ["This window is longer than 31 days: check that it is meant."]


def test_octets_that_are_no_calendar_or_too_many_are_refused_and_kept(first, store):
    with refused("valid-calendar-data"):
        first.put("a.ics", b"hello")
    with refused("max-resource-size"):
        first.put("a.ics", b"x" * 1_000_001)
    first.board.refuse(first.collection, b"what the protocol refused")
    with store.reading() as connection:
        assert len(connection.execute(sa.select(tables.notices)).all()) == 3


def test_a_series_is_stated_whole_by_its_member(first, calendar, lines, planned):
    master = lines("s", "20270207T020000Z", "20270207T060000Z", WEEKLY)
    first.put("s.ics", calendar(master))
    assert [state for _, _, state, _ in planned()] == ["planned"] * 4
    moved = lines("s", "20270215T020000Z", "20270215T060000Z", "RECURRENCE-ID:20270214T020000Z")
    first.put("s.ics", calendar(master, moved))
    assert planned()[1] == ("GW-A1", "0215T02", "planned", 2)
    # One occurrence alone, without its rule: the others are no longer there.
    first.put("s.ics", calendar(moved))
    assert [(start, state) for _, start, state, _ in planned()] == [
        ("0207T02", "withdrawn"), ("0215T02", "planned"), ("0221T02", "withdrawn"), ("0228T02", "withdrawn"),
    ]  # fmt: skip
    assert first.member("s.ics").instances[0].recurrence_id == "20270214T020000Z"


def test_a_deletion_in_the_midst_of_a_series_withdraws_what_is_ahead(first, event, planned, clock):
    first.put("s.ics", event("s", "20270207T020000Z", "20270207T060000Z", WEEKLY))
    clock.now = datetime(2027, 2, 16, tzinfo=UTC)
    first.delete("s.ics")
    assert [state for _, _, state, _ in planned()] == ["planned", "planned", "withdrawn", "withdrawn"]


def test_a_rule_without_end_goes_on_until_it_is_deleted(register, first, second, event, planned, clock):
    from app.jobs.horizon import extend_horizon

    octets = event("s", "20270207T020000Z", "20270207T060000Z", "RRULE:FREQ=MONTHLY")
    first.put("s.ics", octets)
    assert first.member("s.ics").complete_until == clock.now + timedelta(days=548)
    second.put("s.ics", octets)
    first.delete("s.ics")  # the rule is the other collection's by now
    clock.now = datetime(2027, 9, 1, tzinfo=UTC)
    assert extend_horizon(register, clock.now) > 0
    second.delete("s.ics")
    clock.now = datetime(2028, 9, 1, tzinfo=UTC)
    assert extend_horizon(register, clock.now) == 0
    assert {state for _, start, state, _ in planned() if start > "09"} == {"withdrawn"}


def test_a_series_put_with_all_its_occurrences_excluded_withdraws_them(first, event, planned):
    rule = "RRULE:FREQ=WEEKLY;COUNT=2"
    first.put("s.ics", event("s", "20270207T020000Z", "20270207T060000Z", rule))
    first.put(
        "s.ics", event("s", "20270207T020000Z", "20270207T060000Z", rule, "EXDATE:20270207T020000Z,20270214T020000Z")
    )
    assert [state for _, _, state, _ in planned()] == ["withdrawn", "withdrawn"]
    assert first.names() == ["s.ics"]


def test_later_occurrences_changed_together_are_put_and_one_is_withdrawn_elsewhere(
    first, register, dcc, event, planned, clock
):
    series = event("s", "20270207T020000Z", "20270207T060000Z", "RRULE:FREQ=WEEKLY;COUNT=3")
    later = event("s", "20270214T030000Z", "20270214T060000Z", "RECURRENCE-ID;RANGE=THISANDFUTURE:20270214T020000Z")
    body = later[later.index(b"BEGIN:VEVENT") : later.index(b"END:VCALENDAR")]
    first.put("s.ics", series.replace(b"END:VCALENDAR", body + b"END:VCALENDAR"))
    assert [start for _, start, _, _ in planned()] == ["0207T02", "0214T03", "0221T03"]
    span = ClosureWindow(datetime(2027, 2, 14, tzinfo=UTC), datetime(2027, 2, 15, tzinfo=UTC))
    (second,) = read_schedule(register, dcc, Question(span))
    withdraw_closure(register, dcc, second.reference, channel=Channel.API, now=clock.now)
    assert [(start, state) for _, start, state, _ in planned()] == [
        ("0207T02", "planned"), ("0214T03", "withdrawn"), ("0221T03", "planned"),
    ]  # fmt: skip
    # No line of the change of all later ones is of one of them alone: the member is written anew, in plain events.
    assert b"RANGE" not in first.member("s.ics").octets
    assert [f"{when.starts:%m%dT%H}" for when in first.member("s.ics").instances] == ["0207T02", "0214T03", "0221T03"]


def test_a_cancelled_event_is_a_member_and_a_withdrawal(first, event, planned):
    first.put("a.ics", event("u1"))
    first.put("a.ics", event("u1", "20270207T020000Z", "20270207T060000Z", "STATUS:CANCELLED"))
    assert (first.names(), planned()) == (["a.ics"], [("GW-A1", "0207T02", "withdrawn", 2)])
    assert len(first.member("a.ics").instances) == 1
    first.put("never.ics", event("u2", "20270207T020000Z", "20270207T060000Z", "STATUS:CANCELLED"))
    assert (first.names(), len(planned())) == (["a.ics", "never.ics"], 1)


def test_changes_tell_what_is_new_and_what_is_gone(first, event):
    empty = first.newest
    first.put("a.ics", event("u1"))
    first.put("b.ics", event("u2"))
    both = first.changes()
    assert ([entry.name for entry in both.changed], both.gone, both.token) == (
        ["a.ics", "b.ics"],
        [],
        first.newest,
    )
    first.delete("a.ics")
    since = first.changes(both.token)
    assert (since.changed, since.gone, since.token) == ([], ["a.ics"], first.newest)
    # A first fetch names nothing that is gone; whoever saw the collection empty may hold by now what is.
    for token, gone in (("", []), (empty, ["a.ics"])):
        assert ([entry.name for entry in first.changes(token).changed], first.changes(token).gone) == (["b.ics"], gone)
    assert first.changes(since.token).changed == first.changes(since.token).gone == []


@pytest.mark.parametrize("most", [1, 2, 3, 4, 5])
def test_no_limit_passes_over_a_change(first, event, most):
    for number in range(7):
        first.put(f"{number}.ics", event(f"u{number}"))
    first.delete("3.ics")
    seen, token = [], ""
    while True:
        page = first.changes(token, most)
        assert len(page.changed) + len(page.gone) <= most
        seen += [entry.name for entry in page.changed]
        token = page.token
        if not page.is_cut:
            break
    assert (sorted(seen), token) == (["0.ics", "1.ics", "2.ics", "4.ics", "5.ics", "6.ics"], first.newest)


def test_a_token_is_of_its_collection_alone(first, second, event):
    first.put("a.ics", event("u1"))
    unchanged = second.newest
    second.put("b.ics", event("u2"))
    token = second.newest
    assert (first.newest != token, unchanged) == (True, "0")
    for bad in (token, "9999-abc", "-1", "x", "1", "١-aa", "9" * 30):
        with pytest.raises(TokenUnknown):
            first.changes(bad)
    first.put("c.ics", event("u3"))
    assert second.newest == token  # what happens elsewhere is not a change here


def test_touching_finds_occurrences_by_their_weeks(first, calendar, lines, event):
    first.put("one.ics", event("u1"))
    first.put("far.ics", event("u2", "20270607T020000Z", "20270607T060000Z"))
    first.put("on.ics", event("u3", "20270101T020000Z", "20270101T060000Z", "RRULE:FREQ=YEARLY"))
    starts, ends = datetime(2027, 2, 6, tzinfo=UTC), datetime(2027, 2, 8, tzinfo=UTC)
    found = first.board.touching(first.collection, starts, ends)
    assert sorted(member.entry.name for member in found) == [
        "on.ics",
        "one.ics",
    ]  # a rule that goes on is always looked at
    for open_ended in ((None, ends), (starts, None), (None, None), (starts, starts.replace(year=2050))):
        found = first.board.touching(first.collection, *open_ended)
        assert sorted(member.entry.name for member in found) == ["far.ics", "on.ics", "one.ics"]
    first.put("one.ics", event("u1", "20270607T020000Z", "20270607T060000Z"))
    assert [member.entry.name for member in first.board.touching(first.collection, starts, ends)] == ["on.ics"]


def test_what_a_principal_sets_on_a_place_is_its_own(first, client, enrolled):
    beta = client(enrolled("BETA", "GW-A1"), "GW-A1")
    first.board.set_properties("/p/", {"{x}a": "<a/>", "{x}b": "<b/>"})
    first.board.set_properties("/p/", {"{x}a": None, "{x}b": "<b>2</b>", "{x}c": None})
    assert first.board.properties("/p/") == {"{x}b": "<b>2</b>"}
    assert (first.board.properties("/q/"), beta.board.properties("/p/")) == ({}, {})


def test_another_users_collections_are_not_there(first, client, enrolled, event):
    first.put("a.ics", event("u1"))
    beta = client(enrolled("BETA", "GW-A1", "GW-B1"), "GW-A1")
    board = beta.board
    assert (board.collection("ALPHA", "GW-A1"), board.collection("BETA", "GW-A2"), board.collections("ALPHA")) == (
        None, None, [],
    )  # fmt: skip
    assert (board.principal("ALPHA"), [principal.code for principal in board.principals()]) == (None, ["BETA"])
    # The shared gateway is a collection of each User; the same name and UID in it are two members of two closures.
    assert (beta.names(), beta.member("a.ics")) == ([], None)
    beta.put("a.ics", event("u1", *LATER), ABSENT)
    assert (first.member("a.ics").octets, beta.member("a.ics").octets) == (event("u1"), event("u1", *LATER))
    assert [collection.name for collection in board.collections("beta")] == ["GW-A1", "GW-B1"]
    assert beta.collection.resource_id != first.collection.resource_id
