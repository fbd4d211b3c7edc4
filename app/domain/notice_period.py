"""How much notice was given: Working Days between receipt and start, and the band that they fall in."""

from dataclasses import dataclass
from datetime import datetime

from app.domain.london import london_date
from app.domain.notice_policy import NoticePolicy
from app.domain.window import ClosureWindow
from app.domain.working_days import WorkingDayCalendar

AFTER_START = "after start"
AFTER_END = "after end"


@dataclass(frozen=True, slots=True)
class NoticePeriod:
    """The notice given for one window, with the versions of the rule and of the holiday table that counted it."""

    working_days: int
    band: str
    short_notice: bool
    recommended_days: int
    policy_version: int
    holiday_version: str


def reckon_notice(
    received_at: datetime, window: ClosureWindow, policy: NoticePolicy, calendar: WorkingDayCalendar
) -> NoticePeriod:
    """Count the notice that ``received_at`` (our receipt clock, aware UTC) gave of ``window``."""
    if received_at >= window.starts:
        days, band = 0, AFTER_END if received_at >= window.ends else AFTER_START
    else:
        days = calendar.working_days_between(london_date(received_at), london_date(window.starts))
        band = policy.band(days)
    return NoticePeriod(
        working_days=days,
        band=band,
        short_notice=days < policy.recommended_days,
        recommended_days=policy.recommended_days,
        policy_version=policy.version,
        holiday_version=calendar.version,
    )
