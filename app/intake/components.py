"""Content lines to components: which lines belong to which VEVENT, and which of them are worth reading."""

import re
from dataclasses import dataclass, field
from typing import NamedTuple

from app.domain.refusal import IntakeProblem
from app.intake.problem import Unread
from app.intake.reading import Limits
from app.intake.unfold import Line

# What is read of a VEVENT. Dropping all else before icalendar sees it halves the work (docs/targets.md#speed).
READ = {
    name.encode(): name
    for name in (
        "UID",
        "DTSTAMP",
        "DTSTART",
        "DTEND",
        "DURATION",
        "SEQUENCE",
        "STATUS",
        "RECURRENCE-ID",
        "RRULE",
        "RDATE",
        "EXDATE",
        "EXRULE",
        "LOCATION",
        "X-MAINTNOTE-OBJECT-ID",
    )
}
_READ_OF_CALENDAR = {b"METHOD": "METHOD", b"X-WR-TIMEZONE": "X-WR-TIMEZONE"}
_MARKS = {b"VERSION": "VERSION", b"PRODID": "PRODID", b"CALSCALE": "CALSCALE"}
# Nothing anybody wrote: the sender's program keeps its books in them.
_BOOKKEEPING = frozenset({b"CREATED", b"LAST-MODIFIED"})
_HEAD = re.compile(rb"[ \t]*([A-Za-z0-9-]{1,64})[ \t]*[;:]")
_DEEPEST = 32  # beyond it components are only counted, so that searching those open stays cheap
_LEFT_OUT_NAMES = 40  # a hostile event could name thousands; nobody reads a longer list
_ONE_PER_EVENT = "Export the calendar again; each BEGIN needs its END."
_NO_END = "This event has no END."
_SHORTER = "Remove the attachments and long texts of this event; only its date, time and gateway are needed."


class RawProperty(NamedTuple):
    """A content line worth reading: ``name`` in capitals, ``line`` its physical number."""

    name: str
    line: int
    octets: bytes


@dataclass(frozen=True, slots=True)
class RawEvent:
    """A VEVENT before reading, the ``place``-th of its calendar from 0; ``fault`` says why it cannot be read."""

    line: int
    place: int
    properties: tuple[RawProperty, ...]
    left_out: frozenset[str]
    garbled: tuple[int, ...]
    fault: IntakeProblem | None


@dataclass(frozen=True, slots=True)
class RawCalendar:
    """A VCALENDAR: its events, its own few properties, the lines of each VTIMEZONE, and whether its END was there.

    ``marks`` say what program wrote it and in what form; they are not read, only kept.
    """

    line: int
    properties: tuple[RawProperty, ...]
    marks: tuple[RawProperty, ...]
    events: tuple[RawEvent, ...]
    zones: tuple[tuple[Line, ...], ...]
    others: dict[str, list[int]]
    whole: bool


@dataclass(slots=True)
class _Event:
    line: int
    properties: list[RawProperty] = field(default_factory=list)
    left_out: set[str] = field(default_factory=set)
    garbled: list[int] = field(default_factory=list)
    lines: int = 0
    fault: IntakeProblem | None = None

    def spoil(self, code: str, text: str, remedy: str, line: int) -> None:
        """Keep the first thing that is wrong with the whole event."""
        if self.fault is None:
            self.fault = Unread(code, text, remedy, line=line).problem

    def close(self, place: int) -> RawEvent:
        return RawEvent(
            line=self.line,
            place=place,
            properties=tuple(self.properties),
            left_out=frozenset(self.left_out),
            garbled=tuple(self.garbled),
            fault=self.fault,
        )


class _Walk:
    """Where the reading of the lines has got to: the components open now, and what was collected of them."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.calendars: list[RawCalendar] = []
        self.open: list[bytes] = []
        self.event: _Event | None = None
        self.zone: list[Line] | None = None
        self._reset(0)

    def _reset(self, line: int) -> None:
        self.line = line
        self.deeper = 0
        self.properties: list[RawProperty] = []
        self.marks: list[RawProperty] = []
        self.events: list[RawEvent] = []
        self.zones: list[tuple[Line, ...]] = []
        self.others: dict[str, list[int]] = {}

    def take(self, line: Line) -> None:
        """Take one content line."""
        number, octets = line
        head = _HEAD.match(octets)
        name = head[1].upper() if head else b""
        event = self.event
        if event is not None:
            self._count(event, number, octets)
        if name in {b"BEGIN", b"END"} and head is not None:
            kind = octets[head.end() :].strip().upper()
            if self.zone is not None:
                self.zone.append(line)
            (self._begin if name == b"BEGIN" else self._end)(kind, number)
        elif event is not None:
            self._take_of_event(event, name, line)
        elif self.zone is not None:
            self.zone.append(line)
        elif len(self.open) == 1 and name in _READ_OF_CALENDAR:
            self.properties.append(RawProperty(_READ_OF_CALENDAR[name], number, octets))
        elif len(self.open) == 1 and name in _MARKS:
            self.marks.append(RawProperty(_MARKS[name], number, octets))

    def _count(self, event: _Event, number: int, octets: bytes) -> None:
        event.lines += 1
        if event.lines > self.limits.event_lines:
            event.spoil(
                "event-too-long", f"This event has more than {self.limits.event_lines} lines.", _SHORTER, number
            )
        if len(octets) > self.limits.line_octets:
            event.spoil(
                "line-too-long", f"This line is longer than {self.limits.line_octets} octets.", _SHORTER, number
            )

    def _take_of_event(self, event: _Event, name: bytes, line: Line) -> None:
        if len(self.open) > 2:  # noqa: PLR2004 - VCALENDAR and VEVENT: anything deeper is an alarm or a stranger
            return
        if not name:
            event.garbled.append(line.number)
        elif name in READ:
            event.properties.append(RawProperty(READ[name], line.number, line.octets))
        elif name not in _BOOKKEEPING and not name.startswith(b"X-MICROSOFT-"):
            self._leave_out(event, name)

    def _leave_out(self, event: _Event, name: bytes) -> None:
        if len(event.left_out) < _LEFT_OUT_NAMES:
            event.left_out.add(name.decode("ascii", "replace"))

    def _begin(self, kind: bytes, number: int) -> None:
        if kind == b"VCALENDAR":
            self.cut_off()
            self._reset(number)
        elif not self.open:
            return
        elif kind == b"VEVENT" and self.event is not None:
            # A second BEGIN:VEVENT means that the first was never ended: give up the first, not both.
            self._abandon_event()
        elif self.event is not None:
            if re.fullmatch(rb"[A-Z0-9-]{1,64}", kind):
                self._leave_out(self.event, kind)
            if len(self.open) >= self.limits.nesting:
                self.event.spoil(
                    "nesting", f"This event nests components more than {self.limits.nesting} deep.", _SHORTER, number
                )
        elif len(self.open) == 1:
            self._begin_part(kind, number)
        if kind == b"VEVENT":
            self._begin_event(number)
        if len(self.open) < _DEEPEST:
            self.open.append(kind)
        else:
            self.deeper += 1

    def _begin_event(self, number: int) -> None:
        event = _Event(number)
        if len(self.open) == 1:
            self.event = event
        else:
            event.spoil("misplaced", "This event stands inside another component.", _ONE_PER_EVENT, number)
            self.events.append(event.close(len(self.events)))

    def _begin_part(self, kind: bytes, number: int) -> None:
        if kind == b"VTIMEZONE":
            self.zone = [Line(number, b"BEGIN:VTIMEZONE")]
        elif kind in {b"VTODO", b"VJOURNAL", b"VFREEBUSY", b"VAVAILABILITY"}:
            self.others.setdefault(kind.decode(), []).append(number)

    def _end(self, kind: bytes, number: int) -> None:
        if self.deeper:
            self.deeper -= 1
            return
        if kind not in self.open:
            if self.event is not None:
                self.event.spoil("unbalanced", "This END has no BEGIN.", _ONE_PER_EVENT, number)
            return
        while self.open:
            closed = self.open.pop()
            if closed != kind and self.event is not None:
                if closed == b"VEVENT":
                    self.event.spoil("truncated", _NO_END, _ONE_PER_EVENT, self.event.line)
                self.event.spoil("unbalanced", "A component inside this event has no END.", _ONE_PER_EVENT, number)
            self._closed(closed)
            if closed == kind:
                break
        if kind == b"VCALENDAR":
            self._calendar_done(whole=True)

    def _closed(self, kind: bytes) -> None:
        if len(self.open) != 1:
            return
        if kind == b"VEVENT" and self.event is not None:
            self.events.append(self.event.close(len(self.events)))
            self.event = None
        elif kind == b"VTIMEZONE" and self.zone is not None:
            self.zones.append(tuple(self.zone))
            self.zone = None

    def _abandon_event(self) -> None:
        if self.event is not None:
            self.event.spoil("truncated", _NO_END, _ONE_PER_EVENT, self.event.line)
            self.events.append(self.event.close(len(self.events)))
            self.event = None
        del self.open[1:]

    def _calendar_done(self, *, whole: bool) -> None:
        self.calendars.append(
            RawCalendar(
                line=self.line,
                properties=tuple(self.properties),
                marks=tuple(self.marks),
                events=tuple(self.events),
                zones=tuple(self.zones),
                others=self.others,
                whole=whole,
            )
        )
        self._reset(0)

    def cut_off(self) -> None:
        """Close what is still open because the notice, or this calendar, ended in the middle."""
        if self.open:
            self._abandon_event()
            self.zone = None
            self.open.clear()
            self._calendar_done(whole=False)


def split(lines: list[Line], limits: Limits) -> list[RawCalendar]:
    """Split content lines into calendars and their events; what is malformed is marked, never raised."""
    walk = _Walk(limits)
    for line in lines:
        walk.take(line)
    walk.cut_off()
    return walk.calendars
