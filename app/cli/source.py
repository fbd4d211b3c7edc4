"""``closures source``: calendars of Users that we read ourselves, how each stands, and a poll right now."""

import sys
from typing import Any

import click

from app.cli.opening import opened
from app.cli.speaking import examples, json_option, problem_line, say, table
from app.cli.stating import CODE
from app.domain.london import utc_text
from app.factory import utc_now
from app.intake.outbound import Outbound
from app.intake.trouble import words_of
from app.pulling.look import PollReport, poll_source, preview_source
from app.pulling.source_state import SourceState, read_state
from app.register.receipts import outcome_facts, problem_facts
from app.register.sources import (
    LONGEST_MINUTES,
    SHORTEST_MINUTES,
    OwnedSource,
    add_source,
    find_source,
    list_sources,
    make_source,
    remove_source,
)
from app.store.sources import OK, Standing

_GROUPS = ("accepted", "unchanged", "superseded", "withdrawn")


@click.group()
def source() -> None:
    """Read Users' own calendars: add, list, poll and remove sources."""


@source.command(
    epilog=examples(
        "closures source add --user ALPHA --gateway GW-1 --url https://dav.example.org/alpha/changes/ --username alpha",
        "closures source add --user ALPHA --gateway GW-1 --url https://example.org/changes.ics --category Gateway",
    )
)
@click.option("--user", type=CODE, required=True, help="The User whose calendar it is.")
@click.option("--gateway", type=CODE, required=True, help="The gateway that its events close.")
@click.option("--url", required=True, help="A CalDAV collection, or an .ics file; https.")
@click.option("--username", default="", help="Signs in with this name; the password is read from standard input.")
@click.option("--word", default="", help="Take only events with this word in their summary.")
@click.option("--category", default="", help="Take only events of this category.")
@click.option(
    "--every",
    type=click.IntRange(SHORTEST_MINUTES, LONGEST_MINUTES),
    default=15,
    show_default=True,
    metavar="MINUTES",
    help="How often it is polled.",
)
@json_option
def add(user: str, gateway: str, url: str, username: str, word: str, category: str, every: int) -> None:
    """Add a calendar that the scheduler reads from now on; what it shows are notices of that User.

    Of a mixed calendar, give the word or the category by which its closures are known; nothing of the other events is
    kept. With --username, the password is one line on standard input.
    """
    if word and category:
        raise click.UsageError("Give --word or --category, not both.")
    password = _read_password() if username else ""
    with opened() as service:
        Outbound(allow_private=service.settings.allow_private_sources).check(url)
        new = make_source(
            service.store,
            user_code=user,
            gateway=gateway,
            url=url,
            username=username,
            password=password,
            word=word,
            category=category,
            every_minutes=every,
            now=utc_now(),
        )
        add_source(service.store, new)
    say(
        {"id": new.id.hex(), "user": user, "gateway": new.gateway, "url": new.url, "every_minutes": every},
        f"Source {new.id.hex()} is added; the scheduler polls it within a minute, then every {every} minutes.",
        f"To poll it now: closures source poll {new.id.hex()}",
    )


@source.command("list", epilog=examples("closures source list", "closures source list --json"))
@json_option
def list_() -> None:
    """List the sources, oldest first: the last poll, what is taken, what is missing, what went wrong."""
    with opened() as service:
        found = list_sources(service.store)
    headings = ("id", "user", "gateway", "url", "state", "last_poll", "next_poll", "events", "missing", "problems")
    facts = [_facts(one) for one in found]
    rows = [[*(one[name] for name in headings[:-1]), len(one["problems"])] for one in facts]
    say({"sources": facts}, *table(headings, rows, empty="There are no sources yet."), *_troubles(facts))


@source.command(
    epilog=examples(
        "closures source poll 9f2c6a0e5d1b4c7f8a3e2d1c0b9a8f7e",
        "closures source poll 9f2c6a0e5d1b4c7f8a3e2d1c0b9a8f7e --dry-run",
    )
)
@click.argument("source_id", metavar="ID")
@click.option("--dry-run", is_flag=True, help="Say what would change, and record nothing.")
@json_option
def poll(source_id: str, dry_run: bool) -> None:
    """Poll the source ID now, due or not, and say what that changed. Exit code 1 where nothing could be taken."""
    with opened() as service:
        found = find_source(service.store, source_id)
        outbound = Outbound(allow_private=service.settings.allow_private_sources)
        look = preview_source if dry_run else poll_source
        report = look(service.register, outbound, found, utc_now)
    if report is None:
        say({"id": source_id, "state": "busy"}, "Another poll of this source runs; see `closures source list`.")
        return
    say({**_poll_facts(report), "dry_run": dry_run}, *_poll_lines(report, "would be " if dry_run else ""))
    if report.standing.outcome != OK:
        click.get_current_context().exit(1)


@source.command(epilog=examples("closures source remove 9f2c6a0e5d1b4c7f8a3e2d1c0b9a8f7e"))
@click.argument("source_id", metavar="ID")
@json_option
def remove(source_id: str) -> None:
    """Remove the source ID with its credentials. The closures that it announced stay as they are."""
    with opened() as service:
        remove_source(service.store, source_id)
    say({"removed": source_id}, "The source is removed; the closures that it announced stay as they are.")


def _read_password() -> str:
    if sys.stdin.isatty():
        return str(click.prompt("Password", hide_input=True, err=True))
    password = sys.stdin.readline().rstrip("\r\n")
    if not password:
        raise click.UsageError("Give the password as one line on standard input.")
    return password


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


def _facts(one: OwnedSource) -> dict[str, Any]:
    held, state = one.source, read_state(one.standing.state)
    return {
        "id": held.id.hex(),
        "user": one.owner,
        "gateway": held.gateway,
        "url": held.url,
        "username": held.username or None,
        "word": held.word or None,
        "category": held.category or None,
        "every_minutes": held.every_minutes,
        "created": utc_text(held.created_at),
        **_standing_facts(one.standing, state),
        "last_change": {name: getattr(state.found, name) for name in _GROUPS},
        "problems": [problem_facts(problem) for problem in state.found.problems],
    }


def _poll_facts(report: PollReport) -> dict[str, Any]:
    """Return what one poll did, its acknowledgements as one notice has them."""
    answers = [outcome_facts(answer) for answer in report.polled.answers]
    return {
        "id": report.source.id.hex(),
        "gateway": report.source.gateway,
        **_standing_facts(report.standing, report.polled.state),
        **{name: [entry for answer in answers for entry in answer[name]] for name in (*_GROUPS, "problems")},
    }


def _poll_lines(report: PollReport, would_be: str) -> list[str]:
    facts = _poll_facts(report)
    lines = _troubles([facts])
    if not lines:
        counts = ", ".join(f"{len(facts[name])} {name}" for name in _GROUPS)
        lines = [f"{_events(facts['events'])} taken: {would_be}{counts}."]
    for entry in (*facts["accepted"], *facts["withdrawn"], *facts["superseded"]):
        span = f"{entry['starts_london']} to {entry['ends_london']}"
        lines.append(f"  {entry['reference']}  {entry['gateway']}  {span}  {entry['change']}. {entry['notice']}")
    problems = [problem for answer in report.polled.answers for problem in answer.problems]
    return [*lines, *(f"  {problem_line(problem)}" for problem in problems)]


def _troubles(facts: list[dict[str, Any]]) -> list[str]:
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


def _events(count: int) -> str:
    return "1 event" if count == 1 else f"{count} events"
