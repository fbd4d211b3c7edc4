"""What is looked at of a VEVENT as it was sent: the lines worth reading, and the names of those that are left out."""

import re
from bisect import bisect
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from app.domain.refusal import IntakeProblem
from app.ical.components import CalendarStream, Component
from app.ical.limits import Limits
from app.ical.lines import ContentLine, is_comment
from app.ical.unread import Unread
from app.intake.problem import problem_of

READ = frozenset(
    {
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
        "X-MAINTNOTE-STATUS",
    }
)
# Nothing anybody wrote: the sender's program keeps its books in them.
_BOOKKEEPING = frozenset({"CREATED", "LAST-MODIFIED"})
_LEFT_OUT_NAMES = 40  # a hostile event could name thousands; nobody reads a longer list
_LONGEST_NAME = 64
_COMPONENT_NAME = re.compile("[A-Z0-9-]{1,64}")
_ONE_PER_EVENT = "Export the calendar again; each BEGIN needs its END."
WHOLE_TEXT = (
    "A line break in a text is written \\n, and a line that goes on begins with a blank: export it again, or take this "
    "line out."
)
TEXT = "This line of the event is no property, so what stands around it may be none."
_SHORTER = "Remove the attachments and long texts of this event; only its date, time and gateway are needed."
_MENDED = {
    "no-end": ("truncated", "This event has no END."),
    "part-without-end": ("unbalanced", "A component inside this event has no END."),
    "end-without-begin": ("unbalanced", "This END has no BEGIN."),
    "too-deep": ("nesting", "This event nests components too deep."),
    "misplaced": ("misplaced", "This event stands inside another component."),
}


@dataclass(frozen=True, slots=True)
class SentEvent:
    """A VEVENT before reading, the ``place``-th of its calendar from 0; ``fault`` says why it cannot be read.

    ``is_outside`` says that it stands in no calendar, and is read with the one beside it.
    """

    line: int
    place: int
    properties: tuple[ContentLine, ...]
    left_out: frozenset[str]
    summary: ContentLine | None
    fault: IntakeProblem | None
    is_outside: bool = False


def sent_events(stream: CalendarStream, limits: Limits) -> list[tuple[Component, list[SentEvent]]]:
    """Return the VEVENTs of each calendar, misplaced ones too, in order, and after them those that stand beside it.

    What stands outside of any belongs to the calendar before it, or to the first.
    """
    found = [(calendar, events_of(calendar, limits)) for calendar in stream.calendars]
    begun = [calendar.line for calendar in stream.calendars]
    for event in _events(stream.outside) if found else ():
        beside = found[max(bisect(begun, event.line) - 1, 0)][1]
        beside.append(replace(_sent_event(event, len(beside), limits), is_outside=True))
    return found


def events_of(calendar: Component, limits: Limits) -> list[SentEvent]:
    """Return the VEVENTs of one calendar, misplaced ones too, in order."""
    return [_sent_event(event, place, limits) for place, event in enumerate(_events(calendar.parts))]


def _events(parts: Iterable[Component]) -> Iterator[Component]:
    for part in parts:
        if part.name == "VEVENT":
            yield part
        elif part.parts:
            yield from (inner for inner in part.within() if inner.name == "VEVENT")


def _sent_event(event: Component, place: int, limits: Limits) -> SentEvent:
    properties = []
    left_out: set[str] = set()
    text: ContentLine | None = None
    summary: ContentLine | None = None
    for line in event.lines:
        name = line.name
        if name in READ:
            properties.append(line)
        elif not name:
            text = text or (None if is_comment(line) else line)
        elif len(name) <= _LONGEST_NAME and name not in _BOOKKEEPING and not name.startswith("X-MICROSOFT-"):
            left_out.add(name)
            if name == "SUMMARY":
                summary = summary or line
    parts = list(event.within()) if event.parts else []
    left_out.update(part.name for part in parts if _COMPONENT_NAME.fullmatch(part.name))
    if len(left_out) > _LEFT_OUT_NAMES:
        left_out = set(sorted(left_out)[:_LEFT_OUT_NAMES])
    fault = _fault(event, parts, limits)
    if fault is None and text is not None:
        fault = _problem("line", TEXT, WHOLE_TEXT, text.number)
    return SentEvent(event.line, place, tuple(properties), frozenset(left_out), summary, fault)


def _fault(event: Component, parts: list[Component], limits: Limits) -> IntakeProblem | None:
    """Return what is wrong with the whole event: the first thing that is."""
    lines = [line for part in parts for line in part.lines]
    count = len(event.lines) + len(lines) + 2 * len(parts) + 1
    if event.closes - event.start > limits.line_octets or count > limits.event_lines:
        lines = sorted([*event.lines, *lines], key=lambda line: line.number)
        for line in lines:
            if len(line.octets) > limits.line_octets:
                text = f"This line is longer than {limits.line_octets} octets."
                return _problem("line-too-long", text, _SHORTER, line.number)
        if count > limits.event_lines:
            text = f"This event has more than {limits.event_lines} lines."
            # One of nothing but components has no line of its own.
            last = lines[min(limits.event_lines, len(lines)) - 1].number if lines else event.line
            return _problem("event-too-long", text, _SHORTER, last)
    deep = _too_deep(event, limits.nesting - 2)
    if deep is not None:
        text = f"This event nests components more than {limits.nesting} deep."
        return _problem("nesting", text, _SHORTER, deep)
    if event.fault is None:
        return None
    code, text = _MENDED[event.fault.code]
    return _problem(code, text, _ONE_PER_EVENT, event.fault.line)


def _too_deep(component: Component, levels: int) -> int | None:
    """Return the line of the first component inside this one that lies deeper than so many levels."""
    for part in component.parts:
        found = part.line if levels == 0 else _too_deep(part, levels - 1)
        if found is not None:
            return found
    return None


def _problem(code: str, text: str, remedy: str, line: int) -> IntakeProblem:
    return problem_of(Unread(code, text, remedy, line=line))
