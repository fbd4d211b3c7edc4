"""iCalendar in: octets of any origin become announcements, or problems that name line, property and remedy."""

from dataclasses import dataclass, field

from app.domain.notice import NoticeContent
from app.domain.refusal import IntakeProblem, NoticeTooLarge
from app.intake.allowance import Allowance
from app.intake.components import RawCalendar, RawEvent, RawProperty, split
from app.intake.itip import meaning_of
from app.intake.problem import FAULTS, Unread
from app.intake.property import Heads, Property, read_property, read_text
from app.intake.reading import Asking, Limits
from app.intake.series import Told, tell
from app.intake.stated import Calendar, Stated, derived_uid, read_event
from app.intake.unfold import unfold, unreadable
from app.intake.zones import LONDON_ZONE, Zone, ZoneTable, named_zone

_EXPORT_AGAIN = "Export the calendar again and send the whole file."
_ONLY_EVENTS = "Enter each closure as an event, not as a task or a note."


@dataclass(slots=True)
class Grouped:
    """The events of a notice by UID, as they were stated, and what could not be read of it.

    ``spoiled`` are the UIDs of which something could not be read; ``events`` counts all, understood or not.
    """

    groups: dict[str, list[Stated]] = field(default_factory=dict)
    problems: list[IntakeProblem] = field(default_factory=list)
    spoiled: set[str] = field(default_factory=set)
    events: int = 0


def read_ical(octets: bytes, asking: Asking) -> NoticeContent:
    """Read an iCalendar notice (RFC 5545, RFC 5546). Raise as ``read_told`` does."""
    return read_told(octets, asking)[0]


def read_told(octets: bytes, asking: Asking) -> tuple[NoticeContent, dict[str, Told]]:
    """Read an iCalendar notice, and return beside the reading what each UID came to.

    Raise ``NoticeTooLarge`` (nothing was parsed) or ``NoticeUnreadable`` (no calendar was found), never anything else:
    all other trouble is a problem in the ``NoticeContent``.
    """
    allowance = Allowance(asking.limits)
    found = read_groups(octets, asking, allowance)
    told = {uid: tell_group(group, asking, allowance) for uid, group in found.groups.items()}
    problems = [*found.problems, *(problem for one in told.values() for problem in one.problems)]
    reading = NoticeContent(
        announcements=tuple(announcement for one in told.values() for announcement in one.announcements),
        problems=tuple(sorted(problems, key=lambda problem: problem.line or 0)),
        whole_uids=frozenset(uid for uid, one in told.items() if one.whole and uid not in found.spoiled),
        series=tuple(one.series for one in told.values() if one.series is not None),
        events=found.events,
    )
    return reading, told


def read_groups(octets: bytes, asking: Asking, allowance: Allowance) -> Grouped:
    """Read what the events of a notice state, before anything recurs. Raise as ``read_told`` does."""
    check_size(octets, asking.limits)
    calendars = split(unfold(octets), asking.limits)
    _check_calendars(calendars)
    found = Grouped(events=sum(len(calendar.events) for calendar in calendars))
    check_count(found.events, asking.limits)
    heads = Heads()
    for calendar in calendars:
        shared = _shared(calendar, asking, (heads, allowance), found.problems)
        _read_calendar(calendar, asking, shared, found)
        if not calendar.whole:
            found.spoiled.update(found.groups)
    if not found.events:
        found.problems.append(Unread("no-events", "The calendar holds no event.", _ONLY_EVENTS).problem)
    return found


def check_size(octets: bytes, limits: Limits) -> None:
    """Raise ``NoticeTooLarge`` for more octets than one notice may hold."""
    if len(octets) > limits.octets:
        raise NoticeTooLarge(
            f"The notice is larger than {limits.octets:,} octets.", "Send it in parts, or without attachments."
        )


def check_count(events: int, limits: Limits) -> None:
    """Raise ``NoticeTooLarge`` for more events than one notice may hold."""
    if events > limits.events:
        raise NoticeTooLarge(f"The notice holds more than {limits.events:,} events.", "Send it in parts.")


def _check_calendars(calendars: list[RawCalendar]) -> None:
    if not calendars:
        raise unreadable("no-calendar", "No BEGIN:VCALENDAR was found.", _EXPORT_AGAIN)
    sound = any(calendar.whole or any(event.fault is None for event in calendar.events) for calendar in calendars)
    if not sound:
        raise unreadable(
            "truncated", "The calendar breaks off before its first event is complete.", _EXPORT_AGAIN, calendars[0].line
        )


def _read_calendar(calendar: RawCalendar, asking: Asking, shared: Calendar | None, found: Grouped) -> None:
    problems = found.problems
    if not calendar.whole:
        problems.append(
            Unread("truncated", "The calendar breaks off before its END.", _EXPORT_AGAIN, line=calendar.line).problem
        )
    for kind, lines in calendar.others.items():
        text = f"Only events are read; {kind} is not one ({len(lines)} in this calendar)."
        problems.append(Unread("only-events", text, _ONLY_EVENTS, line=lines[0], property_name=kind).problem)
    if shared is None:
        return
    for raw in calendar.events:
        stated, trouble = _read_event(raw, shared, asking)
        problems += trouble
        if stated is not None:
            found.groups.setdefault(stated.uid, []).append(stated)
        else:
            found.spoiled.update(_uids(raw, shared.heads))


def _shared(
    calendar: RawCalendar, asking: Asking, of_notice: tuple[Heads, Allowance], problems: list[IntakeProblem]
) -> Calendar | None:
    """Return what the events share, or None with the problem kept where the METHOD gives no notice."""
    heads, allowance = of_notice
    try:
        stated = {one.name: read_property(one, heads) for one in calendar.properties}
        meaning = meaning_of(stated.get("METHOD"))
    except Unread as unread:
        problems.append(unread.problem)
        return None
    zones = ZoneTable(calendar.zones, asking.years(), allowance)
    return Calendar(
        meaning=meaning,
        zones=zones,
        floating=_floating(stated.get("X-WR-TIMEZONE")),
        heads=heads,
        properties=tuple(one for one in calendar.properties if one.name == "X-WR-TIMEZONE"),
    )


def _floating(stated: Property | None) -> Zone:
    """Return the zone of times that name none: the calendar's own where it is known (Google), else London."""
    return (named_zone(read_text(stated)) if stated else None) or LONDON_ZONE


def _read_event(raw: RawEvent, shared: Calendar, asking: Asking) -> tuple[Stated | None, list[IntakeProblem]]:
    try:
        return read_event(raw, shared, asking)
    except FAULTS:
        return None, [_beyond_reading(raw)]


def tell_group(group: list[Stated], asking: Asking, allowance: Allowance) -> Told:
    """Return what the events of one UID come to; what is beyond reading becomes a problem."""
    try:
        return tell(group, asking, allowance)
    except FAULTS:
        return Told(problems=[_beyond_reading(one.raw) for one in group])


def _beyond_reading(raw: RawEvent) -> IntakeProblem:
    return Unread(
        "unreadable", "This event cannot be read.", "Export it again, or enter the closure by form.", line=raw.line
    ).problem


def _uids(raw: RawEvent, heads: Heads) -> list[str]:
    """Return the UIDs that an event that was not understood has, or the one that it would have been given."""
    found = []
    for one in raw.properties:
        if one.name == "UID":
            try:
                found.append(read_text(read_property(RawProperty(*one), heads)))
            except Unread:
                continue
    return [uid or derived_uid(raw) for uid in found or [""]]
