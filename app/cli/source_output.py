"""How a source stands and a poll of it, in JSON and in words: alike for Users' calendars and for DCC's own."""

import sys
from collections.abc import Callable, Sequence
from typing import Any

import click

from app.cli.opening import opened
from app.cli.output import say
from app.domain.london import utc_text
from app.factory import utc_now
from app.pulling.fetch_failure import words_of
from app.pulling.http_client import Outbound
from app.pulling.look import PollReport, poll_source, preview_source
from app.pulling.source_state import SourceState, read_state
from app.register.receipts import problem_facts
from app.register.sources import LONGEST_MINUTES, SHORTEST_MINUTES, ListedSource, find_source
from app.store.engine import Store
from app.store.sources import OK, Source, Standing

every_option = click.option(
    "--every",
    type=click.IntRange(SHORTEST_MINUTES, LONGEST_MINUTES),
    default=15,
    show_default=True,
    metavar="MINUTES",
    help="How often it is polled.",
)
username_option = click.option(
    "--username", default="", help="Signs in with this name; the password is read from standard input."
)
word_option = click.option("--word", default="", help="Take only events with this word in their summary.")
category_option = click.option("--category", default="", help="Take only events of this category.")


def read_password() -> str:
    """Return one line of standard input; a person is asked for it."""
    if sys.stdin.isatty():
        return str(click.prompt("Password", hide_input=True, err=True))
    password = sys.stdin.readline().rstrip("\r\n")
    if not password:
        raise click.UsageError("Give the password as one line on standard input.")
    return password


def poll_now(
    listed: Callable[[Store], Sequence[ListedSource]],
    source_id: str,
    told: tuple[Callable[[PollReport], dict[str, Any]], Callable[[PollReport, str], list[str]]],
    *,
    dry_run: bool,
) -> None:
    """Poll one of the sources listed and say what that did: ``told`` gives it as facts, and in lines.

    The exit code is 1 where nothing could be taken.
    """
    facts, lines = told
    with opened() as service:
        found = find_source(listed(service.store), source_id)
        outbound = Outbound(allow_private=service.settings.allow_private_sources)
        look = preview_source if dry_run else poll_source
        report = look(service.register, outbound, found.source.id, utc_now)
    if report is None:
        say({"id": source_id, "state": "busy"}, "Another poll of this source runs; see the list.")
        return
    say({**facts(report), "dry_run": dry_run}, *lines(report, "would be " if dry_run else ""))
    if report.standing.outcome != OK:
        click.get_current_context().exit(1)


def standing_facts(standing: Standing, state: SourceState) -> dict[str, Any]:
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


def source_facts(topic: dict[str, str], held: Source, standing: Standing, groups: Sequence[str]) -> dict[str, Any]:
    """Return a source as listed; ``topic`` says what it is read for, ``groups`` are the counts that it has."""
    state = read_state(standing.state)
    return {
        "id": held.id.hex(),
        **topic,
        "url": held.url,
        "username": held.username or None,
        "word": held.word or None,
        "category": held.category or None,
        "every_minutes": held.every_minutes,
        "created": utc_text(held.created_at),
        **standing_facts(standing, state),
        "last_change": {name: getattr(state.found, name) for name in groups},
        "problems": [problem_facts(problem) for problem in state.found.problems],
    }


def troubles(facts: Sequence[dict[str, Any]]) -> list[str]:
    """Word what is wrong with each source, and what is missing from it."""
    lines = []
    for one in facts:
        if one["problem"]:
            lines.append(f"{one['id']}: {one['problem']} {one['remedy']} Nothing was changed.")
        if one["doubted"]:
            lines.append(f"{one['id']}: {events(one['missing'])} missing, too many at once to be believed yet.")
        elif one["missing"]:
            lines.append(f"{one['id']}: {events(one['missing'])} missing; the next poll withdraws what still is.")
    return lines


def events(count: int) -> str:
    """Return a number of events in words."""
    return "1 event" if count == 1 else f"{count} events"
