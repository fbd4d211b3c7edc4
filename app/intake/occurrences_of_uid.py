"""All that a notice says under one UID, put together: an event, a series with its changed occurrences, a withdrawal."""

from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from hashlib import sha256

from app.domain.notice import Announcement, NamedOccurrence, Occurrence, RepeatingRule
from app.domain.refusal import IntakeProblem, WindowRefused
from app.domain.window import ClosureWindow
from app.ical.limits import Allowance
from app.ical.moment import Moment, day_named
from app.ical.recurrence import Expansion, RuleOccurrence, expand, recurrence_key
from app.ical.unread import Unread
from app.intake.allowed_lines import event_lines, property_lines, zone_lines
from app.intake.itip import Meaning
from app.intake.later_occurrences import LaterChanges, range_problem
from app.intake.newest_of_uid import key_of, newest_of, without_undecided
from app.intake.parsed_event import UNREAD_TIME, ParsedEvent
from app.intake.problem import problem_of
from app.intake.read_request import ReadRequest
from app.intake.series_remarks import (
    by_day_remark,
    day_remarks,
    excluded_remarks,
    extent_remarks,
    skipped_remarks,
    stray_remarks,
)
from app.intake.windows import checked_window, window_from

_OF_PATTERN = frozenset({"DTSTART", "DTEND", "DURATION", "RRULE"})
_CLOCKS = timedelta(days=1)  # more than any zone ever moved its clocks
_TWICE = "Another event of this notice states an occurrence of this one, too; the first was read."
_ONCE = "State each occurrence once, or give each event a UID of its own."
_UNSYNCHRONISED = "The first date does not follow the rule of the series; it was kept as the first occurrence."


@dataclass(slots=True)
class UidContent:
    """What the events of one UID come to. ``whole``: they state its complete set of occurrences, at ``gateway``.

    ``instances`` are when it takes place, withdrawn or not: all that start from ``since`` on (None: all there ever
    were), none of them longer than ``longest``. Where a whole series is withdrawn they lack its occurrences, since
    ``cancelled``, its master, need not be expanded to be announced. ``skipped`` are the events of occurrences so long
    past that they are not taken, ``without_any`` those of series of which no occurrence is.
    """

    announcements: list[Announcement] = field(default_factory=list)
    instances: list[Occurrence] = field(default_factory=list)
    since: datetime | None = None
    cancelled: ParsedEvent | None = None
    problems: list[IntakeProblem] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    skipped: list[ParsedEvent] = field(default_factory=list)
    without_any: list[ParsedEvent] = field(default_factory=list)
    longest: timedelta = timedelta()
    series: RepeatingRule | None = None
    whole: bool = False
    gateway: str = ""


def read_uid(group: list[ParsedEvent], request: ReadRequest, allowance: Allowance) -> UidContent:
    """Turn the events of one UID into announcements, problems and remarks."""
    content = UidContent(longest=longest_of(group))
    duplicates: list[IntakeProblem] = []
    if len(group) > 1:
        group = without_undecided(group, content.problems)
    kept = newest_of(group, duplicates)
    master = kept.get("")
    changed = {key: event for key, event in kept.items() if event.recurrence_id is not None}
    for event in kept.values():
        if event.recurrence_id is None and event.calendar.meaning is Meaning.ADDITION:
            _announce_addition(content, event, request, allowance)
    if master is not None:
        _announce_master(content, master, changed, request, allowance)
    if changed and (master is None or master.withdrawn or master.recurrence is None):
        _refuse_ranges(content, changed)
    for key, event in changed.items():
        _announce_changed(content, event, key, request)
    if master is None:
        content.announcements = [_as_named(told, changed.get(told.recurrence_id)) for told in content.announcements]
    _take_once(content)
    if content.skipped:
        content.remarks += skipped_remarks(content.skipped)
    content.whole = master is not None and not content.problems
    content.gateway = "" if master is None else master.gateway
    content.problems = list(dict.fromkeys([*content.problems, *duplicates]))
    if content.series is not None:
        content.series = replace(content.series, octets=_octets(list(kept.values())))
    return content


def _take_once(content: UidContent) -> None:
    """Leave out what several events add of the same occurrence: it has one identity (METHOD:ADD, RFC 5546 3.2.4)."""
    taken: dict[tuple[str, str], Announcement] = {}
    for told in content.announcements:
        if taken.setdefault((told.gateway, told.recurrence_id), told) is not told:
            content.problems.append(problem_of(Unread("duplicate", _TWICE, _ONCE, line=told.line, property_name="UID")))
    content.announcements = list(taken.values())


def _refuse_ranges(content: UidContent, changed: dict[str, ParsedEvent]) -> None:
    """Take out the changes of an occurrence and all later ones where no series is stated beside them."""
    for key in [key for key, event in changed.items() if event.and_later]:
        content.problems.append(range_problem(changed.pop(key), "The series is not stated in this notice"))


def _as_named(told: Announcement, event: ParsedEvent | None) -> Announcement:
    """Return what is told of an occurrence without its series, with how its sender named it."""
    named = None if event is None else event.recurrence_id
    if named is None:
        return told
    wall = named.naive if named.floating and not named.all_day else None
    return replace(told, named=NamedOccurrence(day_named(named), wall, is_date=named.all_day))


def longest_of(group: list[ParsedEvent]) -> timedelta:
    """Return how long an occurrence of these events may last, a change of the clocks included."""
    lengths = [event.length for event in group if event.length is not None]
    added = [date.length for event in group if event.recurrence is not None for date in event.recurrence.added]
    lengths += [length for length in added if length is not None]
    return max((length.nominal + length.exact for length in lengths), default=timedelta()) + _CLOCKS


def farthest_moved(group: list[ParsedEvent]) -> timedelta:
    """Return by how much a change of an occurrence and all later ones moves these, either way, at most."""
    moved = (
        abs(event.starts.instant() - event.recurrence_id.instant())
        for event in group
        if event.and_later and event.starts is not None and event.recurrence_id is not None
    )
    return max(moved, default=timedelta()) + _CLOCKS


def _announce_master(
    content: UidContent,
    master: ParsedEvent,
    changed: dict[str, ParsedEvent],
    request: ReadRequest,
    allowance: Allowance,
) -> None:
    if master.withdrawn:
        _announce_withdrawn(content, master)
    elif master.recurrence is None:
        _announce_window(content, master, request)
        if changed:
            always = datetime.min.replace(tzinfo=UTC), None
            alone = [event for event in changed.values() if not event.and_later]
            content.remarks += stray_remarks(master, alone, Expansion(()), always)
    else:
        expansion = _expansion(content, master, request, allowance)
        content.remarks += day_remarks(master, changed.values())
        content.remarks += _name_by_day(changed, master, expansion)
        span = expansion.since or request.now - request.limits.past, expansion.until
        later = LaterChanges(changed, expansion, span)
        content.problems += [range_problem(event, "The series has no occurrence then") for event in later.unfounded]
        for occurrence in expansion.occurrences:
            key = recurrence_key(occurrence.key)
            own = changed.pop(key, None)
            if own is None and later.hide(occurrence):
                continue
            own = own or later.of(occurrence, master)
            if own is None:
                _announce_occurrence(content, master, occurrence, request)
            else:
                _announce_changed(content, own, key, request, occurrence.position)
        if expansion.unsynchronised and content.announcements:
            first = content.announcements[0]
            content.announcements[0] = replace(first, remarks=(*first.remarks, _UNSYNCHRONISED))
        content.since = expansion.since
        if expansion.until is not None:
            content.series = RepeatingRule(master.uid, master.gateway, b"", expansion.until, _pattern(master))
        if not content.problems:
            _remark_extent(content, master, expansion, goes_on=True)
            content.remarks += stray_remarks(master, list(changed.values()), expansion, span)


def _pattern(master: ParsedEvent) -> str:
    lines = sorted(line.octets for line in master.sent.properties if line.name in _OF_PATTERN)
    return sha256(b"\n".join(lines)).hexdigest()[:32]


def _name_by_day(changed: dict[str, ParsedEvent], master: ParsedEvent, expansion: Expansion) -> list[str]:
    """Find the occurrences of a timed series that an event names by their day alone, as some senders do."""
    by_day: dict[date, RuleOccurrence] | None = None
    by_key: dict[str, RuleOccurrence] = {}
    remarks: list[str] = []
    for key, event in list(changed.items()):
        named = event.recurrence_id
        if named is None or not named.all_day or (master.starts is not None and master.starts.all_day):
            continue
        if by_day is None:
            by_day = {occurrence.starts.naive.date(): occurrence for occurrence in expansion.occurrences}
            by_key = {recurrence_key(occurrence.key): occurrence for occurrence in expansion.occurrences}
        # A day that the series' own clocks do not have may still be one at whose London midnight it begins.
        meant = by_day.get(named.naive.date()) or by_key.get(key)
        if meant is not None and recurrence_key(meant.key) not in changed.keys() - {key}:
            changed[recurrence_key(meant.key)] = changed.pop(key)
            remarks.append(by_day_remark(master, event, meant))
    return remarks


def _announce_addition(content: UidContent, event: ParsedEvent, request: ReadRequest, allowance: Allowance) -> None:
    """Announce what METHOD:ADD adds to a series held already (RFC 5546 3.2.4); it has no place in the rule of that."""
    if event.recurrence is None:
        _announce_window(content, event, request, key_of(event, None))
        return
    expansion = _expansion(content, event, request, allowance)
    for occurrence in expansion.occurrences:
        _announce_occurrence(content, event, replace(occurrence, position=None), request)
    _remark_extent(content, event, expansion, goes_on=False)


def _remark_extent(content: UidContent, event: ParsedEvent, expansion: Expansion, *, goes_on: bool) -> None:
    content.remarks += extent_remarks(event, expansion, goes_on=goes_on) + excluded_remarks(event, expansion)
    if not expansion.occurrences:
        content.without_any.append(event)


def _expansion(content: UidContent, event: ParsedEvent, request: ReadRequest, allowance: Allowance) -> Expansion:
    assert event.recurrence is not None
    try:
        return expand(event.recurrence, request.now, request.limits, allowance)
    except Unread as unread:
        stated = next(line for line in event.sent.properties if line.name in {"RRULE", "RDATE"})
        content.problems.append(replace(problem_of(unread), line=stated.number, property=stated.name))
        return Expansion(())


def _announce_occurrence(
    content: UidContent, master: ParsedEvent, occurrence: RuleOccurrence, request: ReadRequest
) -> None:
    length = occurrence.length or master.length
    key = recurrence_key(occurrence.key)
    _announce_window(
        content, replace(master, starts=occurrence.starts, length=length), request, key, occurrence.position
    )


def _announce_changed(
    content: UidContent, event: ParsedEvent, key: str, request: ReadRequest, position: int | None = None
) -> None:
    """Announce an occurrence that has an event of its own; one as long past as those that a rule skips is skipped."""
    if event.withdrawn:
        _announce_withdrawn(content, event, key, position)
        return
    assert event.starts is not None
    assert event.recurrence_id is not None
    earliest = request.now - request.limits.past
    if event.starts.instant() >= earliest or event.recurrence_id.instant() >= earliest:
        _announce_window(content, event, request, key, position)
    else:
        content.skipped.append(event)


def _announce_window(
    content: UidContent, event: ParsedEvent, request: ReadRequest, recurrence_id: str = "", position: int | None = None
) -> None:
    assert event.starts is not None
    assert event.length is not None
    try:
        window, remarks = checked_window(event.starts, event.length, request, event.starts_at, event.ends_at)
    except Unread as unread:
        content.problems.append(problem_of(unread))
    else:
        stated = replace(event, remarks=event.remarks + remarks) if remarks else event
        content.announcements.append(_announcement(stated, window, recurrence_id, position))
        content.instances.append(_instance(event, event.starts, window, recurrence_id))


def _announce_withdrawn(
    content: UidContent, event: ParsedEvent, recurrence_id: str = "", position: int | None = None
) -> None:
    if event.recurrence is not None and not recurrence_id:
        content.cancelled = event
    window = None if content.cancelled is event else _any_window(event)
    content.announcements.append(_announcement(event, window, recurrence_id, position))
    if window is not None and event.starts is not None:
        content.instances.append(_instance(event, event.starts, window, recurrence_id))


def cancelled_instances(
    content: UidContent, request: ReadRequest, allowance: Allowance
) -> tuple[list[Occurrence], Expansion]:
    """Return the occurrences of a series that is withdrawn whole, and the expansion that they come from.

    What cannot be expanded has none: a withdrawal needs no time.
    """
    master = content.cancelled
    if master is None or master.recurrence is None or master.length is None:
        return [], Expansion(())
    try:
        expansion = expand(master.recurrence, request.now, request.limits, allowance)
        timed = [
            (occurrence, window_from(occurrence.starts, occurrence.length or master.length)[0])
            for occurrence in expansion.occurrences
        ]
    except (Unread, WindowRefused):
        return [], Expansion((), since=request.now - request.limits.past, until=request.now - request.limits.past)
    own = {instance.recurrence_id for instance in content.instances}
    found = [
        _instance(master, occurrence.starts, window, recurrence_key(occurrence.key)) for occurrence, window in timed
    ]
    return [instance for instance in found if instance.recurrence_id not in own], expansion


def _instance(event: ParsedEvent, starts: Moment, window: ClosureWindow, recurrence_id: str) -> Occurrence:
    return Occurrence(
        starts=window.starts,
        ends=window.ends,
        recurrence_id=recurrence_id,
        all_day=starts.all_day,
        floating=starts.floating,
        place=event.sent.place,
    )


def _any_window(event: ParsedEvent) -> ClosureWindow | None:
    """Return the window that a withdrawal names, if it names one; a withdrawal needs none."""
    if event.starts is None or event.length is None or not event.gateway:
        return None
    try:
        return window_from(event.starts, event.length)[0]
    except WindowRefused:
        return None


def _announcement(
    event: ParsedEvent, window: ClosureWindow | None, recurrence_id: str = "", position: int | None = None
) -> Announcement:
    return Announcement(
        uid=event.uid,
        gateway=event.gateway,
        window=window,
        recurrence_id=recurrence_id,
        withdrawn=event.withdrawn,
        sender_sequence=event.sequence,
        sender_dtstamp=event.dtstamp,
        position=position,
        line=event.sent.line,
        remarks=event.remarks,
        left_out=event.left_out,
        provisional=event.provisional,
    )


def _octets(events: list[ParsedEvent]) -> bytes:
    """Return a VCALENDAR of these events alone, of which this reader reads the same again."""
    calendar = events[0].calendar
    lines = [b"BEGIN:VCALENDAR", b"VERSION:2.0", b"PRODID:-//closure-notices//intake//EN"]
    lines += property_lines(calendar.properties)
    lines += [line for definition in calendar.zones.used() for line in zone_lines(definition)]
    for event in events:
        timeless = UNREAD_TIME in event.remarks
        lines += event_lines(event.sent, event.uid, frozenset({event.gateway.upper()}), is_timeless=timeless)[0]
    return b"\r\n".join([*lines, b"END:VCALENDAR", b""])
