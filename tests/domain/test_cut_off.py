"""The laws of a cut-off hour: what comes after it counts from the next Working Day (docs/domain.md#counting)."""

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.london import LONDON, london_date, london_midnight, read_wall_clock
from app.domain.notice_period import NoticePeriod, day_of_notice, last_on_time_day, reckon_notice
from app.domain.notice_policy import FIRST_POLICY, NoticePolicy, read_cut_off
from app.domain.refusal import PolicyRefused
from app.domain.window import ClosureWindow
from app.domain.working_days import WorkingDayCalendar

DAY, TICK = timedelta(days=1), timedelta(microseconds=1)
CALENDAR = WorkingDayCalendar("england-and-wales", "table 7", (date(2026, 1, 1),), date(2028, 12, 31))
AT_1630 = replace(FIRST_POLICY, version=2, cut_off=time(16, 30))
FEBRUARY = ClosureWindow(datetime(2026, 2, 2, 2, tzinfo=UTC), datetime(2026, 2, 2, 6, tzinfo=UTC))

# Instants around both nights on which the clocks change, and the rest of the year; calendars with holidays anywhere.
days_near = st.dates(date(2026, 3, 1), date(2026, 11, 30))
instants = st.one_of(
    st.datetimes(datetime(2026, 3, 1), datetime(2026, 11, 30)),
    st.datetimes(datetime(2026, 3, 27), datetime(2026, 3, 31)),
    st.datetimes(datetime(2026, 10, 23), datetime(2026, 10, 27)),
).map(lambda naive: naive.replace(tzinfo=UTC))
calendars = st.builds(
    lambda days: WorkingDayCalendar("uk-any", "drawn", tuple(sorted(days)), date(2028, 12, 31)),
    st.sets(days_near, max_size=60),
)
cut_offs = st.times().map(lambda at: at.replace(second=0, microsecond=0))
policies = st.builds(NoticePolicy, st.just(1), st.integers(1, 60), st.just(date(2019, 11, 1)), cut_off=cut_offs)


def window_from(start):
    return ClosureWindow(start, start + timedelta(hours=4))


@pytest.mark.parametrize(
    ("received_at", "expected"),
    [
        # Monday 5 January, at the hour and after it; Friday evening, the weekend and Monday morning count as Monday.
        (datetime(2026, 1, 5, 16, 30, tzinfo=UTC), (19, None, None)),
        (datetime(2026, 1, 5, 16, 30, tzinfo=UTC) + TICK, (18, date(2026, 1, 6), time(16, 30))),
        (datetime(2026, 1, 2, 16, 30, tzinfo=UTC), (20, None, None)),
        (datetime(2026, 1, 2, 23, 59, tzinfo=UTC), (19, date(2026, 1, 5), time(16, 30))),
        (datetime(2026, 1, 3, 10, tzinfo=UTC), (19, date(2026, 1, 5), None)),
        (datetime(2026, 1, 4, 23, 59, tzinfo=UTC), (19, date(2026, 1, 5), None)),
        # A holiday after an evening, and the evening before the start itself.
        (datetime(2025, 12, 31, 17, tzinfo=UTC), (20, date(2026, 1, 2), time(16, 30))),
        (datetime(2026, 2, 1, 23, tzinfo=UTC), (0, date(2026, 2, 2), None)),
        (FEBRUARY.starts, (0, None, None)),
        (FEBRUARY.ends + timedelta(hours=14), (0, None, None)),
    ],
)
def test_a_notice_after_the_hour_counts_from_the_next_working_day(received_at, expected):
    period = reckon_notice(received_at, FEBRUARY, AT_1630, CALENDAR)
    assert (period.working_days, period.counted_from, period.cut_off) == expected


def test_the_hour_is_londons():
    # In summer 16:30 in London is 15:30 UTC.
    july = window_from(datetime(2026, 7, 10, 2, tzinfo=UTC))
    for received_at, days in ((datetime(2026, 7, 6, 15, 30, tzinfo=UTC), 3), (datetime(2026, 7, 6, 16, tzinfo=UTC), 2)):
        assert reckon_notice(received_at, july, AT_1630, CALENDAR).working_days == days


@given(instants, instants, instants, policies, calendars)
def test_later_never_gives_more_notice(one, other, start, policy, calendar):
    earlier, later = sorted((one, other))
    given = [reckon_notice(at, window_from(start), policy, calendar).working_days for at in (earlier, later)]
    assert given[0] >= given[1]
    assert day_of_notice(earlier, policy, calendar) <= day_of_notice(later, policy, calendar)


@given(instants, instants, policies, calendars)
def test_a_cut_off_takes_at_most_one_working_day_and_never_gives_one(received_at, start, policy, calendar):
    window, without = window_from(start), replace(policy, cut_off=None)
    with_it, plain = (reckon_notice(received_at, window, one, calendar) for one in (policy, without))
    assert plain.working_days - 1 <= with_it.working_days <= plain.working_days
    assert (plain.counted_from, plain.cut_off) == (None, None)
    if with_it.counted_from is None:
        assert with_it == plain


@given(instants, instants, policies, calendars)
def test_without_one_the_day_of_receipt_counts_at_whatever_hour(received_at, start, policy, calendar):
    plain = replace(policy, cut_off=None)
    assert day_of_notice(received_at, plain, calendar) == london_date(received_at)
    if received_at < start:
        days = calendar.working_days_between(london_date(received_at), london_date(start))
        assert reckon_notice(received_at, window_from(start), plain, calendar) == NoticePeriod(
            days, plain.band(days), days < plain.recommended_days, plain.recommended_days, 1, "drawn"
        )


@given(instants, policies, calendars)
def test_the_day_of_notice_is_the_definition(received_at, policy, calendar):
    """Walked hour by hour: the first Working Day whose cut-off is not yet past."""
    day = london_date(received_at)
    while not calendar.is_working_day(day) or (
        day == london_date(received_at) and received_at.astimezone(LONDON).time() > policy.cut_off
    ):
        day += DAY
    assert day_of_notice(received_at, policy, calendar) == day


@given(instants, policies, calendars)
def test_short_notice_means_after_the_cut_off_of_the_last_on_time_day(start, policy, calendar):
    last = last_on_time_day(london_date(start), policy, calendar)
    until = read_wall_clock(datetime.combine(last, policy.cut_off))[0]
    assert calendar.is_working_day(last)
    for received_at, late in ((until, False), (until + TICK, True), (london_midnight(last), False)):
        assert reckon_notice(received_at, window_from(start), policy, calendar).short_notice is late


@pytest.mark.parametrize(
    ("text", "hour"), [("16:30", time(16, 30)), (" 09:05 ", time(9, 5)), ("9:05", time(9, 5)), ("00:00", time())]
)
def test_a_cut_off_is_read(text, hour):
    assert read_cut_off(text) == hour


@pytest.mark.parametrize("text", ["", "24:00", "16", "16:30:15", "half past four", "16.30", "16:30Z"])
def test_another_text_is_no_cut_off(text):
    with pytest.raises(PolicyRefused) as refused:
        read_cut_off(text)
    assert (refused.value.text, refused.value.remedy) == (
        "That is not a cut-off hour.",
        "Give hours and minutes in London, such as 16:30.",
    )


@pytest.mark.parametrize("hour", [time(16, 30, 15), time(16, 30, 0, 1), time(16, 30, tzinfo=UTC)])
def test_a_policy_takes_whole_minutes_of_london_alone(hour):
    with pytest.raises(PolicyRefused):
        replace(FIRST_POLICY, cut_off=hour)
