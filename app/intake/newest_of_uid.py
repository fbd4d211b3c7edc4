"""Of several events under one UID, which count: the newest of each, or none where nobody can tell which that is."""

from app.domain.refusal import IntakeProblem
from app.ical.moment import Moment, in_series
from app.ical.recurrence import recurrence_key
from app.ical.unread import Unread
from app.intake.itip import Meaning
from app.intake.parsed_event import ParsedEvent
from app.intake.problem import problem_of

_REMEDY = "Give each event a UID of its own, and each change a higher SEQUENCE."
_SEVERAL = 2


def without_undecided(group: list[ParsedEvent], problems: list[IntakeProblem]) -> list[ParsedEvent]:
    """Leave out several events that say different things under one UID and RECURRENCE-ID, none marked as newer."""
    masters = [event for event in group if key_of(event, None) == ""]
    if len(masters) < _SEVERAL:
        return group
    newest = masters[0]
    for event in masters[1:]:
        newest = event if _is_older(newest, event) else newest
    latest = [event for event in masters if not _is_older(event, newest)]
    if all(_says_the_same(event, newest) for event in latest):
        return group
    text = f"{len(latest)} events here have one UID and say different things, none of them marked as newer."
    for event in latest:
        unread = Unread("several-events", f"{text} None was taken.", _REMEDY, line=event.sent.line, property_name="UID")
        problems.append(problem_of(unread))
    return [event for event in group if key_of(event, None) != ""]


def _says_the_same(event: ParsedEvent, other: ParsedEvent) -> bool:
    said = [
        (
            event.withdrawn,
            event.starts,
            event.length,
            recurrence and (recurrence.rule, recurrence.added, [excluded.written for excluded in recurrence.excluded]),
        )
        for event, recurrence in ((event, event.recurrence), (other, other.recurrence))
    ]
    return said[0] == said[1]


def _series_starts(group: list[ParsedEvent]) -> Moment | None:
    """Return when the series of a UID begins as its newest master has it; None where nothing recurs."""
    newest: ParsedEvent | None = None
    for event in group:
        is_master = event.recurrence_id is None and event.recurrence is not None
        if is_master and (newest is None or not _is_older(event, newest)):
            newest = event
    return None if newest is None else newest.starts


def newest_of(group: list[ParsedEvent], problems: list[IntakeProblem]) -> dict[str, ParsedEvent]:
    """Return the newest of each RECURRENCE-ID by SEQUENCE, then DTSTAMP (RFC 5546 2.1.5); name the others.

    The key is "" for a master, else that of ``recurrence_key``, as the series has it where it is stated.
    """
    series = _series_starts(group) if len(group) > 1 else None
    kept: dict[str, ParsedEvent] = {}
    for event in group:
        key = key_of(event, series)
        other = kept.get(key)
        if other is None:
            kept[key] = event
            continue
        newer, older = (event, other) if not _is_older(event, other) else (other, event)
        kept[key] = newer
        problems.append(
            problem_of(
                Unread(
                    "duplicate",
                    "The same event stands in this notice twice; the newer one was read.",
                    _REMEDY,
                    line=older.sent.line,
                    property_name="UID",
                )
            )
        )
    return kept


def key_of(event: ParsedEvent, series: Moment | None) -> str:
    """Return what tells an event from others of its UID; ``series`` is when the series begins, where it is stated."""
    if event.recurrence_id is not None:
        named = event.recurrence_id if series is None else in_series(event.recurrence_id, series)
        return recurrence_key(named.instant())
    if event.calendar.meaning is Meaning.ADDITION and event.starts is not None:
        return recurrence_key(event.starts.instant())
    return ""


def _is_older(event: ParsedEvent, other: ParsedEvent) -> bool:
    if event.sequence != other.sequence or event.dtstamp is None or other.dtstamp is None:
        return event.sequence < other.sequence
    return event.dtstamp < other.dtstamp
