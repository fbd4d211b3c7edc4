"""A sender's calendar object with a few content lines stated anew: every other octet stays as it was sent.

An object is one VCALENDAR with the VEVENTs of one UID (RFC 4791 4.1). All times here are aware UTC.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from app.domain.london import LONDON
from app.domain.london import Reading as ClockReading
from app.ical.components import Component, read_sole_calendar
from app.ical.limits import Allowance, Limits
from app.ical.lines import ContentLine, fold_line, own_line
from app.ical.moment import Moment, end_of, read_moment
from app.ical.parsed_line import Heads, ParsedLine, parse_line
from app.ical.unread import Unread
from app.ical.values import read_duration, read_time
from app.ical.zones import UTC_ZONE, NamedZone, ZoneTable, floating_zone, plain_tzid

_REMEDY = "Send the event again."
_DAY = timedelta(days=1)
_YEARS = 2  # to spare on either side of the years in question


@dataclass(frozen=True, slots=True)
class EventChanges:
    """What a VEVENT is to state; None, or nothing, leaves a line as it is.

    ``window`` is its start and its end, ``stamp`` its DTSTAMP (and LAST-MODIFIED where it has one). ``excluded`` are
    the starts of occurrences that EXDATE is to leave out as well, ``restored`` those that it is to leave out no more.
    """

    window: tuple[datetime, datetime] | None = None
    status: str | None = None
    sequence: int | None = None
    stamp: datetime | None = None
    excluded: tuple[datetime, ...] = ()
    restored: tuple[datetime, ...] = ()


@dataclass(frozen=True, slots=True)
class Override:
    """What an occurrence of a series states apart from it; ``original`` is the start that the series gave it."""

    original: datetime
    window: tuple[datetime, datetime]
    status: str
    sequence: int
    stamp: datetime


def place_of(octets: bytes, original: datetime | None) -> int | None:
    """Return the place among its VEVENTs of the one that states an occurrence (None: the master); None for none.

    ``original`` is the start that the series gave the occurrence. A RECURRENCE-ID that is a date means the occurrence
    of that day. Raise ``Unread``.
    """
    calendar = read_sole_calendar(octets)
    events = calendar.events()
    named = [event.named("RECURRENCE-ID") for event in events]
    if original is None:
        return next((place for place, lines in enumerate(named) if not lines), None)
    clock = _Clock(calendar, [original, *(_midnight(lines[0]) for lines in named if lines)])
    master = next((event for event, lines in zip(events, named, strict=True) if not lines), None)
    for place, lines in enumerate(named):
        if lines:
            found = clock.read(lines[0])
            day = _day(clock, master, original) if found.all_day and master is not None else None
            if found.instant() == original or found.naive.date() == day:
                return place
    return None


def patch_event(octets: bytes, place: int, changes: EventChanges) -> bytes:
    """Return an object whose VEVENT at a place states the changes. Raise ``Unread``.

    A time keeps the form that it has where that can say it: a date for a London midnight, a TZID for one of the IANA
    data base. Else it is written in UTC.
    """
    calendar = read_sole_calendar(octets)
    events = calendar.events()
    if not 0 <= place < len(events):
        raise Unread("no-event", "The calendar object holds no such event.", _REMEDY)
    editor = _Editor(octets, events[place])
    if changes.window is not None:
        _state_window(editor, calendar, changes.window)
    if changes.status is not None:
        editor.state("STATUS", changes.status)
    if changes.sequence is not None:
        editor.state("SEQUENCE", str(changes.sequence))
    if changes.stamp is not None:
        editor.state("DTSTAMP", _utc(changes.stamp))
        if editor.event.named("LAST-MODIFIED"):
            editor.state("LAST-MODIFIED", _utc(changes.stamp))
    if changes.excluded or changes.restored:
        _state_exceptions(editor, calendar, changes)
    return editor.octets()


def add_override(octets: bytes, override: Override) -> bytes:
    """Return an object with a VEVENT more, for one occurrence of its series. Raise ``Unread``.

    It has the UID and the SUMMARY of the master, octet for octet, and a RECURRENCE-ID of the type of its DTSTART.
    """
    calendar = read_sole_calendar(octets)
    master = next((event for event in calendar.events() if not event.named("RECURRENCE-ID")), None)
    if master is None:
        raise Unread("no-series", "The calendar object holds no series.", _REMEDY)
    started = _start_line(master)
    like = _Clock(calendar, [_midnight(started), override.original, *override.window]).read(started)
    starts, ends = _spelt_window(override.window, (started, started), (like, like))
    ended = _line_end(octets, calendar.closes)
    own = {name: [octets[line.start : line.end] for line in master.named(name)] for name in ("UID", "SUMMARY")}
    event = [
        _line("BEGIN:VEVENT", ended),
        *own["UID"],
        _line(f"DTSTAMP:{_utc(override.stamp)}", ended),
        _line(_as_in_series("RECURRENCE-ID", override.original, started, like), ended),
        _line(starts, ended),
        _line(ends, ended),
        *own["SUMMARY"],
        _line(f"STATUS:{override.status}", ended),
        _line(f"SEQUENCE:{override.sequence}", ended),
        _line("END:VEVENT", ended),
    ]
    return b"".join([octets[: calendar.closes], *event, octets[calendar.closes :]])


class _Editor:
    """The lines of one VEVENT, and what is to stand in their place."""

    def __init__(self, octets: bytes, event: Component) -> None:
        self._octets = octets
        self.event = event
        # From one place to another, and what is to stand between the two.
        self._edits: list[tuple[int, int, bytes]] = []
        # "eventprop" before "alarmc" (RFC 5545 3.6.1).
        self._end = min([event.closes, *(part.start for part in event.parts)])

    def replace(self, line: ContentLine, text: str) -> None:
        """Let a text stand where a line does; "" for nothing."""
        octets = _line(text, _line_end(self._octets, line.end)) if text else b""
        self._edits.append((line.start, line.end, octets))

    def add(self, text: str) -> None:
        """Let a line follow all others of the event's own."""
        self._edits.append((self._end, self._end, _line(text, _line_end(self._octets, self._end))))

    def state(self, name: str, value: str) -> None:
        """Let the event state a value that takes no parameters, once. A line that states it already stays."""
        lines = self.event.named(name)
        if [line.value.upper() for line in self.event.parsed(name)] == [value]:
            return
        for line in lines:
            self.replace(line, f"{name}:{value}" if line is lines[0] else "")
        if not lines:
            self.add(f"{name}:{value}")

    def octets(self) -> bytes:
        """Return the octets of the whole, edited."""
        kept, at = [], 0
        for start, end, octets in sorted(self._edits, key=lambda edit: edit[0]):
            kept += [self._octets[at:start], octets]
            at = end
        return b"".join([*kept, self._octets[at:]])


class _Clock:
    """How the times of one calendar are read, some years around given times."""

    def __init__(self, calendar: Component, times: Sequence[datetime]) -> None:
        years = [when.year for when in times]
        definitions = [part for part in calendar.parts if part.name == "VTIMEZONE"]
        self._zones = ZoneTable(definitions, (min(years) - _YEARS, max(years) + _YEARS), Allowance(Limits()))
        own = calendar.parsed("X-WR-TIMEZONE")
        self._floating = floating_zone(own[0] if own else None)

    def read(self, line: ContentLine) -> Moment:
        """Read a line that states one time. Raise ``Unread``."""
        return self.read_each(line)[0]

    def read_each(self, line: ContentLine) -> list[Moment]:
        """Read a line that states several. Raise ``Unread``."""
        stated = _parsed(line)
        return [read_moment(stated, value, self._zones, self._floating) for value in stated.value.split(",")]


def _state_window(editor: _Editor, calendar: Component, window: tuple[datetime, datetime]) -> None:
    """State a start and an end. A line that says it already stays."""
    event = editor.event
    started = _start_line(event)
    ended = next(iter(event.named("DTEND")), None)
    clock = _Clock(calendar, [_midnight(started), *window])
    like = clock.read(started)
    until = clock.read(ended) if ended else like
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


def _state_exceptions(editor: _Editor, calendar: Component, changes: EventChanges) -> None:
    started = _start_line(editor.event)
    clock = _Clock(calendar, [_midnight(started), *changes.excluded, *changes.restored])
    like = clock.read(started)
    restored = {*changes.restored, *(like.zone.wall(when).date() for when in changes.restored)}
    known: set[datetime] = set()
    for line in editor.event.named("EXDATE"):
        moments = clock.read_each(line)
        kept = [
            value
            for value, one in zip(_parsed(line).value.split(","), moments, strict=True)
            if (one.naive.date() if one.all_day else one.instant()) not in restored
        ]
        known.update(one.instant() for one in moments)
        if len(kept) < len(moments):
            editor.replace(line, f"{_head(line)}:{','.join(kept)}" if kept else "")
    for when in changes.excluded:
        if when not in known:
            editor.add(_as_in_series("EXDATE", when, started, like))


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
    if tzid is not None and isinstance(like.zone, NamedZone) and like.zone.name == plain_tzid(tzid):
        return _as_in_series(name, when, line, like)
    return f"{name}:{_utc(when)}"


def _as_in_series(name: str, when: datetime, line: ContentLine, like: Moment) -> str:
    """Return a time in the form of a line, in UTC where that form cannot say it.

    "the value type of this property [RECURRENCE-ID] MUST be the same as the DTSTART" (RFC 5545 3.8.4.4), and so of
    EXDATE, which some programs compare as text.
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


def _day(clock: _Clock, master: Component, original: datetime) -> date:
    """Return the day of an occurrence where its series keeps its clocks."""
    return clock.read(_start_line(master)).zone.wall(original).date()


def _start_line(event: Component) -> ContentLine:
    lines = event.named("DTSTART")
    if not lines:
        raise Unread("no-start", "This event has no start.", _REMEDY, line=event.line, property_name="DTSTART")
    return lines[0]


def _midnight(line: ContentLine) -> datetime:
    """Return the day of the first time on a line: only its year is looked at."""
    stated = _parsed(line)
    day = read_time(stated, stated.value.partition(",")[0])[0]
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


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
