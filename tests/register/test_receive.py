"""From announcements to acknowledgements: first notices, moves, withdrawals, series; and what is recorded of them."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from app.domain.access import Principal, Role
from app.domain.closure import State, Step
from app.domain.notice import Channel, Notice, NoticeContent
from app.domain.refusal import IntakeProblem, Unknown
from app.domain.window import ClosureWindow
from app.register.reading import Question, find_closure, find_history, read_schedule
from app.register.receive import preview_notice, receive_notice
from app.register.verification import verify_record
from app.register.withdraw import withdraw_closure
from app.security.signing import verify_receipt

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
YEAR = ClosureWindow(NOW - timedelta(days=365), NOW + timedelta(days=700))


def test_a_first_notice_is_recorded_and_acknowledged(register, alpha, announce, give, dcc):
    outcome = give(alpha, announce("u1", "2027-02-07T02:00"))
    (ack,) = outcome.accepted
    assert (
        ack.step,
        ack.closure.number,
        ack.closure.verdict.late_change,
        ack.closure.verdict.current_date.working_days,
    ) == (
        Step.FIRST,
        1,
        False,
        50,
    )
    assert (outcome.unchanged, outcome.superseded, outcome.withdrawn, outcome.problems) == ((), (), (), ())
    standing = find_closure(register, dcc, ack.closure.reference)
    assert (standing.window, standing.user, standing.gateway) == (ack.closure.window, "ALPHA", "GW-A1")


def test_a_late_notice_is_recorded_like_any_other(alpha, announce, give):
    (ack,) = give(alpha, announce("u1", "2026-11-26T02:00")).accepted
    assert (ack.closure.verdict.late_change, ack.closure.verdict.current_date.band) == (True, "<2")


def test_a_move_three_working_days_before_is_a_late_change(register, alpha, announce, give, dcc):
    (first,) = give(alpha, announce("u1", "2027-02-07T02:00")).accepted
    at = first.closure.window.starts - timedelta(days=4)
    (moved,) = give(alpha, announce("u1", "2027-04-11T02:00", sender_sequence=1), at=at).accepted
    assert (moved.closure.reference, moved.step, moved.closure.number, moved.closure.verdict.late_change) == (
        first.closure.reference,
        Step.MOVED,
        2,
        True,
    )
    assert (moved.closure.verdict.current_date.band, moved.closure.verdict.change.working_days) == (">=20", 2)
    assert moved.replaced == first.closure.window
    assert find_closure(register, dcc, first.closure.reference).changed_at == at


def test_the_same_again_says_nothing_new(register, alpha, announce, give):
    give(alpha, announce("u1", "2027-02-07T02:00"))
    outcome = give(alpha, announce("u1", "2027-02-07T02:00", sender_dtstamp=NOW))
    assert (len(outcome.unchanged), outcome.accepted, outcome.unchanged[0].receipt) == (1, (), None)


def test_an_older_notice_that_arrives_late_changes_nothing(register, alpha, announce, give, dcc):
    (first,) = give(alpha, announce("u1", "2027-02-07T02:00", sender_sequence=2)).accepted
    outcome = give(alpha, announce("u1", "2027-02-08T02:00", sender_sequence=1))
    assert (len(outcome.superseded), outcome.accepted) == (1, ())
    history = find_history(register, dcc, first.closure.reference)
    assert [(stood.window, stood.number) for _, stood in history] == [(first.closure.window, 1)] * 2
    assert find_closure(register, dcc, first.closure.reference) == history[-1][1]
    assert [(entry.entry, entry.number, entry.step) for entry, _ in history] == [
        (1, 1, Step.FIRST),
        (2, None, Step.SUPERSEDED),
    ]


def test_a_withdrawal_and_planning_again_keep_the_closure(register, alpha, announce, give, dcc):
    (first,) = give(alpha, announce("u1", "2027-02-07T02:00")).accepted
    (gone,) = give(alpha, replace(announce("u1", "2027-02-07T02:00"), withdrawn=True)).withdrawn
    assert (gone.closure.reference, gone.closure.state, gone.closure.number) == (
        first.closure.reference,
        State.WITHDRAWN,
        2,
    )
    (again,) = give(alpha, announce("u1", "2027-02-07T02:00")).accepted
    assert (again.closure.reference, again.step, again.closure.number) == (
        first.closure.reference,
        Step.PLANNED_AGAIN,
        3,
    )


def test_withdrawing_what_nobody_announced_is_a_problem(alpha, announce, give):
    outcome = give(alpha, replace(announce("u9", "2027-02-07T02:00"), withdrawn=True))
    assert ([problem.code for problem in outcome.problems], outcome.withdrawn) == (["nothing-to-withdraw"], ())


def test_the_same_uid_of_another_user_is_another_closure(alpha, enrolled, announce, give):
    beta = enrolled("BETA", "GW-A1")
    (one,) = give(alpha, announce("u1", "2027-02-07T02:00")).accepted
    (other,) = give(beta, announce("u1", "2027-02-07T02:00")).accepted
    assert (one.closure.reference == other.closure.reference, other.step) == (False, Step.FIRST)


def test_the_same_event_at_another_gateway_is_another_closure(register, alpha, announce, give, dcc):
    (first,) = give(alpha, announce("u1", "2027-02-07T02:00")).accepted
    (other,) = give(alpha, announce("u1", "2027-02-07T02:00", gateway="GW-A2")).accepted
    assert (other.step, other.closure.gateway, other.also_at) == (Step.FIRST, "GW-A2", ("GW-A1",))
    standing = find_closure(register, dcc, first.closure.reference)
    assert (standing, standing.gateway, standing.state) == (first.closure, "GW-A1", State.PLANNED)
    (moved,) = give(alpha, announce("u1", "2027-02-08T02:00")).accepted
    assert (moved.closure.reference, moved.step, moved.also_at) == (first.closure.reference, Step.MOVED, ("GW-A2",))
    assert find_closure(register, dcc, other.closure.reference) == other.closure


def test_a_withdrawal_at_one_gateway_leaves_the_same_event_at_another(register, alpha, announce, give, dcc):
    (first,) = give(alpha, announce("u1", "2027-02-07T02:00")).accepted
    (other,) = give(alpha, announce("u1", "2027-02-07T02:00", gateway="GW-A2")).accepted
    (gone,) = give(alpha, announce("u1", "2027-02-07T02:00", withdrawn=True)).withdrawn
    assert (gone.closure.reference, gone.closure.gateway) == (first.closure.reference, "GW-A1")
    assert find_closure(register, dcc, other.closure.reference).state is State.PLANNED


def test_a_withdrawal_that_names_no_gateway_is_one_at_each(alpha, announce, give):
    told = [announce("u1", "2027-02-07T02:00", gateway=gateway) for gateway in ("GW-A1", "GW-A2")]
    first = give(alpha, *told)
    gone = give(alpha, replace(announce("u1", "2027-02-07T02:00", withdrawn=True), gateway="", window=None))
    assert sorted((ack.closure.gateway, ack.closure.reference) for ack in gone.withdrawn) == [
        (ack.closure.gateway, ack.closure.reference) for ack in first.accepted
    ]
    assert gone.problems == ()


def test_a_notice_about_a_closure_changes_its_gateway(register, alpha, announce, give, dcc):
    (first,) = give(alpha, announce("u1", "2027-02-07T02:00")).accepted
    reference = first.closure.reference
    (moved,) = give(alpha, announce("any", "2027-02-07T02:00", gateway="GW-A2"), about=reference).accepted
    assert (moved.closure.reference, moved.step, moved.closure.gateway) == (reference, Step.GATEWAY_CHANGED, "GW-A2")
    assert find_closure(register, dcc, reference).former_gateways == ("GW-A1",)
    # It is known at the new gateway by the name that it had, and no more at the old one.
    assert len(give(alpha, announce("u1", "2027-02-07T02:00", gateway="GW-A2")).unchanged) == 1
    (again,) = give(alpha, announce("u1", "2027-02-07T02:00")).accepted
    assert (again.step, again.closure.reference == reference) == (Step.FIRST, False)


def test_a_change_to_a_gateway_that_knows_the_event_is_a_notice_there_and_a_withdrawal_here(alpha, announce, give):
    (here,) = give(alpha, announce("u1", "2027-02-07T02:00")).accepted
    (there,) = give(alpha, announce("u1", "2027-02-07T02:00", gateway="GW-A2")).accepted
    outcome = give(alpha, announce("u1", "2027-02-08T02:00", gateway="GW-A2"), about=here.closure.reference)
    assert [(ack.closure.reference, ack.step) for ack in outcome.accepted] == [(there.closure.reference, Step.MOVED)]
    assert [ack.closure.reference for ack in outcome.withdrawn] == [here.closure.reference]


def test_a_withdrawal_about_a_closure_is_of_that_one_whatever_gateway_it_names(register, alpha, announce, give, dcc):
    (here,) = give(alpha, announce("u1", "2027-02-07T02:00")).accepted
    (there,) = give(alpha, announce("u1", "2027-02-07T02:00", gateway="GW-A2")).accepted
    said = announce("u1", "2027-02-07T02:00", gateway="GW-A2", withdrawn=True)
    outcome = give(alpha, said, about=here.closure.reference)
    assert [ack.closure.reference for ack in outcome.withdrawn] == [here.closure.reference]
    assert find_closure(register, dcc, there.closure.reference) == there.closure


def test_a_notice_about_what_is_not_there_or_not_ones_own_is_refused(register, alpha, enrolled, announce, give):
    (first,) = give(alpha, announce("u1", "2027-02-07T02:00")).accepted
    beta = enrolled("BETA", "GW-B1")
    before = verify_record(register).size
    for user, reference in ((alpha, "CN-0000000000"), (beta, first.closure.reference)):
        with pytest.raises(Unknown):
            give(user, announce("u1", "2027-02-09T02:00"), about=reference)
    assert verify_record(register).size == before


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
    assert [ack.closure.reference for ack in moved.accepted] == [ack.closure.reference for ack in first.accepted]
    assert ([ack.step for ack in moved.accepted], moved.withdrawn) == ([Step.MOVED, Step.MOVED], ())


def test_an_occurrence_that_vanished_is_withdrawn_unless_it_has_started(alpha, announce, give):
    first = give(alpha, *series(announce, "2026-11-24T08:00", "2027-02-14T02:00", "2027-02-21T02:00"), whole={"s"})
    outcome = give(
        alpha, *series(announce, "2026-11-24T08:00", "2027-02-14T02:00", "2027-02-21T02:00")[1:2], whole={"s"}
    )
    assert [ack.closure.reference for ack in outcome.withdrawn] == [first.accepted[2].closure.reference]
    assert [ack.closure.reference for ack in outcome.unchanged] == [first.accepted[1].closure.reference]


def test_an_override_alone_withdraws_nothing(alpha, announce, give):
    give(alpha, *series(announce, "2027-02-07T02:00", "2027-02-14T02:00"), whole={"s"})
    (changed,) = series(announce, "2027-02-07T02:00", hours=5)
    outcome = give(alpha, changed)
    assert ([ack.step for ack in outcome.accepted], outcome.withdrawn) == ([Step.LENGTHENED], ())


def test_a_single_event_that_begins_to_repeat_is_its_first_occurrence(alpha, announce, give):
    (single,) = give(alpha, announce("s", "2027-02-07T02:00"), whole={"s"}).accepted
    outcome = give(alpha, *series(announce, "2027-02-07T02:00", "2027-02-14T02:00"), whole={"s"})
    assert ([ack.closure.reference for ack in outcome.unchanged], len(outcome.accepted)) == (
        [single.closure.reference],
        1,
    )


def test_the_cancellation_of_a_series_withdraws_what_is_ahead(alpha, announce, give):
    first = give(alpha, *series(announce, "2027-02-07T02:00", "2027-02-14T02:00"), whole={"s"})
    outcome = give(alpha, replace(announce("s", "2027-02-07T02:00"), withdrawn=True, window=None), whole={"s"})
    assert {ack.closure.reference for ack in outcome.withdrawn} == {ack.closure.reference for ack in first.accepted}
    assert outcome.problems == ()


def test_all_or_nothing_leaves_the_notice_and_nothing_else(register, alpha, announce, dcc):
    problem = IntakeProblem("No end.", "Add DTEND.", line=3)
    notice = Notice("ALPHA", Channel.API, NOW, "text/calendar", b"kept", "test")
    reading = NoticeContent((announce("u1", "2027-02-07T02:00"),), (problem,), events=2)
    before = verify_record(register).size
    outcome = receive_notice(register, alpha, notice, reading, all_or_nothing=True)
    assert (outcome.recorded, outcome.accepted, outcome.problems) == (False, (), (problem,))
    assert read_schedule(register, dcc, Question(YEAR)) == []
    assert verify_record(register).size == before + 1


def test_a_preview_says_the_same_and_writes_nothing(register, alpha, announce, give, dcc):
    give(alpha, announce("u1", "2027-02-07T02:00"), announce("u2", "2027-02-08T02:00"))
    before = verify_record(register).size
    reading = NoticeContent((announce("u1", "2027-02-07T03:00"), announce("u3", "2027-03-07T03:00")), (), events=2)
    outcome = preview_notice(register, alpha, Notice("ALPHA", Channel.API, NOW, "text/calendar", b"looked at"), reading)
    assert ([ack.step for ack in outcome.accepted], outcome.recorded) == ([Step.MOVED, Step.FIRST], False)
    assert [ack.closure.window.starts.day for ack in outcome.missing] == [8]
    assert verify_record(register).size == before


def test_missing_closures_are_withdrawn_on_request(alpha, announce, give):
    (first, _) = give(alpha, announce("u1", "2027-02-07T02:00"), announce("u2", "2027-02-08T02:00")).accepted
    outcome = give(alpha, announce("u2", "2027-02-08T02:00"), withdraw_missing=True)
    assert [ack.closure.reference for ack in outcome.withdrawn] == [first.closure.reference]


def test_clashes_with_ones_own_other_gateways_are_named(alpha, enrolled, announce, give):
    give(enrolled("BETA", "GW-B1"), announce("b", "2027-02-07T02:00", gateway="GW-B1"))
    (one,) = give(alpha, announce("u1", "2027-02-07T02:00")).accepted
    (other,) = give(alpha, announce("u2", "2027-02-07T05:00", gateway="GW-A2")).accepted
    (same,) = give(alpha, announce("u3", "2027-02-07T05:00")).accepted
    assert (one.clashes, other.clashes, same.clashes) == ((), (one.closure.reference,), (other.closure.reference,))


def test_every_receipt_verifies_and_names_its_leaf(register, alpha, announce, give):
    size = verify_record(register).size
    outcome = give(alpha, *(announce(f"u{n}", f"2027-02-0{n}T02:00") for n in range(1, 5)))
    receipts = [ack.receipt for ack in outcome.accepted]
    assert [receipt["leaf_index"] for receipt in receipts] == [size + n for n in range(1, 5)]
    assert {receipt["tree_size"] for receipt in receipts} == {size + 5}
    assert all(verify_receipt(register.public_keys, receipt) for receipt in receipts)


def test_withdrawing_by_reference(register, alpha, announce, give):
    (first,) = give(alpha, announce("u1", "2027-02-07T02:00")).accepted
    own, other = Principal("a", Role.USER, frozenset({"ALPHA"})), Principal("b", Role.USER, frozenset({"BETA"}))
    with pytest.raises(Unknown):
        withdraw_closure(register, other, first.closure.reference, channel=Channel.API, now=NOW)
    (gone,) = withdraw_closure(register, own, first.closure.reference.lower(), channel=Channel.API, now=NOW).withdrawn
    assert gone.closure.state is State.WITHDRAWN
    assert len(withdraw_closure(register, own, first.closure.reference, channel=Channel.API, now=NOW).unchanged) == 1


def test_a_user_sees_its_own_and_dcc_sees_all(register, alpha, enrolled, announce, give, dcc):
    beta = enrolled("BETA", "GW-B1")
    give(alpha, announce("u1", "2027-02-07T02:00"))
    give(beta, announce("u1", "2027-02-07T02:00", gateway="GW-B1"))
    own = Principal("a", Role.USER, frozenset({"ALPHA"}))
    assert [one.user for one in read_schedule(register, own, Question(YEAR))] == ["ALPHA"]
    assert sorted(one.user for one in read_schedule(register, dcc, Question(YEAR))) == ["ALPHA", "BETA"]
    assert read_schedule(register, dcc, Question(YEAR, user="BETA", gateway="GW-A1")) == []


def test_what_was_known_at_an_earlier_instant(register, alpha, announce, give, dcc):
    (first,) = give(alpha, announce("u1", "2027-02-07T02:00"), at=NOW).accepted
    give(alpha, announce("u1", "2027-03-07T02:00"), at=NOW + timedelta(days=10))

    def known(days):
        asked = read_schedule(register, dcc, Question(YEAR, as_of=NOW + timedelta(days=days)))
        return [(one.reference, one.window.starts.month, one.number) for one in asked]

    assert (known(-1), known(1), known(10)) == (
        [],
        [(first.closure.reference, 2, 1)],
        [(first.closure.reference, 3, 2)],
    )


def test_stamps_rise_even_within_a_second_and_when_the_clock_goes_back(register, alpha, announce, give, dcc):
    (ack,) = give(alpha, announce("u1", "2027-02-07T02:00")).accepted
    stamps = [find_closure(register, dcc, ack.closure.reference).changed_at]
    for hours, at in ((5, NOW), (6, NOW + timedelta(milliseconds=10)), (7, NOW - timedelta(hours=1))):
        give(alpha, announce("u1", "2027-02-07T02:00", hours), at=at)
        stamps.append(find_closure(register, dcc, ack.closure.reference).changed_at)
    assert stamps == [NOW + timedelta(seconds=n) for n in range(4)]
