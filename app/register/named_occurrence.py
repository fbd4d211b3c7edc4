"""Which occurrence that is held a notice means where it names one without stating the series."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from app.domain.london import london_date, london_midnight, london_text
from app.domain.notice import Announcement, NamedOccurrence
from app.ical.recurrence import original_start, recurrence_key

# How far the clocks of any zone are from UTC, in whole quarters of an hour.
_WEST, _EAST, _QUARTER = timedelta(hours=-12), timedelta(hours=14), timedelta(minutes=15)


class HeldSeries:
    """The occurrences that are held of an event at a gateway; ``told`` are the RECURRENCE-IDs that a notice states."""

    def __init__(self, held: Iterable[str], told: Iterable[str]) -> None:
        self._starts = {key: start for key in held if (start := original_start(key)) is not None}
        self._taken = set(told)

    def as_held(self, announcement: Announcement, named: NamedOccurrence) -> Announcement:
        """Return what is told of an occurrence by the RECURRENCE-ID under which it is held, and say so.

        The literal reading comes first; then the day, of a series of whole days, which begin at London midnight; then
        the one occurrence that shows that day or clock. What is held nowhere stays as it was told.
        """
        starts = self._starts
        if announcement.recurrence_id in starts or not starts:
            return announcement
        midnight = recurrence_key(london_midnight(named.day))
        found = [midnight] if midnight in starts else [key for key, start in starts.items() if _may_mean(named, start)]
        if len(found) == 1 and found[0] not in self._taken:
            self._taken.add(found[0])
            remark = f"It was read as the occurrence of {london_text(starts[found[0]])} that we hold of its series."
            return replace(announcement, recurrence_id=found[0], remarks=(*announcement.remarks, remark))
        if announcement.withdrawn or announcement.recurrence_id > max(starts):
            return announcement
        remark = (
            "We hold its series, but no occurrence that it names (RECURRENCE-ID): it was taken as one more. "
            "Send the whole series if it is a change of another."
        )
        return replace(announcement, remarks=(*announcement.remarks, remark))


def _may_mean(named: NamedOccurrence, start: datetime) -> bool:
    if named.wall is not None:
        offset = named.wall.replace(tzinfo=UTC) - start
        return _WEST <= offset <= _EAST and not offset % _QUARTER
    return named.is_date and london_date(start) == named.day
