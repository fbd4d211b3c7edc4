"""A calendar object as the components and content lines that its sender wrote (RFC 5545 3.1, 3.4).

icalendar unfolds and splits the lines, folds them again and reads parameters. It is never shown a whole calendar, since
it keeps the zones that it meets for the whole process; filters and partial retrieval need no more than the lines.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from icalendar.parser import Contentline, Contentlines
from icalendar.parser.property import unescape_backslash
from icalendar.prop import vDDDTypes, vDuration

_NAME = re.compile(r"[ \t]*([A-Za-z0-9-]+)[ \t]*[;:]")
# "any character except CONTROLS not needed by the current character set" (RFC 5545 3.1): no C0 but HTAB, no DEL.
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x80-\x9f\ufffe\uffff]|\r(?!\n)")
_ZONE_NAME = re.compile(r"[A-Za-z0-9_+-]+(?:/[A-Za-z0-9_+-]+){0,3}")
_REPEAT = re.compile("[0-9]{1,3}")
_FARTHEST = timedelta(days=20 * 366)
_MOST_LINES = 20_000
_DEEPEST = 8


class Unsound(Exception):  # noqa: N818 - a finding about what was sent, worded for its sender
    """Octets that are no iCalendar object; the message says why."""


@dataclass(slots=True)
class ContentLine:
    """One content line: ``name`` in capitals, ``text`` unfolded."""

    name: str
    text: Contentline
    _parts: tuple[dict[str, list[str]], str] | None = None

    def parameters(self) -> dict[str, list[str]]:
        """Return the values of each parameter, by its name in capitals."""
        return self._split()[0]

    def value(self) -> str:
        """Return the value as it was sent."""
        return self._split()[1]

    def plain(self) -> str:
        """Return the value with the escapes of TEXT undone (RFC 5545 3.3.11)."""
        value = self.value()
        return str(unescape_backslash(value)) if "\\" in value else value

    def _split(self) -> tuple[dict[str, list[str]], str]:
        if self._parts is None:
            head, _, value = self.text.partition(":")
            if ";" not in head:
                self._parts = {}, value.strip()
            else:
                self._parts = _raw_parts(self.text)
        return self._parts


def _raw_parts(text: Contentline) -> tuple[dict[str, list[str]], str]:
    try:
        _, parameters, value = text.raw_parts()
    except (ValueError, LookupError, AttributeError, TypeError) as fault:
        raise Unsound("A line is not NAME;PARAMETER=VALUE:VALUE.") from fault
    several = {
        str(name).upper(): [str(one) for one in (found if isinstance(found, list) else [found])]
        for name, found in parameters.items()
    }
    return several, str(value).strip()


@dataclass(slots=True)
class Component:
    """A component: its own lines and the components inside it, each in the order of the object."""

    name: str
    lines: list[ContentLine] = field(default_factory=list)
    parts: list["Component"] = field(default_factory=list)

    def named(self, name: str) -> list[ContentLine]:
        """Return the lines of a property."""
        return [line for line in self.lines if line.name == name]

    def events(self) -> list["Component"]:
        """Return the VEVENTs, in the order by which ``MemberInstance.place`` counts them."""
        return [part for part in self.parts if part.name == "VEVENT"]


def read_component(octets: bytes) -> Component:
    """Read one VCALENDAR. Raise ``Unsound``."""
    stack: list[Component] = []
    done: Component | None = None
    for line in _lines(octets):
        if done is not None:
            raise Unsound("Something follows the END of the calendar.")
        if line.name == "BEGIN":
            name = line.value().upper()
            if len(stack) >= _DEEPEST or (not stack and name != "VCALENDAR"):
                raise Unsound("The calendar does not begin with BEGIN:VCALENDAR, or nests too deep.")
            stack.append(Component(name))
        elif line.name == "END":
            if not stack or stack[-1].name != line.value().upper():
                raise Unsound("An END does not match its BEGIN.")
            closed = stack.pop()
            if stack:
                stack[-1].parts.append(closed)
            else:
                done = closed
        elif stack:
            stack[-1].lines.append(line)
        else:
            raise Unsound("The calendar does not begin with BEGIN:VCALENDAR.")
    if done is None:
        raise Unsound("The calendar has no END.")
    return done


def _lines(octets: bytes) -> Iterator[ContentLine]:
    try:
        text = octets.decode("utf-8").removeprefix("\ufeff")
    except UnicodeError as fault:
        raise Unsound("The calendar is not UTF-8.") from fault
    if _CONTROLS.search(text):
        raise Unsound("The calendar holds control characters.")
    lines: list[Contentline] = Contentlines.from_ical(text)  # type: ignore[no-untyped-call] # icalendar leaves it unannotated
    if len(lines) > _MOST_LINES:
        raise Unsound(f"The calendar has more than {_MOST_LINES:,} lines.")
    for line in lines:
        if not line or line.isspace():
            continue
        match = _NAME.match(line)
        if match is None:
            raise Unsound("A line is not NAME;PARAMETER=VALUE:VALUE.")
        yield ContentLine(match[1].upper(), line)


def content_line(text: str) -> ContentLine:
    """Return a line of our own."""
    return ContentLine(text.partition(":")[0].partition(";")[0], Contentline(text))  # type: ignore[no-untyped-call] # as above


def written(component: Component) -> str:
    """Return a component as text, folded, each line ended by CR LF."""
    return "".join(f"{_folded(line)}\r\n" for line in _flat(component))


def _flat(component: Component) -> Iterator[str]:
    yield f"BEGIN:{component.name}"
    for line in component.lines:
        yield line.text
    for part in component.parts:
        yield from _flat(part)
    yield f"END:{component.name}"


def _folded(line: str) -> str:
    if len(line) * 4 < 75:  # noqa: PLR2004 - octets of a line (RFC 5545 3.1); a character has at most four
        return line
    return str(Contentline(line).to_ical().decode("utf-8"))  # type: ignore[no-untyped-call] # as above


def stated_time(line: ContentLine, zone: tzinfo) -> datetime | None:
    """Return the instant of a property that is one date or time, None where it cannot be told.

    ``zone`` is that of times which name none; a TZID counts where it is a name of the IANA data base.
    """
    tzid = line.parameters().get("TZID", [""])[0]
    found = _typed(vDDDTypes, line.value())
    if isinstance(found, datetime):
        return (found if found.tzinfo else found.replace(tzinfo=named_zone(tzid) or zone)).astimezone(UTC)
    return datetime.combine(found, time(), zone).astimezone(UTC) if isinstance(found, date) else None


def named_zone(tzid: str) -> ZoneInfo | None:
    """Return the zone of an IANA name, None for any other name."""
    if not _ZONE_NAME.fullmatch(tzid):
        return None
    try:
        return ZoneInfo(tzid)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def alarms(alarm: Component, starts: datetime, ends: datetime) -> list[datetime]:
    """Return when an alarm of an event goes off (RFC 5545 3.6.6, 3.8.6): at its trigger, and as often as it repeats."""
    triggers = alarm.named("TRIGGER")
    found = _typed(vDDDTypes, triggers[0].value()) if triggers else None
    if isinstance(found, timedelta):
        first = (ends if triggers[0].parameters().get("RELATED") == ["END"] else starts) + found
    elif isinstance(found, datetime) and found.tzinfo is not None:
        first = found
    else:
        return []
    again = [_typed(vDuration, line.value()) for line in alarm.named("DURATION")]
    times = [line.value() for line in alarm.named("REPEAT")]
    if not again or not isinstance(again[0], timedelta) or not times or not _REPEAT.fullmatch(times[0]):
        return [first]
    return [first + again[0] * number for number in range(int(times[0]) + 1)]


def alarm_reach(alarm: Component) -> timedelta:
    """Return how far from its event an alarm may go off, with a minute to spare; no more than twenty years."""
    found = [_typed(vDDDTypes, line.value()) for line in alarm.named("TRIGGER")]
    again = [_typed(vDuration, line.value()) for line in alarm.named("DURATION")]
    times = [int(line.value()) for line in alarm.named("REPEAT") if _REPEAT.fullmatch(line.value())]
    spans = [abs(one) for one in found if isinstance(one, timedelta)]
    seconds = sum(one.total_seconds() for one in spans) + sum(
        abs(one).total_seconds() * sum(times) for one in again if isinstance(one, timedelta)
    )
    return timedelta(seconds=min(seconds + 60, _FARTHEST.total_seconds()))


def _typed(kind: type[vDDDTypes] | type[vDuration], value: str) -> object:
    try:
        return kind.from_ical(value)  # type: ignore[no-untyped-call] # as above
    except (ValueError, TypeError, LookupError, ArithmeticError, AttributeError):
        return None
