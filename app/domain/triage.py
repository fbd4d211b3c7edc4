"""Incident triage: is an alarm at an instant a planned closure; if not, what is nearest (docs/questions.md)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from app.domain.closure import PlannedClosure, State
from app.domain.window import ClosureWindow

_RECENTLY = timedelta(hours=1)
"""How long an alarm may still be of a gateway that re-opened, where it did so at the planned end or later."""


class TriageState(StrEnum):
    """What an alarm of a gateway means at an instant, the most urgent first: in this order they are listed."""

    OVER_TIME = "over time"
    PLANNED = "planned"
    REOPENED = "re-opened"
    NOT_PLANNED = "not planned"

    @property
    def urgency(self) -> int:
        """Return the place in a list, from 0."""
        return tuple(TriageState).index(self)


def state_at(closure: PlannedClosure, at: datetime) -> TriageState:
    """Return what one closure makes of an alarm at an instant: the one place where a closure is told to explain it.

    What was told as it happened counts before the plan. A withdrawn closure explains nothing, nor does one that we were
    told of only later.
    """
    if closure.state is State.WITHDRAWN or _heard_at(closure) > at:
        return TriageState.NOT_PLANNED
    reopened_at = closure.fact.reopened_at
    if reopened_at is not None and reopened_at <= at:
        is_recent = at < max(closure.planned.ends, reopened_at + _RECENTLY)
        return TriageState.REOPENED if is_recent else TriageState.NOT_PLANNED
    if closure.is_open(at):
        return TriageState.PLANNED if at < closure.planned.ends else TriageState.OVER_TIME
    return TriageState.PLANNED if closure.window.contains(at) else TriageState.NOT_PLANNED


def _heard_at(closure: PlannedClosure) -> datetime:
    """Return since when we know that it is to be closed: what is told of its end as it happens is no news of that."""
    return closure.window_received_at if closure.plan is None else closure.first_received_at


_CLOSED = frozenset({TriageState.PLANNED, TriageState.OVER_TIME})


@dataclass(frozen=True, slots=True)
class Triage:
    """What is known of one gateway at the instant ``at``.

    ``state`` is the most urgent that any of its closures makes, and ``about`` are those that make it; none for
    "not planned". ``inside`` are the closures by which the gateway is closed then and that we had been told of;
    ``told_later`` are windows that contain it too, but the notice of them came after the instant. ``before`` and
    ``after`` are the nearest other windows on either side.
    """

    at: datetime
    state: TriageState
    about: tuple[PlannedClosure, ...]
    inside: tuple[PlannedClosure, ...]
    told_later: tuple[PlannedClosure, ...]
    before: PlannedClosure | None
    after: PlannedClosure | None

    @property
    def until(self) -> datetime | None:
        """Return when the gateway is to re-open, by the last of the closures that it is about; None without any."""
        ends = (one.window.ends if one.window.ends > self.at else one.planned.ends for one in self.about)
        return max(ends, default=None)

    @property
    def nearest(self) -> PlannedClosure | None:
        """Return the closest other window; only where none contains the instant. As near on both sides: the earlier."""
        if self.inside or self.told_later:
            return None
        if self.before is None or self.after is None:
            return self.before or self.after
        return self.before if self.at - self.before.window.ends <= self.after.window.starts - self.at else self.after


def triage(closures: Iterable[PlannedClosure], at: datetime) -> Triage:
    """Look at one gateway's ``closures`` at an instant; a withdrawn one explains nothing."""
    standing = sorted(
        (closure for closure in closures if closure.state is not State.WITHDRAWN),
        key=lambda closure: (closure.window, closure.reference),
    )
    states = [state_at(closure, at) for closure in standing]
    state = min(states, key=lambda one: one.urgency, default=TriageState.NOT_PLANNED)
    explained = state is not TriageState.NOT_PLANNED
    inside: list[PlannedClosure] = []
    others: list[PlannedClosure] = []
    for one, its in zip(standing, states, strict=True):
        (inside if its in _CLOSED and one.is_open(at) else others).append(one)
    later = [one for one, its in zip(standing, states, strict=True) if its is TriageState.NOT_PLANNED]
    return Triage(
        at=at,
        state=state,
        about=tuple(one for one, its in zip(standing, states, strict=True) if explained and its is state),
        inside=tuple(inside),
        told_later=tuple(one for one in later if one.window.contains(at)),
        before=max((one for one in others if one.window.ends <= at), key=lambda one: one.window.ends, default=None),
        after=next((one for one in others if one.window.starts > at), None),
    )


def first_instant(closures: Iterable[PlannedClosure], span: ClosureWindow) -> datetime:
    """Return the instant that a question about a span is about: where the first closure meets it, else its start."""
    met = (one.window for one in closures if one.state is not State.WITHDRAWN and one.window.overlaps(span))
    return max(span.starts, min((window.starts for window in met), default=span.starts))
