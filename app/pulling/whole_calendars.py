"""The calendars of a file that was pulled: whole, or with so little amiss that each event in it still is."""

from collections.abc import Iterator
from dataclasses import dataclass

from app.ical.components import Component, read_calendars
from app.ical.unread import Unread
from app.pulling.fetch_failure import SourceUnread

_COMMENT, _END_OF_COMMENT = b"<!--", b"-->"
_FRAMES = (b"BEGIN:", b"END:")


@dataclass(frozen=True, slots=True)
class ReadCalendars:
    """The calendars of a file; where ``whole`` is false, an event that is not among them may have been cut off."""

    calendars: tuple[Component, ...]
    whole: bool


def read_whole_calendars(octets: bytes) -> ReadCalendars:
    """Read a file. Raise ``SourceUnread`` for what is no calendar, or breaks off in the middle of something.

    Some publishers leave out ENDs. An event without one is over where the next begins or its calendar ends. A calendar
    without one is read where the file ends with a whole line behind an event that has its END, or where no event in it
    has one; what it does not show is then not known to be absent.
    """
    try:
        stream = read_calendars(without_comments(octets))
    except Unread as unread:
        raise SourceUnread("not-calendar") from unread
    calendars = stream.calendars
    if not stream.begins_with_calendar():
        raise SourceUnread("not-calendar")
    *others, last = calendars
    ended = stream.scanned.endswith(b"\n")
    sound = all(not calendar.is_cut_off and _is_sound(calendar) for calendar in others) and _is_sound(last)
    if not sound or stream.outside or any(line.name in {"BEGIN", "END"} for line in stream.strays):
        raise SourceUnread("broken-off")
    if last.is_cut_off and not (ended and _may_end_here(last)):
        raise SourceUnread("broken-off")
    return ReadCalendars(calendars, whole=not last.is_cut_off)


def _is_sound(calendar: Component) -> bool:
    """Tell whether nothing is amiss but ENDs of events, and of the calendar itself."""
    if calendar.fault is None:
        return True
    if calendar.fault.code not in {"no-end", "part-without-end"}:
        return False
    return all(part.fault is None or (part.name == "VEVENT" and _lacks_only_its_end(part)) for part in calendar.parts)


def _lacks_only_its_end(event: Component) -> bool:
    fault = event.fault
    return fault is not None and fault.code == "no-end" and all(part.fault is None for part in event.parts)


def _may_end_here(calendar: Component) -> bool:
    """Tell whether a calendar without END is over: nothing shows that more was to come."""
    events = calendar.events()
    if not events or calendar.parts[-1] is not events[-1]:
        return False
    unended = [event for event in events if event.fault is not None]
    return not unended or (len(unended) == len(events) > 1)


def without_comments(octets: bytes) -> bytes:
    """Return a file without HTML comments that stand on lines of their own; one that runs over BEGIN or END is none."""
    return b"".join(_uncommented(octets)) if _COMMENT in octets else octets


def _uncommented(octets: bytes) -> Iterator[bytes]:
    held: list[bytes] = []  # the lines of a comment whose end was not seen yet
    for line in octets.splitlines(keepends=True):
        if held and line.upper().startswith(_FRAMES):
            yield from held
            held = []
        if not held and not line.startswith(_COMMENT):
            yield line
            continue
        held.append(line)
        if line.rstrip().endswith(_END_OF_COMMENT):
            held = []
    yield from held
