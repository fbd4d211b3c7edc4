"""``closures source``: calendars of Users that we read ourselves, how each stands, and a poll right now."""

from typing import Any

import click

from app.cli.opening import opened
from app.cli.output import examples, json_option, problem_line, say, table
from app.cli.param_types import CODE
from app.cli.source_output import (
    category_option,
    events,
    every_option,
    poll_now,
    read_password,
    source_facts,
    standing_facts,
    troubles,
    username_option,
    word_option,
)
from app.factory import utc_now
from app.pulling.http_client import Outbound
from app.pulling.look import PollReport
from app.register.receipts import Outcome, outcome_facts
from app.register.sources import (
    ListedSource,
    add_source,
    find_source,
    gateway_of,
    list_users_sources,
    make_source,
    remove_source,
)
from app.store.sources import GatewayOf, Source

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
@username_option
@word_option
@category_option
@every_option
@json_option
def add(user: str, gateway: str, url: str, username: str, word: str, category: str, every: int) -> None:
    """Add a calendar that the scheduler reads from now on; what it shows are notices of that User.

    Of a mixed calendar, give the word or the category by which its closures are known; nothing of the other events is
    kept. With --username, the password is one line on standard input.
    """
    if word and category:
        raise click.UsageError("Give --word or --category, not both.")
    password = read_password() if username else ""
    with opened() as service:
        Outbound(allow_private=service.settings.allow_private_sources).check(url)
        new = make_source(
            gateway_of(service.store, user, gateway),
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
        {"id": new.id.hex(), "user": user, "gateway": gateway, "url": new.url, "every_minutes": every},
        f"Source {new.id.hex()} is added; the scheduler polls it within a minute, then every {every} minutes.",
        f"To poll it now: closures source poll {new.id.hex()}",
    )


@source.command("list", epilog=examples("closures source list", "closures source list --json"))
@json_option
def list_() -> None:
    """List the sources, oldest first: the last poll, what is taken, what is missing, what went wrong."""
    with opened() as service:
        found = list_users_sources(service.store)
    headings = ("id", "user", "gateway", "url", "state", "last_poll", "next_poll", "events", "missing", "problems")
    facts = [_facts(one) for one in found]
    rows = [[*(one[name] for name in headings[:-1]), len(one["problems"])] for one in facts]
    say({"sources": facts}, *table(headings, rows, empty="There are no sources yet."), *troubles(facts))


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
    poll_now(list_users_sources, source_id, (_poll_facts, _poll_lines), dry_run=dry_run)


@source.command(epilog=examples("closures source remove 9f2c6a0e5d1b4c7f8a3e2d1c0b9a8f7e"))
@click.argument("source_id", metavar="ID")
@json_option
def remove(source_id: str) -> None:
    """Remove the source ID with its credentials. The closures that it announced stay as they are."""
    with opened() as service:
        remove_source(service.store, find_source(list_users_sources(service.store), source_id))
    say({"removed": source_id}, "The source is removed; the closures that it announced stay as they are.")


def _facts(one: ListedSource) -> dict[str, Any]:
    topic = {"user": one.user or "", "gateway": _gateway(one.source)}
    return source_facts(topic, one.source, one.standing, _GROUPS)


def _gateway(source: Source) -> str:
    return source.topic.gateway if isinstance(source.topic, GatewayOf) else ""


def _poll_facts(report: PollReport) -> dict[str, Any]:
    """Return what one poll did, its acknowledgements as one notice has them."""
    given = [outcome_facts(answer) for answer in report.polled.answers if isinstance(answer, Outcome)]
    answers: list[dict[str, Any]] = [{**facts} for facts in given]
    return {
        "id": report.source.id.hex(),
        "gateway": _gateway(report.source),
        **standing_facts(report.standing, report.polled.state),
        **{name: [entry for answer in answers for entry in answer[name]] for name in (*_GROUPS, "problems")},
    }


def _poll_lines(report: PollReport, would_be: str) -> list[str]:
    facts = _poll_facts(report)
    lines = troubles([facts])
    if not lines:
        counts = ", ".join(f"{len(facts[name])} {name}" for name in _GROUPS)
        lines = [f"{events(facts['events'])} taken: {would_be}{counts}."]
    for entry in (*facts["accepted"], *facts["withdrawn"], *facts["superseded"]):
        span = f"{entry['starts_london']} to {entry['ends_london']}"
        lines.append(f"  {entry['reference']}  {entry['gateway']}  {span}  {entry['change']}. {entry['notice']}")
    problems = [problem for answer in report.polled.answers for problem in answer.problems]
    return [*lines, *(f"  {problem_line(problem)}" for problem in problems)]
