"""When an alarm goes off (RFC 5545 3.6.6), and at which instant a single property lies."""

import re
from datetime import UTC, date, datetime, time, timedelta, tzinfo

from icalendar.prop import vDDDTypes, vDuration

from app.ical.components import Component
from app.ical.parsed_line import ParsedLine
from app.ical.unread import FAULTS
from app.ical.zones import named_zone

_REPEAT = re.compile("[0-9]{1,3}")
_FARTHEST = timedelta(days=20 * 366)


def stated_time(stated: ParsedLine, zone: tzinfo) -> datetime | None:
    """Return the instant of a property that is one date or time, None where it cannot be told.

    ``zone`` is that of times which name none; a TZID counts where it needs no VTIMEZONE.
    """
    found = _typed(vDDDTypes, stated.value)
    if isinstance(found, datetime):
        named = named_zone(stated.parameter("TZID") or "")
        own = zone if named is None else named.info
        return (found if found.tzinfo else found.replace(tzinfo=own)).astimezone(UTC)
    return datetime.combine(found, time(), zone).astimezone(UTC) if isinstance(found, date) else None


def alarms(alarm: Component, starts: datetime, ends: datetime) -> list[datetime]:
    """Return when an alarm of an event goes off (RFC 5545 3.6.6, 3.8.6): at its trigger, and as often as it repeats."""
    triggers = alarm.parsed("TRIGGER")
    found = _typed(vDDDTypes, triggers[0].value) if triggers else None
    if isinstance(found, timedelta):
        first = (ends if triggers[0].parameter("RELATED") == "END" else starts) + found
    elif isinstance(found, datetime) and found.tzinfo is not None:
        first = found
    else:
        return []
    again = [_typed(vDuration, line.value) for line in alarm.parsed("DURATION")]
    times = [line.value for line in alarm.parsed("REPEAT")]
    if not again or not isinstance(again[0], timedelta) or not times or not _REPEAT.fullmatch(times[0]):
        return [first]
    return [first + again[0] * number for number in range(int(times[0]) + 1)]


def alarm_reach(alarm: Component) -> timedelta:
    """Return how far from its event an alarm may go off, with a minute to spare; no more than twenty years."""
    found = [_typed(vDDDTypes, line.value) for line in alarm.parsed("TRIGGER")]
    again = [_typed(vDuration, line.value) for line in alarm.parsed("DURATION")]
    times = [int(line.value) for line in alarm.parsed("REPEAT") if _REPEAT.fullmatch(line.value)]
    spans = [abs(span) for span in found if isinstance(span, timedelta)]
    seconds = sum(span.total_seconds() for span in spans) + sum(
        abs(length).total_seconds() * sum(times) for length in again if isinstance(length, timedelta)
    )
    return timedelta(seconds=min(seconds + 60, _FARTHEST.total_seconds()))


def _typed(kind: type[vDDDTypes] | type[vDuration], value: str) -> object:
    try:
        return kind.from_ical(value)  # type: ignore[no-untyped-call] # icalendar leaves it unannotated
    except FAULTS:
        return None
