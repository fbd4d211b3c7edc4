"""``closures maintenance source``: addresses that are read for DCC's own dates, how each stands, and a poll now."""

from typing import Any

import click

from app.cli.opening import opened
from app.cli.output import examples, json_option, problem_line, say, table
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
from app.domain.london import london_text
from app.domain.maintenance import MaintenanceKind
from app.factory import utc_now
from app.pulling.http_client import Outbound
from app.pulling.look import PollReport
from app.register.maintenance import Imported, imported_facts
from app.register.sources import ListedSource, add_source, find_source, list_dccs_sources, make_source, remove_source
from app.store.sources import Source

kind_option = click.option(
    "--kind",
    type=click.Choice([kind.value for kind in MaintenanceKind]),
    default="maintenance",
    show_default=True,
    help="What the calendar holds.",
)
_CHANGES = ("added", "moved", "withdrawn")


@click.group()
def source() -> None:
    """Read DCC's own dates from addresses: add, list, poll and remove them."""


@source.command(
    epilog=examples(
        "closures maintenance source add --url https://example.org/maintenance.ics",
        "closures maintenance source add --url https://example.org/dcc.ics --kind release --category Release",
    )
)
@click.option("--url", required=True, help="An .ics file, or a CalDAV collection; https.")
@kind_option
@username_option
@word_option
@category_option
@every_option
@json_option
def add(url: str, kind: str, username: str, word: str, category: str, every: int) -> None:
    """Add an address that the scheduler reads from now on; what it shows is taken as an imported file would be.

    Of a mixed calendar, give the word or the category by which its dates are known; nothing of the other events is
    kept. With --username, the password is one line on standard input.
    """
    if word and category:
        raise click.UsageError("Give --word or --category, not both.")
    password = read_password() if username else ""
    with opened() as service:
        Outbound(allow_private=service.settings.allow_private_sources).check(url)
        new = make_source(
            MaintenanceKind(kind),
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
        {"id": new.id.hex(), "dates": kind, "url": url, "every_minutes": every},
        f"Source {new.id.hex()} is added; the scheduler polls it within a minute, then every {every} minutes.",
        f"To poll it now: closures maintenance source poll {new.id.hex()}",
    )


@source.command("list", epilog=examples("closures maintenance source list", "closures maintenance source list --json"))
@json_option
def list_() -> None:
    """List the addresses, oldest first: the last poll, what is taken, what is missing, what went wrong."""
    with opened() as service:
        found = list_dccs_sources(service.store)
    headings = ("id", "dates", "url", "state", "last_poll", "next_poll", "events", "missing", "problems")
    facts = [_facts(one) for one in found]
    rows = [[*(one[name] for name in headings[:-1]), len(one["problems"])] for one in facts]
    say({"sources": facts}, *table(headings, rows, empty="No address is read for DCC's own dates."), *troubles(facts))


@source.command(
    epilog=examples(
        "closures maintenance source poll 9f2c6a0e5d1b4c7f8a3e2d1c0b9a8f7e",
        "closures maintenance source poll 9f2c6a0e5d1b4c7f8a3e2d1c0b9a8f7e --dry-run",
    )
)
@click.argument("source_id", metavar="ID")
@click.option("--dry-run", is_flag=True, help="Say what would change, and record nothing.")
@json_option
def poll(source_id: str, dry_run: bool) -> None:
    """Poll the address ID now, due or not, and say what that changed. Exit code 1 where nothing could be taken."""
    poll_now(list_dccs_sources, source_id, (_poll_facts, _poll_lines), dry_run=dry_run)


@source.command(epilog=examples("closures maintenance source remove 9f2c6a0e5d1b4c7f8a3e2d1c0b9a8f7e"))
@click.argument("source_id", metavar="ID")
@json_option
def remove(source_id: str) -> None:
    """Remove the address ID with its credentials. The dates that it brought stay as they are."""
    with opened() as service:
        remove_source(service.store, find_source(list_dccs_sources(service.store), source_id))
    say({"removed": source_id}, "The source is removed; the dates that it brought stay as they are.")


def _dates(source: Source) -> str:
    return source.topic.value if isinstance(source.topic, MaintenanceKind) else ""


def _facts(one: ListedSource) -> dict[str, Any]:
    return source_facts({"dates": _dates(one.source)}, one.source, one.standing, ("accepted", "unchanged", "withdrawn"))


def _imports(report: PollReport) -> list[Imported]:
    return [answer for answer in report.polled.answers if isinstance(answer, Imported)]


def _poll_facts(report: PollReport) -> dict[str, Any]:
    """Return what one poll did, as an import says it."""
    told = [imported_facts(one) for one in _imports(report)]
    return {
        "id": report.source.id.hex(),
        "dates": _dates(report.source),
        **standing_facts(report.standing, report.polled.state),
        **{name: [entry for one in told for entry in one[name]] for name in (*_CHANGES, "problems")},
        "unchanged": sum(one["unchanged"] for one in told),
    }


def _poll_lines(report: PollReport, would_be: str) -> list[str]:
    facts = _poll_facts(report)
    lines = troubles([facts])
    if not lines:
        counts = ", ".join(f"{len(facts[name])} {name}" for name in _CHANGES)
        lines = [f"{events(facts['events'])} taken: {would_be}{counts}, {facts['unchanged']} unchanged."]
    for imported in _imports(report):
        for name in _CHANGES:
            for one in getattr(imported, name):
                span = f"{london_text(one.window.starts)} to {london_text(one.window.ends)}"
                lines.append(f"  {one.reference}  {span}  {name}.")
        lines += [f"  {problem_line(problem)}" for problem in imported.problems]
    return lines
