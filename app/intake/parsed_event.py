"""One VEVENT as its sender stated it: every property read or named in a problem, nothing concluded yet."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256
from typing import TypeVar

from app.domain.refusal import IntakeProblem
from app.ical.doubted_zone import Zone, check_definitions, doubts
from app.ical.lines import ContentLine
from app.ical.moment import Moment, in_series, length_between, read_moment, read_named
from app.ical.named_zone import LONDON_ZONE
from app.ical.parsed_line import Heads, ParsedLine, parse_line
from app.ical.recurrence import AddedDate, ExcludedDate, Recurrence
from app.ical.rule import read_rule
from app.ical.unread import Unread
from app.ical.values import Length, read_duration, read_integer
from app.ical.zones import ZoneTable
from app.intake.gateway import choose_gateway
from app.intake.itip import Meaning
from app.intake.problem import problem_of
from app.intake.read_request import ReadRequest
from app.intake.sent_event import TEXT, WHOLE_TEXT, SentEvent
from app.intake.stated_status import StatedStatus, read_stated_status, title_of
from app.intake.windows import (
    ADDED_DAY_REMARK,
    ALL_DAY_REMARK,
    FLOATING_ELSEWHERE_REMARK,
    FLOATING_END_REMARK,
    FLOATING_REMARK,
)

_SEVERAL = frozenset({"RDATE", "EXDATE", "X-MAINTNOTE-OBJECT-ID"})
# What a closure is read without: where one of these cannot be read, the others say enough.
_SPARED = frozenset({"DTSTAMP", "SEQUENCE", "LOCATION", "X-MAINTNOTE-OBJECT-ID", "X-MAINTNOTE-STATUS"})
_MAY_BE_EMPTY = frozenset({"RRULE", "EXRULE"})
_CHANGING = frozenset({"DTSTAMP", "SEQUENCE", "STATUS"})  # these change while the event stays the same one
_MOST_PROBLEMS = 10  # of one event: enough to mend it by
_MOST_DATES = 400  # on one line; an event has a bounded number of lines
_LONGEST_UID = 1_000
UNREAD_TIME = "The time of this withdrawal could not be read; it was taken by its UID."
THIS_AND_FUTURE = "THISANDFUTURE"
RANGE_REMEDY = "Send the whole series again, or each changed occurrence as an event of its own."
_OUTSIDE = "It stands before BEGIN:VCALENDAR or after its END; it was read with the calendar beside it."
_NO_END = "Give the event an end (DTEND) or a DURATION."
_NO_START = "Give the event a start (DTSTART)."
_DURATION = re.compile(r"[+-]?[Pp]")
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class CalendarContext:
    """What the events of one VCALENDAR share; ``floating`` is the zone of times that name none.

    ``properties`` are the calendar's own lines without which its events would read differently.
    """

    meaning: Meaning
    zones: ZoneTable
    floating: Zone
    heads: Heads
    properties: tuple[ContentLine, ...]


@dataclass(frozen=True, slots=True)
class ParsedEvent:
    """A VEVENT read. ``starts`` and ``length`` are None, and ``gateway`` "", only in a withdrawal that says too little.

    ``and_later``: what changes the occurrence of ``recurrence_id`` changes all later ones too (RFC 5545 3.2.13).

    ``starts_at`` and ``ends_at`` are (line, property) of what says when it starts and ends, for problems.
    """

    sent: SentEvent
    calendar: CalendarContext
    uid: str
    gateway: str
    withdrawn: bool
    provisional: bool
    sequence: int
    dtstamp: datetime | None
    starts: Moment | None
    length: Length | None
    recurrence: Recurrence | None
    recurrence_id: Moment | None
    and_later: bool
    starts_at: tuple[int, str]
    ends_at: tuple[int, str]
    remarks: tuple[str, ...]
    left_out: tuple[str, ...]


class _Reader:
    """Reads the properties of one event and collects what is wrong with them, all of it."""

    def __init__(self, sent: SentEvent, calendar: CalendarContext) -> None:
        self.line = sent.line
        self.given = {line.name for line in sent.properties}
        self.calendar = calendar
        self.problems: list[IntakeProblem] = []
        self.remarks: list[str] = []  # on how times were read
        self.ignored: list[str] = []
        self.stated: dict[str, list[ParsedLine]] = {}
        for line in sent.properties:
            try:
                found = parse_line(line, calendar.heads)
            except Unread as unread:
                if line.name in _SPARED:
                    self.ignored.append(line.name)
                else:
                    self.add(unread)
                continue
            if found.value or line.name not in _MAY_BE_EMPTY:
                self.stated.setdefault(line.name, []).append(found)
            else:
                self.ignored.append(line.name)
        for name, several in self.stated.items():
            if len(several) > 1 and name not in _SEVERAL and name not in _SPARED:
                self.add(several[1].unread("repeated", "This property is given twice.", "Give it once."))

    def add(self, unread: Unread) -> None:
        if len(self.problems) < _MOST_PROBLEMS:
            self.problems.append(problem_of(unread))

    def attempt(self, read: Callable[..., _T], *arguments: object) -> _T | None:
        """Return what ``read`` gives, or None with its problem kept."""
        try:
            return read(*arguments)
        except Unread as unread:
            self.add(unread)
            return None

    def spare(self, read: Callable[[ParsedLine], _T], stated: ParsedLine) -> _T | None:
        """Return what ``read`` gives of a line that the closure is read without, or None with its name kept."""
        try:
            return read(stated)
        except Unread:
            self.ignored.append(stated.name)
            return None

    def first(self, name: str, read: Callable[[ParsedLine], _T]) -> _T | None:
        """Return what ``read`` gives of the first line of a name that it can read, None where it can read none."""
        for stated in self.stated.get(name, []):
            found = self.spare(read, stated)
            if found is not None:
                return found
        return None

    def sole(self, name: str) -> ParsedLine | None:
        several = self.stated.get(name)
        return several[0] if several else None

    def time(self, stated: ParsedLine, value: str, floating: Zone) -> Moment | None:
        """Read one time of a line; what was written twice over is a remark."""
        return self.told(self.attempt(read_moment, stated, value, self.calendar.zones, floating))

    def told(self, moment: Moment | None) -> Moment | None:
        if moment is not None and moment.remark:
            self.remarks.append(moment.remark)
        return moment

    def moment(self, name: str, floating: Zone) -> Moment | None:
        stated = self.sole(name)
        return self.time(stated, stated.value, floating) if stated else None

    def excluded(self, starts: Moment) -> tuple[ExcludedDate, ...]:
        """Read what EXDATE leaves out of the series that begins at ``starts``."""
        found: list[ExcludedDate] = []
        for stated in self.stated.get("EXDATE", []):
            for value in stated.value.split(","):
                moment = self.time(stated, value, starts.zone) if value.strip() else None
                if moment is not None:
                    self.compare(moment, starts, stated)
                    found.append(ExcludedDate(moment, stated.line))
        return tuple(found)

    def compare(self, moment: Moment, beside: Moment, stated: ParsedLine) -> None:
        """Tell what is doubtful of a time in another zone than that beside which it counts, on either's clocks.

        Where both are in one zone the doubt is the same, and its windows tell of it.
        """
        if moment.zone == beside.zone or moment.all_day:
            return
        self.doubt(moment.zone, moment.naive, stated)
        self.doubt(beside.zone, beside.zone.wall(moment.instant()), stated)

    def doubt(self, zone: Zone, naive: datetime, stated: ParsedLine) -> None:
        self.attempt(check_definitions, zone, (naive,), stated.line, stated.name)
        self.remarks += doubts(zone, (naive,))

    def texts(self, name: str) -> tuple[str, ...]:
        return tuple(stated.text() for stated in self.stated.get(name, []))


def read_event(
    sent: SentEvent, calendar: CalendarContext, request: ReadRequest
) -> tuple[ParsedEvent | None, list[IntakeProblem]]:
    """Read one VEVENT; None where a problem forbids it.

    A withdrawal needs neither time nor gateway, since its UID says which closure it is of: there ``gateway`` may be "".
    """
    if sent.fault is not None:
        return None, [sent.fault]
    reader = _Reader(sent, calendar)
    stated_status = _stated_status(reader, sent)
    withdrawn, remarks = stated_status.withdrawn, list(stated_status.remarks)
    uid = _uid(reader, sent, remarks)
    number = reader.first("SEQUENCE", read_integer)
    dtstamp = _dtstamp(reader)
    kept = len(reader.problems)
    gateway, left_out = _gateway(reader, sent, request, remarks)
    undecided = len(reader.problems) > kept
    starts, length, recurrence = _times(reader, remarks, required=not withdrawn)
    if withdrawn and len(reader.problems) > kept + undecided:
        starts = length = recurrence = None
        remarks.append(UNREAD_TIME)
    if withdrawn and (request.gateway is None or not undecided):
        del reader.problems[kept:]
    recurrence_id = _recurrence_id(reader, starts, withdrawn=withdrawn)
    remarks += [f"The {name} could not be read; it was ignored." for name in dict.fromkeys(reader.ignored)]
    if sent.is_outside:
        remarks.append(_OUTSIDE)
    if reader.problems:
        return None, reader.problems
    ending = reader.sole("DTEND") or reader.sole("DURATION") or reader.sole("DTSTART")
    begun = reader.sole("DTSTART")
    stated = ParsedEvent(
        sent=sent,
        calendar=calendar,
        uid=uid,
        gateway=gateway,
        withdrawn=withdrawn,
        provisional=stated_status.provisional,
        sequence=number or 0,
        dtstamp=dtstamp,
        starts=starts,
        length=length,
        recurrence=recurrence,
        recurrence_id=recurrence_id,
        and_later=recurrence_id is not None and bool(reader.stated["RECURRENCE-ID"][0].parameter("RANGE")),
        starts_at=(begun.line, "DTSTART") if begun else (sent.line, "DTSTART"),
        ends_at=(ending.line, ending.name) if ending else (sent.line, "DTEND"),
        remarks=tuple(dict.fromkeys([*remarks, *reader.remarks])),
        left_out=left_out,
    )
    return stated, []


def _stated_status(reader: _Reader, sent: SentEvent) -> StatedStatus:
    if reader.calendar.meaning is Meaning.WITHDRAWAL:
        return StatedStatus(withdrawn=True)
    status = reader.sole("STATUS")
    title = title_of(sent.summary, reader.calendar.heads)
    stated_status = read_stated_status(status, reader.sole("X-MAINTNOTE-STATUS"), title)
    if stated_status.withdrawn and any(line.octets.startswith(b"Status") for line in sent.properties):
        # The name of a property that is written like a word may be one, in a text that broke in the middle.
        reader.add(Unread("line", TEXT, WHOLE_TEXT, line=status.line if status else sent.line, property_name="STATUS"))
    return stated_status


def _uid(reader: _Reader, sent: SentEvent, remarks: list[str]) -> str:
    stated = reader.sole("UID")
    uid = stated.text() if stated else ""
    if stated is not None and len(uid) > _LONGEST_UID:
        reader.add(stated.unread("uid", f"The UID is longer than {_LONGEST_UID} characters.", "Give a shorter UID."))
    if uid:
        return uid
    remarks.append("The event has no UID; one was derived from what it says, so a change of it reads as a new closure.")
    return derived_uid(sent)


def derived_uid(sent: SentEvent) -> str:
    """Return the UID of an event that has none: of what it says."""
    octets = b"\n".join(sorted(line.octets for line in sent.properties if line.name not in _CHANGING))
    return f"derived:{sha256(octets).hexdigest()[:32]}"


def _gateway(reader: _Reader, sent: SentEvent, request: ReadRequest, remarks: list[str]) -> tuple[str, tuple[str, ...]]:
    location = next(iter(reader.texts("LOCATION")), None)
    choice = reader.attempt(choose_gateway, request, reader.texts("X-MAINTNOTE-OBJECT-ID"), location, sent.line)
    if choice is not None and choice.remark is not None:
        remarks.append(choice.remark)
    code = choice.code if choice else ""
    is_other = location.upper() != code.upper() if location else "LOCATION" in reader.ignored
    more = {"LOCATION"} if is_other else set()
    return code, tuple(sorted(sent.left_out | more))


def _dtstamp(reader: _Reader) -> datetime | None:
    """Read DTSTAMP, which decides between two notices of the same SEQUENCE and nothing else."""
    zones = reader.calendar.zones
    moment = reader.first("DTSTAMP", lambda stated: read_moment(stated, stated.value, zones, LONDON_ZONE))
    return moment.instant() if moment else None


def _recurrence_id(reader: _Reader, starts: Moment | None, *, withdrawn: bool) -> Moment | None:
    stated = reader.sole("RECURRENCE-ID")
    if stated is None:
        return None
    if (stated.parameter("RANGE") or THIS_AND_FUTURE).upper() != THIS_AND_FUTURE:
        reader.add(stated.unread("range", "A change of this and all earlier occurrences is not read.", RANGE_REMEDY))
    calendar = reader.calendar
    named = reader.told(reader.attempt(read_named, stated, calendar.zones, calendar.floating, starts))
    if named is not None and (withdrawn or starts is None or named.zone != starts.zone):
        reader.doubt(named.zone, named.naive, stated)
    return named


def _times(
    reader: _Reader, remarks: list[str], *, required: bool
) -> tuple[Moment | None, Length | None, Recurrence | None]:
    floating = reader.calendar.floating
    starts = reader.moment("DTSTART", floating)
    is_timed = starts is not None and not starts.all_day
    # "if the 'DTSTART' property is ... a local time with time zone", so is DTEND (RFC 5545 3.8.2.2).
    ends = reader.moment("DTEND", starts.zone if starts is not None and is_timed else floating)
    if starts is None:
        if required and "DTSTART" not in reader.given:
            reader.add(
                Unread("no-start", "This event has no start.", _NO_START, line=reader.line, property_name="DTSTART")
            )
        return None, None, None
    if starts.all_day:
        remarks.append(ALL_DAY_REMARK)
    if starts.floating:
        remarks.append(FLOATING_REMARK if floating == LONDON_ZONE else FLOATING_ELSEWHERE_REMARK)
    elif ends is not None and ends.floating:
        remarks.append(FLOATING_END_REMARK)
    length = _length(reader, starts, ends)
    if length is None and required and not reader.problems:
        stated = reader.sole("DTSTART")
        line = stated.line if stated else reader.line
        reader.add(Unread("no-end", "This event has no end.", _NO_END, line=line, property_name="DTEND"))
    return starts, length, _recurrence(reader, starts)


def _length(reader: _Reader, starts: Moment, ends: Moment | None) -> Length | None:
    stated = reader.sole("DTEND")
    if stated is not None:
        if ends is not None and ends.all_day != starts.all_day:
            reader.add(stated.unread("mixed", "The start is a date and the end a time, or the reverse.", _NO_END))
            return None
        if ends is not None:
            reader.compare(ends, starts, stated)
        return length_between(starts, ends) if ends else None
    duration = reader.sole("DURATION")
    if duration is not None:
        return reader.attempt(read_duration, duration, duration.value)
    # "DTSTART" as a date without end "is one day" (RFC 5545 3.6.1): stated, not guessed.
    return Length(timedelta(days=1), timedelta()) if starts.all_day else None


def _recurrence(reader: _Reader, starts: Moment) -> Recurrence | None:
    ruled = reader.sole("RRULE")
    for stated in (*reader.stated.get("RDATE", []), *reader.stated.get("EXDATE", [])):
        if stated.value.count(",") >= _MOST_DATES:
            reader.add(stated.unread("dates", f"This line names more than {_MOST_DATES} dates.", "Send fewer at once."))
            return None
    forbidden = reader.sole("EXRULE")
    if forbidden is not None:
        reader.add(forbidden.unread("exrule", "EXRULE is no longer part of iCalendar.", "Use EXDATE instead."))
    if ruled is None and "RDATE" not in reader.stated:
        return None
    rule = reader.attempt(read_rule, ruled, reader.calendar.zones, starts) if ruled else None
    if ruled is not None and rule is not None and rule.until is not None:
        reader.compare(rule.until, starts, ruled)
    added = tuple(
        occasion for stated in reader.stated.get("RDATE", []) for occasion in _added_dates(reader, stated, starts)
    )
    return Recurrence(starts, rule, added, reader.excluded(starts))


def _added_dates(reader: _Reader, stated: ParsedLine, starts: Moment) -> list[AddedDate]:
    """Read one RDATE line: dates, times, or periods (RFC 5545 3.8.5.2)."""
    found = []
    for value in stated.value.split(","):
        begun, slash, ended = value.partition("/")
        moment = reader.time(stated, begun, starts.zone) if begun.strip() else None
        if moment is None:
            continue
        if moment.all_day and not starts.all_day:
            moment = replace(starts, naive=datetime.combine(moment.naive.date(), starts.naive.time()))
            reader.remarks.append(ADDED_DAY_REMARK)
        reader.compare(moment, starts, stated)
        length: Length | None = None
        if slash and _DURATION.match(ended.strip()):
            length = reader.attempt(read_duration, stated, ended)
        elif slash:
            until = reader.time(stated, ended, moment.zone)
            if until is not None:
                reader.compare(until, moment, stated)
                length = length_between(moment, until)
        else:
            moment = in_series(moment, starts)
        found.append(AddedDate(moment, length))
    return found
