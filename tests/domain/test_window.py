from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.domain.refusal import WindowRefused
from app.domain.window import ClosureWindow, weeks_touched

START = datetime(2026, 12, 6, 2, tzinfo=UTC)
TICK = timedelta(microseconds=1)
HOUR = timedelta(hours=1)


def hours(first, after):
    return ClosureWindow(START + first * HOUR, START + after * HOUR)


@st.composite
def windows(draw):
    first = draw(st.integers(0, 30))
    return hours(first, first + draw(st.integers(1, 12)))


def test_duration_is_elapsed_time():
    assert hours(0, 4).duration == timedelta(hours=4)


def test_a_window_is_half_open():
    window = hours(0, 4)
    assert [
        window.contains(instant)
        for instant in (window.starts - TICK, window.starts, window.ends - TICK, window.ends, window.ends + TICK)
    ] == [False, True, True, False, False]


@pytest.mark.parametrize(
    ("starts", "ends"),
    [
        (datetime(2026, 12, 6, 2), datetime(2026, 12, 6, 3, tzinfo=UTC)),
        (datetime(2026, 12, 6, 2, tzinfo=UTC), datetime(2026, 12, 6, 3)),
        (datetime(2026, 12, 6, 2, tzinfo=ZoneInfo("Europe/London")), datetime(2026, 12, 6, 3, tzinfo=UTC)),
        (datetime(2026, 12, 6, 2, tzinfo=UTC), datetime(2026, 12, 6, 3, tzinfo=ZoneInfo("Europe/London"))),
        (datetime(2026, 12, 6, 2, tzinfo=UTC), datetime(2026, 12, 6, 3, tzinfo=timezone(timedelta(hours=0), "x"))),
    ],
)
def test_a_window_takes_only_aware_utc(starts, ends):
    with pytest.raises(WindowRefused) as refused:
        ClosureWindow(starts, ends)
    assert (refused.value.text, refused.value.remedy) == (
        "A window takes aware UTC times.",
        "Convert both times to UTC first.",
    )


@pytest.mark.parametrize("length", [timedelta(), -TICK, -HOUR])
def test_a_window_ends_after_its_start(length):
    with pytest.raises(WindowRefused) as refused:
        ClosureWindow(START, START + length)
    assert (refused.value.text, refused.value.remedy) == (
        "The end of a window must be after its start.",
        "Check the two times.",
    )


def test_the_shortest_window_is_one_tick():
    assert ClosureWindow(START, START + TICK).duration == TICK


def test_windows_are_ordered_by_start_then_end():
    assert sorted([hours(2, 3), hours(1, 9), hours(1, 4)]) == [hours(1, 4), hours(1, 9), hours(2, 3)]


@pytest.mark.parametrize(
    ("other", "shared"),
    [((-2, 0), False), ((-2, 1), True), ((1, 2), True), ((3, 9), True), ((4, 9), False), ((-9, 9), True)],
)
def test_windows_that_only_touch_do_not_overlap(other, shared):
    assert hours(0, 4).overlaps(hours(*other)) is shared
    assert hours(*other).overlaps(hours(0, 4)) is shared


@given(windows(), windows())
def test_overlap_is_symmetric_and_means_a_common_instant(one, two):
    # Every window here starts and ends on the hour, so that a common instant means a common full hour.
    common = any(one.contains(START + n * HOUR) and two.contains(START + n * HOUR) for n in range(-1, 50))
    assert one.overlaps(two) is common
    assert two.overlaps(one) is common


@pytest.mark.parametrize(
    ("starts", "ends", "weeks"),
    [
        # Monday 28 December 2026 begins week 53; 4 January 2027 begins week 1.
        (datetime(2026, 12, 28), datetime(2026, 12, 28, 0, 0, 1), ("2026-W53",)),
        (datetime(2027, 1, 3, 22), datetime(2027, 1, 4), ("2026-W53",)),
        (datetime(2027, 1, 3, 22), datetime(2027, 1, 4, 0, 0, 0, 1), ("2026-W53", "2027-W01")),
        (datetime(2027, 1, 4), datetime(2027, 1, 11), ("2027-W01",)),
        (datetime(2026, 12, 27, 23), datetime(2027, 1, 12), ("2026-W52", "2026-W53", "2027-W01", "2027-W02")),
        (datetime(2026, 12, 28), datetime(2026, 12, 28), ()),
        (datetime(2026, 12, 28, 1), datetime(2026, 12, 28), ()),
        (datetime(2024, 12, 30), datetime(2024, 12, 31), ("2025-W01",)),
        (datetime(1, 1, 1), datetime(1, 1, 2), ("0001-W01",)),
        (datetime(9999, 12, 26), datetime.max, ("9999-W51", "9999-W52")),
    ],
)
def test_iso_weeks_touched(starts, ends, weeks):
    starts, ends = starts.replace(tzinfo=UTC), ends.replace(tzinfo=UTC)
    assert weeks_touched(starts, ends) == weeks
    if weeks:
        assert ClosureWindow(starts, ends).weeks() == weeks


@given(st.integers(0, 24 * 800), st.integers(0, 24 * 40))
@example(0, 24 * 7)
def test_weeks_touched_are_those_of_each_hour(first, length):
    starts = datetime(2025, 12, 29, tzinfo=UTC) + first * HOUR
    of_each_hour = [(starts + n * HOUR).isocalendar() for n in range(length)]
    expected = dict.fromkeys(f"{year}-W{week:02d}" for year, week, _ in of_each_hour)
    assert weeks_touched(starts, starts + length * HOUR) == tuple(expected)
