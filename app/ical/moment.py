"""A time as the sender wrote it, a wall clock in a zone; the instant it is; how long it is from one to another."""

from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta

from app.ical.doubted_zone import Zone
from app.ical.named_zone import LONDON_ZONE, UTC_ZONE
from app.ical.parsed_line import ParsedLine
from app.ical.values import Length, read_time
from app.ical.zones import ZoneTable, named_zone

_UTC_AND_ZONE = "A time in UTC (Z) that also names a time zone was read as UTC. If it is local time, leave out the Z."
_DAY_AND_TIME = (
    "A date (VALUE=DATE) that also gives a time was read as the whole day. If the time counts, leave out VALUE=DATE."
)
_NOON = time(12)
_QUARTER = 15  # minutes: every zone's midnight is a whole number of them away from that of UTC
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Moment:
    """``naive`` on the clocks of ``zone``; a whole day is its London midnight.

    ``remark`` says what was written twice over, and how it was read.
    """

    naive: datetime
    zone: Zone
    all_day: bool = False
    floating: bool = False
    remark: str = field(default="", compare=False)

    def instant(self) -> datetime:
        """Return the UTC instant."""
        return self.zone.read(self.naive)[0]


def read_moment(stated: ParsedLine, value: str, zones: ZoneTable, floating: Zone) -> Moment:
    """Read one DATE or DATE-TIME of a line; ``floating`` is the zone of times that name none. Raise ``Unread``."""
    found, utc = read_time(stated, value)
    if not isinstance(found, datetime):
        return whole_day(found)
    if not stated.parameters:  # most lines
        return Moment(found, UTC_ZONE) if utc else Moment(found, floating, floating=True)
    if (stated.parameter("VALUE") or "").upper() == "DATE":
        return _as_day(Moment(found, UTC_ZONE if utc else LONDON_ZONE), is_end=stated.name == "DTEND")
    tzid = stated.parameter("TZID")
    if utc:
        has_other_zone = tzid is not None and named_zone(tzid) != UTC_ZONE
        return Moment(found, UTC_ZONE, remark=_UTC_AND_ZONE if has_other_zone else "")
    if tzid is None:
        return Moment(found, floating, floating=True)
    return Moment(found, zones.resolve(tzid, stated.line, stated.name))


def _as_day(stated: Moment, *, is_end: bool) -> Moment:
    """Return the day that a date with a time stands for. An end is exclusive: a day of which it has a part is over."""
    day = day_named(stated)
    if is_end and stated.naive.time() > time() and day == stated.naive.date():
        day += _DAY
    return replace(whole_day(day), remark=_DAY_AND_TIME)


def day_named(moment: Moment) -> date:
    """Return the day that a moment names among whole days: the day that its sender wrote, at midnight of some zone.

    In UTC the midnight of a zone further east falls on the evening before: 22:00Z is the next day in Berlin's summer.
    What is nobody's midnight, such as 23:59:59, names the day that it is written with.
    """
    wall = moment.naive
    if moment.zone == UTC_ZONE and not moment.floating and wall.time() > _NOON:
        is_midnight = wall.minute % _QUARTER == 0 and wall.second == 0
        return wall.date() + _DAY if is_midnight else wall.date()
    return wall.date()


def whole_day(day: date) -> Moment:
    """Return a whole day as the moment at which it begins."""
    return Moment(datetime.combine(day, time()), LONDON_ZONE, all_day=True)


def in_series(named: Moment, series: Moment) -> Moment:
    """Return what a RECURRENCE-ID, EXDATE or RDATE means in a series that begins at ``series``.

    Among whole days it names a day, whatever its type; else a time without a zone is on the clocks of the series.
    """
    if series.all_day:
        return whole_day(day_named(named))
    return replace(named, zone=series.zone) if named.floating else named


def read_named(stated: ParsedLine, zones: ZoneTable, floating: Zone, starts: Moment | None) -> Moment:
    """Read the RECURRENCE-ID of an event that begins at ``starts``, if it says so. Raise ``Unread``.

    What is named without a zone is named in the zone that the event itself keeps; one that keeps none leaves it open.
    """
    named = read_moment(stated, stated.value, zones, starts.zone if starts else floating)
    return replace(named, floating=False) if starts is not None and not starts.floating else named


def end_of(starts: Moment, length: Length) -> datetime:
    """Return the UTC instant at which what begins at ``starts`` ends: its days on the wall clock, the rest exactly."""
    return starts.zone.read(starts.naive + length.nominal)[0] + length.exact


def length_between(starts: Moment, ends: Moment) -> Length:
    """Return how long it is from ``starts`` to ``ends``: on the wall clock where both are in one zone, else exactly."""
    if starts.zone == ends.zone:
        return Length(ends.naive - starts.naive, timedelta())
    return Length(timedelta(), ends.instant() - starts.instant())
