"""Crowded nights by London day: more gateways than the thresholds say, under the day on which that begins."""

from collections import defaultdict
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.clash_day import ClashDay, clash_days
from app.domain.closure import State
from app.domain.load import crowds, hour_start, peak_of
from app.domain.london import london_date
from app.domain.thresholds import Thresholds
from app.domain.window import ClosureWindow
from tests.domain.conftest import START

SUNDAY = date(2026, 12, 6)
DAY, HOUR = 1440, timedelta(hours=1)
SPAN = ClosureWindow(START - timedelta(days=2), START + timedelta(days=6))
TWO = Thresholds(1, closed=2, reopening=2)


def days(closures, limits=TWO):
    return list(clash_days(closures, SPAN, limits))


def test_two_gateways_together_are_no_crowd_where_the_threshold_is_two(line):
    assert days([line("A", "G1", 60, 120), line("B", "G2", 120, 120)]) == []


def test_a_third_one_is(line):
    a, b, c, d = line("A", "G1", 60, 150), line("B", "G2", 120, 125), line("C", "G3", 180, 99), line("D", "G4", 300, 60)
    assert days([d, c, b, a]) == [ClashDay(SUNDAY, (a, b, c), 1)]


def test_closed_one_after_the_other_in_one_hour_is_not_at_once(line):
    assert days([line(f"R{n}", f"G{n}", 15 * n, 14) for n in range(3)], Thresholds(1, closed=2, reopening=9)) == []


def test_more_than_the_threshold_that_open_in_one_hour_are_a_crowd_though_never_closed_at_once(line):
    three = [line(f"R{n}", f"G{n}", 15 * n, 14) for n in range(3)]
    assert days(three) == [ClashDay(SUNDAY, tuple(three), 3)]


def test_one_that_ends_as_the_hour_begins_opens_in_it(line):
    three = [line("A", "G1", -60, 60), line("B", "G2", 0, 10), line("C", "G3", 20, 10)]
    assert days(three) == [ClashDay(SUNDAY, tuple(three), 3)]


def test_a_gateway_is_one_and_what_is_withdrawn_is_none(line):
    closures = [line("A", "G1", 0, 120), line("B", "G1", 60, 120), line("C", "G2", 60, 120)]
    assert days([*closures, line("D", "G3", 60, 120, State.WITHDRAWN)]) == []


def test_a_night_belongs_to_the_day_on_which_its_crowd_begins(line):
    night = [line(f"R{n}", f"G{n}", -90 + n, 240) for n in range(3)]
    assert days(night) == [ClashDay(SUNDAY - timedelta(days=1), tuple(night), 3)]


def test_the_gateways_of_a_day_are_each_named_once(line):
    closures = [line("A", "G2", 0, 60), line("B", "G1", 10, 60), line("C", "G2", 20, 60), line("D", "G3", 30, 60)]
    assert days(closures)[0].gateways == ("G1", "G2", "G3")


drawn_lines = st.lists(
    st.tuples(
        st.sampled_from(["G1", "G2", "G3", "G4"]),
        st.integers(-900, 3 * DAY),
        st.integers(1, 900),
        st.sampled_from(State),
    ),
    max_size=14,
)


@given(drawn_lines, st.integers(1, 3), st.integers(1, 3))
def test_the_days_are_those_of_the_definition(line, drawn, closed, reopening):
    """Hour by hour, with the peak of each and its re-openings looked at one by one."""
    limits = Thresholds(1, closed=closed, reopening=reopening)
    closures = [line(f"R{n:02}", *one) for n, one in enumerate(drawn)]
    expected, day, last = defaultdict(set), None, None
    at = SPAN.starts
    while at < SPAN.ends:
        hour = ClosureWindow(at, at + HOUR)
        standing = [one for one in closures if one.state is not State.WITHDRAWN]
        inside = [one for one in standing if one.window.overlaps(hour)]
        ending = [one for one in standing if at <= one.window.ends < at + HOUR]
        opened = {
            one.gateway
            for one in ending
            if not any(
                other.gateway == one.gateway and other.window.starts <= one.window.ends < other.window.ends
                for other in standing
            )
        }
        if peak_of(inside, hour).closed > closed or len(opened) > reopening:
            day = day if last == at - HOUR else london_date(at)
            last = at
            expected[day] |= {one.reference for one in (inside if len(opened) <= reopening else [*inside, *ending])}
        at += HOUR
    found = days(closures, limits)
    assert {one.day: {closure.reference for closure in one.closures} for one in found} == dict(expected)


@pytest.mark.parametrize(("closed", "hours"), [(1, ["01", "02"]), (2, [])])
def test_crowded_hours_are_those_with_more_closed_at_once(line, closed, hours):
    closures = [line("A", "G1", 0, 125), line("B", "G2", 70, 100)]
    found = crowds(closures, SPAN, Thresholds(1, closed=closed, reopening=2))
    assert [f"{hour_start(hour):%H}" for hour in found] == hours
