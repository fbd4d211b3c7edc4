"""What changed between two instants (Q5), and what keeps being moved (Q13)."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from typing_extensions import TypedDict

from app.domain.access import Principal
from app.domain.closure import Step
from app.domain.london import london_text, utc_text
from app.domain.party import Names
from app.domain.window import ClosureWindow
from app.register.closure_json import entry_of, json_of, window_facts
from app.register.questions.answer import count_words, sentence_of, span_words
from app.register.reading import read_moved, read_page
from app.register.recorded_change import RecordedChange, kinds_without
from app.register.register import Register
from app.store.receipt_order import Passage, Place, received_in
from feeds.closure_json import ClosureJson, RecordedJson, WindowJson, recorded_json


class BeforeJson(WindowJson):
    """The gateway and window that stood before a change."""

    gateway: str


class ChangeJson(RecordedJson):
    """One entry of a closure's history, and the closure as it stood after it, at its receipt.

    ``change_days`` are the Working Days between the change and the window concerned, null for expiry; ``late``: fewer
    than recommended.
    """

    change: Step
    received_at: str
    received_at_london: str
    before: BeforeJson | None
    change_days: int | None
    late: bool
    change_words: str


class ChangesJson(TypedDict):
    """What was told at ``since`` <= t < ``until``; the Link header leads to the next page.

    The answer and its counts are about the ``changes`` that are named: all of them, where there is one page.
    """

    answer: str
    since: str
    until: str
    counts: dict[str, int]
    late: int
    changes: list[ChangeJson]


class MovedJson(TypedDict):
    """Which closures were moved ``times`` or more, most moves first; the Link header leads to the next page."""

    answer: str
    times: int
    as_of: str | None
    closures: list[ClosureJson]


@dataclass(frozen=True, slots=True)
class ChangePage:
    """One page of what changed, the latest first.

    ``newer`` is the place in the order of receipt to ask for what comes after it, ``older`` the one to ask for what
    comes before; None where there is nothing.
    """

    answer: str
    changes: list[ChangeJson]
    newer: Place | None
    older: Place | None


def changes_between(  # noqa: PLR0917 - a page of an answer is its question and its place
    register: Register,
    principal: Principal,
    since: datetime,
    until: datetime,
    after: Place | None = None,
    most: int | None = None,
) -> tuple[ChangesJson, Place | None]:
    """Answer what was told to us at ``since`` <= t < ``until``, and which windows expired then (Q5).

    Of these ``most`` at most (None: all), from the place ``after`` on, with the place from which to go on, None at the
    end. A superseded notice changed nothing and is not among the changes.
    """
    span = received_in(since, until)
    passage = span if after is None else replace(span, starts=max(span.starts, after))
    found, left = read_page(register, principal, passage, _kinds(finished=True), most)
    counts = Counter(change.step for change in found)
    answer: ChangesJson = {
        "answer": _sentence(found, since, until, is_all=after is None and left is None),
        "since": utc_text(since),
        "until": utc_text(until),
        "counts": {step.value: counts[step] for step in Step if step is not Step.SUPERSEDED},
        "late": sum(change.is_late for change in found),
        "changes": _named(register, found),
    }
    return answer, None if left is None else left.starts


def latest_changes(
    register: Register,
    principal: Principal,
    since: datetime,
    until: datetime,
    most: int | None,
    *,
    finished: bool,
    before: Place | None = None,
    after: Place | None = None,
) -> ChangePage:
    """Return a page of what changed at ``since`` <= t < ``until``, the latest first; ``most`` None is all of it.

    It holds what comes next ``before`` a place, or next from the place ``after`` on; the latest, where none is given.
    ``finished``: with the windows that ended then, which nobody told us.
    """
    span = received_in(since, until)
    edges = span.starts if after is None else max(span.starts, after), span.ends if before is None else before
    passage = Passage(edges[0], min(edges[1], span.ends), latest_first=after is None)
    found, left = read_page(register, principal, passage, _kinds(finished=finished), most)
    if after is None:
        newer, older = before, None if left is None else left.ends
    else:
        newer, older = None if left is None else left.starts, after
        found.reverse()
    is_all = newer is None and older is None
    return ChangePage(_sentence(found, since, until, is_all=is_all), _named(register, found), newer, older)


def _kinds(*, finished: bool) -> frozenset[int]:
    return kinds_without(Step.SUPERSEDED) if finished else kinds_without(Step.SUPERSEDED, Step.EXPIRED)


def _named(register: Register, found: Iterable[RecordedChange]) -> list[ChangeJson]:
    names = register.history.names
    return [_change_facts(change, names) for change in found]


def _sentence(found: Sequence[RecordedChange], since: datetime, until: datetime, *, is_all: bool) -> str:
    counts, late = Counter(change.step for change in found), sum(change.is_late for change in found)
    parts = [_said(counts[step], step) for step in Step if counts[step]]
    changes = count_words(len(found), "change") if is_all else f"{len(found) or 'none'} of the changes"
    words = f"{changes} between {london_text(since)} and {london_text(until)}"
    if parts:
        words += f": {', '.join(parts)}; {late or 'none'} at short notice"
    return sentence_of(words)


def moved_often(
    register: Register, principal: Principal, times: int, as_of: datetime | None, now: datetime
) -> MovedJson:
    """Answer which closures were moved ``times`` or more, most moves first (Q13)."""
    found = sorted(read_moved(register, principal, times, as_of), key=lambda closure: -closure.moves)
    names = register.history.names
    verb = "was" if len(found) == 1 else "were"
    words = f"{count_words(len(found), 'closure')} {verb} moved {times} times or more"
    return {
        "answer": sentence_of(words),
        "times": times,
        "as_of": None if as_of is None else utc_text(as_of),
        "closures": [json_of(closure, names, as_of or now) for closure in found],
    }


def _said(count: int, step: Step) -> str:
    """Word how often a step was taken: ``2 first notices``, ``2 moved``."""
    return count_words(count, step.value) if step is Step.FIRST else f"{count} {_word(step)}"


def _word(step: Step) -> str:
    """Word a step in a sentence: a window that is over is finished."""
    return "finished" if step is Step.EXPIRED else step.value


def _change_facts(one: RecordedChange, names: Names) -> ChangeJson:
    after, before = one.after, one.before
    return {
        **recorded_json(entry_of(after, names), one.received_at),
        "change": one.step,
        "received_at": utc_text(one.received_at),
        "received_at_london": london_text(one.received_at),
        "before": None if before is None else {"gateway": before.gateway, **window_facts(before.window)},
        "change_days": after.verdict.change.working_days if one.step.is_judged else None,
        "late": one.is_late,
        "change_words": _words(one, None if before is None else before.window),
    }


def _words(one: RecordedChange, before: ClosureWindow | None) -> str:
    line = one.after
    if before is not None and before != line.window:
        return f"{line.gateway}: {_word(one.step)}, from {span_words(before)} to {span_words(line.window)}"
    return f"{line.gateway}: {_word(one.step)}, {span_words(line.window)}"
