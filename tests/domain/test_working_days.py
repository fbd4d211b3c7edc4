from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.working_days import REGIONS, WorkingDayCalendar

DAY = timedelta(days=1)
# England and Wales, 2026, with a holiday on a Saturday and one on a Sunday, as tables have them.
YEAR_2026 = (
    date(2026, 1, 1),
    date(2026, 4, 3),
    date(2026, 4, 6),
    date(2026, 5, 4),
    date(2026, 5, 25),
    date(2026, 8, 31),
    date(2026, 12, 25),
    date(2026, 12, 26),
    date(2026, 12, 27),
    date(2026, 12, 28),
)
CALENDAR = WorkingDayCalendar("england-and-wales", "v1", YEAR_2026, date(2028, 12, 31))
BARE = WorkingDayCalendar("scotland", "v0", (), date(2028, 12, 31))

days_near = st.dates(date(2025, 12, 1), date(2027, 2, 1))
calendars = st.builds(
    lambda days: WorkingDayCalendar("uk-any", "drawn", tuple(sorted(days)), date(2028, 12, 31)),
    st.sets(days_near, max_size=60),
)


def by_hand(calendar, after, before):
    """The definition, day by day."""
    counted = 0
    day = after + DAY
    while day < before:
        counted += day.weekday() < 5 and day not in calendar.holidays
        day += DAY
    return counted


def test_the_regions():
    assert REGIONS == ("england-and-wales", "scotland", "northern-ireland", "gb-any", "uk-any")


@pytest.mark.parametrize(
    ("day", "works"),
    [
        (date(2026, 1, 1), False),  # the first day of the table
        (date(2025, 12, 31), True),  # before the table
        (date(2026, 1, 2), True),  # a Friday between table entries
        (date(2026, 1, 3), False),  # Saturday
        (date(2026, 1, 4), False),  # Sunday
        (date(2026, 1, 5), True),  # Monday
        (date(2026, 4, 2), True),
        (date(2026, 4, 3), False),  # Good Friday
        (date(2026, 4, 6), False),  # Easter Monday
        (date(2026, 4, 7), True),
        (date(2026, 12, 25), False),
        (date(2026, 12, 28), False),  # the last day of the table
        (date(2026, 12, 29), True),  # after the table
    ],
)
def test_working_days(day, works):
    assert CALENDAR.is_working_day(day) is works


@pytest.mark.parametrize(
    ("after", "before", "count"),
    [
        (date(2026, 1, 5), date(2026, 2, 2), 19),  # docs/domain.md#counting
        (date(2026, 1, 4), date(2026, 2, 2), 20),
        (date(2026, 1, 2), date(2026, 2, 2), 20),
        (date(2026, 1, 1), date(2026, 2, 2), 21),
        (date(2026, 1, 5), date(2026, 2, 3), 20),
        (date(2026, 1, 5), date(2026, 1, 5), 0),
        (date(2026, 1, 5), date(2026, 1, 6), 0),
        (date(2026, 1, 5), date(2026, 1, 7), 1),
        (date(2026, 1, 9), date(2026, 1, 12), 0),  # a weekend between
        (date(2026, 1, 7), date(2026, 1, 5), 0),  # backwards
        (date(2026, 4, 2), date(2026, 4, 7), 0),  # Easter
        (date(2026, 4, 2), date(2026, 4, 8), 1),
        (date(2026, 4, 3), date(2026, 4, 8), 1),  # a holiday at the near end
        (date(2026, 4, 1), date(2026, 4, 6), 1),  # a holiday at the far end
        (date(2026, 12, 24), date(2026, 12, 30), 1),  # weekend holidays are not taken off twice
        (date.min, date.min + 2 * DAY, 1),
        (date.max, date.max, 0),
    ],
)
def test_clear_working_days_between(after, before, count):
    assert CALENDAR.working_days_between(after, before) == count


@given(calendars, days_near, days_near)
def test_counting_equals_the_definition(calendar, after, before):
    assert calendar.working_days_between(after, before) == by_hand(calendar, after, before)


@given(calendars, st.sets(days_near, min_size=3, max_size=3))
def test_counting_is_additive(calendar, three):
    first, middle, last = sorted(three)
    whole = calendar.working_days_between(first, last)
    parts = calendar.working_days_between(first, middle) + calendar.working_days_between(middle, last)
    assert whole == parts + calendar.is_working_day(middle)


@pytest.mark.parametrize(
    ("start", "recommended", "day"),
    [
        (date(2026, 2, 2), 20, date(2026, 1, 4)),
        (date(2026, 2, 3), 20, date(2026, 1, 5)),
        (date(2026, 1, 7), 1, date(2026, 1, 5)),
        (date(2026, 4, 8), 1, date(2026, 4, 6)),  # the Tuesday counts; Easter Monday is the last day for telling
        (date(2026, 4, 8), 2, date(2026, 4, 1)),
        (date(2027, 1, 4), 250, date(2026, 1, 7)),
    ],
)
def test_the_last_day_that_leaves_so_many(start, recommended, day):
    assert CALENDAR.last_day_that_leaves(recommended, start) == day
    assert CALENDAR.working_days_between(day, start) >= recommended
    assert CALENDAR.working_days_between(day + DAY, start) < recommended


@pytest.mark.parametrize("start", [date.min, date(1, 1, 2), date(1, 1, 20)])
def test_no_day_lies_before_the_first(start):
    assert CALENDAR.last_day_that_leaves(20, start) == date.min


@given(calendars, days_near, st.integers(1, 250))
def test_the_last_day_that_leaves_so_many_is_the_last_one(calendar, start, recommended):
    day = calendar.last_day_that_leaves(recommended, start)
    assert calendar.working_days_between(day, start) == recommended
    assert calendar.working_days_between(day + DAY, start) == recommended - 1


@pytest.mark.parametrize(
    ("today", "soon"),
    [
        (date(2027, 12, 31), False),  # 366 days: 2028 is a leap year
        (date(2028, 1, 1), False),  # 365
        (date(2028, 1, 2), True),  # 364
        (date(2028, 12, 31), True),
        (date(2029, 6, 1), True),
    ],
)
def test_a_table_that_ends_within_a_year_is_worth_a_warning(today, soon):
    assert CALENDAR.ends_soon(today) is soon


def test_a_table_without_days_has_only_weekends():
    assert BARE.working_days_between(date(2025, 12, 31), date(2026, 1, 12)) == 7
    assert BARE.is_working_day(date(2026, 1, 1)) is True
