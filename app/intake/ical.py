"""iCalendar in: octets of any origin become announcements, or problems that name line, property and remedy."""

from bisect import bisect
from dataclasses import dataclass, field, replace

from app.domain.notice import NoticeContent
from app.domain.refusal import IntakeProblem, NoticeTooLarge, size_words
from app.ical.components import CalendarStream, Component, read_calendars
from app.ical.limits import Allowance, Limits
from app.ical.lines import is_comment
from app.ical.parsed_line import Heads, parse_line
from app.ical.unread import FAULTS, Unread
from app.ical.zones import ZoneTable, floating_zone
from app.intake.event_name import name_of
from app.intake.itip import meaning_of, require_same
from app.intake.occurrences_of_uid import UidContent, read_uid
from app.intake.parsed_event import CalendarContext, ParsedEvent, derived_uid, read_event
from app.intake.problem import problem_of, unreadable
from app.intake.read_request import ReadRequest
from app.intake.sent_event import WHOLE_TEXT, SentEvent, sent_events

_EXPORT_AGAIN = "Export the calendar again and send the whole file."
_OTHERS = frozenset({"VTODO", "VJOURNAL", "VFREEBUSY", "VAVAILABILITY"})
_OF_CALENDAR = frozenset({"VEVENT", "VTIMEZONE"})
_PUT_INSIDE = "Put what is meant between BEGIN:VCALENDAR and END:VCALENDAR, and take the rest out."
_ONLY_EVENTS = "Enter each closure as an event, not as a task or a note."


@dataclass(slots=True)
class ParsedNotice:
    """The events of a notice by UID, as they were stated, and what could not be read of it.

    ``spoiled`` are the UIDs of which something could not be read, ``unread`` the lines of events that could not;
    ``events`` counts all, understood or not.
    """

    groups: dict[str, list[ParsedEvent]] = field(default_factory=dict)
    problems: list[IntakeProblem] = field(default_factory=list)
    spoiled: set[str] = field(default_factory=set)
    unread: set[int] = field(default_factory=set)
    events: int = 0


def read_ical(octets: bytes, request: ReadRequest) -> NoticeContent:
    """Read an iCalendar notice (RFC 5545, RFC 5546).

    Raise ``NoticeTooLarge`` (nothing was parsed) or ``NoticeUnreadable`` (no calendar was found), never anything else:
    all other trouble is a problem in the ``NoticeContent``.
    """
    check_size(octets, request.limits)
    return read_by_uid(read_stream(octets), request)[0]


def read_stream(octets: bytes) -> CalendarStream:
    """Scan octets into components. Raise ``NoticeUnreadable``."""
    try:
        return read_calendars(octets)
    except Unread as unread:
        raise unreadable(unread) from unread


def read_by_uid(stream: CalendarStream, request: ReadRequest) -> tuple[NoticeContent, list[tuple[str, UidContent]]]:
    """Read a notice that was scanned, and return beside the reading what each UID came to at each gateway.

    Raise as ``read_ical`` does.
    """
    allowance = Allowance(request.limits)
    parsed = parse_notice(stream, request, allowance)
    by_uid: list[tuple[str, UidContent]] = []
    problems, unread, left_out = list(parsed.problems), set(parsed.unread), set[int]()
    for uid, group in parsed.groups.items():
        for events in by_gateway(group) if len(group) > 1 else (group,):
            content = content_of_uid(events, request, allowance)
            faults = _with_events(content.problems, events)
            problems += [replace(problem, event=name_of(event.sent, event.calendar.heads)) for problem, event in faults]
            faulty, untold = _not_taken(content, events, {event.sent.line for _, event in faults})
            unread |= faulty
            left_out |= untold
            by_uid.append((uid, content))
    spoiled = parsed.spoiled.union(uid for uid, content in by_uid if not content.whole)
    whole = [(uid, content) for uid, content in by_uid if uid not in spoiled]
    reading = NoticeContent(
        announcements=tuple(announcement for _, content in by_uid for announcement in content.announcements),
        problems=tuple(sorted(problems, key=lambda problem: problem.line or 0)),
        whole_uids=frozenset(uid for uid, _ in whole),
        without_occurrences=frozenset((content.gateway, uid) for uid, content in whole if not content.announcements),
        series=tuple(content.series for _, content in by_uid if content.series is not None),
        events=parsed.events,
        unread=frozenset(unread),
        left_out=frozenset(left_out),
        remarks=tuple(remark for _, content in by_uid for remark in content.remarks),
    )
    return reading, by_uid


def _with_events(problems: list[IntakeProblem], group: list[ParsedEvent]) -> list[tuple[IntakeProblem, ParsedEvent]]:
    """Return what is wrong with the events of one UID, each with the event that its line lies in."""
    if not problems:
        return []
    events = sorted(group, key=lambda event: event.sent.line)
    begun = [event.sent.line for event in events]
    return [(problem, events[max(bisect(begun, problem.line or 0) - 1, 0)]) for problem in problems]


def _not_taken(content: UidContent, group: list[ParsedEvent], faulty: set[int]) -> tuple[set[int], set[int]]:
    """Return the lines of the events of one UID that problems keep from being taken whole, and of those left out.

    ``faulty`` are the lines of those that a problem names. Another of which nothing is told is a series all of whose
    occurrences have events of their own; or, where the UID is not whole, it stands and falls with what is wrong there.
    """
    told = {announcement.line for announcement in content.announcements}
    left_out = {event.sent.line for event in (*content.skipped, *content.without_any)} - told - faulty
    if content.whole:
        return faulty, left_out
    return faulty | {event.sent.line for event in group} - told - left_out, left_out


def parse_notice(stream: CalendarStream, request: ReadRequest, allowance: Allowance) -> ParsedNotice:
    """Read what the events of a notice state, before anything recurs. Raise as ``read_ical`` does."""
    check_size(stream.octets, request.limits)
    sent = sent_events(stream, request.limits)
    _check_calendars(sent)
    parsed = ParsedNotice(events=sum(len(events) for _, events in sent))
    check_count(parsed.events, request.limits)
    heads = Heads()
    for calendar, events in sent:
        context = _context(calendar, request, (heads, allowance), parsed.problems)
        _read_calendar(calendar, events, request, context, parsed)
        if calendar.is_cut_off:
            parsed.spoiled.update(parsed.groups)
    parsed.problems += _not_in_a_calendar(stream)
    if not parsed.events:
        parsed.problems.append(problem_of(Unread("no-events", "The calendar holds no event.", _ONLY_EVENTS)))
    return parsed


def zone_definitions(calendar: Component) -> list[Component]:
    """Return the VTIMEZONEs of a calendar but for one that it breaks off in."""
    return [part for part in calendar.parts if part.name == "VTIMEZONE" and not part.is_cut_off]


def check_size(octets: bytes, limits: Limits) -> None:
    """Raise ``NoticeTooLarge`` for more octets than one notice may hold."""
    if len(octets) > limits.octets:
        raise NoticeTooLarge(
            f"The notice is larger than {size_words(limits.octets)}.", "Send it in parts, or without attachments."
        )


def check_count(events: int, limits: Limits) -> None:
    """Raise ``NoticeTooLarge`` for more events than one notice may hold."""
    if events > limits.events:
        raise NoticeTooLarge(f"The notice holds more than {limits.events:,} events.", "Send it in parts.")


def _check_calendars(sent: list[tuple[Component, list[SentEvent]]]) -> None:
    if not sent:
        raise unreadable(Unread("no-calendar", "No BEGIN:VCALENDAR was found.", _EXPORT_AGAIN))
    if not any(not calendar.is_cut_off or any(event.fault is None for event in events) for calendar, events in sent):
        text = "The calendar breaks off before its first event is complete."
        raise unreadable(Unread("truncated", text, _EXPORT_AGAIN, line=sent[0][0].line))


def _read_calendar(
    calendar: Component,
    events: list[SentEvent],
    request: ReadRequest,
    context: CalendarContext | None,
    parsed: ParsedNotice,
) -> None:
    problems = parsed.problems
    if calendar.is_cut_off:
        text = "The calendar breaks off before its END."
        problems.append(problem_of(Unread("truncated", text, _EXPORT_AGAIN, line=calendar.line)))
    problems += _not_events(calendar)
    text_line = next((line for line in calendar.lines if not line.name and not is_comment(line)), None)
    if text_line is not None:
        text = "This line of the calendar is no property, and was not read."
        problems.append(problem_of(Unread("line", text, WHOLE_TEXT, line=text_line.number)))
    if context is None:
        parsed.unread.update(sent.line for sent in events)
        return
    for sent in events:
        event, trouble = _read_event(sent, context, request)
        if trouble:
            parsed.unread.add(sent.line)
            name = name_of(sent, context.heads)
            problems += [replace(problem, event=name) for problem in trouble]
        if event is not None:
            parsed.groups.setdefault(event.uid, []).append(event)
        else:
            parsed.spoiled.update(_uids(sent, context.heads))


def _not_events(calendar: Component) -> list[IntakeProblem]:
    """Name each kind of component that is not read, once; those that hold events are named with these."""
    others: dict[str, list[int]] = {}
    for part in calendar.parts:
        if part.name in _OTHERS or not (
            part.name in _OF_CALENDAR or part.name.startswith("X-") or any(p.name == "VEVENT" for p in part.within())
        ):
            others.setdefault(part.name if part.name in _OTHERS else "", []).append(part.line)
    return [
        problem_of(
            Unread(
                "only-events",
                f"Only events are read; {kind or 'this'} is not one ({len(lines)} in this calendar).",
                _ONLY_EVENTS,
                line=lines[0],
                property_name=kind or None,
            )
        )
        for kind, lines in others.items()
    ]


def _not_in_a_calendar(stream: CalendarStream) -> list[IntakeProblem]:
    """Name what stands outside of the calendars and is not read: all but events."""
    lines = [line.number for line in stream.strays if not is_comment(line)]
    lines += [part.line for part in stream.outside if part.name != "VEVENT"]
    if not lines:
        return []
    text = "What stands here is in no calendar, and was not read"
    text += f" ({len(lines)} such lines in this file)." if len(lines) > 1 else "."
    return [problem_of(Unread("outside", text, _PUT_INSIDE, line=min(lines)))]


def _context(
    calendar: Component, request: ReadRequest, of_notice: tuple[Heads, Allowance], problems: list[IntakeProblem]
) -> CalendarContext | None:
    """Return what the events share, or None with the problem kept where the METHOD gives no notice."""
    heads, allowance = of_notice
    shared = [line for line in calendar.lines if line.name in {"METHOD", "X-WR-TIMEZONE"}]
    try:
        stated = {line.name: parse_line(line, heads) for line in shared}
        methods = [line for line in shared if line.name == "METHOD"]
        if len({meaning_of(parse_line(line, heads)) for line in methods}) > 1:
            raise stated["METHOD"].unread("repeated", "This METHOD is not the one given above.", _EXPORT_AGAIN)
        meaning = meaning_of(stated.get("METHOD"))
        require_same(request.method, meaning)
        zones = ZoneTable(zone_definitions(calendar), request.years(), allowance)
        floating = floating_zone(stated.get("X-WR-TIMEZONE"), zones)
    except Unread as unread:
        problems.append(problem_of(unread))
        return None
    return CalendarContext(
        meaning=meaning,
        zones=zones,
        floating=floating,
        heads=heads,
        properties=tuple(line for line in shared if line.name == "X-WR-TIMEZONE"),
    )


def _read_event(
    sent: SentEvent, context: CalendarContext, request: ReadRequest
) -> tuple[ParsedEvent | None, list[IntakeProblem]]:
    try:
        return read_event(sent, context, request)
    except FAULTS:
        return None, [_beyond_reading(sent)]


def by_gateway(group: list[ParsedEvent]) -> list[list[ParsedEvent]]:
    """Return the events of one UID apart by gateway, where it is stated for several: each is an event of its own there.

    An occurrence at another gateway than its series goes with that series.
    """
    gateways = {event.gateway for event in group if event.recurrence_id is None}
    if len(gateways) < 2:  # noqa: PLR2004 - several
        return [group]
    return [
        events
        for gateway in sorted(gateways | {event.gateway for event in group})
        if (events := [event for event in group if event.gateway == gateway])
    ]


def content_of_uid(group: list[ParsedEvent], request: ReadRequest, allowance: Allowance) -> UidContent:
    """Return what the events of one UID come to; what is beyond reading becomes a problem."""
    try:
        return read_uid(group, request, allowance)
    except FAULTS:
        return UidContent(problems=[_beyond_reading(event.sent) for event in group])


def _beyond_reading(sent: SentEvent) -> IntakeProblem:
    remedy = "Export it again, or enter the closure by form."
    return problem_of(Unread("unreadable", "This event cannot be read.", remedy, line=sent.line))


def _uids(sent: SentEvent, heads: Heads) -> list[str]:
    """Return the UIDs that an event that was not understood has, or the one that it would have been given."""
    found = []
    for line in sent.properties:
        if line.name == "UID":
            try:
                found.append(parse_line(line, heads).text())
            except Unread:
                continue
    return [uid or derived_uid(sent) for uid in found or [""]]
