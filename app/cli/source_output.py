"""How a source stands and what a poll of it did, in JSON and in words: alike for closures and for DCC's own dates."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from app.domain.london import utc_text
from app.domain.refusal import IntakeProblem, sentence_of
from app.pulling.fetch_failure import words_of
from app.pulling.look import PollReport
from app.pulling.source_state import LeftOut, SourceState, read_state
from app.register.maintenance import Imported, imported_facts
from app.register.receipts import outcome_facts, problem_facts
from app.register.sources import ListedSource, Topic
from app.store.sources import OK, GatewayOf, Standing


def listed_facts(listed: ListedSource) -> dict[str, Any]:
    """Return a source as listed."""
    held, state = listed.source, read_state(listed.standing.state)
    return {
        "id": held.id.hex(),
        **_heads(listed),
        "url": held.url,
        "username": held.username or None,
        "word": held.word or None,
        "category": held.category or None,
        "every_minutes": held.every_minutes,
        "agent": held.agent or None,
        "created": utc_text(held.created_at),
        **_standing_facts(listed.standing, state),
        **({"state": "by mail", "next_poll": None} if held.is_by_mail else {}),
        "last_change": {name: getattr(state.found, name) for name in listed.about.counts},
        "problems": [problem_facts(problem) for problem in state.found.problems],
        "remarks": list(state.found.remarks),
    }


def poll_facts(found: ListedSource, report: PollReport) -> dict[str, Any]:
    """Return what one poll did: its acknowledgements as one notice has them, or its dates as one import has them."""
    answers = report.polled.answers
    told: list[Mapping[str, Any]] = [
        imported_facts(answer) if isinstance(answer, Imported) else outcome_facts(answer) for answer in answers
    ]
    none: dict[str, Any] = {"unchanged": 0} if found.user is None else {}  # an import counts what a notice lists
    return {
        "id": found.source.id.hex(),
        **_heads(found),
        **_standing_facts(report.standing, report.polled.state),
        **{name: sum((facts[name] for facts in told), none.get(name, [])) for name in found.about.results},
        "problems": [problem_facts(problem) for problem in _without_words(report)],
        "remarks": list(report.remarks),
    }


def poll_lines(topic: Topic, facts: dict[str, Any], report: PollReport, would_be: str) -> list[str]:
    """Word what one poll did, or ``would_be`` done by it."""
    lines = troubles([facts])
    if not lines:
        counts = ", ".join(f"{_count(facts[name])} {name}" for name in topic.results)
        lines = [f"{_events(facts['events'])} taken: {would_be}{counts}."]
    lines += left_out([facts])
    for name in ("accepted", "added", "moved", "withdrawn", "superseded"):
        for entry in facts.get(name, ()):
            gateway = f"{entry['gateway']}  " if "gateway" in entry else ""
            told = f"{entry['change']}. {entry['notice']}" if "change" in entry else f"{name}."
            lines.append(f"  {entry['reference']}  {gateway}{entry['starts_london']} to {entry['ends_london']}  {told}")
    lines += [f"  {remark}" for remark in report.remarks]
    return [*lines, *(f"  {sentence_of(problem)}" for problem in _without_words(report))]


def _without_words(report: PollReport) -> list[IntakeProblem]:
    """Return the problems without the words of the sender's titles: an operator reads a calendar of somebody else."""
    return [replace(problem, event="") for problem in report.problems]


def troubles(facts: Sequence[dict[str, Any]]) -> list[str]:
    """Word what is wrong with each source, and what is missing from it."""
    lines = []
    for source in facts:
        if source["problem"]:
            lines.append(f"{source['id']}: {source['problem']} {source['remedy']} Nothing was changed.")
        if source["doubted"]:
            lines.append(f"{source['id']}: {_events(source['missing'])} missing, too many at once to be believed yet.")
        elif source["missing"]:
            lines.append(
                f"{source['id']}: {_events(source['missing'])} missing; the next poll withdraws what still is."
            )
    return lines


def left_out(facts: Sequence[dict[str, Any]]) -> list[str]:
    """Word what each source shows and is not taken."""
    words = [(source["id"], LeftOut(**source["left_out"]).words) for source in facts]
    return [f"{source_id}: {text}" for source_id, text in words if text]


def _heads(listed: ListedSource) -> dict[str, str | None]:
    """Return what a source is read for."""
    topic = listed.source.topic
    return {"user": listed.user, "gateway": topic.gateway} if isinstance(topic, GatewayOf) else {"dates": topic.value}


def _standing_facts(standing: Standing, state: SourceState) -> dict[str, Any]:
    """Return how a source stands: ``state`` is "new", "ok", or the name of what went wrong."""
    failed = standing.outcome not in {"", OK}
    problem, remedy = words_of(standing.outcome) if failed else (None, None)
    return {
        "state": standing.outcome or "new",
        "problem": problem,
        "remedy": remedy,
        "failures": standing.failures,
        "last_poll": standing.polled_at and utc_text(standing.polled_at),
        "next_poll": utc_text(standing.due_at),
        "kind": state.bookmark.kind or None,
        "events": state.events,
        "left_out": asdict(state.left_out),
        "missing": len(state.missing),
        "doubted": state.doubted,
    }


def _count(told: Sequence[object] | int) -> int:
    return told if isinstance(told, int) else len(told)


def _events(count: int) -> str:
    """Return a number of events in words."""
    return "1 event" if count == 1 else f"{count} events"
