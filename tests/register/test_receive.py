"""From announcements to acknowledgements: first notices, moves, withdrawals, series; and what is recorded of them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from app.domain.access import Principal, Role
from app.domain.closure import State, Step
from app.domain.notice import Channel, NoticeContent
from app.domain.refusal import IntakeProblem, Unknown
from app.domain.window import ClosureWindow
from app.register.reading import Question, find_closure, find_history, read_schedule
from app.register.receive import preview_notice
from app.register.verification import verify_record
from app.register.withdraw import withdraw_closure
from app.security.signing import verify_receipt

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
YEAR = ClosureWindow(NOW - timedelta(days=365), NOW + timedelta(days=700))


def test_a_first_notice_is_recorded_and_acknowledged(register, alpha, announce, give, dcc):
    outcome = give(alpha, announce("u1", "2027-02-07T02:00"))
    (ack,) = outcome.accepted
    assert (ack.step, ack.number, ack.late_change, ack.assessment.current_date.working_days) == (
        Step.FIRST,
        1,
        False,
        50,
    )
    assert (outcome.unchanged, outcome.superseded, outcome.withdrawn, outcome.problems) == ((), (), (), ())
    standing = find_closure(register, dcc, ack.reference)
    assert (standing.closure.window, standing.closure.user, standing.closure.gateway) == (ack.window, "ALPHA", "GW-A1")


def test_a_late_notice_is_recorded_like_any_other(alpha, announce, give):
    (ack,) = give(alpha, announce("u1", "2026-11-26T02:00")).accepted
    assert (ack.late_change, ack.assessment.current_date.band) == (True, "<2")


def test_a_move_three_working_days_before_is_a_late_change(register, alpha, announce, give, dcc):
    (first,) = give(alpha, announce("u1", "2027-02-07T02:00")).accepted
    at = first.window.starts - timedelta(days=4)
    (moved,) = give(alpha, announce("u1", "2027-04-11T02:00", sender_sequence=1), at=at).accepted
    assert (moved.reference, moved.step, moved.number, moved.late_change) == (first.reference, Step.MOVED, 2, True)
    assert (moved.assessment.current_date.band, moved.assessment.change.working_days) == (">=20", 2)
    assert moved.moved_from == first.window
    assert find_closure(register, dcc, first.reference).stamped_at == at


def test_the_same_again_says_nothing_new(register, alpha, announce, give):
    give(alpha, announce("u1", "2027-02-07T02:00"))
    outcome = give(alpha, announce("u1", "2027-02-07T02:00", sender_dtstamp=NOW))
    assert (len(outcome.unchanged), outcome.accepted, outcome.unchanged[0].receipt) == (1, (), None)


def test_an_older_notice_that_arrives_late_changes_nothing(register, alpha, announce, give, dcc):
    (first,) = give(alpha, announce("u1", "2027-02-07T02:00", sender_sequence=2)).accepted
    outcome = give(alpha, announce("u1", "2027-02-08T02:00", sender_sequence=1))
    assert (len(outcome.superseded), outcome.accepted) == (1, ())
    standing, history = find_history(register, dcc, first.reference)
    assert (standing.closure.window, standing.closure.number) == (first.window, 1)
    assert [(entry.entry, entry.number, entry.step) for entry in history] == [
        (1, 1, Step.FIRST),
        (2, None, Step.SUPERSEDED),
    ]


def test_a_withdrawal_and_planning_again_keep_the_closure(register, alpha, announce, give, dcc):
    (first,) = give(alpha, announce("u1", "2027-02-07T02:00")).accepted
    (gone,) = give(alpha, replace(announce("u1", "2027-02-07T02:00"), withdrawn=True)).withdrawn
    assert (gone.reference, gone.state, gone.number) == (first.reference, State.WITHDRAWN, 2)
    (again,) = give(alpha, announce("u1", "2027-02-07T02:00")).accepted
    assert (again.reference, again.step, again.number) == (first.reference, Step.PLANNED_AGAIN, 3)


def test_withdrawing_what_nobody_announced_is_a_problem(alpha, announce, give):
    outcome = give(alpha, replace(announce("u9", "2027-02-07T02:00"), withdrawn=True))
    assert ([problem.code for problem in outcome.problems], outcome.withdrawn) == (["nothing-to-withdraw"], ())


def test_the_same_uid_of_another_user_is_another_closure(alpha, enrolled, announce, give):
    beta = enrolled("BETA", "GW-A1")
    (one,) = give(alpha, announce("u1", "2027-02-07T02:00")).accepted
    (other,) = give(beta, announce("u1", "2027-02-07T02:00")).accepted
    assert (one.reference == other.reference, other.step) == (False, Step.FIRST)


def test_a_gateway_change_is_the_same_closure(register, alpha, announce, give, dcc):
    (first,) = give(alpha, announce("u1", "2027-02-07T02:00")).accepted
    (moved,) = give(alpha, announce("u1", "2027-02-07T02:00", gateway="GW-A2")).accepted
    assert (moved.reference, moved.step, moved.gateway) == (first.reference, Step.GATEWAY_CHANGED, "GW-A2")
    assert find_closure(register, dcc, first.reference).closure.former_gateways == ("GW-A1",)


def series(announce, *starts, hours=4, **facts):
    return [
        announce(
            "s", start, hours, recurrence_id=start.replace("-", "").replace(":", "") + "00Z", position=place, **facts
        )
        for place, start in enumerate(starts)
    ]


def test_a_moved_series_keeps_its_closures(alpha, announce, give):
    first = give(alpha, *series(announce, "2027-02-07T02:00", "2027-02-14T02:00"), whole={"s"})
    moved = give(alpha, *series(announce, "2027-02-08T03:00", "2027-02-15T03:00", sender_sequence=1), whole={"s"})
    assert [ack.reference for ack in moved.accepted] == [ack.reference for ack in first.accepted]
    assert ([ack.step for ack in moved.accepted], moved.withdrawn) == ([Step.MOVED, Step.MOVED], ())


def test_an_occurrence_that_vanished_is_withdrawn_unless_it_has_started(alpha, announce, give):
    first = give(alpha, *series(announce, "2026-11-24T08:00", "2027-02-14T02:00", "2027-02-21T02:00"), whole={"s"})
    outcome = give(
        alpha, *series(announce, "2026-11-24T08:00", "2027-02-14T02:00", "2027-02-21T02:00")[1:2], whole={"s"}
    )
    assert [ack.reference for ack in outcome.withdrawn] == [first.accepted[2].reference]
    assert [ack.reference for ack in outcome.unchanged] == [first.accepted[1].reference]


def test_an_override_alone_withdraws_nothing(alpha, announce, give):
    give(alpha, *series(announce, "2027-02-07T02:00", "2027-02-14T02:00"), whole={"s"})
    (changed,) = series(announce, "2027-02-07T02:00", hours=5)
    outcome = give(alpha, changed)
    assert ([ack.step for ack in outcome.accepted], outcome.withdrawn) == ([Step.LENGTHENED], ())


def test_a_single_event_that_begins_to_repeat_is_its_first_occurrence(alpha, announce, give):
    (single,) = give(alpha, announce("s", "2027-02-07T02:00"), whole={"s"}).accepted
    outcome = give(alpha, *series(announce, "2027-02-07T02:00", "2027-02-14T02:00"), whole={"s"})
    assert ([ack.reference for ack in outcome.unchanged], len(outcome.accepted)) == ([single.reference], 1)


def test_the_cancellation_of_a_series_withdraws_what_is_ahead(alpha, announce, give):
    first = give(alpha, *series(announce, "2027-02-07T02:00", "2027-02-14T02:00"), whole={"s"})
    outcome = give(alpha, replace(announce("s", "2027-02-07T02:00"), withdrawn=True, window=None), whole={"s"})
    assert {ack.reference for ack in outcome.withdrawn} == {ack.reference for ack in first.accepted}
    assert outcome.problems == ()


def test_all_or_nothing_leaves_the_notice_and_nothing_else(register, alpha, announce, dcc):
    from app.domain.notice import Notice
    from app.register.receive import receive_notice

    problem = IntakeProblem("No end.", "Add DTEND.", line=3)
    notice = Notice("ALPHA", Channel.API, NOW, "text/calendar", b"kept", "test")
    reading = NoticeContent((announce("u1", "2027-02-07T02:00"),), (problem,), events=2)
    outcome = receive_notice(register, alpha, notice, reading, all_or_nothing=True)
    assert (outcome.recorded, outcome.accepted, outcome.problems) == (False, (), (problem,))
    assert read_schedule(register, dcc, Question(YEAR)) == []
    assert verify_record(register).size == 1


def test_a_preview_says_the_same_and_writes_nothing(register, alpha, announce, give, dcc):
    give(alpha, announce("u1", "2027-02-07T02:00"), announce("u2", "2027-02-08T02:00"))
    before = verify_record(register).size
    reading = NoticeContent((announce("u1", "2027-02-07T03:00"), announce("u3", "2027-03-07T03:00")), (), events=2)
    outcome = preview_notice(register, alpha, NOW, reading)
    assert ([ack.step for ack in outcome.accepted], outcome.recorded) == ([Step.MOVED, Step.FIRST], False)
    assert [ack.window.starts.day for ack in outcome.missing] == [8]
    assert verify_record(register).size == before


def test_missing_closures_are_withdrawn_on_request(alpha, announce, give):
    (first, _) = give(alpha, announce("u1", "2027-02-07T02:00"), announce("u2", "2027-02-08T02:00")).accepted
    outcome = give(alpha, announce("u2", "2027-02-08T02:00"), withdraw_missing=True)
    assert [ack.reference for ack in outcome.withdrawn] == [first.reference]


def test_clashes_with_ones_own_other_gateways_are_named(alpha, enrolled, announce, give):
    give(enrolled("BETA", "GW-B1"), announce("b", "2027-02-07T02:00", gateway="GW-B1"))
    (one,) = give(alpha, announce("u1", "2027-02-07T02:00")).accepted
    (other,) = give(alpha, announce("u2", "2027-02-07T05:00", gateway="GW-A2")).accepted
    (same,) = give(alpha, announce("u3", "2027-02-07T05:00")).accepted
    assert (one.clashes, other.clashes, same.clashes) == ((), (one.reference,), (other.reference,))


def test_every_receipt_verifies_and_names_its_leaf(register, alpha, announce, give):
    outcome = give(alpha, *(announce(f"u{n}", f"2027-02-0{n}T02:00") for n in range(1, 5)))
    receipts = [ack.receipt for ack in outcome.accepted]
    assert [receipt["leaf_index"] for receipt in receipts] == [1, 2, 3, 4]
    assert {receipt["tree_size"] for receipt in receipts} == {5}
    assert all(verify_receipt(register.signing_key.public, receipt) for receipt in receipts)


def test_withdrawing_by_reference(register, alpha, announce, give):
    (first,) = give(alpha, announce("u1", "2027-02-07T02:00")).accepted
    own, other = Principal("a", Role.USER, frozenset({"ALPHA"})), Principal("b", Role.USER, frozenset({"BETA"}))
    with pytest.raises(Unknown):
        withdraw_closure(register, other, first.reference, channel=Channel.API, now=NOW)
    (gone,) = withdraw_closure(register, own, first.reference.lower(), channel=Channel.API, now=NOW).withdrawn
    assert gone.state is State.WITHDRAWN
    assert len(withdraw_closure(register, own, first.reference, channel=Channel.API, now=NOW).unchanged) == 1


def test_a_user_sees_its_own_and_dcc_sees_all(register, alpha, enrolled, announce, give, dcc):
    beta = enrolled("BETA", "GW-B1")
    give(alpha, announce("u1", "2027-02-07T02:00"))
    give(beta, announce("u1", "2027-02-07T02:00", gateway="GW-B1"))
    own = Principal("a", Role.USER, frozenset({"ALPHA"}))
    assert [line.user for line in read_schedule(register, own, Question(YEAR))] == ["ALPHA"]
    assert sorted(line.user for line in read_schedule(register, dcc, Question(YEAR))) == ["ALPHA", "BETA"]
    assert read_schedule(register, dcc, Question(YEAR, user="BETA", gateway="GW-A1")) == []


def test_what_was_known_at_an_earlier_instant(register, alpha, announce, give, dcc):
    (first,) = give(alpha, announce("u1", "2027-02-07T02:00"), at=NOW).accepted
    give(alpha, announce("u1", "2027-03-07T02:00"), at=NOW + timedelta(days=10))

    def known(days):
        asked = read_schedule(register, dcc, Question(YEAR, as_of=NOW + timedelta(days=days)))
        return [(one.reference, one.window.starts.month, one.number) for one in asked]

    assert (known(-1), known(1), known(10)) == ([], [(first.reference, 2, 1)], [(first.reference, 3, 2)])


def test_stamps_rise_even_within_a_second_and_when_the_clock_goes_back(register, alpha, announce, give, dcc):
    (ack,) = give(alpha, announce("u1", "2027-02-07T02:00")).accepted
    stamps = [find_closure(register, dcc, ack.reference).stamped_at]
    for hours, at in ((5, NOW), (6, NOW + timedelta(milliseconds=10)), (7, NOW - timedelta(hours=1))):
        give(alpha, announce("u1", "2027-02-07T02:00", hours), at=at)
        stamps.append(find_closure(register, dcc, ack.reference).stamped_at)
    assert stamps == [NOW + timedelta(seconds=n) for n in range(4)]
