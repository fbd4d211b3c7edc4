"""What counts as a late change, and the lead times that each revision records (docs/domain.md#lateness)."""

from dataclasses import dataclass
from datetime import datetime

from app.domain.closure import PlannedClosure, State, Step
from app.domain.notice_period import NoticePeriod, reckon_notice
from app.domain.notice_policy import NoticePolicy
from app.domain.window import ClosureWindow
from app.domain.working_days import WorkingDayCalendar


@dataclass(frozen=True, slots=True)
class Assessment:
    """The lead times of one revision, counted once and never rewritten.

    ``first_notice`` runs from when we first heard of the closure, ``current_date`` from the revision that set the
    window that stands, both to the start of that window. ``change`` runs from this revision to the start of the window
    concerned: for a move, the earlier of the old and the new start.
    """

    first_notice: NoticePeriod
    current_date: NoticePeriod
    change: NoticePeriod

    @property
    def is_late_change(self) -> bool:
        """Tell whether this revision was known to us later than recommended. A fact, and nobody's fault."""
        return self.change.short_notice


@dataclass(frozen=True, slots=True)
class LateChange:
    """One line of the record of late changes: which closure, what changed, when we knew, how long before."""

    reference: str
    user: str
    gateway: str
    number: int
    step: Step
    received_at: datetime
    window: ClosureWindow
    assessment: Assessment


def assess(
    before: PlannedClosure | None,
    after: PlannedClosure,
    received_at: datetime,
    policy: NoticePolicy,
    calendar: WorkingDayCalendar,
) -> Assessment:
    """Reckon the lead times of the revision that turned ``before`` into ``after`` at ``received_at``."""
    return Assessment(
        first_notice=reckon_notice(after.first_received_at, after.window, policy, calendar),
        current_date=reckon_notice(after.window_received_at, after.window, policy, calendar),
        change=reckon_notice(received_at, window_concerned(before, after), policy, calendar),
    )


def window_concerned(before: PlannedClosure | None, after: PlannedClosure) -> ClosureWindow:
    """Return the window whose start a change is measured to: the earlier of the old and the new one."""
    if before is None or before.state is State.WITHDRAWN:
        return after.window
    return min(before.window, after.window)
