"""Time in London: for counting Working Days and for wording. Everything else is aware UTC (docs/domain.md#time)."""

from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from zoneinfo import ZoneInfo

from app.domain.refusal import TimeRefused
from app.domain.window import ClosureWindow

LONDON = ZoneInfo("Europe/London")
_TIME_REMEDY = "Write ISO 8601, such as 2026-12-06T02:00 (London time) or 2026-12-06T02:00:00Z."


class Reading(StrEnum):
    """How a wall-clock time was read, so that a receipt can say so.

    ``OFFSET_BEFORE_GAP`` is how a missing time is read in iCalendar alone (RFC 5545 3.3.5).
    """

    EXACT = "exact"
    FIRST_OF_TWO = "first of two"
    AFTER_GAP = "after the gap"
    OFFSET_BEFORE_GAP = "with the offset before the gap"


def read_wall_clock(naive: datetime, zone: ZoneInfo = LONDON) -> tuple[datetime, Reading]:
    """Read a wall-clock time in ``zone``; return the UTC instant and how it was read.

    An ambiguous time (25 Oct 2026 01:30) is the first of the two; a missing one (29 Mar 2026 01:30) is the instant
    at which the gap ends (docs/domain.md#time). Raise ``TimeRefused`` where UTC has no such year.
    """
    earlier, later = naive.replace(tzinfo=zone, fold=0), naive.replace(tzinfo=zone, fold=1)
    first = _to_utc(earlier)
    if earlier.utcoffset() == later.utcoffset():
        return first, Reading.EXACT
    second = _to_utc(later)
    if first < second:
        return first, Reading.FIRST_OF_TWO
    # In a gap PEP 495 gives fold=0 the offset before it and fold=1 the one after: the gap ends between the two, and
    # on a whole second, so that whole seconds are all that the search needs to look at.
    low, high = (instant.replace(microsecond=0) for instant in (second, first))
    while high - low > timedelta(seconds=1):
        middle = (low + (high - low) / 2).replace(microsecond=0)
        if middle.astimezone(zone).utcoffset() == low.astimezone(zone).utcoffset():
            low = middle
        else:
            high = middle
    return high, Reading.AFTER_GAP


def london_date(instant: datetime) -> date:
    """Return the London date on which ``instant`` (aware) falls."""
    return instant.astimezone(LONDON).date()


def london_midnight(day: date) -> datetime:
    """Return the UTC instant at which the London day ``day`` begins."""
    return read_wall_clock(datetime.combine(day, time()))[0]


def whole_days(first: date, after: date) -> ClosureWindow:
    """Return the window from London midnight on ``first`` to London midnight on ``after`` (exclusive)."""
    return ClosureWindow(london_midnight(first), london_midnight(after))


@lru_cache(maxsize=4096)  # one answer words the same instants many times
def london_text(instant: datetime) -> str:
    """Word an instant for people in London time with its abbreviation: ``Sun 6 Dec 2026 02:00 GMT``."""
    local = instant.astimezone(LONDON)
    return f"{local:%a} {local.day} {local:%b %Y %H:%M %Z}"


@lru_cache(maxsize=4096)  # as london_text
def utc_text(instant: datetime) -> str:
    """Word an instant in UTC, to the second: ``2026-12-06T02:00:00Z``."""
    return f"{instant.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def read_instant(text: str) -> tuple[datetime, Reading]:
    """Read ISO 8601 from a person or a program; without offset it is London time. Raise ``TimeRefused``."""
    if not text.isascii():
        raise TimeRefused("A time may hold only ASCII characters.", _TIME_REMEDY)
    try:
        stated = datetime.fromisoformat(text.strip())
    except ValueError as problem:
        raise TimeRefused("That is not a time.", _TIME_REMEDY) from problem
    if stated.tzinfo is None:
        return read_wall_clock(stated)
    return _to_utc(stated), Reading.EXACT


def _to_utc(aware: datetime) -> datetime:
    """Return the instant in UTC. Raise ``TimeRefused`` at either end of the years that a ``datetime`` can hold."""
    try:
        return aware.astimezone(UTC)
    except OverflowError as problem:
        raise TimeRefused("That time is out of range.", _TIME_REMEDY) from problem


def read_day(text: str) -> date:
    """Read an ISO 8601 date. Raise ``TimeRefused``."""
    try:
        return date.fromisoformat(text.strip())
    except ValueError as problem:
        raise TimeRefused("That is not a date.", "Write ISO 8601, such as 2026-12-06.") from problem
