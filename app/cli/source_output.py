"""How a source stands and what a poll of it did, in JSON and in words: alike for closures and for DCC's own dates."""

from collections.abc import Sequence
from typing import Any

from app.cli.output import problem_line
from app.domain.london import utc_text
from app.pulling.fetch_failure import words_of
from app.pulling.look import PollReport
from app.pulling.source_state import SourceState, read_state
from app.register.maintenance import Imported, imported_facts
from app.register.receipts import outcome_facts, problem_facts
from app.register.sources import ListedSource, Topic
from app.store.sources import OK, GatewayOf, Standing


def listed_facts(one: ListedSource) -> dict[str, Any]:
    """Return a source as listed."""
    held, state = one.source, read_state(one.standing.state)
    return {
        "id": held.id.hex(),
        **_heads(one),
        "url": held.url,
        "username": held.username or None,
        "word": held.word or None,
        "category": held.category or None,
        "every_minutes": held.every_minutes,
        "created": utc_text(held.created_at),
        **_standing_facts(one.standing, state),
        "last_change": {name: getattr(state.found, name) for name in one.about.counts},
        "problems": [problem_facts(problem) for problem in state.found.problems],
    }


def poll_facts(found: ListedSource, report: PollReport) -> dict[str, Any]:
    """Return what one poll did: its acknowledgements as one notice has them, or its dates as one import has them."""
    told = [imported_facts(one) if isinstance(one, Imported) else outcome_facts(one) for one in report.polled.answers]
    none = {"unchanged": 0} if found.user is None else {}
    return {
        "id": found.source.id.hex(),
        **_heads(found),
        **_standing_facts(report.standing, report.polled.state),
        **{name: sum((one[name] for one in told), none.get(name, [])) for name in (*found.about.results, "problems")},
    }


def poll_lines(topic: Topic, facts: dict[str, Any], report: PollReport, would_be: str) -> list[str]:
    """Word what one poll did, or ``would_be`` done by it."""
    lines = troubles([facts])
    if not lines:
        counts = ", ".join(f"{_count(facts[name])} {name}" for name in topic.results)
        lines = [f"{_events(facts['events'])} taken: {would_be}{counts}."]
    for name in ("accepted", "added", "moved", "withdrawn", "superseded"):
        for one in facts.get(name, ()):
            gateway = f"{one['gateway']}  " if "gateway" in one else ""
            told = f"{one['change']}. {one['notice']}" if "change" in one else f"{name}."
            lines.append(f"  {one['reference']}  {gateway}{one['starts_london']} to {one['ends_london']}  {told}")
    return [*lines, *(f"  {problem_line(problem)}" for answer in report.polled.answers for problem in answer.problems)]


def troubles(facts: Sequence[dict[str, Any]]) -> list[str]:
    """Word what is wrong with each source, and what is missing from it."""
    lines = []
    for one in facts:
        if one["problem"]:
            lines.append(f"{one['id']}: {one['problem']} {one['remedy']} Nothing was changed.")
        if one["doubted"]:
            lines.append(f"{one['id']}: {_events(one['missing'])} missing, too many at once to be believed yet.")
        elif one["missing"]:
            lines.append(f"{one['id']}: {_events(one['missing'])} missing; the next poll withdraws what still is.")
    return lines


def _heads(one: ListedSource) -> dict[str, str | None]:
    """Return what a source is read for."""
    topic = one.source.topic
    return {"user": one.user, "gateway": topic.gateway} if isinstance(topic, GatewayOf) else {"dates": topic.value}


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
        "events": len(state.taken) - len(state.missing),
        "missing": len(state.missing),
        "doubted": state.doubted,
    }


def _count(told: Sequence[object] | int) -> int:
    return told if isinstance(told, int) else len(told)


def _events(count: int) -> str:
    """Return a number of events in words."""
    return "1 event" if count == 1 else f"{count} events"
