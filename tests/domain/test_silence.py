"""For how long alarms of a gateway are no news: held at each instant against what else is said of the closure then."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.closure import State, Step
from app.domain.fact import FactDoubted, FactKind
from app.domain.silence import AHEAD, silent_window
from app.domain.window import ClosureWindow
from tests.domain.test_told_fact import ENDS, PLAN, PLANNED, STARTS, Story, at, entry

MINUTE = timedelta(minutes=1)


def test_what_is_planned_is_silent_from_eight_weeks_before_until_its_end():
    midnight = at(0) + timedelta(days=1) - AHEAD  # of the first day on which its start is near enough
    times = (midnight - MINUTE, midnight, STARTS, ENDS - MINUTE, ENDS)
    assert [silent_window(PLANNED, now) for now in times] == [None, PLAN, PLAN, PLAN, None]


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ([(FactKind.CLOSED, at(1, 50), at(1, 50))], ClosureWindow(at(1, 50), ENDS)),
        ([(FactKind.CLOSED, at(2, 10), at(2, 10))], PLAN),
        ([(FactKind.STILL_CLOSED, at(8), at(5))], ClosureWindow(STARTS, at(8))),
        # Watched, and to re-open before its plan ends: over time only then.
        ([(FactKind.STILL_CLOSED, at(4), at(2, 30))], PLAN),
        ([(FactKind.CLOSED, at(2), at(2)), (FactKind.REOPENED, at(5, 30), at(5, 30))], None),
        ([(FactKind.STILL_CLOSED, at(8), at(5)), (FactKind.TAKEN_BACK, None, at(5))], PLAN),
    ],
)
def test_it_goes_by_what_was_told(told, expected):
    story = Story()
    for one in told:
        story.tell(*one)
    assert silent_window(story.closure, at(5, 45)) == expected


def test_what_is_withdrawn_is_not_silent():
    withdrawn = Story().add(entry(PLANNED, Step.WITHDRAWN, PLAN, None, at(1))).closure
    assert (withdrawn.state, silent_window(withdrawn, at(1))) == (State.WITHDRAWN, None)


@given(
    st.lists(st.tuples(st.sampled_from(list(FactKind)), st.integers(100, 600), st.integers(0, 60)), max_size=8),
    st.integers(0, 600),
)
def test_an_alarm_is_silent_exactly_while_the_gateway_is_closed_and_not_over_time(told, minutes):
    story, now = Story(), at(1)
    for kind, until, later in told:
        now += timedelta(minutes=later)
        try:
            story.tell(kind, at(0) + timedelta(minutes=until), now)
        except FactDoubted:
            continue
    closure, asked = story.closure, now + timedelta(minutes=minutes)
    window = silent_window(closure, asked)
    is_silent = window is not None and window.contains(asked)
    is_closed = closure.is_open(asked) or closure.window.contains(asked)
    assert is_silent == (is_closed and not closure.is_over_time(asked))
