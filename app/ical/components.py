"""Content lines to components (RFC 5545 3.4, 3.6): one scan, which mends what it can and notes what it had to mend."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from app.ical.lines import UNSEEN_MARKS, ContentLine, content_lines, fold_line, plain_octets
from app.ical.parsed_line import Heads, ParsedLine, parse_line
from app.ical.unread import Unread

# "any character except CONTROLS not needed by the current character set" (RFC 5545 3.1): no C0 but HTAB, no DEL.
_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x80-\x9f\ufffe\uffff]|\r(?!\n)")
_UNSEEN_START = re.compile(f"^[{UNSEEN_MARKS}]", re.MULTILINE)
_JOINED = "BEGIN:"  # behind the END of a file that had no last line end, or as a line that is indented and so goes on
_DEEPEST = 32  # beyond it components are only counted, so that searching those open stays cheap
_DEEPEST_SOUND = 8
_MOST_LINES = 20_000
_AGAIN = "Export it again."


class Fault(NamedTuple):
    """What was mended, on which physical line: no-end, part-without-end, end-without-begin, misplaced, too-deep."""

    code: str
    line: int


@dataclass(slots=True)
class Component:
    """A component: its own lines and the components inside it, each in the order in which they were sent.

    ``line`` is the physical line of its BEGIN. ``start`` is the place of its BEGIN and ``closes`` that of its END among
    the octets that were scanned. ``fault`` is the first thing that was mended in it or inside it. ``is_cut_off`` says
    that the stream ended, or another calendar began, before its END.
    """

    name: str
    line: int = 0
    start: int = 0
    closes: int = 0
    lines: list[ContentLine] = field(default_factory=list)
    parts: list["Component"] = field(default_factory=list)
    fault: Fault | None = None
    is_cut_off: bool = False

    def spoil(self, code: str, line: int) -> None:
        """Keep the first thing that is wrong."""
        if self.fault is None:
            self.fault = Fault(code, line)

    def named(self, name: str) -> list[ContentLine]:
        """Return the lines of a property."""
        return [line for line in self.lines if line.name == name]

    def parsed(self, name: str) -> list[ParsedLine]:
        """Return the lines of a property, read. Raise ``Unread``."""
        heads = Heads()
        return [parse_line(line, heads) for line in self.lines if line.name == name]

    def events(self) -> list["Component"]:
        """Return the VEVENTs in it, in the order by which an occurrence counts its ``place``."""
        return [part for part in self.parts if part.name == "VEVENT"]

    def within(self) -> Iterator["Component"]:
        """Yield the components inside it, at any depth, in the order of their BEGINs."""
        for part in self.parts:
            yield part
            yield from part.within()


@dataclass(frozen=True, slots=True)
class CalendarStream:
    """Octets read: the VCALENDARs in them ("icalstream", RFC 5545 3.4), the components and the lines outside of any.

    ``scanned`` is what the places of lines and components count in: ``octets``, or those without control characters.
    ``lines`` counts content lines, ``nameless`` those of them that are no NAME:VALUE.
    """

    octets: bytes
    scanned: bytes
    calendars: tuple[Component, ...]
    outside: tuple[Component, ...]
    strays: tuple[ContentLine, ...]
    lines: int
    nameless: int

    def begins_with_calendar(self) -> bool:
        """Tell whether nothing stands before the first calendar."""
        others = [*(line.start for line in self.strays), *(part.start for part in self.outside)]
        return bool(self.calendars) and self.calendars[0].start < min(others, default=self.calendars[0].start + 1)


class _Tree:
    """The components that are open now, outermost first, and those that were begun in no other."""

    def __init__(self) -> None:
        self.calendars: list[Component] = []
        self.outside: list[Component] = []
        self.open: list[Component] = []
        self.strays: list[ContentLine] = []
        self.current = self.strays  # the list that lines go to
        self.deeper = 0
        self.event: Component | None = None

    def begin(self, line: ContentLine) -> None:
        self._begin(_kind(line), line)

    def _begin(self, kind: str, line: ContentLine) -> None:
        if kind == "VCALENDAR":
            self.cut_off(line.start)
        elif kind == "VEVENT" and self.event is not None:
            # A second BEGIN:VEVENT means that the first was never ended: give up the first, not both.
            self._abandon_event(line.start)
        if len(self.open) >= _DEEPEST:
            self.deeper += 1
            self._spoil("too-deep", line.number)
            return
        component = Component(kind, line.number, line.start)
        if self.open:
            self.open[-1].parts.append(component)
        else:
            (self.calendars if kind == "VCALENDAR" else self.outside).append(component)
        if kind == "VEVENT":
            if not self.open or (len(self.open) == 1 and self.open[0].name == "VCALENDAR"):
                self.event = component
            else:
                component.spoil("misplaced", line.number)
        self.open.append(component)
        self.current = component.lines

    def end(self, line: ContentLine) -> None:
        kind, joined, begun = _kind(line).partition(_JOINED)
        self._end(_shown(kind), line)
        if joined:
            self._begin(_shown(begun), line)

    def _end(self, kind: str, line: ContentLine) -> None:
        if self.deeper:
            self.deeper -= 1
        elif not self.open:
            self.strays.append(line)
        elif kind == self.open[-1].name:
            self._close(line.start)
        elif all(component.name != kind for component in self.open):
            self._spoil("end-without-begin", line.number)
        else:
            while self.open[-1].name != kind:
                unclosed = self._close(line.start)
                unclosed.spoil("no-end", unclosed.line)
                self._spoil("part-without-end", line.number)
            self._close(line.start)

    def cut_off(self, at: int) -> None:
        """Close what is still open because the octets, or this calendar, ended in the middle."""
        while self.open:
            component = self._close(at)
            component.is_cut_off = True
            component.spoil("no-end", component.line)

    def _abandon_event(self, at: int) -> None:
        while self.event is not None:
            component = self._close(at)
            component.spoil("no-end", component.line)
        if self.open:
            self._spoil("part-without-end", self.open[0].line)

    def _close(self, at: int) -> Component:
        component = self.open.pop()
        component.closes = at
        self.deeper = 0
        if component is self.event:
            self.event = None
        self.current = self.open[-1].lines if self.open else self.strays
        return component

    def _spoil(self, code: str, line: int) -> None:
        for component in self.open:
            component.spoil(code, line)


def _kind(line: ContentLine) -> str:
    """Return what a BEGIN or an END is of; some senders write it behind a semicolon."""
    return _shown(line.octets.replace(b";", b":", 1).partition(b":")[2].upper().decode("utf-8", "replace"))


def _shown(kind: str) -> str:
    return kind if kind.isalpha() else kind.strip().strip(UNSEEN_MARKS).strip()


def read_calendars(octets: bytes) -> CalendarStream:
    """Read octets into components. Raise ``Unread`` where they are no UTF-8 text in lines; a fault is only noted."""
    scanned = plain_octets(octets)
    tree = _Tree()
    lines = nameless = 0
    for line in content_lines(scanned):
        lines += 1
        name = line.name
        if name in {"BEGIN", "END"}:
            (tree.begin if name == "BEGIN" else tree.end)(line)
            nameless += b":" not in line.octets
        else:
            tree.current.append(line)
            nameless += not name
    tree.cut_off(len(scanned))
    return CalendarStream(
        octets, scanned, tuple(tree.calendars), tuple(tree.outside), tuple(tree.strays), lines, nameless
    )


def read_sole_calendar(octets: bytes) -> Component:
    """Read octets that are one VCALENDAR in which nothing has to be mended. Raise ``Unread``."""
    return sole_calendar(read_calendars(octets))


def sole_calendar(stream: CalendarStream) -> Component:
    """Return the one VCALENDAR that a stream is, where nothing had to be mended. Raise ``Unread``."""
    if stream.lines > _MOST_LINES:
        raise _unsound(f"The calendar has more than {_MOST_LINES:,} lines.")
    try:
        text = stream.octets.decode().removeprefix("\ufeff")
    except UnicodeDecodeError as fault:
        raise _unsound("The calendar is not UTF-8.") from fault
    if _CONTROLS.search(text):
        raise _unsound("The calendar holds control characters.")
    if stream.nameless or _UNSEEN_START.search(text):
        raise _unsound("A line is not NAME;PARAMETER=VALUE:VALUE.")
    if not stream.begins_with_calendar():
        raise _unsound("The calendar does not begin with BEGIN:VCALENDAR.")
    first = stream.calendars[0]
    if first.is_cut_off:
        raise _unsound("The calendar has no END.")
    if _depth(first) > _DEEPEST_SOUND:
        raise _unsound("The calendar nests too deep.")
    if first.fault is not None:
        raise _unsound("An END does not match its BEGIN.")
    if stream.strays or stream.outside or len(stream.calendars) > 1:
        raise _unsound("Something follows the END of the calendar.")
    return first


def _depth(component: Component) -> int:
    return 1 + max(map(_depth, component.parts), default=0)


def _unsound(text: str) -> Unread:
    return Unread("unsound", text, _AGAIN)


def written(component: Component) -> bytes:
    """Return a component as octets, folded, each line ended by CR LF. A line that stands many times is folded once."""
    folded: dict[bytes, bytes] = {}
    for line in flat_lines(component):
        if line.octets not in folded:
            folded[line.octets] = fold_line(line.octets)
    return b"".join(folded[line.octets] for line in flat_lines(component))


def flat_lines(component: Component) -> Iterator[ContentLine]:
    """Yield the lines of a component and of those inside it, from its BEGIN to its END."""
    kind = component.name.encode()
    yield ContentLine("BEGIN", component.line, b"BEGIN:" + kind)
    yield from component.lines
    for part in component.parts:
        yield from flat_lines(part)
    yield ContentLine("END", 0, b"END:" + kind)
