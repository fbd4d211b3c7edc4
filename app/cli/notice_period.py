"""``closures notice-period``: how much notice a start has, and by which day telling us is on time."""

from datetime import date, datetime

import click

from app.cli.opening import opened
from app.cli.output import examples, json_option, note_reading, say
from app.cli.param_types import DAY, INSTANT
from app.domain.london import Reading, london_midnight
from app.factory import utc_now
from app.register.closure_json import notice_period_facts


@click.command(
    "notice-period",
    epilog=examples(
        "closures notice-period 2026-12-06T02:00",
        "closures notice-period 2026-02-02 --given-on 2026-01-05",
    ),
)
@click.argument("start", type=INSTANT)
@click.option("--given-on", type=DAY, metavar="D", help="The day on which we are told; today, if not given.")
@json_option
def notice_period(start: tuple[datetime, Reading], given_on: date | None) -> None:
    """Count the Working Days' notice of a closure that begins at START, by the policy in force on the day of notice.

    Working Days are counted between the two days, without both. START is ISO 8601; without an offset it is London time.
    """
    starts, how = start
    note_reading(how)
    told_at = utc_now() if given_on is None else london_midnight(given_on)
    with opened() as service:
        facts = notice_period_facts(service.register.rulebook(), starts, how, told_at)
    until = f", until {facts['cut_off']}" if facts["cut_off"] else ""
    say(
        facts,
        f"Start: {facts['start_london']} ({facts['start']})",
        f"Told on {_day(facts['given_on'])}: {facts['notice'].removesuffix('.')} (band {facts['band']}).",
        f"Last on-time day: {_day(facts['last_on_time_day'])}{until}",
    )


def _day(iso: str) -> str:
    day = date.fromisoformat(iso)
    return f"{day:%a} {day.day} {day:%b %Y}"
