"""``closures schedule``: the forward schedule, as it stands or as it was known, in a span or at an instant."""

from datetime import datetime, timedelta

import click
from click.core import ParameterSource

from app.cli.opening import OPERATOR, opened
from app.cli.output import examples, json_option, say, table
from app.cli.param_types import CODE, INSTANT
from app.cli.query_options import Stated, as_of_option, instant_of, span_options
from app.domain.closure import PlannedClosure, State
from app.domain.london import london_text
from app.domain.window import ClosureWindow
from app.factory import utc_now
from app.register.closure_json import schedule_facts
from app.register.reading import Question, read_closed, read_schedule

_INSTANT_SPAN = timedelta(microseconds=1)
_HEADINGS = ("reference", "User", "gateway", "starts", "ends", "state", "Working Days")


@click.command(
    epilog=examples(
        "closures schedule",
        "closures schedule --from 2026-12-06T02:00 --to 2026-12-06T06:00",
        "closures schedule --at 2026-12-06T03:00 --gateway GW-1",
        "closures schedule --from 2026-12-01 --as-of 2026-11-01T09:00Z --json",
    )
)
@click.option("--at", "instant", type=INSTANT, metavar="T", help="Only what is planned to be closed at this time.")
@as_of_option
@span_options
@click.option("--user", type=CODE, help="Only closures of this User.")
@click.option("--gateway", type=CODE, help="Only closures of this gateway.")
@click.option("--state", type=click.Choice([state.value for state in State]), help="Only closures in this state.")
@json_option
def schedule(
    instant: Stated | None,
    as_of: datetime | None,
    span: ClosureWindow,
    user: str | None,
    gateway: str | None,
    state: str | None,
) -> None:
    """List planned closures by their start. Nothing in this list was approved by anyone: it is what Users told.

    A time T is ISO 8601; without an offset it is London time.
    """
    at = instant_of(instant)
    if at is not None:
        context = click.get_current_context()
        if any(context.get_parameter_source(name) is not ParameterSource.DEFAULT for name in ("starts", "ends")):
            raise click.UsageError("--at does not go with --from and --to.")
        span = ClosureWindow(at, at + _INSTANT_SPAN)
    now = as_of or utc_now()
    question = Question(span, user, gateway, State(state) if state else None, as_of, now)
    with opened() as service:
        if at is None:
            found = read_schedule(service.register, OPERATOR, question)
        else:
            closed = read_closed(service.register, OPERATOR, at, as_of)
            found = [closure for closure in closed if question.takes(closure) and user in {None, closure.user}]
        names = service.register.history.names
    say(
        schedule_facts(question, found, names, now),
        *table(_HEADINGS, [_row(closure, now) for closure in found], empty="No closure is planned then."),
    )


def _row(one: PlannedClosure, now: datetime) -> tuple[object, ...]:
    return (
        *(one.reference, one.user, one.gateway, london_text(one.window.starts), london_text(one.window.ends)),
        *(one.state_at(now).value, one.verdict.working_days_notice),
    )
