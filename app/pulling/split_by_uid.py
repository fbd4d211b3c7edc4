"""A pulled calendar taken apart by UID, so that what a filter leaves out, and what has not changed, goes no further."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from hashlib import sha256

from app.ical.components import Component, flat_lines
from app.ical.limits import Limits
from app.ical.lines import ContentLine, escape_text
from app.ical.parsed_line import Heads, parse_line
from app.ical.unread import Unread
from app.intake.parsed_event import derived_uid
from app.intake.sent_event import READ, events_of
from app.pulling.whole_calendars import read_whole_calendars

# Some calendars stamp every event anew each time they are asked, some name it anew: that alone is no change.
_COUNTS = READ - {"DTSTAMP", "UID"} | {"BEGIN", "END"}
_REPEATS = frozenset({"RRULE", "RDATE", "RECURRENCE-ID"})
_OF_CALENDAR = frozenset({"METHOD", "X-WR-TIMEZONE"})
_PREFACE = (b"VERSION:2.0", b"PRODID:-//closure-notices//pull//EN")
_UID_LINE = re.compile(rb"[ \t]*UID[ \t]*[;:]", re.IGNORECASE)


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
    """All that a calendar says under one UID, as a calendar of its own.

    ``digest`` is of what we would read of it, the UID apart. ``keyless`` says that no UID is stated: ``uid`` is then
    derived from what is, as intake derives it. ``summary`` is that of its first event; it is kept nowhere.
    """

    uid: str
    digest: str
    octets: bytes
    keyless: bool = False
    summary: str = ""
    repeats: bool = False

    def under(self, uid: str) -> "Piece":
        """Return the same as it would be under a UID; it is written into events that state none."""
        if uid == self.uid and not self.keyless:
            return self
        stated = b"UID:" + escape_text(uid).encode()
        lines: list[bytes] = []
        for line in self.octets.split(b"\r\n"):
            if not _UID_LINE.match(line):
                lines.append(line)
            if line == b"BEGIN:VEVENT":
                lines.append(stated)
        return replace(self, uid=uid, octets=b"\r\n".join(lines))


@dataclass(frozen=True, slots=True)
class Apart:
    """A calendar taken apart: the ``pieces`` that are wanted, how many events were ``held``, how many are ``unwanted``.

    Where ``whole`` is false, an event that is not there may have been cut off.
    """

    pieces: tuple[Piece, ...]
    held: int
    unwanted: int
    whole: bool


@dataclass(slots=True)
class _Wording:
    """What an event says that decides whose it is, and whether it is meant."""

    uid: str = ""
    summary: str = ""
    categories: tuple[str, ...] = ()
    keyless: bool = False


@dataclass(slots=True)
class _Gathered:
    """The events of one UID: of each calendar, the lines that they are read with and their own."""

    wording: _Wording
    parts: list[tuple[list[ContentLine], list[ContentLine]]] = field(default_factory=list)


def take_apart(octets: bytes, wanted: Filter) -> Apart:
    """Return what is wanted of a calendar, by UID.

    An event that changes one occurrence goes with its series, whatever its own words are. Raise ``SourceUnread`` for
    what is not a calendar, or breaks off.
    """
    heads = Heads()
    gathered: dict[str, _Gathered] = {}
    held = taken = 0
    read = read_whole_calendars(octets)
    for calendar in read.calendars:
        groups: dict[str, list[tuple[Component, _Wording]]] = {}
        for event, wording in _worded(calendar, heads):
            held += 1
            groups.setdefault(wording.uid, []).append((event, wording))
        preface = list(_preface(calendar))
        for uid, group in groups.items():
            if any(wanted.takes(wording.summary, wording.categories) for _, wording in group):
                taken += len(group)
                lines = [line for event, _ in group for line in flat_lines(event)]
                gathered.setdefault(uid, _Gathered(group[0][1])).parts.append((preface, lines))
    pieces = tuple(_piece(uid, of_uid) for uid, of_uid in gathered.items())
    return Apart(pieces, held, held - taken, read.whole)


def _worded(calendar: Component, heads: Heads) -> Iterator[tuple[Component, _Wording]]:
    """Yield the events of a calendar with what they say of themselves."""
    events = [(event, _wording(event, heads)) for event in calendar.events()]
    if any(not wording.uid for _, wording in events):
        derived = {sent.line: derived_uid(sent) for sent in events_of(calendar, Limits())}
        for event, wording in events:
            if not wording.uid:
                wording.uid, wording.keyless = derived[event.line], True
    yield from events


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


def _piece(uid: str, gathered: _Gathered) -> Piece:
    """Return what stands under a UID; its digest is of the lines that intake reads, and of those they are read with."""
    digest = sha256()
    octets = []
    repeats = False
    for preface, lines in gathered.parts:
        counted = [line for line in lines if line.name in _COUNTS]
        repeats = repeats or not _REPEATS.isdisjoint([line.name for line in counted])
        digest.update(b"\n".join([b"BEGIN:VCALENDAR", *(line.octets for line in (*preface, *counted)), b""]))
        octets.append(_calendar(line.octets for line in (*preface, *lines)))
    return Piece(
        uid,
        digest.hexdigest()[:32],
        b"".join(octets),
        keyless=gathered.wording.keyless,
        summary=gathered.wording.summary,
        repeats=repeats,
    )
