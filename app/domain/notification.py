"""A notification: one thing of one closure that somebody asked to be told, and whether it still holds when told."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum

from app.domain.closure import PlannedClosure, State, Step
from app.domain.london import london_date, read_wall_clock
from app.domain.working_days import WorkingDayCalendar

STARTS_WITHIN = timedelta(hours=24)
EXPIRED_WITHIN = timedelta(hours=24)
"""How long ago a window may have ended for anybody to be told of it."""
REMINDER_DAYS = 5
"""Working Days before the start at which a User is asked whether a closure is still planned."""


class Kind(StrEnum):
    """What a recipient may be told. ``receipt`` and ``reminder`` are for the User whose closure it is.

    ``revision`` is each numbered revision: what a calendar follows. Nobody chooses it beside others.
    """

    NEW = "new"
    MOVED = "moved"
    WITHDRAWN = "withdrawn"
    LATE = "late"
    CLASH = "clash"
    STARTS = "starts"
    OPEN = "open"
    OVER_TIME = "over-time"
    REOPENED = "re-opened"
    EXPIRED = "expired"
    RECEIPT = "receipt"
    REMINDER = "reminder"
    REVISION = "revision"


FOR_A_READER = tuple(kind for kind in Kind if kind is not Kind.REVISION)
"""What whoever reads messages may choose among."""
FOR_THE_SENDER = frozenset({Kind.RECEIPT, Kind.REMINDER})
BY_THE_CLOCK = frozenset({Kind.STARTS, Kind.OPEN, Kind.OVER_TIME, Kind.EXPIRED, Kind.REMINDER})
_LONGEST_DIGEST = timedelta(hours=25)  # from one digest to the next, on the night on which the clocks go back
_PLANS = frozenset({Step.FIRST, Step.PLANNED_AGAIN})
_TOLD = {
    Step.REOPENED: frozenset({Kind.REOPENED}),
    Step.TAKEN_BACK: frozenset({Kind.MOVED}),
    Step.MADE_PROVISIONAL: frozenset({Kind.MOVED}),
    Step.CONFIRMED: frozenset({Kind.MOVED}),
}


_WHILE: dict[Kind, Callable[[PlannedClosure, datetime], bool]] = {
    Kind.OPEN: PlannedClosure.is_open,
    Kind.OVER_TIME: PlannedClosure.is_over_time,
    Kind.EXPIRED: lambda closure, now: closure.state_at(now) is State.EXPIRED,
}
"""What the clock tells only while it is so."""


@dataclass(frozen=True, slots=True)
class Notification:
    """One thing to be told to one recipient. ``number`` is the revision of the closure that it is about."""

    recipient_id: str
    kind: Kind
    closure_id: bytes
    number: int


def kinds_of_step(step: Step, *, late: bool, from_notice: bool, numbered: bool) -> frozenset[Kind]:
    """Return what there is to tell of one entry in a closure's history, when it is written.

    ``late``: the entry is a late change. ``from_notice``: a notice brought it, whose sender gets a receipt.
    ``numbered``: it is a revision that feeds show. A superseded notice changed nothing, so nobody is told; that a
    window is over is told by the clock.
    """
    revised = frozenset({Kind.REVISION} if numbered else ())
    if not step.is_judged:
        return _TOLD.get(step, frozenset()) | revised
    found = {Kind.WITHDRAWN} if step is Step.WITHDRAWN else {Kind.NEW if step in _PLANS else Kind.MOVED, Kind.CLASH}
    found |= revised
    if late:
        found.add(Kind.LATE)
    if from_notice:
        found.add(Kind.RECEIPT)
    return frozenset(found)


def kinds_of_hour(closure: PlannedClosure, now: datetime, calendar: WorkingDayCalendar) -> frozenset[Kind]:
    """Return what the clock gives to tell of a closure at ``now``.

    A User that gave no more notice than the reminder leaves is not reminded of what it has only just told us.
    """
    starts, ends = closure.window.starts, closure.window.ends
    if closure.is_over_time(now):
        return frozenset({Kind.OVER_TIME})
    if closure.state is State.WITHDRAWN or ends + EXPIRED_WITHIN < now:
        return frozenset()
    if starts <= now:
        return frozenset({Kind.EXPIRED if ends <= now else Kind.OPEN})
    found = set()
    if starts - now <= STARTS_WITHIN:
        found.add(Kind.STARTS)
    to_go = calendar.working_days_between(london_date(now), london_date(starts))
    if to_go <= REMINDER_DAYS < closure.verdict.working_days_notice:
        found.add(Kind.REMINDER)
    return frozenset(found)


def still_holds(kind: Kind, number: int, closure: PlannedClosure, planned_since: int, now: datetime) -> bool:
    """Tell whether a notification about revision ``number`` may still be told of ``closure`` as it stands at ``now``.

    A later revision overtakes it, so that nobody hears of an old date after a move; the later one is told itself.
    Only ``new`` outlives a move, with the window that stands, for a recipient who asked for nothing else: until the
    closure is withdrawn, or planned again (``planned_since`` is the revision that last planned it).
    """
    if kind is Kind.NEW:
        return closure.state is not State.WITHDRAWN and number == planned_since
    if number != closure.number:
        return False
    if kind in _WHILE:
        return _WHILE[kind](closure, now)
    if kind in BY_THE_CLOCK:
        return closure.state is not State.WITHDRAWN and now < closure.window.starts
    return True


def due_from(digest_hour: int | None, now: datetime) -> datetime | None:
    """Return from when what begins to wait at ``now`` is to be told: the next digest; None is at once.

    ``digest_hour`` is an hour of the day in London, at which one message tells all that came in before.
    """
    if digest_hour is None:
        return None
    today = _digest_of(now, 0, digest_hour)
    return today if now < today else _digest_of(now, 1, digest_hour)


def is_due(due_at: datetime | None, now: datetime) -> bool:
    """Tell whether what is due from ``due_at`` is to be told now. A clock that was set back holds nothing up."""
    return due_at is None or due_at <= now or due_at > now + _LONGEST_DIGEST


def _digest_of(now: datetime, days: int, hour: int) -> datetime:
    day = london_date(now) + timedelta(days=days)
    return read_wall_clock(datetime.combine(day, time(hour)))[0]
