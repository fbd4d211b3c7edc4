"""``closures closure``: one closure with its whole history, and what is told of it as it happens."""

from datetime import datetime

import click

from app.cli.opening import OPERATOR, opened
from app.cli.output import examples, json_option, say, table
from app.cli.param_types import INSTANT
from app.cli.query_options import Stated, as_of_option, instant_of
from app.domain.closure import PlannedClosure, Revision
from app.domain.fact import FactKind, ToldFact
from app.domain.london import london_text, utc_text
from app.domain.notice import Channel
from app.domain.told_fact import told_words
from app.factory import utc_now
from app.register.closure_json import json_of, revision_facts
from app.register.reading import find_history, read_names, without_sender_words
from app.register.receipts import outcome_facts
from app.register.tell_fact import tell_fact

_HEADINGS = ("revision", "received", "change", "gateway", "starts", "ends", "Working Days", "of the change", "by")


@click.group()
def closure() -> None:
    """Look at one closure, or tell of it as it happens."""


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


@closure.command(epilog=examples("closures closure closed CN-0A1B2C3D4E --at 2026-12-06T02:03"))
@click.argument("reference", metavar="REF")
@click.option("--at", "instant", type=INSTANT, metavar="T", help="When it closed; now, if not given.")
@json_option
def closed(reference: str, instant: Stated | None) -> None:
    """Tell that the gateway of the closure REF is closed. From then on DCC is told if it does not re-open in time."""
    _tell(reference, FactKind.CLOSED, instant_of(instant) or utc_now())


@closure.command(epilog=examples("closures closure reopened CN-0A1B2C3D4E --at 2026-12-06T04:10"))
@click.argument("reference", metavar="REF")
@click.option("--at", "instant", type=INSTANT, metavar="T", help="When it re-opened; now, if not given.")
@json_option
def reopened(reference: str, instant: Stated | None) -> None:
    """Tell that the gateway of the closure REF has re-opened."""
    _tell(reference, FactKind.REOPENED, instant_of(instant) or utc_now())


@closure.command(epilog=examples("closures closure still-closed CN-0A1B2C3D4E --at 2026-12-06T08:00"))
@click.argument("reference", metavar="REF")
@click.option("--at", "instant", type=INSTANT, metavar="T", required=True, help="Until about when it is closed.")
@json_option
def still_closed(reference: str, instant: Stated) -> None:
    """Tell that the gateway of the closure REF is closed, and until about when."""
    _tell(reference, FactKind.STILL_CLOSED, instant_of(instant))


@closure.command("take-back", epilog=examples("closures closure take-back CN-0A1B2C3D4E"))
@click.argument("reference", metavar="REF")
@json_option
def take_back(reference: str) -> None:
    """Take back what was told last of the closure REF as it happened."""
    _tell(reference, FactKind.TAKEN_BACK, None)


def _tell(reference: str, kind: FactKind, at: datetime | None) -> None:
    now = utc_now()
    with opened() as service:
        told = ToldFact(kind, at)
        outcome = tell_fact(service.register, OPERATOR, reference, told, channel=Channel.COMMAND_LINE, now=now)
    line = outcome.accepted[0].closure
    say(outcome_facts(outcome)["accepted"][0], f"{line.reference}  {line.user}  {line.gateway}  {told_words(line)}")


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
