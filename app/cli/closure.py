"""``closures closure``: one closure with its whole history."""

from datetime import datetime
from typing import Any

import click

from app.cli.opening import OPERATOR, opened
from app.cli.speaking import examples, json_option, note_reading, say, table
from app.cli.stating import INSTANT
from app.domain.closure import State
from app.domain.london import Reading, london_text, utc_text
from app.domain.refusal import Unknown
from app.factory import utc_now
from app.register.facts import closure_facts, revision_facts
from app.register.reading import find_history, without_sender_words
from app.store.bodies import Revision, Standing

_HEADINGS = ("revision", "received", "change", "gateway", "starts", "ends", "notice", "by")


@click.group()
def closure() -> None:
    """Look at one closure."""


@closure.command(
    epilog=examples("closures closure show CN-0A1B2C3D4E", "closures closure show CN-0A1B2C3D4E --as-of 2026-11-01")
)
@click.argument("reference", metavar="REF")
@click.option("--as-of", type=INSTANT, metavar="T", help="As it was known at this time.")
@json_option
def show(reference: str, as_of: tuple[datetime, Reading] | None) -> None:
    """Show the closure REF: what stands, and each notice that we received of it, oldest first."""
    if as_of is not None:
        note_reading(as_of[1])
    with opened() as service:
        standing, history = find_history(service.register, OPERATOR, reference)
    if as_of is not None:
        facts, head, history = _as_of(standing, history, as_of[0])
    else:
        window = standing.closure.window
        facts = closure_facts(standing, utc_now())
        head = _head(standing, standing.closure.state, window.starts, window.ends, standing.closure.gateway)
    facts["revisions"] = [revision_facts(without_sender_words(one)) for one in history]
    say(facts, head, "", *table(_HEADINGS, [_row(one) for one in history], empty=""))


def _as_of(
    standing: Standing, history: list[Revision], instant: datetime
) -> tuple[dict[str, Any], str, list[Revision]]:
    """Return what was known at an instant: the revision that stood, in facts and words, and the history up to then."""
    known = [one for one in history if one.received_at <= instant]
    # A superseded notice was known but never applied: what stood before it still stood.
    applied = [one for one in known if one.assessment is not None or one.state is State.EXPIRED]
    if not applied:
        raise Unknown("That closure was not known then.", "Give a later --as-of.")
    stood, closure = applied[-1], standing.closure
    facts = {
        "reference": closure.reference,
        "user": closure.user,
        "as_of": utc_text(instant),
        **revision_facts(without_sender_words(stood)),
    }
    return facts, _head(standing, stood.state, stood.window.starts, stood.window.ends, stood.gateway), known


def _head(standing: Standing, state: State, starts: datetime, ends: datetime, gateway: str) -> str:
    closure = standing.closure
    return (
        f"{closure.reference}  {closure.user}  {gateway}  {london_text(starts)} to {london_text(ends)}  {state.value}"
    )


def _row(one: Revision) -> tuple[object, ...]:
    lead = one.assessment
    return (
        one.number,
        london_text(one.received_at),
        one.step.value,
        one.gateway,
        london_text(one.window.starts),
        london_text(one.window.ends),
        None if lead is None else f"{lead.change.working_days} WD",
        one.channel,
    )
