"""How a question is read from an address: the span, the instant at which it was known, and small numbers."""

from datetime import datetime, timedelta

from flask import request

from app.domain.closure import State
from app.domain.london import read_instant
from app.domain.party import read_code
from app.domain.refusal import Refusal
from app.domain.window import ClosureWindow
from app.register.questions.insights import four_quarters
from app.register.reading import Question
from app.web.site import site

_DEFAULT_SPAN = timedelta(days=56)
_LONGEST_SPAN = timedelta(days=10 * 366)
_TEN_YEARS = "The span is empty, or longer than ten years."


class QueryRefused(Refusal):
    """A query parameter that cannot be read."""

    code = "query"


def read_flag(name: str) -> bool:
    """Read a yes or no; no, if it is not given."""
    text = request.args.get(name, "0").lower()
    if text not in {"0", "1", "true", "false"}:
        raise QueryRefused(f"The parameter {name} is not a yes or no.", "Give 1 or 0.")
    return text in {"1", "true"}


def read_moment(name: str) -> datetime | None:
    """Read an instant; None, if it is not given."""
    text = request.args.get(name)
    return read_instant(text)[0] if text else None


def read_count(name: str, default: int, most: int, *, least: int = 1) -> int:
    """Read a whole number from ``least`` to ``most``."""
    text = request.args.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and least <= int(text[:9]) <= most):
        raise QueryRefused(f"The parameter {name} is not a number in range.", f"Give {least} to {most}.")
    return int(text)


def read_span() -> ClosureWindow:
    """Read ``from`` and ``to``: by default eight weeks from the instant that is asked about."""
    starts = read_moment("from") or read_moment("as_of") or site().now()
    ends = read_moment("to")
    try:
        ends = ends or starts + _DEFAULT_SPAN
        if not starts < ends <= starts + _LONGEST_SPAN:
            raise QueryRefused(_TEN_YEARS, "Give a later `to`, or a shorter span.")
    except OverflowError as problem:
        raise QueryRefused("That span ends after the last day that there is.", "Give an earlier `from`.") from problem
    return ClosureWindow(starts, ends)


def read_past(days: int) -> ClosureWindow:
    """Read ``from`` and ``to`` of a question about what was received: by default the last ``days``."""
    ends = read_moment("to") or site().now() + timedelta(minutes=1)
    try:
        starts = read_moment("from") or ends - timedelta(days=days)
    except OverflowError as problem:
        raise QueryRefused("That span begins before the first day that there is.", "Give a later `to`.") from problem
    if not starts < ends:
        raise QueryRefused(_TEN_YEARS, "Give a later `to`.")
    return ClosureWindow(starts, ends)


def read_quarters() -> ClosureWindow:
    """Read ``from`` and ``to`` of a question about quarters: by default this one and the three before it."""
    usual = four_quarters(site().now())
    starts, ends = read_moment("from") or usual.starts, read_moment("to") or usual.ends
    if not (starts < ends and ends - starts <= _LONGEST_SPAN):
        raise QueryRefused(_TEN_YEARS, "Give a later `to`, or a shorter span.")
    return ClosureWindow(starts, ends)


def read_question() -> Question:
    """Read from, to, user, gateway, state and as_of."""
    args = request.args
    state = args.get("state")
    if state is not None and state not in set(State):
        raise QueryRefused("That is not a state.", f"Give one of {', '.join(State)}.")
    return Question(
        span=read_span(),
        user=read_code(args["user"]) if args.get("user") else None,
        gateway=read_code(args["gateway"]) if args.get("gateway") else None,
        state=None if state is None else State(state),
        as_of=read_moment("as_of"),
        now=site().now(),
    )
