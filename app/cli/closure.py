"""``closures closure``: one closure with its whole history."""

from datetime import datetime

import click

from app.cli.opening import OPERATOR, opened
from app.cli.output import examples, json_option, say, table
from app.cli.query_options import as_of_option
from app.domain.closure import PlannedClosure, Revision
from app.domain.london import london_text, utc_text
from app.factory import utc_now
from app.register.closure_json import json_of, revision_facts
from app.register.reading import find_history, read_names, without_sender_words

_HEADINGS = ("revision", "received", "change", "gateway", "starts", "ends", "Working Days", "of the change", "by")


@click.group()
def closure() -> None:
    """Look at one closure."""


@closure.command(
    epilog=examples("closures closure show CN-0A1B2C3D4E", "closures closure show CN-0A1B2C3D4E --as-of 2026-11-01")
)
@click.argument("reference", metavar="REF")
@as_of_option
@json_option
def show(reference: str, as_of: datetime | None) -> None:
    """Show the closure REF: what stands, and each notice that we received of it, oldest first."""
    with opened() as service:
        history = find_history(service.register, OPERATOR, reference, as_of)
        names = read_names(service.register)
    line, now = history[-1][1], as_of or utc_now()
    facts = {
        "as_of": None if as_of is None else utc_text(as_of),
        **json_of(line, names, now),
        "revisions": [revision_facts(without_sender_words(revision), after) for revision, after in history],
    }
    say(facts, _head(line, now), "", *table(_HEADINGS, [_row(revision) for revision, _ in history], empty=""))


def _head(line: PlannedClosure, now: datetime) -> str:
    span = f"{london_text(line.window.starts)} to {london_text(line.window.ends)}"
    return f"{line.reference}  {line.user}  {line.gateway}  {span}  {line.state_at(now).value}"


def _row(one: Revision) -> tuple[object, ...]:
    verdict = one.verdict
    return (
        one.number,
        london_text(one.received_at),
        one.step.value,
        one.gateway,
        london_text(one.window.starts),
        london_text(one.window.ends),
        *((None, None) if verdict is None else (verdict.working_days_notice, verdict.change.working_days)),
        one.channel,
    )
