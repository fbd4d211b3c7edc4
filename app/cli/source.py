"""``closures source`` and ``closures maintenance source``: calendars that we read, how each stands, a poll right now.

The first are of Users, for closures of their gateways; the second are for DCC's own dates. ``add`` asks differently.
"""

import sys
from collections.abc import Callable
from functools import reduce
from typing import Any

import click

from app.cli.opening import opened
from app.cli.output import altered_lines, examples, json_option, say, table
from app.cli.param_types import CODE
from app.cli.source_output import left_out, listed_facts, poll_facts, poll_lines, troubles
from app.domain.maintenance import MaintenanceKind
from app.factory import utc_now
from app.pulling.http_client import Outbound
from app.pulling.look import poll_source, preview_source
from app.register.sources import (
    CLOSURES,
    DCC_DATES,
    LONGEST_MINUTES,
    SHORTEST_MINUTES,
    Topic,
    add_source,
    change_agent,
    find_source,
    find_source_id,
    gateway_of,
    is_mail_address,
    make_source,
    remove_source,
    sources_about,
)
from app.store.engine import Store
from app.store.listing import altered_ids
from app.store.sources import OK, GatewayOf, list_sources

_SOME_ID = "9f2c6a0e5d1b4c7f8a3e2d1c0b9a8f7e"
_SOURCE_OPTIONS = (
    click.option(
        "--url", required=True, help="An .ics file, or a CalDAV collection; https. Of a User also mailto:NAME@DOMAIN."
    ),
    click.option("--username", default="", help="Signs in with this name; the password is read from standard input."),
    click.option("--word", default="", help="Take only events with this word in their summary."),
    click.option("--category", default="", help="Take only events of this category."),
    click.option(
        "--every",
        type=click.IntRange(SHORTEST_MINUTES, LONGEST_MINUTES),
        default=15,
        show_default=True,
        metavar="MINUTES",
        help="How often it is polled.",
    ),
    click.option("--agent", default="", help="Ask as this program (User-Agent), where the publisher knows no other."),
    json_option,
)
kind_option = click.option(
    "--kind",
    type=click.Choice([kind.value for kind in MaintenanceKind]),
    default="maintenance",
    show_default=True,
    help="What the calendar holds.",
)


def _source_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options of any source: url, username, word, category and every."""
    return reduce(lambda found, option: option(found), reversed(_SOURCE_OPTIONS), command)


def _say_list(topic: Topic, command: str, heads: tuple[str, ...], empty: str) -> None:
    with opened() as service:
        facts = [listed_facts(held) for held in sources_about(service.store, topic)]
        altered = altered_ids(service.store, list_sources)
    headings = ("id", *heads, "url", "state", "last_poll", "next_poll", "events", "missing")
    rows = [[*(source[name] for name in headings), len(source["problems"])] for source in facts]
    lines = table((*headings, "problems"), rows, empty=empty)
    named = altered_lines("source", altered, f"{command} remove")
    say({"sources": facts, "altered": altered}, *lines, *troubles(facts), *left_out(facts), *named)


def _commands(topic: Topic, command: str, words: str, heads: tuple[str, ...], empty: str) -> click.Group:
    """Return the commands of a topic, ``add`` apart: ``heads`` are the columns that say what a source is read for."""

    @click.group("source", help=words)
    def group() -> None: ...

    @group.command("list", epilog=examples(f"{command} list", f"{command} list --json"))
    @json_option
    def list_() -> None:
        """List the sources, oldest first: the last poll, what is taken, what is missing, what went wrong."""
        _say_list(topic, command, heads, empty)

    @group.command(epilog=examples(f"{command} poll {_SOME_ID}", f"{command} poll {_SOME_ID} --dry-run"))
    @click.argument("source_id", metavar="ID")
    @click.option("--dry-run", is_flag=True, help="Say what would change, and record nothing.")
    @json_option
    def poll(source_id: str, dry_run: bool) -> None:
        """Poll the source ID now, due or not, and say what that changed. Exit code 1 where nothing could be taken."""
        with opened() as service:
            found = find_source(sources_about(service.store, topic), source_id)
            outbound = Outbound(allow_private=service.settings.allow_private_sources)
            look = preview_source if dry_run else poll_source
            report = look(service.register, outbound, found.source.id, utc_now)
        if report is None:
            say({"id": source_id, "state": "busy"}, "Another poll of this source runs; see the list.")
            return
        facts = poll_facts(found, report)
        say({**facts, "dry_run": dry_run}, *poll_lines(topic, facts, report, "would be " if dry_run else ""))
        if report.standing.outcome != OK:
            click.get_current_context().exit(1)

    @group.command(epilog=examples(f"{command} remove {_SOME_ID}"))
    @click.argument("source_id", metavar="ID")
    @json_option
    def remove(source_id: str) -> None:
        """Remove the source ID with its credentials. What it brought stays as it is."""
        with opened() as service:
            remove_source(service.store, find_source_id(service.store, topic, source_id))
        say({"removed": source_id}, f"The source is removed. {topic.what_stays}")

    @group.command(epilog=examples(f'{command} agent {_SOME_ID} "Mozilla/5.0"', f'{command} agent {_SOME_ID} ""'))
    @click.argument("source_id", metavar="ID")
    @click.argument("agent")
    @json_option
    def agent(source_id: str, agent: str) -> None:
        """Ask the source ID as the program AGENT (User-Agent) from now on; as our own with "".

        Some publishers answer with 500 or 403 to programs that they do not know.
        """
        with opened() as service:
            change_agent(service.store, find_source(sources_about(service.store, topic), source_id), agent)
        say(
            {"id": source_id, "agent": agent.strip() or None}, f"It is asked so from now on: {command} poll {source_id}"
        )

    return group


source = _commands(
    CLOSURES,
    "closures source",
    "Read Users' own calendars: add, list, poll and remove sources.",
    ("user", "gateway"),
    "There are no sources yet.",
)
maintenance_source = _commands(
    DCC_DATES,
    "closures maintenance source",
    "Read DCC's own dates from addresses: add, list, poll and remove them.",
    ("dates",),
    "No address is read for DCC's own dates.",
)


@source.command(
    "add",
    epilog=examples(
        "closures source add --user ALPHA --gateway GW-1 --url https://dav.example.org/alpha/changes/ --username alpha",
        "closures source add --user ALPHA --gateway GW-1 --url https://example.org/changes.ics --category Gateway",
        "closures source add --user ALPHA --gateway GW-1 --url mailto:changes@alpha.example",
    ),
)
@click.option("--user", type=CODE, required=True, help="The User whose calendar it is.")
@click.option("--gateway", type=CODE, required=True, help="The gateway that its events close.")
@_source_options
def add_calendar(user: str, gateway: str, **stated: Any) -> None:
    """Add a calendar that the scheduler reads from now on; what it shows are notices of that User.

    Of a mixed calendar, give the word or the category by which its closures are known; nothing of the other events is
    kept. With --username, the password is one line on standard input.
    """
    heads = {"user": user, "gateway": gateway}
    _add("closures source", lambda store: gateway_of(store, user, gateway), heads, **stated)


@maintenance_source.command(
    "add",
    epilog=examples(
        "closures maintenance source add --url https://example.org/maintenance.ics",
        "closures maintenance source add --url https://example.org/dcc.ics --kind release --category Release",
    ),
)
@kind_option
@_source_options
def add_address(kind: str, **stated: Any) -> None:
    """Add an address that the scheduler reads from now on; what it shows is taken as an imported file would be.

    Of a mixed calendar, give the word or the category by which its dates are known; nothing of the other events is
    kept. With --username, the password is one line on standard input.
    """
    _add("closures maintenance source", lambda _: MaintenanceKind(kind), {"dates": kind}, **stated)


def _add(
    command: str,
    topic_of: Callable[[Store], GatewayOf | MaintenanceKind],
    heads: dict[str, str],
    *,
    url: str,
    username: str,
    word: str,
    category: str,
    every: int,
    agent: str,
) -> None:
    """Add a source and say so; ``heads`` are the facts that say what it is read for."""
    if word and category:
        raise click.UsageError("Give --word or --category, not both.")
    password = _read_password() if username else ""
    with opened() as service:
        if not is_mail_address(url):
            Outbound(allow_private=service.settings.allow_private_sources).check(url)
        new = make_source(
            topic_of(service.store),
            url=url,
            username=username,
            password=password,
            word=word,
            category=category,
            every_minutes=every,
            now=utc_now(),
            agent=agent,
        )
        add_source(service.store, new)
    facts = {"id": new.id.hex(), **heads, "url": new.url, "every_minutes": every}
    if new.is_by_mail:
        say(facts, f"Source {new.id.hex()} is added; signed mails from that address are notices from now on.")
        return
    say(
        facts,
        f"Source {new.id.hex()} is added; the scheduler polls it within a minute, then every {every} minutes.",
        f"To poll it now: {command} poll {new.id.hex()}",
    )


def _read_password() -> str:
    """Return one line of standard input; a person is asked for it."""
    if sys.stdin.isatty():
        return str(click.prompt("Password", hide_input=True, err=True))
    password = sys.stdin.readline().rstrip("\r\n")
    if not password:
        raise click.UsageError("Give the password as one line on standard input.")
    return password
