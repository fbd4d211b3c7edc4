from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.closure import State
from app.domain.fact import Fact
from app.domain.triage import TriageState, first_instant, state_at, triage
from app.domain.window import ClosureWindow

START = datetime(2026, 12, 6, tzinfo=UTC)


def at(minute):
    return START + timedelta(minutes=minute)


def told(found):
    """What is said of the windows around the instant: those that contain it, those told later, and the nearest."""
    return found.inside, found.told_later, found.nearest


def test_inside_a_window_that_we_had_been_told_of(line):
    one = line("A", "G1", 0, 60, told=at(-500))
    assert told(triage([one], at(0))) == ((one,), (), None)
    assert told(triage([one], at(59))) == ((one,), (), None)


def test_outside_the_nearest_window_is_named_before_or_after(line):
    early, late = line("A", "G1", 0, 60), line("B", "G1", 200, 60)
    assert told(triage([late, early], at(60))) == ((), (), early)
    assert told(triage([late, early], at(129))) == ((), (), early)
    assert told(triage([late, early], at(131))) == ((), (), late)
    assert told(triage([late, early], at(130))) == ((), (), early)  # as near: the earlier


def test_a_notice_that_came_after_the_alarm_is_told_apart(line):
    before, after = line("A", "G1", 0, 60, told=at(10)), line("B", "G1", 0, 60, told=at(11))
    assert told(triage([after, before], at(10))) == ((before,), (after,), None)


def test_a_withdrawn_window_explains_nothing(line):
    found = triage([line("A", "G1", 0, 60, State.WITHDRAWN)], at(10))
    assert (told(found), found.state, found.about, found.after) == (((), (), None), TriageState.NOT_PLANNED, (), None)


def test_the_state_of_an_alarm_is_that_of_the_closures_that_explain_it(line):
    one, other, later = line("A", "G1", 0, 60), line("B", "G1", 30, 60), line("C", "G1", 0, 60, told=at(59))
    found = triage([other, one, later], at(40))
    assert (found.state, found.about) == (TriageState.PLANNED, (one, other))
    assert (found.told_later, found.before, found.after) == ((later,), None, None)
    assert triage([one, other], at(90)).state is TriageState.NOT_PLANNED
    assert triage([later], at(58)).state is TriageState.NOT_PLANNED


@pytest.mark.parametrize(
    ("minute", "state"), [(-1, "not planned"), (0, "planned"), (59, "planned"), (60, "not planned")]
)
def test_one_closure_makes_a_state_of_an_instant(line, minute, state):
    assert state_at(line("A", "G1", 0, 60), at(minute)) == state


def test_the_windows_on_either_side_are_the_last_to_end_and_the_first_to_start(line):
    long, last = line("A", "G1", 0, 100), line("B", "G1", 50, 90)
    soon, far = line("C", "G1", 300, 10), line("D", "G1", 400, 10)
    found = triage([far, last, soon, long], at(200))
    assert (found.before, found.after) == (last, soon)


def test_a_span_is_asked_about_where_the_first_closure_meets_it(line):
    span = ClosureWindow(at(100), at(200))
    assert first_instant([], span) == at(100)
    assert first_instant([line("A", "G1", 150, 10), line("B", "G1", 170, 90)], span) == at(150)
    assert first_instant([line("A", "G1", 0, 101)], span) == at(100)
    assert first_instant([line("A", "G1", 0, 100), line("B", "G1", 200, 10)], span) == at(100)
    assert first_instant([line("A", "G1", 150, 10, State.WITHDRAWN)], span) == at(100)


@pytest.mark.parametrize(
    ("fact", "ends", "expected"),
    [
        # Planned 0 to 60. Told closed at 5: within the plan it is planned, and past it over time for as long as nothing is told.
        (
            Fact(at(5), None, is_watched=True),
            60,
            {0: "planned", 5: "planned", 59: "planned", 60: "over time", 900: "over time"},
        ),
        # Told still closed until about 90.
        (Fact(at(5), None, is_watched=True), 90, {59: "planned", 60: "over time", 95: "over time"}),
        # Told to re-open at 40 already, and nothing was heard since: within the plan it is planned.
        (Fact(at(5), None, is_watched=True), 40, {41: "planned", 59: "planned", 60: "over time"}),
        # Told re-opened at 40: for the rest of the plan and an hour, an alarm is of what has just re-opened.
        (Fact(None, at(40)), 40, {39: "planned", 40: "re-opened", 99: "re-opened", 100: "not planned"}),
        (Fact(at(5), at(80)), 80, {60: "over time", 80: "re-opened", 139: "re-opened", 140: "not planned"}),
    ],
)
def test_what_was_told_as_it_happened_counts_before_the_plan(line, fact, ends, expected):
    planned = line("A", "G1", 0, 60)
    one = replace(
        planned,
        window=ClosureWindow(at(0), at(ends)),
        plan=None if ends == 60 else planned.window,
        fact=fact,
        window_received_at=planned.first_received_at if ends == 60 else at(50),
    )
    assert {minute: state_at(one, at(minute)).value for minute in expected} == expected


def test_what_is_over_time_is_about_its_plan_and_not_what_was_before(line):
    one = replace(line("A", "G1", 0, 60), fact=Fact(at(0), None, is_watched=True))
    found = triage([one, line("B", "G1", -200, 60)], at(80))
    assert (found.state, found.about, found.inside, found.before.reference) == (
        TriageState.OVER_TIME,
        (one,),
        (one,),
        "B",
    )


def test_the_most_urgent_state_comes_first():
    assert [state.value for state in sorted(TriageState, key=lambda one: one.urgency)] == [
        "over time", "planned", "re-opened", "not planned",
    ]  # fmt: skip


@given(st.lists(st.tuples(st.integers(-300, 300), st.integers(1, 90)), max_size=8), st.integers(-400, 400))
def test_the_nearest_is_the_fewest_minutes_away(line, drawn, minute):
    closures = [line(f"CN-{n}", "G1", first, length) for n, (first, length) in enumerate(drawn)]
    found = triage(closures, at(minute))
    away = [
        0 if first <= minute < first + length else min(abs(first - minute), abs(minute - (first + length)))
        for first, length in drawn
    ]
    if found.inside or found.told_later:
        inside = [one for one in closures if one.window.contains(at(minute))]
        assert sorted(one.reference for one in (*found.inside, *found.told_later)) == sorted(
            one.reference for one in inside
        )
        assert found.nearest is None
    elif closures:
        assert away[closures.index(found.nearest)] == min(away)
    else:
        assert found.nearest is None


def test_until_when_is_the_last_end_of_what_it_is_about(line):
    one, other = line("A", "G1", 0, 60), line("B", "G1", 30, 60)
    assert [triage([one, other], at(minute)).until for minute in (10, 40, 95)] == [at(60), at(90), None]
