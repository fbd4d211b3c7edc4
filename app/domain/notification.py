"""A notification: one thing of one closure that somebody asked to be told, and whether it still holds when told."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum

from app.domain.closure import PlannedClosure, State, Step
from app.domain.london import london_date, read_wall_clock
from app.domain.working_days import WorkingDayCalendar

STARTS_WITHIN = timedelta(hours=24)
REMINDER_DAYS = 5
"""Working Days before the start at which a User is asked whether a closure is still planned."""


class Kind(StrEnum):
    """What a recipient may ask to be told. ``receipt`` and ``reminder`` are for the User whose closure it is."""

    NEW = "new"
    MOVED = "moved"
    WITHDRAWN = "withdrawn"
    LATE = "late"
    CLASH = "clash"
    STARTS = "starts"
    OPEN = "open"
    EXPIRED = "expired"
    RECEIPT = "receipt"
    REMINDER = "reminder"


FOR_THE_SENDER = frozenset({Kind.RECEIPT, Kind.REMINDER})
BY_THE_CLOCK = frozenset({Kind.STARTS, Kind.OPEN, Kind.REMINDER})
_PLANS = frozenset({Step.FIRST, Step.PLANNED_AGAIN})


@dataclass(frozen=True, slots=True)
class Notification:
    """One thing to be told to one recipient. ``number`` is the revision of the closure that it is about."""

    recipient_id: str
    kind: Kind
    closure_id: bytes
    number: int


def kinds_of_step(step: Step, *, late: bool, from_notice: bool) -> frozenset[Kind]:
    """Return what there is to tell of one entry in a closure's history, when it is written.

    ``late``: the entry is a late change. ``from_notice``: a notice brought it, whose sender gets a receipt. A
    superseded notice changed nothing, so nobody is told.
    """
    if step is Step.EXPIRED:
        return frozenset({Kind.EXPIRED})
    if not step.is_numbered:
        return frozenset()
    found = {Kind.WITHDRAWN} if step is Step.WITHDRAWN else {Kind.NEW if step in _PLANS else Kind.MOVED, Kind.CLASH}
    if late:
        found.add(Kind.LATE)
    if from_notice:
        found.add(Kind.RECEIPT)
    return frozenset(found)


def kinds_of_hour(closure: PlannedClosure, now: datetime, calendar: WorkingDayCalendar) -> frozenset[Kind]:
    """Return what the clock gives to tell of a closure at ``now``.

    A User that gave no more notice than the reminder leaves is not reminded of what it has only just told us.
    """
    if closure.state is not State.PLANNED:
        return frozenset()
    if closure.is_open(now):
        return frozenset({Kind.OPEN})
    starts = closure.window.starts
    if starts <= now:
        return frozenset()
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
    if kind is Kind.OPEN:
        return closure.state is State.PLANNED and closure.is_open(now)
    if kind in BY_THE_CLOCK:
        return closure.state is State.PLANNED and now < closure.window.starts
    return True


def is_due(waiting_since: datetime, digest_hour: int | None, now: datetime) -> bool:
    """Tell whether what has waited since ``waiting_since`` is to be told now: at once, or after the digest's hour.

    ``digest_hour`` is an hour of the day in London, at which one message tells all that came in before.
    """
    if digest_hour is None or waiting_since > now:  # a clock that was set back must not hold anything up
        return True
    return waiting_since < _last_digest(digest_hour, now)


def next_digest(hour: int, after: datetime) -> datetime:
    """Return the first digest after an instant: it tells what began to wait then."""
    today = _digest_of(after, 0, hour)
    return today if after < today else _digest_of(after, 1, hour)


def _last_digest(hour: int, now: datetime) -> datetime:
    today = _digest_of(now, 0, hour)
    return today if today <= now else _digest_of(now, -1, hour)


def _digest_of(now: datetime, days: int, hour: int) -> datetime:
    day = london_date(now) + timedelta(days=days)
    return read_wall_clock(datetime.combine(day, time(hour)))[0]
