"""A recurrence rule, checked part by part before anything is evaluated (RFC 5545 3.3.10, with tighter bounds)."""

import re
from dataclasses import dataclass

from icalendar.prop import vRecur, vWeekday

from app.ical.moment import Moment, read_moment
from app.ical.parsed_line import ParsedLine
from app.ical.unread import FAULTS
from app.ical.zones import ZoneTable

_SHAPE = re.compile(r"[A-Za-z0-9=;,+-]{1,1000}")
_UNTIL = re.compile(r"(?:^|;)UNTIL=([^;]*)", re.IGNORECASE)
_PART = re.compile(r"(?:^|;)([A-Za-z]+)=")
_FREQUENCIES = ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")
# Of each part: the largest absolute value, how many values, and the frequencies it may stand with (RFC 5545's table).
_BOUNDS: dict[str, tuple[int, int, tuple[str, ...]]] = {
    "BYMONTH": (12, 12, _FREQUENCIES),
    "BYWEEKNO": (53, 53, ("YEARLY",)),
    "BYYEARDAY": (366, 366, ("YEARLY",)),
    "BYMONTHDAY": (31, 62, ("DAILY", "MONTHLY", "YEARLY")),
    "BYHOUR": (23, 24, _FREQUENCIES),
    "BYMINUTE": (59, 4, _FREQUENCIES),
    "BYSECOND": (59, 1, _FREQUENCIES),
    "BYSETPOS": (366, 12, _FREQUENCIES),
    "INTERVAL": (1_000, 1, _FREQUENCIES),
    "COUNT": (100_000, 1, _FREQUENCIES),
}
_MAY_BE_NEGATIVE = frozenset({"BYWEEKNO", "BYYEARDAY", "BYMONTHDAY", "BYSETPOS"})
_MAY_BE_ZERO = frozenset({"BYHOUR", "BYMINUTE", "BYSECOND"})
_DAYS_OF_WEEK = frozenset({"BYDAY", "BYMONTHDAY", "BYYEARDAY"})  # each says which days of a week are meant
_WEEKDAYS = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_MOST_WEEKDAYS = 70
_LARGEST_ORDINAL = {"MONTHLY": 5, "YEARLY": 53}
_OTHERS = frozenset({"FREQ", "BYDAY", "WKST"})
_REMEDY = "Use FREQ=DAILY, WEEKLY, MONTHLY or YEARLY with COUNT or UNTIL, or send each closure as an event of its own."


@dataclass(frozen=True, slots=True)
class Rule:
    """``text`` is the RRULE value without UNTIL, safe to evaluate; ``until`` its last instant or last day."""

    text: str
    frequency: str
    count: int | None
    until: Moment | None


def read_rule(stated: ParsedLine, zones: ZoneTable, starts: Moment) -> Rule:
    """Read and check an RRULE; ``starts`` is DTSTART, whose zone an UNTIL that names none is in. Raise ``Unread``."""
    value = ";".join(filter(None, "".join(stated.value.split()).split(";")))
    untils = _UNTIL.findall(value)
    names = [name.upper() for name in _PART.findall(value)]
    if not _SHAPE.fullmatch(value) or len(set(names)) != len(names) or len(names) != value.count(";") + 1:
        raise stated.unread("rule", "This recurrence rule cannot be read.", _REMEDY)
    try:
        recur = vRecur.from_ical(_UNTIL.sub("", value).strip(";"))
        frequency = str(recur["FREQ"][0]).upper()
        fault = _fault(recur, frequency)
        if "BYWEEKNO" in recur and not _DAYS_OF_WEEK & set(recur):
            # "Information [...] missing from the rule" is that of DTSTART: one day of the week (RFC 5545 3.3.10).
            recur["BYDAY"] = [vWeekday(_WEEKDAYS[starts.naive.weekday()])]
        text = recur.to_ical().decode()
    except FAULTS as problem:
        raise stated.unread("rule", "This recurrence rule cannot be read.", _REMEDY) from problem
    if fault is not None:
        raise stated.unread("rule", fault, _REMEDY)
    until = read_moment(stated, untils[0], zones, starts.zone) if untils else None
    return Rule(text, frequency, int(recur["COUNT"][0]) if "COUNT" in recur else None, until)


def _fault(recur: vRecur, frequency: str) -> str | None:
    """Return what makes the rule unfit to be evaluated, or None."""
    if frequency not in _FREQUENCIES or len(recur["FREQ"]) != 1:
        return "A closure may recur daily, weekly, monthly or yearly, not more often."
    unknown = {str(name).upper() for name in recur} - _OTHERS - set(_BOUNDS)
    if unknown:
        return "This recurrence rule has a part that is not read."
    for name, (largest, most, frequencies) in _BOUNDS.items():
        values = recur.get(name, [])
        lowest = -largest if name in _MAY_BE_NEGATIVE else 0
        if frequency not in frequencies and values:
            return f"{name} may not stand with FREQ={frequency}."
        if len(values) > most or not all(_fits(value, lowest, largest, zero=name in _MAY_BE_ZERO) for value in values):
            return f"{name} is out of range or has too many values."
    return _fault_of_weekdays(recur, frequency)


def _fits(value: object, lowest: int, largest: int, *, zero: bool) -> bool:
    return (
        isinstance(value, int)
        and lowest <= value <= largest
        and (zero or value != 0)
        and not getattr(value, "leap", False)
    )


def _fault_of_weekdays(recur: vRecur, frequency: str) -> str | None:
    days = recur.get("BYDAY", [])
    largest = 0 if "BYWEEKNO" in recur else _LARGEST_ORDINAL.get(frequency, 0)
    if len(days) > _MOST_WEEKDAYS or any(abs(day.relative or 0) > largest for day in days):
        return "BYDAY is out of range or has too many values."
    if any(day.relative == 0 for day in days):
        return "BYDAY is out of range or has too many values."
    if "BYSETPOS" in recur and not any(
        str(name).upper() in {"BYDAY", "BYMONTHDAY", "BYYEARDAY", "BYWEEKNO", "BYMONTH"} for name in recur
    ):
        return "BYSETPOS needs another BY part to choose from."
    return None
