"""All that a notice says under one UID, put together: an event, a series with its changed occurrences, a withdrawal."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from app.domain.notice import Announcement, Occurrence, RepeatingRule
from app.domain.refusal import IntakeProblem, WindowRefused
from app.domain.window import ClosureWindow
from app.intake.allowance import Allowance
from app.intake.itip import Meaning
from app.intake.moment import Moment, checked_window, window_from
from app.intake.needed import event_lines, property_lines, zone_lines
from app.intake.problem import Unread
from app.intake.reading import Asking
from app.intake.recurrence import Expansion, RuleOccurrence, expand, recurrence_key
from app.intake.stated import UNREAD_TIME, Stated

_CLOCKS = timedelta(days=1)  # more than any zone ever moved its clocks
_UNSYNCHRONISED = "The first date does not follow the rule of the series; it was kept as the first occurrence."


@dataclass(slots=True)
class Told:
    """What the events of one UID come to. ``whole`` says that they state its complete set of occurrences.

    ``instances`` are when it takes place, withdrawn or not: all that start from ``since`` on (None: all there ever
    were), none of them longer than ``longest``. Where a whole series is withdrawn they lack its occurrences, since
    ``cancelled``, its master, need not be expanded to be announced.
    """

    announcements: list[Announcement] = field(default_factory=list)
    instances: list[Occurrence] = field(default_factory=list)
    since: datetime | None = None
    cancelled: Stated | None = None
    problems: list[IntakeProblem] = field(default_factory=list)
    longest: timedelta = timedelta()
    series: RepeatingRule | None = None
    whole: bool = False


def tell(group: list[Stated], asking: Asking, allowance: Allowance) -> Told:
    """Turn the events of one UID into announcements and problems."""
    told = Told(longest=longest_of(group))
    duplicates: list[IntakeProblem] = []
    kept = _newest(group, duplicates)
    masters = [one for key, one in kept.items() if key is None]
    changed: dict[str | None, Stated] = {
        key: one for key, one in kept.items() if key is not None and one.recurrence_id is not None
    }
    for one in kept.values():
        if one.recurrence_id is None and one.calendar.meaning is Meaning.ADDITION:
            _tell_addition(told, one, asking, allowance)
    for master in masters:
        _tell_master(told, master, changed, asking, allowance)
    for key, one in changed.items():
        _tell_changed(told, one, key, asking)
    told.whole = bool(masters) and not told.problems
    told.problems = list(dict.fromkeys([*told.problems, *duplicates]))
    if told.series is not None:
        told.series = replace(told.series, octets=_octets(list(kept.values())))
    return told


def longest_of(group: list[Stated]) -> timedelta:
    """Return how long an occurrence of these events may last, a change of the clocks included."""
    lengths = [one.length for one in group if one.length is not None]
    added = [date.length for one in group if one.recurrence is not None for date in one.recurrence.added]
    lengths += [length for length in added if length is not None]
    return max((one.nominal + one.exact for one in lengths), default=timedelta()) + _CLOCKS


def _newest(group: list[Stated], problems: list[IntakeProblem]) -> dict[str | None, Stated]:
    """Keep the newest of each (UID, RECURRENCE-ID) by SEQUENCE, then DTSTAMP (RFC 5546 2.1.5); name the others."""
    kept: dict[str | None, Stated] = {}
    for one in group:
        key = _key(one)
        other = kept.get(key)
        if other is None:
            kept[key] = one
            continue
        newer, older = (one, other) if not _is_older(one, other) else (other, one)
        kept[key] = newer
        problems.append(
            Unread(
                "duplicate",
                "The same event stands in this notice twice; the newer one was read.",
                "Give each event a UID of its own, and each change a higher SEQUENCE.",
                line=older.raw.line,
                property_name="UID",
            ).problem
        )
    return kept


def _key(one: Stated) -> str | None:
    if one.recurrence_id is not None:
        return recurrence_key(one.recurrence_id.instant())
    if one.calendar.meaning is Meaning.ADDITION and one.starts is not None:
        return recurrence_key(one.starts.instant())
    return None


def _is_older(one: Stated, other: Stated) -> bool:
    if one.sequence != other.sequence or one.dtstamp is None or other.dtstamp is None:
        return one.sequence < other.sequence
    return one.dtstamp < other.dtstamp


def _tell_master(
    told: Told, master: Stated, changed: dict[str | None, Stated], asking: Asking, allowance: Allowance
) -> None:
    if master.withdrawn:
        _tell_withdrawn(told, master)
    elif master.recurrence is None:
        _tell_window(told, master, asking)
    else:
        expansion = _expansion(told, master, asking, allowance)
        by_day = {one.starts.naive.date(): one for one in expansion.occurrences}
        for key, one in list(changed.items()):
            named = one.recurrence_id
            if named is not None and named.all_day and not master.recurrence.starts.all_day:
                # Some senders name an occurrence by its day alone.
                meant = by_day.get(named.naive.date())
                if meant is not None:
                    changed[recurrence_key(meant.key)] = changed.pop(key)
        for occurrence in expansion.occurrences:
            own = changed.pop(recurrence_key(occurrence.key), None)
            if own is None:
                _tell_occurrence(told, master, occurrence, asking)
            else:
                _tell_changed(told, own, recurrence_key(occurrence.key), asking, occurrence.position)
        if expansion.unsynchronised and told.announcements:
            first = told.announcements[0]
            told.announcements[0] = replace(first, remarks=(*first.remarks, _UNSYNCHRONISED))
        told.since = expansion.since
        if expansion.until is not None:
            told.series = RepeatingRule(master.uid, master.gateway, b"", expansion.until)


def _tell_addition(told: Told, one: Stated, asking: Asking, allowance: Allowance) -> None:
    """Announce what METHOD:ADD adds to a series held already (RFC 5546 3.2.4); it has no place in the rule of that."""
    if one.recurrence is None:
        _tell_window(told, one, asking, _key(one) or "")
        return
    for occurrence in _expansion(told, one, asking, allowance).occurrences:
        _tell_occurrence(told, one, replace(occurrence, position=None), asking)


def _expansion(told: Told, one: Stated, asking: Asking, allowance: Allowance) -> Expansion:
    assert one.recurrence is not None
    try:
        return expand(one.recurrence, asking.now, asking.limits, allowance)
    except Unread as unread:
        stated = next(raw for raw in one.raw.properties if raw.name in {"RRULE", "RDATE"})
        told.problems.append(replace(unread.problem, line=stated.line, property=stated.name))
        return Expansion(())


def _tell_occurrence(told: Told, master: Stated, occurrence: RuleOccurrence, asking: Asking) -> None:
    length = occurrence.length or master.length
    key = recurrence_key(occurrence.key)
    _tell_window(told, replace(master, starts=occurrence.starts, length=length), asking, key, occurrence.position)


def _tell_changed(told: Told, one: Stated, key: str | None, asking: Asking, position: int | None = None) -> None:
    """Announce an occurrence that has an event of its own; one as long past as those that a rule skips is skipped."""
    if one.withdrawn:
        _tell_withdrawn(told, one, key or "", position)
        return
    assert one.starts is not None
    assert one.recurrence_id is not None
    earliest = asking.now - asking.limits.past
    if one.starts.instant() >= earliest or one.recurrence_id.instant() >= earliest:
        _tell_window(told, one, asking, key or "", position)


def _tell_window(told: Told, one: Stated, asking: Asking, recurrence_id: str = "", position: int | None = None) -> None:
    assert one.starts is not None
    assert one.length is not None
    try:
        window, remarks = checked_window(one.starts, one.length, asking, one.starts_at, one.ends_at)
    except Unread as unread:
        told.problems.append(unread.problem)
    else:
        stated = replace(one, remarks=one.remarks + remarks) if remarks else one
        told.announcements.append(_announcement(stated, window, recurrence_id, position))
        told.instances.append(_instance(one, one.starts, window, recurrence_id))


def _tell_withdrawn(told: Told, one: Stated, recurrence_id: str = "", position: int | None = None) -> None:
    if one.recurrence is not None and not recurrence_id:
        told.cancelled = one
    window = None if told.cancelled is one else _any_window(one)
    told.announcements.append(_announcement(one, window, recurrence_id, position))
    if window is not None and one.starts is not None:
        told.instances.append(_instance(one, one.starts, window, recurrence_id))


def cancelled_instances(told: Told, asking: Asking, allowance: Allowance) -> tuple[list[Occurrence], Expansion]:
    """Return the occurrences of a series that is withdrawn whole, and the expansion that they come from.

    What cannot be expanded has none: a withdrawal needs no time.
    """
    master = told.cancelled
    if master is None or master.recurrence is None or master.length is None:
        return [], Expansion(())
    try:
        expansion = expand(master.recurrence, asking.now, asking.limits, allowance)
        timed = [(one, window_from(one.starts, one.length or master.length)[0]) for one in expansion.occurrences]
    except (Unread, WindowRefused):
        return [], Expansion((), since=asking.now - asking.limits.past, until=asking.now - asking.limits.past)
    own = {one.recurrence_id for one in told.instances}
    found = [_instance(master, one.starts, window, recurrence_key(one.key)) for one, window in timed]
    return [one for one in found if one.recurrence_id not in own], expansion


def _instance(one: Stated, starts: Moment, window: ClosureWindow, recurrence_id: str) -> Occurrence:
    return Occurrence(
        starts=window.starts,
        ends=window.ends,
        recurrence_id=recurrence_id,
        all_day=starts.all_day,
        floating=starts.floating,
        place=one.raw.place,
    )


def _any_window(one: Stated) -> ClosureWindow | None:
    """Return the window that a withdrawal names, if it names one; a withdrawal needs none."""
    if one.starts is None or one.length is None or not one.gateway:
        return None
    try:
        return window_from(one.starts, one.length)[0]
    except WindowRefused:
        return None


def _announcement(
    one: Stated, window: ClosureWindow | None, recurrence_id: str = "", position: int | None = None
) -> Announcement:
    return Announcement(
        uid=one.uid,
        gateway=one.gateway,
        window=window,
        recurrence_id=recurrence_id,
        withdrawn=one.withdrawn,
        sender_sequence=one.sequence,
        sender_dtstamp=one.dtstamp,
        position=position,
        line=one.raw.line,
        remarks=one.remarks,
        left_out=one.left_out,
    )


def _octets(events: list[Stated]) -> bytes:
    """Return a VCALENDAR of these events alone, of which this reader reads the same again."""
    calendar = events[0].calendar
    lines = [b"BEGIN:VCALENDAR", b"VERSION:2.0", b"PRODID:-//closure-notices//intake//EN"]
    lines += property_lines(calendar.properties)
    lines += [line for definition in calendar.zones.used() for line in zone_lines(definition)]
    for event in events:
        timeless = UNREAD_TIME in event.remarks
        lines += event_lines(event.raw, event.uid, frozenset({event.gateway.upper()}), is_timeless=timeless)[0]
    return b"\r\n".join([*lines, b"END:VCALENDAR", b""])
