"""What changed between two instants (Q5), and what keeps being moved (Q13)."""

from collections import Counter
from datetime import datetime
from typing import Any

from app.domain.access import Principal
from app.domain.closure import Step
from app.domain.london import london_text, utc_text
from app.domain.window import ClosureWindow
from app.register.closure_json import json_of
from app.register.history_cache import RecordedChange
from app.register.questions.answer import Answer, count_words, sentence_of, span_words, window_facts
from app.register.reading import read_everything, read_recorded
from app.register.register import Register


def changes_between(register: Register, principal: Principal, since: datetime, until: datetime) -> Answer:
    """Answer what was told to us at ``since`` <= t < ``until``, and which windows expired then (Q5).

    A superseded notice changed nothing and is not among the changes.
    """
    found = [one for one in read_recorded(register, principal, since, until) if one.step is not Step.SUPERSEDED]
    counts = Counter(one.step for one in found)
    late = sum(one.is_late for one in found)
    between = f"between {london_text(since)} and {london_text(until)}"
    parts = [_said(counts[step], step) for step in Step if counts[step]]
    words = f"{count_words(len(found), 'change')} {between}"
    if parts:
        words += f": {', '.join(parts)}; {late or 'none'} at short notice"
    facts = {
        "since": utc_text(since),
        "until": utc_text(until),
        "counts": {step.value: counts[step] for step in Step if step is not Step.SUPERSEDED},
        "late": late,
        "changes": [_change_facts(one) for one in found],
    }
    return Answer(sentence_of(words), facts)


def moved_often(register: Register, principal: Principal, times: int, as_of: datetime | None, now: datetime) -> Answer:
    """Answer which closures were moved ``times`` or more, most moves first (Q13)."""
    found = [one for one in read_everything(register, principal, as_of) if one.moves >= times]
    found.sort(key=lambda one: -one.moves)
    names = register.history.parties().names
    verb = "was" if len(found) == 1 else "were"
    facts = {
        "times": times,
        "as_of": None if as_of is None else utc_text(as_of),
        "closures": [json_of(one, names, as_of or now) for one in found],
    }
    words = f"{count_words(len(found), 'closure')} {verb} moved {times} times or more"
    return Answer(sentence_of(words), facts)


def _said(count: int, step: Step) -> str:
    """Word how often a step was taken: ``2 first notices``, ``2 moved``."""
    return count_words(count, step.value) if step is Step.FIRST else f"{count} {step.value}"


def _change_facts(one: RecordedChange) -> dict[str, Any]:
    line, before = one.after, one.before
    return {
        "reference": line.reference,
        "user": line.user,
        "gateway": line.gateway,
        "change": one.step.value,
        "received_at": utc_text(one.received_at),
        "received_at_london": london_text(one.received_at),
        "revision": line.number if one.step.is_numbered else None,
        **window_facts(line.window),
        "before": None if before is None else {"gateway": before.gateway, **window_facts(before.window)},
        "change_days": line.verdict.change.working_days if one.step.is_numbered else None,
        "late": one.is_late,
        "change_words": _words(one, None if before is None else before.window),
    }


def _words(one: RecordedChange, before: ClosureWindow | None) -> str:
    line = one.after
    if before is not None and before != line.window:
        return f"{line.gateway}: {one.step.value}, from {span_words(before)} to {span_words(line.window)}"
    return f"{line.gateway}: {one.step.value}, {span_words(line.window)}"
