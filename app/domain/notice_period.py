"""How much notice was given: Working Days between receipt and start, and the band that they fall in."""

from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta

from app.domain.london import LONDON, london_date
from app.domain.notice_policy import NoticePolicy
from app.domain.window import ClosureWindow
from app.domain.working_days import WorkingDayCalendar

AFTER_START = "after start"
AFTER_END = "after end"
_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class NoticePeriod:
    """The notice given for one window, with the versions of the rule and of the holiday table that counted it.

    ``counted_from`` is the Working Day on which the notice counts as given, where that is not the day of its receipt:
    because it came after the ``cut_off``, or, where that is None, on no Working Day.
    """

    working_days: int
    band: str
    short_notice: bool
    recommended_days: int
    policy_version: int
    holiday_version: str
    counted_from: date | None = None
    cut_off: time | None = None


def day_of_notice(received_at: datetime, policy: NoticePolicy, calendar: WorkingDayCalendar) -> date:
    """Return the London day on which a notice counts as given; a cut-off hour may make it the next Working Day.

    Where there is a cut-off, no notice counts as given on a day that is no Working Day: else one of Saturday would give
    more notice than one of Friday evening (docs/adr/0033-a-cut-off-hour.md).
    """
    local = received_at.astimezone(LONDON)
    if policy.cut_off is None:
        return local.date()
    return calendar.working_day_from(local.date() + _ONE_DAY * (local.time() > policy.cut_off))


def last_on_time_day(start: date, policy: NoticePolicy, calendar: WorkingDayCalendar) -> date:
    """Return the latest London day of notice that is on time for ``start``; where there is a cut-off, until then."""
    day = calendar.last_day_that_leaves(policy.recommended_days, start)
    return day if policy.cut_off is None else calendar.working_day_until(day)


def reckon_notice(
    received_at: datetime, window: ClosureWindow, policy: NoticePolicy, calendar: WorkingDayCalendar
) -> NoticePeriod:
    """Count the notice that ``received_at`` (our receipt clock, aware UTC) gave of ``window``."""
    period = reckon_start(received_at, window.starts, policy, calendar)
    return replace(period, band=AFTER_END) if received_at >= window.ends else period


def reckon_start(
    received_at: datetime, starts: datetime, policy: NoticePolicy, calendar: WorkingDayCalendar
) -> NoticePeriod:
    """Count the notice that ``received_at`` (our receipt clock, aware UTC) gave of a start, whatever end it has."""
    received_on = given_on = london_date(received_at)
    if received_at >= starts:
        days, band = 0, AFTER_START
    else:
        given_on = day_of_notice(received_at, policy, calendar)
        days = calendar.working_days_between(given_on, london_date(starts))
        band = policy.band(days)
    deferred = given_on != received_on
    return NoticePeriod(
        working_days=days,
        band=band,
        short_notice=days < policy.recommended_days,
        recommended_days=policy.recommended_days,
        policy_version=policy.version,
        holiday_version=calendar.version,
        counted_from=given_on if deferred else None,
        cut_off=policy.cut_off if deferred and calendar.is_working_day(received_on) else None,
    )
