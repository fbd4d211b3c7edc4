"""A pulled calendar taken apart by UID, so that what a filter leaves out, and what has not changed, goes no further."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from hashlib import sha256

from app.domain.refusal import NoticeUnreadable
from app.intake.components import READ, RawProperty
from app.intake.problem import Unread
from app.intake.property import Heads, read_property, read_text
from app.intake.unfold import Line, unfold
from app.pulling.fetch_failure import SourceUnread

_HEAD = re.compile(rb"[ \t]*([A-Za-z0-9-]{1,64})[ \t]*[;:]")
# Some calendars stamp every event anew each time they are asked: that alone is no change.
_COUNTS = frozenset(READ) - {b"DTSTAMP"}
_OF_CALENDAR = frozenset({b"METHOD", b"X-WR-TIMEZONE"})
_PREFACE = (b"VERSION:2.0", b"PRODID:-//closure-notices//pull//EN")
_DEEPEST = 32
_UID = b"UID"


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
class _EventLines:
    lines: list[bytes] = field(default_factory=list)
    uid: str = ""
    summary: str = ""
    categories: list[str] = field(default_factory=list)


class _Splitter:
    """One calendar after the other, component by component; only events and zones are kept."""

    def __init__(self) -> None:
        self.open: list[bytes] = []
        self.calendars: list[tuple[list[bytes], list[_EventLines]]] = []
        self.preface: list[bytes] = []
        self.events: list[_EventLines] = []
        self.event: _EventLines | None = None
        self.in_zone = False
        self._heads = Heads()

    def take(self, line: Line) -> None:
        """Take one content line. Raise ``SourceUnread`` where components do not close as they opened."""
        head = _HEAD.match(line.octets)
        name = head[1].upper() if head else b""
        kind = line.octets[head.end() :].strip().upper() if head and name in {b"BEGIN", b"END"} else b""
        if name == b"BEGIN":
            self._begin(kind)
        if self.event is not None:
            self.event.lines.append(line.octets)
            if len(self.open) == 2:  # noqa: PLR2004 - VCALENDAR and VEVENT: what lies deeper says nothing of the event
                self._note(self.event, name, line)
        elif self.in_zone or (len(self.open) == 1 and name in _OF_CALENDAR):
            self.preface.append(line.octets)
        if name == b"END":
            self._end(kind)

    def _begin(self, kind: bytes) -> None:
        self.open.append(kind)
        if len(self.open) > _DEEPEST or (len(self.open) == 1) != (kind == b"VCALENDAR"):
            raise SourceUnread("broken-off")
        if self.open == [b"VCALENDAR", b"VEVENT"]:
            self.event = _EventLines()
        elif self.open == [b"VCALENDAR", b"VTIMEZONE"]:
            self.in_zone = True

    def _end(self, kind: bytes) -> None:
        if not self.open or self.open.pop() != kind:
            raise SourceUnread("broken-off")
        if len(self.open) == 1:
            if self.event is not None:
                self.events.append(self.event)
            self.event, self.in_zone = None, False
        elif not self.open:
            self.calendars.append((self.preface, self.events))
            self.preface, self.events = [], []

    def _note(self, event: _EventLines, name: bytes, line: Line) -> None:
        if name not in {_UID, b"SUMMARY", b"CATEGORIES"}:
            return
        try:
            stated = read_property(RawProperty(name.decode(), line.number, line.octets), self._heads)
        except Unread:
            return
        if name == _UID:
            event.uid = read_text(stated)
        elif name == b"SUMMARY":
            event.summary = read_text(stated)
        else:
            event.categories += read_text(stated).split(",")


def take_apart(octets: bytes, wanted: Filter) -> tuple[list[Piece], int]:
    """Return what is wanted of a calendar, by UID, and how many events the calendar holds.

    An event that changes one occurrence goes with its series, whatever its own words are. An event without UID is left
    out: nothing would tell it from a new one after a change. Raise ``SourceUnread`` for what is not a calendar, or not
    the whole of one.
    """
    walk = _Splitter()
    try:
        lines = unfold(octets)
    except NoticeUnreadable as problem:
        raise SourceUnread("not-calendar") from problem
    if not lines or lines[0].octets.strip().upper() != b"BEGIN:VCALENDAR":
        raise SourceUnread("not-calendar")
    for line in lines:
        walk.take(line)
    if walk.open:
        raise SourceUnread("broken-off")
    pieces: dict[str, list[bytes]] = {}
    for preface, events in walk.calendars:
        groups: dict[str, list[_EventLines]] = {}
        for event in events:
            groups.setdefault(event.uid, []).append(event)
        for uid, group in groups.items():
            if uid and any(wanted.takes(event.summary, event.categories) for event in group):
                pieces.setdefault(uid, []).append(_calendar(preface, [one for event in group for one in event.lines]))
    held = sum(len(events) for _, events in walk.calendars)
    return [Piece(uid, _digest(parts), b"".join(parts)) for uid, parts in pieces.items()], held


def cancellation_of(uids: Iterable[str]) -> bytes:
    """Return a calendar that withdraws these UIDs: our own words for what was found gone."""
    lines = [b"METHOD:CANCEL"]
    for uid in uids:
        text = uid.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,")
        lines += [b"BEGIN:VEVENT", b"UID:" + text.encode(), b"STATUS:CANCELLED", b"END:VEVENT"]
    return _calendar([], lines)


def _calendar(preface: list[bytes], lines: list[bytes]) -> bytes:
    return b"\r\n".join([b"BEGIN:VCALENDAR", *_PREFACE, *preface, *lines, b"END:VCALENDAR", b""])


def _digest(parts: list[bytes]) -> str:
    """Return a digest of the lines that intake reads, and of the zones and METHOD that they are read with."""
    digest = sha256()
    for part in parts:
        in_event = False
        for line in part.split(b"\r\n"):
            head = _HEAD.match(line)
            name = head[1].upper() if head else b""
            in_event = in_event or line.upper().startswith(b"BEGIN:VEVENT")
            if not in_event or name in _COUNTS or name in {b"BEGIN", b"END"}:
                digest.update(line + b"\n")
    return digest.hexdigest()[:32]
