"""What a change of one occurrence and all later ones makes of each (RECURRENCE-ID;RANGE=THISANDFUTURE)."""

from bisect import bisect_right
from dataclasses import replace
from datetime import datetime, time

from app.domain.refusal import IntakeProblem
from app.ical.recurrence import Expansion, RuleOccurrence, original_start
from app.ical.unread import Unread
from app.intake.parsed_event import RANGE_REMEDY, THIS_AND_FUTURE, ParsedEvent
from app.intake.problem import problem_of


class LaterChanges:
    """The changes among ``changed`` (by RECURRENCE-ID) that hold for later occurrences of their series too.

    Those that begin in ``span`` (its end may be open) where the series has no occurrence are taken out of ``changed``:
    by how much they move the later ones cannot be told. They are ``unfounded``.
    """

    def __init__(
        self, changed: dict[str, ParsedEvent], expansion: Expansion, span: tuple[datetime, datetime | None]
    ) -> None:
        found = [(start, key) for key, event in changed.items() if event.and_later and (start := original_start(key))]
        keys = {known.key for known in (*expansion.occurrences, *expansion.left_out)} if found else set()
        self.unfounded: list[ParsedEvent] = []
        self._hidden_from: datetime | None = None
        self._starts: list[datetime] = []
        self._events: list[ParsedEvent] = []
        for start, key in sorted(found):
            if start in keys or start < span[0] or (span[1] is not None and start > span[1]):
                self._starts.append(start)
                self._events.append(changed[key])
            else:
                self._hidden_from = self._hidden_from or start
                self.unfounded.append(changed.pop(key))

    def hide(self, occurrence: RuleOccurrence) -> bool:
        """Tell whether an unfounded change would hold for an occurrence, or for others of its day."""
        if self._hidden_from is None:
            return False
        starts = occurrence.starts
        return starts.naive.date() >= starts.zone.wall(self._hidden_from).date()

    def of(self, occurrence: RuleOccurrence, master: ParsedEvent) -> ParsedEvent | None:
        """Return the event that states an occurrence which has none of its own, None where the series does.

        It is moved by as much as the changed one was, on the clocks of the change, and lasts as long (RFC 5545 3.2.13).
        """
        place = bisect_right(self._starts, occurrence.key) - 1
        if place < 0:
            return None
        change = self._events[place]
        if change.withdrawn or change.starts is None:
            length = occurrence.length or master.length
            return replace(change, starts=occurrence.starts, length=length, recurrence_id=occurrence.starts)
        original, zone = self._starts[place], change.starts.zone
        if change.starts.all_day:
            days = change.starts.naive.date() - zone.wall(original).date()
            naive = datetime.combine(zone.wall(occurrence.key).date() + days, time())
        else:
            naive = zone.wall(occurrence.key) + (change.starts.naive - zone.wall(original))
        return replace(change, starts=replace(change.starts, naive=naive), recurrence_id=occurrence.starts)


def range_problem(event: ParsedEvent, why: str) -> IntakeProblem:
    """Return the problem with a change of an occurrence and all later ones of which we cannot tell what it makes."""
    text = f"{why}, so a change of it and all later ones (RANGE={THIS_AND_FUTURE}) cannot be read."
    line = next(line.number for line in event.sent.properties if line.name == "RECURRENCE-ID")
    return problem_of(Unread("range", text, RANGE_REMEDY, line=line, property_name="RECURRENCE-ID"))
