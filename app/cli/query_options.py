"""What every question on the schedule takes: a span, and the instant at which something was known."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import wraps
from typing import Any

import click

from app.cli.output import note_reading, say, table
from app.cli.param_types import INSTANT
from app.domain.london import Reading
from app.domain.window import ClosureWindow
from app.factory import utc_now

_DEFAULT_SPAN = timedelta(days=56)
_LONGEST_SPAN = timedelta(days=10 * 366)

Stated = tuple[datetime, Reading]
"""An instant as somebody typed it, and how it was read."""


def as_of_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command ``--as-of``; it is handed the instant, or None."""

    @click.option(
        "--as-of", type=INSTANT, metavar="T", help="What was known at this time, instead of what is known now."
    )
    @wraps(command)
    def asked(*args: Any, as_of: Stated | None, **options: Any) -> Any:
        return command(*args, as_of=instant_of(as_of), **options)

    return asked


def span_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command ``--from`` and ``--to``; it is handed the ``span``. Goes below ``as_of_option``."""

    @click.option("--from", "starts", type=INSTANT, metavar="T", help="From this time on; now, if not given.")
    @click.option("--to", "ends", type=INSTANT, metavar="T", help="Up to this time; eight weeks on, if not given.")
    @wraps(command)
    def asked(*args: Any, starts: Stated | None, ends: Stated | None, **options: Any) -> Any:
        begins = instant_of(starts) or options.get("as_of") or utc_now()
        return command(*args, span=span_of(begins, instant_of(ends)), **options)

    return asked


def say_answer(answer: Mapping[str, Any], columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> None:
    """Say an answer: its sentence and its rows, each by these columns; to a program all of it."""
    lines = table(columns, [[row[column] for column in columns] for row in rows], empty="")
    say(answer, answer["answer"], *([""] if lines else []), *lines)


def instant_of(stated: Stated | None) -> datetime | None:
    """Return the instant, having said how it was read where the clocks change."""
    if stated is None:
        return None
    note_reading(stated[1])
    return stated[0]


def span_of(starts: datetime, ends: datetime | None) -> ClosureWindow:
    """Return the span that was asked for, eight weeks where no end is named."""
    try:
        last = starts + _DEFAULT_SPAN if ends is None else ends
        longest = starts + _LONGEST_SPAN if ends is not None else last
    except OverflowError as problem:
        raise click.UsageError("That span ends after the last day that there is; give an earlier one.") from problem
    if not starts < last <= longest:
        raise click.UsageError("The span is empty, or longer than ten years; give another --from or --to.")
    return ClosureWindow(starts, last)
