"""``closures schedule``: the forward schedule, as it stands or as it was known, in a span or at an instant."""

from datetime import datetime, timedelta

import click

from app.cli.opening import OPERATOR, opened
from app.cli.speaking import examples, json_option, note_reading, say, table
from app.cli.stating import CODE, INSTANT
from app.domain.closure import State
from app.domain.london import Reading, london_text, utc_text
from app.domain.window import ClosureWindow
from app.factory import utc_now
from app.register.facts import closure_facts, known_facts
from app.register.reading import Question, find_closures, find_known
from app.register.register import Register

_DEFAULT_SPAN = timedelta(days=56)
_LONGEST_SPAN = timedelta(days=10 * 366)
_INSTANT_SPAN = timedelta(microseconds=1)
_HEADINGS = ("reference", "User", "gateway", "starts", "ends", "state", "notice")

_Stated = tuple[datetime, Reading]


@click.command(
    epilog=examples(
        "closures schedule",
        "closures schedule --from 2026-12-06T02:00 --to 2026-12-06T06:00",
        "closures schedule --at 2026-12-06T03:00 --gateway GW-1",
        "closures schedule --from 2026-12-01 --as-of 2026-11-01T09:00Z --json",
    )
)
@click.option("--from", "starts", type=INSTANT, metavar="T", help="From this time on; now, if not given.")
@click.option("--to", "ends", type=INSTANT, metavar="T", help="Up to this time; eight weeks on, if not given.")
@click.option("--at", "instant", type=INSTANT, metavar="T", help="Only what is planned to be closed at this time.")
@click.option("--as-of", type=INSTANT, metavar="T", help="What was known at this time, instead of what is known now.")
@click.option("--user", type=CODE, help="Only closures of this User.")
@click.option("--gateway", type=CODE, help="Only closures of this gateway.")
@json_option
def schedule(
    starts: _Stated | None,
    ends: _Stated | None,
    instant: _Stated | None,
    as_of: _Stated | None,
    user: str | None,
    gateway: str | None,
) -> None:
    """List planned closures by their start. Nothing in this list was approved by anyone: it is what Users told.

    A time T is ISO 8601; without an offset it is London time.
    """
    if instant is not None and (starts is not None or ends is not None):
        raise click.UsageError("--at does not go with --from and --to.")
    for stated in (starts, ends, instant, as_of):
        if stated is not None:
            note_reading(stated[1])
    now = utc_now()
    question = Question(
        span=_span(starts, ends, instant, now), user=user, gateway=gateway, as_of=None if as_of is None else as_of[0]
    )
    with opened() as service:
        facts, rows = _answer(service.register, question, now, at_instant=instant is not None)
    say(
        {
            "from": utc_text(question.span.starts),
            "to": utc_text(question.span.ends),
            "as_of": None if question.as_of is None else utc_text(question.as_of),
            "closures": facts,
        },
        *table(_HEADINGS, rows, empty="No closure is planned then."),
    )


def _span(starts: _Stated | None, ends: _Stated | None, instant: _Stated | None, now: datetime) -> ClosureWindow:
    try:
        if instant is not None:
            return ClosureWindow(instant[0], instant[0] + _INSTANT_SPAN)
        first = starts[0] if starts is not None else now
        last = ends[0] if ends is not None else first + _DEFAULT_SPAN
    except OverflowError as problem:
        raise click.UsageError("That span ends after the last day that there is; give an earlier one.") from problem
    if not first < last <= first + _LONGEST_SPAN:
        raise click.UsageError("The span is empty, or longer than ten years; give another --from or --to.")
    return ClosureWindow(first, last)


def _answer(
    register: Register, question: Question, now: datetime, *, at_instant: bool
) -> tuple[list[dict[str, object]], list[tuple[object, ...]]]:
    """Return the closures as facts and as rows; at an instant, those alone that are not withdrawn."""
    facts: list[dict[str, object]] = []
    rows: list[tuple[object, ...]] = []
    if question.as_of is None:
        for one in find_closures(register, OPERATOR, question):
            closure = one.closure
            if at_instant and closure.state is State.WITHDRAWN:
                continue
            facts.append(closure_facts(one, now))
            rows.append(
                (
                    *(closure.reference, closure.user, closure.gateway),
                    *_row(closure.window, closure.state, one.assessment.current_date.working_days),
                )
            )
        return facts, rows
    for known in find_known(register, OPERATOR, question):
        revision = known.revision
        if at_instant and revision.state is State.WITHDRAWN:
            continue
        facts.append(known_facts(known))
        lead = revision.assessment
        days = None if lead is None else lead.current_date.working_days
        rows.append((known.reference, known.user, revision.gateway, *_row(revision.window, revision.state, days)))
    return facts, rows


def _row(window: ClosureWindow, state: State, days: int | None) -> tuple[object, ...]:
    return london_text(window.starts), london_text(window.ends), state.value, None if days is None else f"{days} WD"
