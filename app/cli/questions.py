"""The questions of DCC staff by the command line: each says its answer in one sentence, then what it is made of."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

import click
from click.core import ParameterSource

from app.cli.opening import OPERATOR, opened
from app.cli.output import examples, json_option
from app.cli.param_types import CODE, INSTANT
from app.cli.query_options import Stated, as_of_option, instant_of, say_answer, span_of, span_options
from app.domain.window import ClosureWindow
from app.factory import utc_now
from app.register.questions import changes as change_record
from app.register.questions import clashes as clash_record
from app.register.questions import closed as closed_record
from app.register.questions import insights as insight_record
from app.register.questions import load, readers, silent_users
from app.register.reading import Question
from app.register.sheet_out import INSIGHTS

_WEEK = timedelta(days=7)
_CLOSURE = ("reference", "user", "gateway", "starts_london", "ends_london", "working_days_notice")
_HOUR = ("hour_london", "closed", "reopening")


@click.command(
    epilog=examples(
        "closures closed",
        "closures closed --at 2026-12-06T03:00 --gateway GW-1",
        "closures closed --from 2026-12-06T02:00 --to 2026-12-06T06:00",
    )
)
@click.option("--at", type=INSTANT, metavar="T", help="At this time; now, if neither it nor a span is given.")
@click.option("--gateway", type=CODE, help="Look at this gateway: its window, or the nearest one.")
@as_of_option
@span_options
@json_option
def closed(at: Stated | None, gateway: str | None, as_of: datetime | None, span: ClosureWindow) -> None:
    """Say which gateways are closed at a time or in a span, and at most how many; or look at one, as in an incident."""
    context = click.get_current_context()
    spanned = any(context.get_parameter_source(name) is not ParameterSource.DEFAULT for name in ("starts", "ends"))
    if spanned and (at is not None or gateway is not None):
        raise click.UsageError("--at and --gateway do not go with --from and --to.")
    now = utc_now()
    instant = instant_of(at) or as_of or now
    with opened() as service:
        register = service.register
        if spanned:
            found = closed_record.closed_in(register, OPERATOR, span, as_of, now)
            return say_answer(found, _CLOSURE, found["closures"])
        if gateway is not None:
            triaged = closed_record.triage_gateway(register, OPERATOR, gateway, instant, as_of)
            return say_answer(triaged, _CLOSURE, [*triaged["inside"], *triaged["told_later"]])
        answer = closed_record.closed_at(register, OPERATOR, instant, as_of)
    return say_answer(answer, _CLOSURE, [*answer["inside"], *answer["told_later"]])


@click.command(epilog=examples("closures clashes", "closures clashes --from 2027-02-01 --release-days 3 --json"))
@click.option("--release-days", type=click.IntRange(0, 31), help="Days around a release that count; else as DCC set.")
@click.option("--maintenance", metavar="REF", help="Only clashes with this window of DCC's own.")
@as_of_option
@span_options
@json_option
def clashes(release_days: int | None, maintenance: str | None, as_of: datetime | None, span: ClosureWindow) -> None:
    """List what overlaps: gateways closed together, closures on DCC's own dates, hours above a threshold."""
    with opened() as service:
        answer = clash_record.clashes_in(
            service.register,
            OPERATOR,
            Question(span, as_of=as_of),
            utc_now(),
            release_days=release_days,
            maintenance=maintenance,
        )
    rows = [_pair(entry["closures"][0], entry["closures"][1], entry) for entry in answer["clashes"]]
    rows += [_pair(entry["closure"], entry["maintenance"], entry) for entry in answer["maintenance_clashes"]]
    say_answer(answer, ("first", "second", "starts_london", "ends_london"), rows)


@click.command(epilog=examples("closures changes", "closures changes --since 2026-11-01 --until 2026-11-08"))
@click.option("--since", type=INSTANT, metavar="T", help="Told from this time on; a week before --until, if not given.")
@click.option("--until", type=INSTANT, metavar="T", help="Told before this time; now, if not given.")
@json_option
def changes(since: Stated | None, until: Stated | None) -> None:
    """List what changed between two times: new, moved, lengthened, withdrawn, expired, and what was told late."""
    last = instant_of(until) or utc_now() + timedelta(microseconds=1)
    first = instant_of(since) or last - _WEEK
    if first > last:
        raise click.UsageError("--until is before --since.")
    with opened() as service:
        answer, _ = change_record.changes_between(service.register, OPERATOR, first, last)
    say_answer(answer, ("received_at_london", "reference", "user", "change_words", "late"), answer["changes"])


@click.command("free-slots", epilog=examples("closures free-slots --hours 6 --below 2"))
@click.option("--hours", type=click.FloatRange(0, 744, min_open=True), default=4.0, show_default=True, help="At least.")
@click.option("--below", type=click.IntRange(1, 10_000), default=1, show_default=True, help="Fewer gateways closed.")
@as_of_option
@span_options
@json_option
def free_slots(hours: float, below: int, as_of: datetime | None, span: ClosureWindow) -> None:
    """List the windows in which fewer than --below gateways are closed, the next one first."""
    with opened() as service:
        answer = load.find_free_slots(
            service.register, OPERATOR, Question(span, as_of=as_of), hours=hours, below=below
        )  # fmt: skip
    say_answer(answer, ("starts_london", "ends_london"), answer["slots"])


@click.command(epilog=examples("closures busiest --from 2027-01-01 --to 2027-04-01 --most 5"))
@click.option("--most", type=click.IntRange(1, 1_000), default=10, show_default=True, help="How many hours.")
@as_of_option
@span_options
@json_option
def busiest(most: int, as_of: datetime | None, span: ClosureWindow) -> None:
    """List the hours in which most gateways re-open, then in which most are closed."""
    with opened() as service:
        answer = load.busiest_hours(service.register, OPERATOR, span, as_of, most)
    say_answer(answer, _HOUR, answer["hours"])


@click.command(epilog=examples("closures silent --months 12"))
@click.option("--months", type=click.IntRange(1, 120), default=6, show_default=True, help="For how long.")
@as_of_option
@json_option
def silent(months: int, as_of: datetime | None) -> None:
    """List the Users that filed nothing for some months. Silence is not the same as no changes."""
    with opened() as service:
        answer = silent_users.silent_users(service.register, OPERATOR, months, as_of, utc_now())
    say_answer(answer, ("user", "last_notice"), answer["users"])


@click.command(epilog=examples("closures moved --times 3"))
@click.option("--times", type=click.IntRange(1, 1_000), default=2, show_default=True, help="Moved so often or more.")
@as_of_option
@json_option
def moved(times: int, as_of: datetime | None) -> None:
    """List the closures that were moved twice or more, most moves first."""
    with opened() as service:
        answer = change_record.moved_often(service.register, OPERATOR, times, as_of, utc_now())
    say_answer(answer, (*_CLOSURE, "moves"), answer["closures"])


@click.command(epilog=examples("closures insights", "closures insights --from 2026-01-01 --to 2026-07-01 --json"))
@click.option(
    "--from",
    "starts",
    type=INSTANT,
    metavar="T",
    help="From this time on; nine months before this quarter, if not given.",
)
@click.option("--to", "ends", type=INSTANT, metavar="T", help="Up to this time; the end of this quarter, if not given.")
@json_option
def insights(starts: Stated | None, ends: Stated | None) -> None:
    """Say what the closures that start in some quarters show together; the table is by User and quarter.

    --json has every figure: notice given, short notice, re-openings by hour of the week, moves beside lead, silence.
    """
    now = utc_now()
    usual = insight_record.four_quarters(now)
    span = span_of(instant_of(starts) or usual.starts, instant_of(ends) or usual.ends)
    with opened() as service:
        answer = insight_record.insights_of(service.register, OPERATOR, span, now)
    say_answer(answer, INSIGHTS["quarters"], answer["quarters"])


@click.command(epilog=examples("closures reads --from 2026-11-01 --to 2026-12-01"))
@click.option("--from", "starts", type=INSTANT, metavar="T", help="From this time on; a week ago, if not given.")
@click.option("--to", "ends", type=INSTANT, metavar="T", help="Up to this time; now, if not given.")
@json_option
def reads(starts: Stated | None, ends: Stated | None) -> None:
    """List who fetched which feed, and who exported what."""
    last = instant_of(ends) or utc_now() + timedelta(microseconds=1)
    with opened() as service:
        answer = readers.who_read(service.store, span_of(instant_of(starts) or last - _WEEK, last))
    rows = [
        {**entry, "who": entry["label"], "what": f"{entry['scope']} ({entry['status']})"} for entry in answer["reads"]
    ]
    rows += [{**entry, "who": entry["by"]} for entry in answer["exports"]]
    say_answer(answer, ("at", "who", "what"), sorted(rows, key=lambda mapping: str(mapping["at"])))


def _pair(first: Mapping[str, Any], second: Mapping[str, Any], overlap: Mapping[str, Any]) -> dict[str, Any]:
    """Return two sides and their overlap as one row."""
    return {
        "first": f"{first['reference']} {first['gateway']}",
        "second": f"{second['reference']} {second.get('gateway') or second['kind']}",
        "starts_london": overlap["starts_london"],
        "ends_london": overlap["ends_london"],
    }
