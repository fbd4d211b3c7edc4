"""A sender's own VTIMEZONE, accepted in a checked shape only and evaluated by us into a small value (RFC 5545 3.6.5).

Accepted: at most 100 observances, each with plain onsets (DTSTART, RDATE) or one yearly rule of BYMONTH with BYDAY or
BYMONTHDAY. Anything else could hang whoever evaluates it, and no real exporter writes it.
"""

import re
from bisect import bisect_right
from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache

from icalendar.prop import vDDDTypes, vRecur, vUTCOffset

from app.domain.london import Reading as ClockReading
from app.ical.components import Component
from app.ical.evaluate import starts_of_rule
from app.ical.limits import Allowance
from app.ical.lines import ContentLine
from app.ical.offsets import Offsets
from app.ical.parsed_line import Heads, parse_line
from app.ical.unread import FAULTS, Unread

_READ = frozenset({"DTSTART", "TZOFFSETFROM", "TZOFFSETTO", "RRULE", "RDATE"})
_OBSERVANCES = 100
_ONSETS = 1_000
_COST_OF_PART = 1_000  # of one part of a zone: a yearly rule over the years within reach
_OFFSET = re.compile(r"[+-][0-9]{4}(?:[0-9]{2})?")
_ONSET = re.compile(r"[0-9]{8}T[0-9]{6}")
_RULE = re.compile(r"[A-Za-z0-9=;,+-]{1,200}")
_UNTIL = re.compile(r";?UNTIL=([0-9]{8}(?:T[0-9]{6}Z?)?)")
_ALLOWED = frozenset({"FREQ", "INTERVAL", "BYMONTH", "BYDAY", "BYMONTHDAY", "WKST", "BYHOUR", "BYMINUTE", "BYSECOND"})
_TIMES_OF_DAY = ("BYHOUR", "BYMINUTE", "BYSECOND")
_MOST_DAYS = 31
_MOST_WEEKS = 5
_LEAP_YEAR = 2024
_REMEMBERED = 2_000  # characters; longer definitions are evaluated each time, so that they fill no memory

# The content lines of an observance that count, each with the name of its property.
_Observance = tuple[tuple[str, bytes], ...]


@dataclass(frozen=True, slots=True)
class CustomZone:
    """A zone as a sender defines it in the ``place``-th VTIMEZONE of its calendar, which begins on ``line``."""

    name: str
    place: int
    line: int
    offsets: Offsets

    def wall(self, instant: datetime) -> datetime:
        """Return what the clocks show at an aware instant, naive."""
        return (instant + self.offsets.at(instant)).replace(tzinfo=None)

    def read(self, naive: datetime) -> tuple[datetime, ClockReading]:
        """Read a wall-clock time: an ambiguous one as the first, a missing one with the offset before the gap."""
        onsets, values = self.offsets.onsets, self.offsets.values
        wall = naive.replace(tzinfo=UTC)
        near = bisect_right(onsets, wall - timedelta(days=2)), bisect_right(onsets, wall + timedelta(days=2))
        fitting = sorted(
            {wall - offset for offset in values[near[0] : near[1] + 1] if self.offsets.at(wall - offset) == offset}
        )
        if fitting:
            return fitting[0], ClockReading.EXACT if len(fitting) == 1 else ClockReading.FIRST_OF_TWO
        # No offset fits: the clocks jumped over this time, at the last onset before what the oldest offset makes of it.
        after = bisect_right(onsets, wall - values[near[0]])
        return wall - values[max(after - 1, 0)], ClockReading.OFFSET_BEFORE_GAP


def _misshapen(text: str) -> Unread:
    return Unread("custom-zone", text, "")


def read_custom_zone(
    name: str, place: int, definition: Component, years: tuple[int, int], allowance: Allowance
) -> CustomZone:
    """Evaluate a VTIMEZONE from the first to the last of ``years``. Raise ``Unread``; its text follows a name.

    A definition that stands in a notice again is taken from the allowance once.
    """
    stated = tuple(
        tuple((line.name, line.octets) for line in part.lines if line.name in _READ)
        for part in _observances(definition)
    )
    try:
        allowance.spend_once(stated, work=_COST_OF_PART * len(stated))
    except Unread as spent:
        raise _misshapen("is more than is evaluated in one notice.") from spent
    length = sum(len(octets) for observance in stated for _, octets in observance)
    return CustomZone(
        name, place, definition.line, (_remembered if length <= _REMEMBERED else _evaluated)(stated, years)
    )


def _evaluated(observances: tuple[_Observance, ...], years: tuple[int, int]) -> Offsets:
    changes: dict[datetime, tuple[timedelta, timedelta]] = {}
    for observance in observances:
        try:
            before, after = (_offset(_sole(observance, key)) for key in ("TZOFFSETFROM", "TZOFFSETTO"))
            for onset in _onsets(observance, before, years):
                changes[(onset - before).replace(tzinfo=UTC)] = (before, after)
        except FAULTS as fault:
            raise _misshapen("has a part that cannot be read.") from fault
    if not changes:
        raise _misshapen("defines no offset.")
    onsets = tuple(sorted(changes))
    return Offsets(onsets, (changes[onsets[0]][0], *(changes[onset][1] for onset in onsets)))


# Most senders' definitions are the same few. All that counts of one is its key, so that no sender meets another's.
_remembered = lru_cache(maxsize=64)(_evaluated)


def _observances(definition: Component) -> list[Component]:
    found = [part for part in definition.within() if part.name in {"STANDARD", "DAYLIGHT"}]
    if len(found) > _OBSERVANCES:
        raise _misshapen(f"has more than {_OBSERVANCES} parts.")
    return found


def _sole(observance: _Observance, name: str) -> str:
    values = _values(observance, name)
    if len(values) != 1:
        raise _misshapen("has a part without exactly one DTSTART, TZOFFSETFROM and TZOFFSETTO.")
    return values[0]


def _values(observance: _Observance, name: str) -> list[str]:
    heads = Heads()
    try:
        return [parse_line(ContentLine(name, 0, octets), heads).value for found, octets in observance if found == name]
    except Unread as unread:
        raise _misshapen("has a part that cannot be read.") from unread


def _offset(value: str) -> timedelta:
    if not _OFFSET.fullmatch(value):
        raise _misshapen("has an offset that is not +HHMM or -HHMM.")
    offset: timedelta = vUTCOffset.from_ical(value)  # type: ignore[no-untyped-call] # icalendar leaves it unannotated
    return offset


def _naive(value: str) -> datetime:
    text = value.strip().upper()
    if not _ONSET.fullmatch(text):
        raise _misshapen("has an onset that is not a local time.")
    found = vDDDTypes.from_ical(text)  # type: ignore[no-untyped-call] # icalendar leaves it unannotated
    if not isinstance(found, datetime):
        raise _misshapen("has an onset that is not a local time.")
    return found


def _onsets(observance: _Observance, before: timedelta, years: tuple[int, int]) -> list[datetime]:
    first = _naive(_sole(observance, "DTSTART"))
    plain = [value for several in _values(observance, "RDATE") for value in several.split(",") if value.strip()]
    if len(plain) > _ONSETS:
        raise _misshapen(f"has more than {_ONSETS} onsets.")
    onsets = [first, *map(_naive, plain)]
    rules = _values(observance, "RRULE")
    if len(rules) > 1:
        raise _misshapen("has a part with more than one rule.")
    for rule in rules:
        onsets += _yearly(rule, first, before, years)
    return onsets


def _yearly(rule: str, first: datetime, before: timedelta, years: tuple[int, int]) -> list[datetime]:
    if not _RULE.fullmatch(rule):
        raise _misshapen("has a rule that cannot be read.")
    until = _UNTIL.search(rule)
    recur = vRecur.from_ical(_UNTIL.sub("", rule, count=1).strip(";"))
    interval = recur.get("INTERVAL", [1])
    if (
        not set(map(str.upper, recur)) <= _ALLOWED
        or list(map(str, recur.get("FREQ", []))) != ["YEARLY"]
        or list(map(int, interval)) != [1]
        or any(len(values) > _MOST_DAYS for values in recur.values())
        or len(recur.get("BYMONTH", [])) > 1
        or ("BYDAY" in recur and "BYMONTH" not in recur)
    ):
        raise _misshapen("has a rule that is not yearly in one month, the only kind accepted.")
    if not _gives_a_day(recur, first):
        raise _misshapen("has a rule that does not give one day of its month.")
    if any(
        list(map(int, recur.get(key, [now]))) != [now]
        for key, now in zip(_TIMES_OF_DAY, first.timetuple()[3:6], strict=True)
    ):
        raise _misshapen("has a rule at another time of day than its onset.")
    # A rule that leaves out month or day means those of its onset.
    recur.setdefault("BYMONTH", [first.month])
    if "BYDAY" not in recur:
        recur.setdefault("BYMONTHDAY", [first.day])
    last = datetime(years[1], 12, 31, 23, 59, 59)  # noqa: DTZ001 - onsets are wall-clock times
    if until is not None:
        last = min(last, _until(until[1], before))
    if last < first:
        return []
    # One month and no COUNT: the rule gives the same days from whichever year it is begun in.
    # The year before its last, too: an UNTIL in spring leaves the onset of the autumn before it in force.
    begun = first.replace(year=max(first.year, min(years[0], last.year - 1)), day=1)
    return [onset for onset in starts_of_rule(recur.to_ical().decode(), begun, last) if first <= onset]


def _gives_a_day(recur: vRecur, first: datetime) -> bool:
    """Tell whether a rule means "the last Sunday", "the 26th" or "the Sunday from the 8th to the 14th" of its month.

    A day that the month never has would be looked for until the year 9999, for each of the parts.
    """
    month = int(recur.get("BYMONTH", [first.month])[0])
    dates = [int(day) for day in recur.get("BYMONTHDAY", [])]
    weekdays = recur.get("BYDAY", [])
    if dates and not any(1 <= abs(day) <= monthrange(_LEAP_YEAR, month)[1] for day in dates):
        return False
    if not weekdays:
        return True
    nth = weekdays[0].relative
    return len(weekdays) == 1 and (bool(dates) if nth is None else not dates and 1 <= abs(nth) <= _MOST_WEEKS)


def _until(value: str, before: timedelta) -> datetime:
    found = vDDDTypes.from_ical(value.removesuffix("Z"))  # type: ignore[no-untyped-call] # icalendar leaves it unannotated
    if not isinstance(found, datetime):
        return datetime(found.year, found.month, found.day, 23, 59, 59)  # noqa: DTZ001 - as above
    return found + before if value.endswith("Z") else found
