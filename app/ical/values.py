"""The values of a content line (RFC 5545 3.3): whole numbers, dates, times and durations."""

import re
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from icalendar.prop import vDuration

from app.ical.parsed_line import ParsedLine
from app.ical.unread import FAULTS

_TIME = re.compile(r"[0-9]{8}(?:T[0-9]{6}Z?)?")
_DAY_LENGTH = 8
_DURATION = re.compile(r"[+-]?P[0-9WDHMST]{2,40}")
_LONGEST_DURATION = timedelta(days=3_660)
_NOMINAL = re.compile(r"([0-9]+)([WD])")
_INTEGER = re.compile(r"[0-9]{1,10}")
_LARGEST_INTEGER = 2_147_483_647  # RFC 5545 3.3.8
_EARLIEST_YEAR, _LATEST_YEAR = 1900, 2999
_TIME_REMEDY = "Write it as 20261206T020000 with a TZID, as 20261206T020000Z, or as 20261206 for a whole day."


def read_integer(stated: ParsedLine) -> int:
    """Return an INTEGER value from 0 to 2,147,483,647 in ASCII digits. Raise ``Unread``."""
    if _INTEGER.fullmatch(stated.value):
        value = int(stated.value)
        if value <= _LARGEST_INTEGER:
            return value
    raise stated.unread("integer", "This is not a whole number from 0 to 2147483647.", "Write ASCII digits only.")


def read_time(stated: ParsedLine, value: str) -> tuple[datetime | date, bool]:
    """Return one DATE or naive DATE-TIME of a line, and whether it was in UTC (RFC 5545 3.3.5). Raise ``Unread``."""
    text = value.strip().upper()
    if not _TIME.fullmatch(text):
        raise stated.unread("time", "This is not a date or a time.", _TIME_REMEDY)
    try:
        # What fits _TIME is ISO 8601 in its basic format too.
        is_day = len(text) == _DAY_LENGTH
        found = date.fromisoformat(text) if is_day else datetime.fromisoformat(text.removesuffix("Z"))
    except ValueError as fault:
        raise stated.unread("time", "This date or time does not exist.", _TIME_REMEDY) from fault
    if not _EARLIEST_YEAR <= found.year <= _LATEST_YEAR:
        raise stated.unread(
            "time-out-of-range", f"The year is not between {_EARLIEST_YEAR} and {_LATEST_YEAR}.", _TIME_REMEDY
        )
    return found, text.endswith("Z")


@dataclass(frozen=True, slots=True)
class Length:
    """How long an event lasts: ``nominal`` is added to the wall clock, ``exact`` to the instant (RFC 5545 3.3.6)."""

    nominal: timedelta
    exact: timedelta


def read_duration(stated: ParsedLine, value: str) -> Length:
    """Return a positive DURATION: weeks and days are nominal, hours and less exact. Raise ``Unread``."""
    text = value.strip().upper()
    remedy = "Write it as PT4H or P1D, or give DTEND."
    try:
        if not _DURATION.fullmatch(text):
            raise ValueError(text)
        whole = vDuration.from_ical(text)  # type: ignore[no-untyped-call] # icalendar leaves it unannotated
        days = sum(int(number) * (7 if unit == "W" else 1) for number, unit in _NOMINAL.findall(text))
        length = Length(timedelta(days=days), whole - timedelta(days=days))
    except FAULTS as fault:
        raise stated.unread("duration", "This is not a duration.", remedy) from fault
    if not timedelta() < whole <= _LONGEST_DURATION:
        raise stated.unread("duration", "This duration is not longer than nothing, or longer than ten years.", remedy)
    return length
