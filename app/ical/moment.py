"""A time as the sender wrote it, a wall clock in a zone; the instant it is; how long it is from one to another."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from app.ical.parsed_line import ParsedLine
from app.ical.values import Length, read_time
from app.ical.zones import LONDON_ZONE, UTC_ZONE, Zone, ZoneTable


@dataclass(frozen=True, slots=True)
class Moment:
    """``naive`` on the clocks of ``zone``; a whole day is its London midnight."""

    naive: datetime
    zone: Zone
    all_day: bool = False
    floating: bool = False

    def instant(self) -> datetime:
        """Return the UTC instant."""
        return self.zone.read(self.naive)[0]


def read_moment(stated: ParsedLine, value: str, zones: ZoneTable, floating: Zone) -> Moment:
    """Read one DATE or DATE-TIME of a line; ``floating`` is the zone of times that name none. Raise ``Unread``."""
    found, utc = read_time(stated, value)
    if not isinstance(found, datetime):
        return Moment(datetime(found.year, found.month, found.day), LONDON_ZONE, all_day=True)  # noqa: DTZ001 - wall clock
    if utc:
        return Moment(found, UTC_ZONE)
    tzid = stated.parameter("TZID")
    if tzid is None:
        return Moment(found, floating, floating=True)
    return Moment(found, zones.resolve(tzid, stated.line, stated.name))


def end_of(starts: Moment, length: Length) -> datetime:
    """Return the UTC instant at which what begins at ``starts`` ends: its days on the wall clock, the rest exactly."""
    return starts.zone.read(starts.naive + length.nominal)[0] + length.exact


def length_between(starts: Moment, ends: Moment) -> Length:
    """Return how long it is from ``starts`` to ``ends``: on the wall clock where both are in one zone, else exactly."""
    if starts.zone == ends.zone:
        return Length(ends.naive - starts.naive, timedelta())
    return Length(timedelta(), ends.instant() - starts.instant())
