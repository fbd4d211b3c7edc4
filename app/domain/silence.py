"""For how long alarms of a gateway are no news because of a closure: by its plan, and by what was told of it."""

from datetime import datetime, timedelta

from app.domain.closure import PlannedClosure, State
from app.domain.utc_day import day_of
from app.domain.window import ClosureWindow

AHEAD = timedelta(weeks=8)
"""How long before its start a closure is silenced, by whole UTC days: who reads the silences learns no more than that,
and when one is made does not tell at which hour it begins."""


def silent_window(closure: PlannedClosure, now: datetime) -> ClosureWindow | None:
    """Return from when to when alarms are no news; None where it is off, over, or further ahead than ``AHEAD``.

    Where it was told closed early, from then on; to the end that was told last. Who was told closed and not re-opened
    is over time only when the plan has ended too. From then on an alarm is news.
    """
    if closure.state is State.WITHDRAWN:
        return None
    starts, ends = closure.window.starts, closure.window.ends
    starts = min(starts, closure.fact.closed_at or starts)
    if closure.is_watched:
        ends = max(ends, closure.planned.ends)
    return ClosureWindow(starts, ends) if starts < day_of(now) + AHEAD and now < ends else None
