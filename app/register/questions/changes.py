"""What changed between two instants (Q5), and what keeps being moved (Q13)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from typing_extensions import TypedDict

from app.domain.access import Principal
from app.domain.closure import Step
from app.domain.london import london_text, utc_text
from app.domain.party import Names
from app.domain.window import ClosureWindow
from app.register.closure_json import entry_of, json_of, window_facts
from app.register.questions.answer import count_words, sentence_of, span_words
from app.register.reading import read_moved, read_places, read_received
from app.register.recorded_change import Received, RecordedChange, kinds_without
from app.register.register import Register
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
    """What was told at ``since`` <= t < ``until``; the Link header leads to the next page."""

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
    """One page of what changed, the latest first. ``answer`` and ``size`` are about all of it; pages count from 1."""

    answer: str
    size: int
    page: int
    pages: int
    changes: list[ChangeJson]


def changes_between(  # noqa: PLR0917 - a page of an answer is its question and its place
    register: Register,
    principal: Principal,
    since: datetime,
    until: datetime,
    first: int = 0,
    most: int | None = None,
) -> ChangesJson:
    """Answer what was told to us at ``since`` <= t < ``until``, and which windows expired then (Q5).

    A superseded notice changed nothing and is not among the changes. Of these are named ``most`` at most (None: all),
    those before ``first`` passed over: the answer and its counts are about all of them.
    """
    found = _found(register, principal, since, until, finished=True)
    counts, after = found.counts(), len(found.places) if most is None else first + most
    return {
        "answer": _sentence(found, since, until),
        "since": utc_text(since),
        "until": utc_text(until),
        "counts": {step.value: counts[step] for step in Step if step is not Step.SUPERSEDED},
        "late": found.late,
        "changes": _named(register, principal, found.places[first:after]),
    }


def latest_changes(  # noqa: PLR0917 - a page of an answer is its question and its place
    register: Register,
    principal: Principal,
    since: datetime,
    until: datetime,
    page: int,
    size: int | None,
    *,
    finished: bool,
) -> ChangePage:
    """Return a page of what changed at ``since`` <= t < ``until``, the latest first; ``size`` None is all of it.

    ``finished``: with the windows that ended then, which nobody told us. A page after the last is the last.
    """
    found = _found(register, principal, since, until, finished=finished)
    count = len(found.places)
    shown = count if size is None else size
    pages = max(1, -(-count // max(1, shown)))
    page = min(page, pages)
    places = found.places[max(0, count - page * shown) : count - (page - 1) * shown]
    changes = _named(register, principal, places[::-1])
    return ChangePage(_sentence(found, since, until), count, page, pages, changes)


def _found(register: Register, principal: Principal, since: datetime, until: datetime, *, finished: bool) -> Received:
    left_out = [Step.SUPERSEDED] if finished else [Step.SUPERSEDED, Step.EXPIRED]
    return read_received(register, principal, since, until).only(kinds_without(*left_out))


def _named(register: Register, principal: Principal, places: Sequence[tuple[bytes, int]]) -> list[ChangeJson]:
    changes = read_places(register, principal, places)
    names = register.history.names
    return [_change_facts(change, names) for change in changes]


def _sentence(found: Received, since: datetime, until: datetime) -> str:
    counts = found.counts()
    parts = [_said(counts[step], step) for step in Step if counts[step]]
    words = f"{count_words(len(found.places), 'change')} between {london_text(since)} and {london_text(until)}"
    if parts:
        words += f": {', '.join(parts)}; {found.late or 'none'} at short notice"
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
