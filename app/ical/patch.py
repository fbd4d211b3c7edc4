"""A sender's calendar object with a few content lines stated anew: every other octet stays as it was sent.

An object is one VCALENDAR with the VEVENTs of one UID (RFC 4791 4.1). All times here are aware UTC.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from app.domain.london import LONDON
from app.domain.london import Reading as ClockReading
from app.ical.components import Component, read_sole_calendar
from app.ical.doubted_zone import undoubted
from app.ical.limits import Allowance, Limits
from app.ical.lines import ContentLine, fold_line, own_line
from app.ical.moment import Moment, end_of, in_series, read_moment, read_named
from app.ical.named_zone import LONDON_ZONE, UTC_ZONE, NamedZone
from app.ical.parsed_line import Heads, ParsedLine, parse_line
from app.ical.status import read_status
from app.ical.unread import Unread
from app.ical.values import read_duration
from app.ical.zones import ZoneTable, floating_zone, plain_tzid

_REMEDY = "Send the event again."
_DAY = timedelta(days=1)
_INTEGER = re.compile("[0-9]{1,10}")
_YEARS = (1970, 2100)  # in which a sender's own zones are evaluated; what is kept does not reach so far


@dataclass(frozen=True, slots=True)
class EventChanges:
    """What a VEVENT is to state; None, or nothing, leaves a line as it is.

    ``window`` is its start and its end, ``stamp`` its DTSTAMP (and LAST-MODIFIED where it has one).
    """

    window: tuple[datetime, datetime] | None = None
    status: str | None = None
    sequence: int | None = None
    stamp: datetime | None = None


@dataclass(frozen=True, slots=True)
class Override:
    """What an occurrence of a series states apart from it; ``original`` is the start that the series gave it."""

    original: datetime
    window: tuple[datetime, datetime]
    status: str
    sequence: int
    stamp: datetime


class ObjectPatch:
    """One calendar object, scanned once, and what it is to state anew. Raise ``Unread`` for what is no such object.

    ``change`` an event once for what it states; a time keeps the form that it has where that can say it: a date for a
    London midnight, a TZID for one of the IANA data base. Else it is written in UTC.
    """

    def __init__(self, octets: bytes) -> None:
        self._octets = octets
        self._calendar = read_sole_calendar(octets)
        self._editors = [_Editor(octets, event) for event in self._calendar.events()]
        self._clock = _Clock(self._calendar)
        self._master = next((editor for editor in self._editors if not editor.event.named("RECURRENCE-ID")), None)
        self._added: list[tuple[Override, bytes]] = []
        # By the start that the series gave, as an instant or as the day of a RECURRENCE-ID that is a date.
        self._places: dict[date, int] = {}
        master = None if self._master is None else self._master.event
        for place, editor in enumerate(self._editors):
            for line in editor.event.named("RECURRENCE-ID")[:1]:
                named = self._clock.read_original(line, editor.event, master)
                self._places.setdefault(named.naive.date() if named.all_day else named.instant(), place)

    def place_of(self, original: datetime | None) -> int | None:
        """Return the place among its VEVENTs of the one that states an occurrence (None: the master); None for none.

        ``original`` is the start that the series gave the occurrence.
        """
        if original is None:
            return None if self._master is None else self._editors.index(self._master)
        return self._places.get(original, self._places.get(self._day_of(original)))

    def can_state(self, original: datetime | None) -> bool:
        """Tell whether a few lines more can state an occurrence (None: the event that belongs to no series).

        A series cannot state one event apart from its occurrences, nor an event without a rule a new occurrence. Where
        a change holds for all later occurrences, no line of it is of one of them alone.
        """
        named = [line for editor in self._editors for line in editor.event.named("RECURRENCE-ID")]
        if any(_parsed(line).parameter("RANGE") for line in named):
            return False
        is_series = self._master is not None and any(map(self._master.event.named, ("RRULE", "RDATE")))
        if original is None:
            return self._master is not None and not is_series
        return self._master is None or is_series or self.place_of(original) is not None

    def states(self, place: int, status: str) -> bool:
        """Tell whether the event at a place states a STATUS."""
        if place >= len(self._editors):
            return self._added[place - len(self._editors)][0].status == status
        return status in map(read_status, self._editors[place].values("STATUS"))

    def highest_sequence(self) -> int:
        """Return the highest SEQUENCE that an event states, 0 for none."""
        stated = [value for editor in self._editors for value in editor.values("SEQUENCE")]
        return max((int(value) for value in stated if _INTEGER.fullmatch(value)), default=0)

    def change(self, place: int, changes: EventChanges) -> None:
        """Let the event at a place state the changes. Raise ``Unread``."""
        if not 0 <= place < len(self._editors):
            raise Unread("no-event", "The calendar object holds no such event.", _REMEDY)
        editor = self._editors[place]
        if changes.window is not None:
            _state_window(editor, self._clock, changes.window)
        if changes.status is not None:
            editor.state("STATUS", changes.status)
        if changes.sequence is not None:
            editor.state("SEQUENCE", str(changes.sequence))
        if changes.stamp is not None:
            editor.state("DTSTAMP", _utc(changes.stamp))
            if editor.event.named("LAST-MODIFIED"):
                editor.state("LAST-MODIFIED", _utc(changes.stamp))

    def add(self, override: Override) -> int:
        """Add a VEVENT for one occurrence of the series, and return its place. Raise ``Unread``.

        What takes place is no longer among the exceptions of the series: programs hide what EXDATE names. An object may
        hold occurrences without their master; then the first of them lends its UID and SUMMARY.
        """
        like = self._master or next(iter(self._editors), None)
        if like is None:
            raise Unread("no-event", "The calendar object holds no event.", _REMEDY)
        place = len(self._editors) + len(self._added)
        self._added.append((override, self._written(override, like.event)))
        self._places[override.original] = place
        return place

    def entitle(self, summary: str) -> None:
        """Let each event without a SUMMARY have this one."""
        for editor in self._editors:
            if not editor.event.named("SUMMARY"):
                editor.add(f"SUMMARY:{summary}")

    def octets(self) -> bytes:
        """Return the object as it is to be."""
        if self._master is not None:
            kept = [override.original for override, _ in self._added if override.status != "CANCELLED"]
            _drop_exceptions(self._master, self._clock, kept)
        edits = [edit for editor in self._editors for edit in editor.edits()]
        closes = self._calendar.closes
        edits.append((closes, closes, b"".join(octets for _, octets in self._added)))
        pieces, at = [], 0
        for start, end, octets in sorted(edits, key=lambda edit: edit[0]):
            pieces += [self._octets[at:start], octets]
            at = end
        return b"".join([*pieces, self._octets[at:]])

    def _written(self, override: Override, master: Component) -> bytes:
        """Return the VEVENT of an override: UID and SUMMARY of another, octet for octet, and times of its type."""
        started = _start_line(master)
        like = self._clock.read(started)
        starts, ends = _spelt_window(override.window, (started, started), (like, like))
        ended = _line_end(self._octets, self._calendar.closes)
        uid, summary = (
            [self._octets[line.start : line.end] for line in master.named(name)] for name in ("UID", "SUMMARY")
        )
        event = [
            _line("BEGIN:VEVENT", ended),
            *uid,
            _line(f"DTSTAMP:{_utc(override.stamp)}", ended),
            _line(_as_in_series("RECURRENCE-ID", override.original, started, like), ended),
            _line(starts, ended),
            _line(ends, ended),
            *summary,
            _line(f"STATUS:{override.status}", ended),
            _line(f"SEQUENCE:{override.sequence}", ended),
            _line("END:VEVENT", ended),
        ]
        return b"".join(event)

    def _day_of(self, original: datetime) -> date:
        """Return the day of an occurrence where its series keeps its clocks."""
        lines = self._master.event.named("DTSTART") if self._master else []
        return (self._clock.read(lines[0]).zone if lines else LONDON_ZONE).wall(original).date()


class _Editor:
    """The lines of one VEVENT, and what is to stand in their place."""

    def __init__(self, octets: bytes, event: Component) -> None:
        self._octets = octets
        self.event = event
        # What is to stand in the place of a line, by where that begins ("": nothing), and what is to follow them all.
        self._instead: dict[int, str] = {}
        self._more: dict[str, str] = {}

    def replace(self, line: ContentLine, text: str) -> None:
        """Let a text stand where a line does; "" for nothing."""
        self._instead[line.start] = text

    def add(self, text: str) -> None:
        """Let a line follow all others of the event's own."""
        self._more[text] = text

    def state(self, name: str, value: str) -> None:
        """Let the event state a value that takes no parameters, once. A line that states it already stays."""
        if self.values(name) == [value]:
            return
        lines = self.event.named(name)
        for line in lines:
            self.replace(line, f"{name}:{value}" if line is lines[0] else "")
        if not lines:
            self._more[name] = f"{name}:{value}"

    def values(self, name: str) -> list[str]:
        """Return the values that the event states of a property, in capitals."""
        lines = [
            own_line(self._instead[line.start]) if line.start in self._instead else line
            for line in self.event.named(name)
        ]
        if name in self._more:
            lines.append(own_line(self._more[name]))
        return [_parsed(line).value.upper() for line in lines if line.octets]

    def edits(self) -> Iterator[tuple[int, int, bytes]]:
        """Yield from which place to which the octets give way, and to what."""
        for line in self.event.lines:
            text = self._instead.get(line.start)
            if text is not None:
                yield line.start, line.end, _line(text, _line_end(self._octets, line.end)) if text else b""
        # "eventprop" before "alarmc" (RFC 5545 3.6.1).
        last = min([self.event.closes, *(part.start for part in self.event.parts)])
        yield last, last, b"".join(_line(text, _line_end(self._octets, last)) for text in self._more.values())


class _Clock:
    """How the times of one calendar are read."""

    def __init__(self, calendar: Component) -> None:
        definitions = [part for part in calendar.parts if part.name == "VTIMEZONE"]
        self._zones = ZoneTable(definitions, _YEARS, Allowance(Limits()))
        own = calendar.parsed("X-WR-TIMEZONE")
        self._floating = floating_zone(own[0] if own else None, self._zones)

    def read(self, line: ContentLine, beside: Moment | None = None) -> Moment:
        """Read a line that states one time, without a zone in that of the time ``beside`` it. Raise ``Unread``."""
        stated = _parsed(line)
        return read_moment(stated, stated.value, self._zones, self._floating if beside is None else beside.zone)

    def read_original(self, line: ContentLine, event: Component, master: Component | None) -> Moment:
        """Read a RECURRENCE-ID of an event as the start of its series that it names. Raise ``Unread``."""
        named = read_named(_parsed(line), self._zones, self._floating, self._starts(event))
        series = self._starts(master) if master is not None else None
        return named if series is None else in_series(named, series)

    def read_exceptions(self, line: ContentLine, master: Component) -> list[Moment]:
        """Read an EXDATE as the starts of its series that it names. Raise ``Unread``."""
        stated, series = _parsed(line), self._starts(master)
        zone = self._floating if series is None else series.zone
        named = [read_moment(stated, value, self._zones, zone) for value in stated.value.split(",")]
        return named if series is None else [in_series(moment, series) for moment in named]

    def _starts(self, event: Component) -> Moment | None:
        """Return when an event begins, None where it does not say so in a way that can be read."""
        lines = event.named("DTSTART")
        try:
            return self.read(lines[0]) if lines else None
        except Unread:
            return None


def _state_window(editor: _Editor, clock: _Clock, window: tuple[datetime, datetime]) -> None:
    """State a start and an end. A line that says it already stays."""
    try:
        _restate_window(editor, clock, window)
    except Unread:
        # A withdrawal is taken by its UID, with times that cannot be read and without any.
        for name, when in zip(("DTSTART", "DTEND"), window, strict=True):
            editor.state(name, _utc(when))
        for line in editor.event.named("DURATION"):
            editor.replace(line, "")


def _restate_window(editor: _Editor, clock: _Clock, window: tuple[datetime, datetime]) -> None:
    event = editor.event
    started = _start_line(event)
    ended = next(iter(event.named("DTEND")), None)
    like = clock.read(started)
    until = clock.read(ended, like) if ended else like
    starts, ends = _spelt_window(window, (started, ended or started), (like, until))
    begun = clock.read(own_line(starts))
    if (begun.instant(), begun.all_day) != (like.instant(), like.all_day):
        editor.replace(started, starts)
    else:
        begun = like
    lasting = next(iter(event.named("DURATION")), None)
    if ended is not None:
        if (until.instant(), until.all_day) != (window[1], begun.all_day):
            editor.replace(ended, ends)
    elif lasting is not None:
        if end_of(begun, read_duration(_parsed(lasting), _parsed(lasting).value)) != window[1]:
            editor.replace(lasting, _duration(window, as_days=begun.all_day))
    # "DTSTART" as a date without end "is one day" (RFC 5545 3.6.1).
    elif not begun.all_day or begun.zone.read(begun.naive + _DAY)[0] != window[1]:
        editor.add(ends)


def _drop_exceptions(master: _Editor, clock: _Clock, originals: Sequence[datetime]) -> None:
    """Let EXDATE name none of these occurrences of a series, by its time or by its day."""
    lines = master.event.named("EXDATE")
    if not lines or not originals:
        return
    zone = clock.read(_start_line(master.event)).zone
    dropped: set[date] = {*originals, *(zone.wall(original).date() for original in originals)}
    for line in lines:
        moments = clock.read_exceptions(line, master.event)
        kept = [
            value
            for value, moment in zip(_parsed(line).value.split(","), moments, strict=True)
            if (moment.naive.date() if moment.all_day else moment.instant()) not in dropped
        ]
        if len(kept) < len(moments):
            master.replace(line, f"{_head(line)}:{','.join(kept)}" if kept else "")


def _spelt_window(
    window: tuple[datetime, datetime], lines: tuple[ContentLine, ContentLine], like: tuple[Moment, Moment]
) -> tuple[str, str]:
    """Return DTSTART and DTEND, of one type: "the value type ... MUST be the same" (RFC 5545 3.8.2.2)."""
    if like[0].all_day:
        days = [when.astimezone(LONDON) for when in window]
        if all(when.time() == time() for when in days):
            return f"DTSTART;VALUE=DATE:{days[0]:%Y%m%d}", f"DTEND;VALUE=DATE:{days[1]:%Y%m%d}"
        return f"DTSTART:{_utc(window[0])}", f"DTEND:{_utc(window[1])}"
    return _spelt("DTSTART", window[0], lines[0], like[0]), _spelt("DTEND", window[1], lines[1], like[1])


def _spelt(name: str, when: datetime, line: ContentLine, like: Moment) -> str:
    """Return a time on the clocks of a line whose TZID any program knows, else in UTC."""
    tzid = _parsed(line).parameter("TZID")
    zone = undoubted(like.zone, like.zone.wall(when))
    if tzid is not None and isinstance(zone, NamedZone) and zone.name == plain_tzid(tzid):
        return _as_in_series(name, when, line, like)
    return f"{name}:{_utc(when)}"


def _as_in_series(name: str, when: datetime, line: ContentLine, like: Moment) -> str:
    """Return a time in the form of a line, in UTC where that form cannot say it.

    "the value type of this property [RECURRENCE-ID] MUST be the same as the DTSTART" (RFC 5545 3.8.4.4).
    """
    wall = like.zone.wall(when)
    said_exactly = like.zone.read(wall) == (when, ClockReading.EXACT)
    head = _head(line)[len(line.name) :]
    if like.all_day and said_exactly and wall.time() == time():
        return f"{name}{head}:{wall:%Y%m%d}"
    if said_exactly and not like.all_day and like.zone is not UTC_ZONE:
        return f"{name}{head}:{wall:%Y%m%dT%H%M%S}"
    return f"{name}:{_utc(when)}"


def _duration(window: tuple[datetime, datetime], *, as_days: bool) -> str:
    if as_days:
        starts, ends = (when.astimezone(LONDON).date() for when in window)
        return f"DURATION:P{(ends - starts).days}D"
    return f"DURATION:PT{int((window[1] - window[0]).total_seconds())}S"


def _start_line(event: Component) -> ContentLine:
    lines = event.named("DTSTART")
    if not lines:
        raise Unread("no-start", "This event has no start.", _REMEDY, line=event.line, property_name="DTSTART")
    return lines[0]


def _parsed(line: ContentLine) -> ParsedLine:
    return parse_line(line, Heads())


def _head(line: ContentLine) -> str:
    """Return what stands before the value of a time, which holds no colon."""
    return line.octets.decode().rpartition(":")[0].strip()


def _utc(when: datetime) -> str:
    return f"{when.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def _line(text: str, ended: bytes) -> bytes:
    return fold_line(text.encode()).replace(b"\r\n", ended)


def _line_end(octets: bytes, at: int) -> bytes:
    """Return how the line before a place ends, as its sender ends lines."""
    return b"\n" if octets[max(at - 2, 0) : at] != b"\r\n" and octets[at - 1 : at] == b"\n" else b"\r\n"
