"""The figures of the horizon: what lies in a day, how many are closed at once, shades, words over the axis."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.closure import PlannedClosure, State
from app.domain.load import stretches
from app.domain.london import whole_days
from app.domain.maintenance import Maintenance, MaintenanceKind
from app.domain.notice_period import NoticePeriod
from app.domain.verdict import Verdict
from app.domain.window import ClosureWindow
from app.web.pages.heat import (
    ABOVE,
    Heading,
    by_code,
    columns_of,
    columns_touched,
    grid_of,
    headings_of,
    heat_level,
    lane_of,
    zone_names,
)

FIRST = date(2026, 11, 23)
LEAD = NoticePeriod(25, ">=20", short_notice=False, recommended_days=20, policy_version=1, holiday_version="t")


def line(hours, length, reference="A", user="ACME", gateway="GW", **more):
    starts = datetime(2026, 11, 23, tzinfo=UTC) + timedelta(hours=hours)
    return PlannedClosure(
        id=reference.encode(),
        reference=reference,
        user=user,
        gateway=gateway,
        window=ClosureWindow(starts, starts + timedelta(hours=length)),
        state=more.get("state", State.PLANNED),
        number=1,
        entries=1,
        first_received_at=starts,
        window_received_at=starts,
        changed_at=starts,
        verdict=Verdict(LEAD, LEAD, LEAD),
    )


def within(grid, lines):
    """What is read for a view: the closures that share an instant with it, by start."""
    span = ClosureWindow(grid.spans[0].starts, grid.spans[-1].ends)
    return sorted((one for one in lines if one.window.overlaps(span)), key=lambda one: one.window)


WINDOWS = st.lists(st.tuples(st.integers(-100, 1500), st.integers(1, 300), st.sampled_from("GHI")), max_size=30)


@given(WINDOWS, st.sampled_from([(14, 1), (56, 1), (182, 7)]))
def test_a_cell_holds_what_touches_its_days_and_the_most_closed_at_once(drawn, cut):
    grid = grid_of(FIRST, *cut)
    lines = within(grid, (line(*one[:2], f"{at}", gateway=one[2]) for at, one in enumerate(drawn)))
    cells = {cell.column: cell for cell in lane_of("ACME", lines, grid).cells}
    for column, span in enumerate(grid.spans, 1):
        touching = tuple(one for one in lines if one.window.overlaps(span))
        peak = max(stretch.closed for stretch in stretches(lines, span))
        found = cells.get(column)
        assert (() if found is None else found.lines) == touching
        assert (0 if found is None else found.peak) == peak


@given(WINDOWS)
def test_lanes_of_users_hold_together_what_the_lane_of_all_holds(drawn):
    grid = grid_of(FIRST, 56, 1)
    lines = within(grid, (line(*one[:2], f"{at}", user=one[2], gateway=one[2]) for at, one in enumerate(drawn)))
    everything = columns_touched(lines, grid)
    lanes = [lane_of(code, found, grid) for code, found in by_code(lines, lambda one: one.user).items()]
    for column in range(56):
        held = [
            one.reference for lane in lanes for cell in lane.cells if cell.column == column + 1 for one in cell.lines
        ]
        assert sorted(held) == sorted(one.reference for one in everything.get(column, []))
    # One gateway each: what all close at once is never more than the sum, and no lane's is more than that of all.
    for cell in lane_of("all", lines, grid).cells:
        peaks = [one.peak for lane in lanes for one in lane.cells if one.column == cell.column]
        assert max(peaks) <= cell.peak <= sum(peaks)
    assert sum(lane.closures for lane in lanes) == len(lines)


@pytest.mark.parametrize(
    ("windows", "words"),
    [
        ([(2, 4)], {1: "02:00-06:00"}),
        ([(22, 8)], {1: "from 22:00", 2: "until 06:00"}),
        ([(22, 50)], {1: "from 22:00", 2: "all day", 3: "all day"}),
        ([(0, 24)], {1: "from 00:00"}),
        ([(2, 4), (3, 4)], {1: ""}),
    ],
)
def test_a_single_closure_says_when_it_is_closed_on_the_day(windows, words):
    lines = [line(*one, gateway=f"{one}") for one in windows]
    assert {cell.column: cell.times for cell in lane_of("ACME", lines, grid_of(FIRST, 14, 1)).cells} == words


def test_the_hour_that_comes_twice_is_one_day():
    """25 Oct 2026 has 25 hours in London: its last minute is still its own."""
    grid = grid_of(date(2026, 10, 25), 2, 1)
    last = replace(
        line(0, 1), window=ClosureWindow(datetime(2026, 10, 25, 23, 30, tzinfo=UTC), datetime(2026, 10, 26, tzinfo=UTC))
    )
    assert list(columns_touched([last], grid)) == [0]
    assert zone_names(whole_days(date(2026, 10, 24), date(2026, 10, 27))) == "BST and GMT"


@pytest.mark.parametrize(
    ("threshold", "levels"),
    [(5, [0, 1, 1, 2, 2, 3, ABOVE]), (1, [0, 1, ABOVE]), (2, [0, 1, 2, ABOVE]), (3, [0, 1, 2, 3, ABOVE])],
)
def test_shades_rise_to_the_threshold_and_change_above_it(threshold, levels):
    assert [heat_level(peak, threshold) for peak in range(threshold + 2)] == levels


def test_the_axis_knows_weekends_named_holidays_and_dccs_own_dates():
    window = ClosureWindow(datetime(2026, 12, 25, 22, tzinfo=UTC), datetime(2026, 12, 26, 4, tzinfo=UTC))
    planned = Maintenance(
        id=b"m", reference="DM-1", kind=MaintenanceKind.MAINTENANCE, uid="m", recurrence_id="", window=window,
        withdrawn=False, number=1, first_received_at=window.starts, received_at=window.starts,
    )  # fmt: skip
    grid = grid_of(date(2026, 12, 24), 4, 1)
    everything = lane_of("all", [line(31 * 24 + 2, 3)], grid)
    found = columns_of(everything, grid, {date(2026, 12, 25): "Christmas Day"}, [planned])
    assert [(one.first.day, one.peak, one.is_weekend, one.holidays, one.kinds) for one in found] == [
        (24, 1, False, (), []),
        (25, 0, False, ("Christmas Day",), ["maintenance"]),
        (26, 0, True, (), ["maintenance"]),
        (27, 0, True, (), []),
    ]
    (week,) = columns_of(lane_of("all", [], grid), grid_of(date(2026, 12, 21), 7, 7), {date(2026, 12, 25): "C"}, [])
    assert (week.last, week.is_weekend, week.holidays) == (date(2026, 12, 27), False, ("C",))


def test_words_over_the_axis_stay_in_the_picture():
    assert headings_of(grid_of(date(2026, 11, 24), 14, 1)) == [Heading(7, "30 Nov")]  # 7 Dec would leave it
    assert [heading.words for heading in headings_of(grid_of(date(2026, 11, 24), 182, 7))] == [
        "Dec", "Jan", "Feb", "Mar", "Apr", "May",
    ]  # fmt: skip
