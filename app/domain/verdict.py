"""The verdict on a revision: how much notice it gave, judged once at receipt and never derived again."""

from dataclasses import dataclass
from datetime import datetime

from app.domain.notice_period import NoticePeriod, reckon_notice
from app.domain.notice_policy import NoticePolicy
from app.domain.window import ClosureWindow
from app.domain.working_days import WorkingDayCalendar


@dataclass(frozen=True, slots=True)
class Verdict:
    """The notice of one revision, by the policy and the holiday table that were in force when we received it.

    ``first_notice`` runs from when we first heard of the closure, ``current_date`` from the revision that set the times
    that stand, both to the start of those times. ``change`` runs from this revision to the start of the window
    concerned: for a move, the earlier of the old and the new start.
    """

    first_notice: NoticePeriod
    current_date: NoticePeriod
    change: NoticePeriod

    @property
    def working_days_notice(self) -> int:
        """Return the Working Days' notice of the times that stand: the one number that leads everywhere."""
        return self.current_date.working_days

    @property
    def short_notice(self) -> bool:
        """Tell whether the times that stand were known to us later than recommended."""
        return self.current_date.short_notice

    @property
    def late_change(self) -> bool:
        """Tell whether this revision was told to us later than recommended. A fact, and nobody's fault."""
        return self.change.short_notice


@dataclass(frozen=True, slots=True)
class Receipts:
    """When we heard of a closure: first, of the times that stand, and of this revision (aware UTC)."""

    first: datetime
    window: datetime
    revision: datetime


def judge(
    received: Receipts,
    window: ClosureWindow,
    replaced: ClosureWindow | None,
    policy: NoticePolicy,
    calendar: WorkingDayCalendar,
) -> Verdict:
    """Judge the revision after which ``window`` stands; ``replaced`` is the planned window before it, if there was one.

    A change concerns the earlier of the two windows: whoever prepared for it knew of that one.
    """
    concerned = window if replaced is None else min(replaced, window)
    first = reckon_notice(received.first, window, policy, calendar)
    if received.first == received.window == received.revision and concerned is window:
        return Verdict(first, first, first)
    return Verdict(
        first_notice=first,
        current_date=reckon_notice(received.window, window, policy, calendar),
        change=reckon_notice(received.revision, concerned, policy, calendar),
    )
