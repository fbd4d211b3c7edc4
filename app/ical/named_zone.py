"""A zone of the IANA data base, on whose clocks a time is read as RFC 5545 reads it."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from app.domain.london import LONDON, read_wall_clock
from app.domain.london import Reading as ClockReading
from app.ical.offsets import Offsets

_WEEK, _SECOND = timedelta(weeks=1), timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class NamedZone:
    """A zone of the IANA data base."""

    name: str
    info: ZoneInfo

    def read(self, naive: datetime) -> tuple[datetime, ClockReading]:
        """Read a wall-clock time: an ambiguous one as the first, a missing one with the offset before the gap.

        "the DATE-TIME value is interpreted using the UTC offset before the gap in local times" (RFC 5545 3.3.5).
        """
        instant, how = read_wall_clock(naive, self.info)
        if how is not ClockReading.AFTER_GAP:
            return instant, how
        return naive.replace(tzinfo=self.info, fold=0).astimezone(UTC), ClockReading.OFFSET_BEFORE_GAP

    def wall(self, instant: datetime) -> datetime:
        """Return what the clocks show at an aware instant, naive."""
        return instant.astimezone(self.info).replace(tzinfo=None)

    def offsets(self, years: tuple[int, int]) -> Offsets:
        """Return the offsets from the first to the last of ``years``."""
        return _offsets(self.name, years)


LONDON_ZONE = NamedZone("Europe/London", LONDON)
UTC_ZONE = NamedZone("UTC", ZoneInfo("UTC"))


@lru_cache(maxsize=1_024)
def _offsets(name: str, years: tuple[int, int]) -> Offsets:
    """Look at every week of the years: no zone changes its clocks there and back within one."""
    zone = ZoneInfo(name)
    before, end = datetime(years[0], 1, 1, tzinfo=UTC), datetime(years[1] + 1, 1, 1, tzinfo=UTC)
    onsets, values = [], [_offset(before, zone)]
    while before < end:
        after = before + _WEEK
        if _offset(after, zone) != values[-1]:
            onsets.append(_onset(before, after, zone))
            values.append(_offset(after, zone))
        before = after
    return Offsets(tuple(onsets), tuple(values))


def _onset(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    old = _offset(before, zone)
    while after - before > _SECOND:
        middle = before + (after - before) // _SECOND // 2 * _SECOND
        if _offset(middle, zone) == old:
            before = middle
        else:
            after = middle
    return after


def _offset(instant: datetime, zone: ZoneInfo) -> timedelta:
    return instant.astimezone(zone).utcoffset() or timedelta()
