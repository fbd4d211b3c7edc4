from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from app.domain.closure import State
from app.domain.triage import Triage, triage

START = datetime(2026, 12, 6, tzinfo=UTC)


def at(minute):
    return START + timedelta(minutes=minute)


def test_inside_a_window_that_we_had_been_told_of(line):
    one = line("A", "G1", 0, 60, told=at(-500))
    assert triage([one], at(0)) == Triage((one,), (), None)
    assert triage([one], at(59)) == Triage((one,), (), None)


def test_outside_the_nearest_window_is_named_before_or_after(line):
    early, late = line("A", "G1", 0, 60), line("B", "G1", 200, 60)
    assert triage([late, early], at(60)) == Triage((), (), early)
    assert triage([late, early], at(129)) == Triage((), (), early)
    assert triage([late, early], at(131)) == Triage((), (), late)
    assert triage([late, early], at(130)) == Triage((), (), early)  # as near: the earlier


def test_a_notice_that_came_after_the_alarm_is_told_apart(line):
    before, after = line("A", "G1", 0, 60, told=at(10)), line("B", "G1", 0, 60, told=at(11))
    assert triage([after, before], at(10)) == Triage((before,), (after,), None)


def test_a_withdrawn_window_explains_nothing(line):
    assert triage([line("A", "G1", 0, 60, State.WITHDRAWN)], at(10)) == Triage((), (), None)


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
