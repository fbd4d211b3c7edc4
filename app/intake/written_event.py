"""A closure stated in the fields of a form, written as the event that says the same: one reader reads every notice."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum

from app.ical.lines import escape_text

_WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_WEEK = timedelta(days=7)


class Repeat(StrEnum):
    """How a form lets a closure repeat."""

    NEVER = "never"
    WEEKLY = "weekly"
    WEEKS = "weeks"
    MONTHLY = "monthly"


@dataclass(frozen=True, slots=True)
class FormEvent:
    """What was filled in. A time is naive on London's clocks, or aware where it is an instant known from before.

    ``recurrence_id`` names one occurrence of a series (``20261206T020000Z``); ``rule`` is the value of an RRULE.
    ``provisional``: its sender is not certain yet.
    """

    uid: str
    gateway: str
    starts: datetime
    ends: datetime
    recurrence_id: str = ""
    rule: str = ""
    provisional: bool = False


def write_events(stated: Iterable[FormEvent]) -> bytes:
    """Return a calendar with these events. No SEQUENCE and no DTSTAMP: a form counts by when it is received."""
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//closure-notices//form//EN"]
    for one in stated:
        lines += [
            "BEGIN:VEVENT",
            f"UID:{escape_text(one.uid)}",
            _time("DTSTART", one.starts),
            _time("DTEND", one.ends),
            f"LOCATION:{escape_text(one.gateway)}",
        ]
        if one.recurrence_id:
            lines.append(f"RECURRENCE-ID:{one.recurrence_id}")
        if one.rule:
            lines.append(f"RRULE:{one.rule}")
        if one.provisional:
            lines.append("STATUS:TENTATIVE")
        lines.append("END:VEVENT")
    return "\r\n".join([*lines, "END:VCALENDAR", ""]).encode()


def rule_of(repeat: Repeat, first: date, every: int, until: date | None, count: int | None) -> str:
    """Return the RRULE of a repeat that ends on the day ``until`` or after ``count`` times; "" for none.

    Monthly means the same weekday: the second Sunday stays the second Sunday, and one of the last seven days of its
    month the last one, so that no month is left out.
    """
    if repeat is Repeat.NEVER:
        return ""
    end = f"UNTIL={until:%Y%m%d}" if until else f"COUNT={count}"
    if repeat is Repeat.MONTHLY:
        last = (first + _WEEK).month != first.month
        place = -1 if last else (first.day - 1) // 7 + 1
        return f"FREQ=MONTHLY;BYDAY={place}{_WEEKDAYS[first.weekday()]};{end}"
    return f"FREQ=WEEKLY;INTERVAL={every if repeat is Repeat.WEEKS else 1};{end}"


def _time(name: str, at: datetime) -> str:
    if at.tzinfo is not None:
        return f"{name}:{at.astimezone(UTC):%Y%m%dT%H%M%SZ}"
    return f"{name};TZID=Europe/London:{at:%Y%m%dT%H%M%S}"
