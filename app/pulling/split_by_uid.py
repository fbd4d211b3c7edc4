"""A pulled calendar taken apart by UID, so that what a filter leaves out, and what has not changed, goes no further."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256

from app.ical.components import Component, flat_lines, read_calendars
from app.ical.lines import ContentLine, escape_text
from app.ical.parsed_line import Heads, parse_line
from app.ical.unread import Unread
from app.intake.sent_event import READ
from app.pulling.fetch_failure import SourceUnread

# Some calendars stamp every event anew each time they are asked: that alone is no change.
_FRAME = frozenset({"BEGIN", "END"})
_COUNTS = READ - {"DTSTAMP"} | _FRAME
_OF_CALENDAR = frozenset({"METHOD", "X-WR-TIMEZONE"})
_PREFACE = (b"VERSION:2.0", b"PRODID:-//closure-notices//pull//EN")


@dataclass(frozen=True, slots=True)
class Filter:
    """Which events of a mixed calendar are meant: those of a category, or with a word in their summary; "" for any."""

    word: str = ""
    category: str = ""

    def takes(self, summary: str, categories: Iterable[str]) -> bool:
        """Tell whether an event is meant. Case says nothing."""
        wanted = self.category.casefold()
        return self.word.casefold() in summary.casefold() and (
            not wanted or wanted in {category.strip().casefold() for category in categories}
        )


@dataclass(frozen=True, slots=True)
class Piece:
    """All that a calendar says under one UID, as a calendar of its own. ``digest`` is of what we would read of it."""

    uid: str
    digest: str
    octets: bytes


@dataclass(slots=True)
class _Wording:
    """What an event says that decides whose it is, and whether it is meant."""

    uid: str = ""
    summary: str = ""
    categories: tuple[str, ...] = ()


def take_apart(octets: bytes, wanted: Filter) -> tuple[list[Piece], int]:
    """Return what is wanted of a calendar, by UID, and how many events the calendar holds.

    An event that changes one occurrence goes with its series, whatever its own words are. An event without UID is left
    out: nothing would tell it from a new one after a change. Raise ``SourceUnread`` for what is not a calendar, or not
    the whole of one.
    """
    heads = Heads()
    parts: dict[str, list[tuple[list[ContentLine], list[ContentLine]]]] = {}
    held = 0
    for calendar in _whole_calendars(octets):
        events = calendar.events()
        held += len(events)
        groups: dict[str, list[tuple[Component, _Wording]]] = {}
        for event in events:
            wording = _wording(event, heads)
            groups.setdefault(wording.uid, []).append((event, wording))
        preface = list(_preface(calendar))
        for uid, group in groups.items():
            if uid and any(wanted.takes(wording.summary, wording.categories) for _, wording in group):
                lines = [line for event, _ in group for line in flat_lines(event)]
                parts.setdefault(uid, []).append((preface, lines))
    return [_piece(uid, of_uid) for uid, of_uid in parts.items()], held


def _whole_calendars(octets: bytes) -> Sequence[Component]:
    try:
        stream = read_calendars(octets)
    except Unread as unread:
        raise SourceUnread("not-calendar") from unread
    if not stream.begins_with_calendar():
        raise SourceUnread("not-calendar")
    if stream.outside or any(calendar.fault for calendar in stream.calendars):
        raise SourceUnread("broken-off")
    if any(line.name in _FRAME for line in stream.strays):
        raise SourceUnread("broken-off")
    return stream.calendars


def _preface(calendar: Component) -> Iterator[ContentLine]:
    """Yield what each event of a calendar is read with: its METHOD, its own zone, the zones that it defines."""
    yield from (line for line in calendar.lines if line.name in _OF_CALENDAR)
    for part in calendar.parts:
        if part.name == "VTIMEZONE":
            yield from flat_lines(part)


def _wording(event: Component, heads: Heads) -> _Wording:
    found = _Wording()
    for line in event.lines:
        if line.name not in {"UID", "SUMMARY", "CATEGORIES"}:
            continue
        try:
            text = parse_line(line, heads).text()
        except Unread:
            continue
        if line.name == "UID":
            found.uid = text
        elif line.name == "SUMMARY":
            found.summary = text
        else:
            found.categories += tuple(text.split(","))
    return found


def cancellation_of(uids: Iterable[str]) -> bytes:
    """Return a calendar that withdraws these UIDs: our own words for what was found gone."""
    lines = [b"METHOD:CANCEL"]
    for uid in uids:
        lines += [b"BEGIN:VEVENT", b"UID:" + escape_text(uid).encode(), b"STATUS:CANCELLED", b"END:VEVENT"]
    return _calendar(lines)


def _calendar(lines: Iterable[bytes]) -> bytes:
    return b"\r\n".join([b"BEGIN:VCALENDAR", *_PREFACE, *lines, b"END:VCALENDAR", b""])


def _piece(uid: str, parts: Iterable[tuple[list[ContentLine], list[ContentLine]]]) -> Piece:
    """Return what stands under a UID; its digest is of the lines that intake reads, and of those they are read with."""
    digest = sha256()
    octets = []
    for preface, lines in parts:
        read = [*preface, *(line for line in lines if line.name in _COUNTS)]
        digest.update(b"\n".join([b"BEGIN:VCALENDAR", *(line.octets for line in read), b""]))
        octets.append(_calendar(line.octets for line in (*preface, *lines)))
    return Piece(uid, digest.hexdigest()[:32], b"".join(octets))
