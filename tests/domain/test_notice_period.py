from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.london import london_date
from app.domain.notice_period import AFTER_END, AFTER_START, NoticePeriod, last_on_time_day, reckon_notice
from app.domain.notice_policy import FIRST_POLICY, NoticePolicy
from app.domain.window import ClosureWindow
from app.domain.working_days import WorkingDayCalendar

CALENDAR = WorkingDayCalendar("england-and-wales", "table 7", (date(2026, 1, 1),), date(2028, 12, 31))
FEBRUARY = ClosureWindow(datetime(2026, 2, 2, 2, tzinfo=UTC), datetime(2026, 2, 2, 6, tzinfo=UTC))
TICK = timedelta(microseconds=1)


def notice(received_at, window=FEBRUARY, policy=FIRST_POLICY):
    period = reckon_notice(received_at, window, policy, CALENDAR)
    return period.working_days, period.band, period.short_notice


def test_notice_on_5_january_for_2_february_is_19_and_short():
    assert reckon_notice(datetime(2026, 1, 5, 9, tzinfo=UTC), FEBRUARY, FIRST_POLICY, CALENDAR) == NoticePeriod(
        working_days=19,
        band="10-19",
        short_notice=True,
        recommended_days=20,
        policy_version=1,
        holiday_version="table 7",
    )


def test_the_policy_and_the_table_that_counted_are_named():
    policy = NoticePolicy(version=4, recommended_days=8, valid_from=date(2026, 1, 1))
    period = reckon_notice(datetime(2026, 1, 5, 9, tzinfo=UTC), FEBRUARY, policy, CALENDAR)
    assert (period.recommended_days, period.policy_version, period.holiday_version) == (8, 4, "table 7")
    assert (period.working_days, period.band, period.short_notice) == (19, ">=8", False)


@pytest.mark.parametrize(
    ("received_at", "expected"),
    [
        (datetime(2026, 1, 4, 23, 59, 59, 999999, tzinfo=UTC), (20, ">=20", False)),
        (datetime(2026, 1, 5, tzinfo=UTC), (19, "10-19", True)),
        (datetime(2026, 2, 1, 23, tzinfo=UTC), (0, "<2", True)),
        (FEBRUARY.starts - TICK, (0, "<2", True)),
        (FEBRUARY.starts, (0, "after start", True)),
        (FEBRUARY.ends - TICK, (0, "after start", True)),
        (FEBRUARY.ends, (0, "after end", True)),
        (FEBRUARY.ends + timedelta(days=300), (0, "after end", True)),
    ],
)
def test_bands_over_time(received_at, expected):
    assert notice(received_at) == expected


def test_the_words_for_notice_that_came_after():
    assert (AFTER_START, AFTER_END) == ("after start", "after end")


def test_days_are_london_days():
    # In summer the London day begins at 23:00 UTC: the notice is of Tuesday, the window of Friday.
    window = ClosureWindow(datetime(2026, 7, 9, 23, 30, tzinfo=UTC), datetime(2026, 7, 10, 5, tzinfo=UTC))
    assert notice(datetime(2026, 7, 6, 22, 59, tzinfo=UTC), window)[0] == 3
    assert notice(datetime(2026, 7, 6, 23, 0, tzinfo=UTC), window)[0] == 2
    earlier = ClosureWindow(datetime(2026, 7, 9, 22, 30, tzinfo=UTC), datetime(2026, 7, 10, 5, tzinfo=UTC))
    assert notice(datetime(2026, 7, 6, 23, 0, tzinfo=UTC), earlier)[0] == 1


@given(st.integers(-60 * 24, 24), st.integers(1, 40))
def test_short_notice_means_received_after_the_last_on_time_day(hours, recommended):
    policy = NoticePolicy(version=1, recommended_days=recommended, valid_from=date(2019, 11, 1))
    received_at = FEBRUARY.starts + timedelta(hours=hours)
    last = last_on_time_day(london_date(FEBRUARY.starts), policy, CALENDAR)
    assert notice(received_at, policy=policy)[2] is (london_date(received_at) > last)
