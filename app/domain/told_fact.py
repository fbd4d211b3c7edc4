"""Whether what is told of a closure as it happens fits what stands, and what it does; else a question back (ADR 34)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.domain.closure import PlannedClosure, Revision, State, Step
from app.domain.fact import Fact, FactDoubted, FactKind, ToldFact
from app.domain.london import london_text
from app.domain.window import ClosureWindow

CLOCKS_DIFFER = timedelta(minutes=1)
"""How far ahead of ours a clock may run that tells us what has just happened."""
CLOSES_EARLY = timedelta(minutes=15)
"""How long before its planned start a closure may begin and still be that closure."""
LONGEST = timedelta(days=31)
"""How long a closure may be told to last from its start: longer ones are confirmed in a notice."""


@dataclass(frozen=True, slots=True)
class FactStep:
    """What a fact does to a closure: the step, the window that stands after it, and all that is told by then."""

    step: Step
    window: ClosureWindow
    fact: Fact


def step_of_fact(closure: PlannedClosure, told: ToldFact, now: datetime) -> FactStep:
    """Return what ``told``, received ``now``, does. Raise ``FactDoubted`` where it does not fit what stands."""
    if closure.state is State.WITHDRAWN:
        raise _doubt(closure, "This closure is withdrawn.", "If its gateway is closed, plan it again first.")
    assert told.at is not None
    # Whole seconds, as iCalendar states them.
    stated = told.at.replace(microsecond=0)
    if told.kind is FactKind.STILL_CLOSED:
        return _still_closed(closure, stated, now)
    at = min(stated, now.replace(microsecond=0))
    if stated > now + CLOCKS_DIFFER:
        raise _doubt(closure, "That time is still to come.", "Tell it when it has happened.")
    if closure.fact.reopened_at is not None:
        raise _doubt(closure, "It was told re-opened already.", "If that was wrong, take it back first.")
    return _closed(closure, at, now) if told.kind is FactKind.CLOSED else _reopened(closure, at)


def before_last_fact(history: Iterable[tuple[Revision, PlannedClosure]]) -> PlannedClosure | None:
    """Return the closure as it stood before the last fact that stands; None where none does.

    What was told before the plan itself changed stands no more.
    """
    stack: list[PlannedClosure] = []
    before: PlannedClosure | None = None
    for revision, after in history:
        if revision.step is Step.TAKEN_BACK:
            stack.pop()
        elif revision.fact is not None and before is not None:
            stack.append(before)
        elif revision.step.is_judged:
            stack.clear()
        before = after
    return stack[-1] if stack else None


def step_back(closure: PlannedClosure, before: PlannedClosure | None) -> FactStep:
    """Return what taking back the last fact does: all is as it was ``before`` it. Raise ``FactDoubted``."""
    if closure.state is State.WITHDRAWN:
        raise _doubt(closure, "This closure is withdrawn.", "If its gateway is closed, plan it again first.")
    if before is None:
        raise _doubt(closure, "Nothing was told of this closure since it was planned so.", "Nothing is to take back.")
    return FactStep(Step.TAKEN_BACK, before.window, before.fact)


def told_words(closure: PlannedClosure) -> str:
    """Say how a closure stands: planned from when to when, and what was told of it."""
    planned, fact = closure.planned, closure.fact
    words = f"planned from {london_text(planned.starts)} to {london_text(planned.ends)}"
    if closure.state is State.WITHDRAWN:
        return f"{words}, withdrawn"
    if fact.closed_at is not None:
        words += f", told closed from {london_text(fact.closed_at)}"
    elif fact.is_watched:
        words += ", told closed"
    if fact.reopened_at is not None:
        words += f", told re-opened at {london_text(fact.reopened_at)}"
    elif closure.window.ends != planned.ends:
        words += f", told closed until {london_text(closure.window.ends)}"
    return words


def _closed(closure: PlannedClosure, at: datetime, now: datetime) -> FactStep:
    if closure.fact.closed_at is not None:
        raise _doubt(closure, "It was told closed already.", "If that was wrong, take it back first.")
    if at < closure.window.starts - CLOSES_EARLY:
        raise _doubt(closure, "That is before its window.", "If it closes earlier, give a notice of the new times.")
    if at >= closure.window.ends:
        raise _doubt(closure, "That is after its window.", "If it closed again, give a notice of the new closure.")
    is_watched = closure.fact.is_watched or now < closure.window.ends
    return FactStep(Step.TOLD_CLOSED, closure.window, Fact(at, None, is_watched))


def _reopened(closure: PlannedClosure, at: datetime) -> FactStep:
    closed_at = closure.fact.closed_at or closure.window.starts
    if at <= max(closed_at, closure.window.starts):
        raise _doubt(closure, "That is before it closed.", "If it did not take place, withdraw it.")
    return FactStep(Step.REOPENED, ClosureWindow(closure.window.starts, at), Fact(closure.fact.closed_at, at))


def _still_closed(closure: PlannedClosure, until: datetime, now: datetime) -> FactStep:
    window, fact = closure.window, closure.fact
    if now < window.starts - CLOSES_EARLY:
        raise _doubt(closure, "It has not begun.", "Give a notice of the new times.")
    if fact.reopened_at is not None:
        raise _doubt(closure, "It was told re-opened already.", "If that was wrong, take it back first.")
    if until <= now:
        raise _doubt(closure, "That time is past.", "If it re-opened then, tell that.")
    if until <= window.starts:
        raise _doubt(closure, "That is before it begins.", "Give a notice of the new times.")
    if until > window.starts + LONGEST:
        raise _doubt(closure, "That is longer than 31 days in all.", "Give a notice of the new times.")
    told = Fact(fact.closed_at, None, is_watched=True)
    if until == window.ends:
        if fact.is_watched:
            raise _doubt(closure, "That was told already.", "Tell it again when it changes.")
        return FactStep(Step.TOLD_CLOSED, window, told)
    step = Step.LENGTHENED if until > window.ends else Step.SHORTENED
    return FactStep(step, ClosureWindow(window.starts, until), told)


def _doubt(closure: PlannedClosure, text: str, remedy: str) -> FactDoubted:
    return FactDoubted(f"{text} {closure.reference} is {told_words(closure)}.", remedy)
