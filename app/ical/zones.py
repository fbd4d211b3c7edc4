"""Which time zone a TZID means: IANA names, Windows names, Outlook's display names, vendors' prefixes, else the file's.

icalendar keeps the VTIMEZONEs that it is shown in a cache of the whole process, by their TZID alone; so it is never
shown one, and the zones of one notice live and die with its ``ZoneTable`` (ADR 8).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

from app.domain.london import LONDON, read_wall_clock
from app.domain.london import Reading as ClockReading
from app.ical.components import Component
from app.ical.custom_zone import CustomZone, read_custom_zone
from app.ical.limits import Allowance
from app.ical.parsed_line import ParsedLine
from app.ical.unread import Unread

_NAME_REMEDY = "Export with an IANA zone such as Europe/London, or give the times in UTC."
_LONGEST_NAME = 200
_ECHOED = re.compile(r"[A-Za-z0-9 ()+,./:&_-]{1,64}")
_DISPLAY = re.compile(r"\((?:UTC|GMT)(?:([+-])([0-9]{2}):?([0-9]{2}))?\) *(.*)")
_PLACES = re.compile(r"[,:;]")
_NOT_PLACES = ("posix/", "right/", "Etc/", "SystemV/", "US/", "Factory", "localtime")
_UTC_NAMES = frozenset({"utc", "z", "zulu", "etc/utc", "coordinated universal time", "tzone://microsoft/utc"})


@dataclass(frozen=True, slots=True)
class NamedZone:
    """A zone of the IANA data base."""

    name: str
    info: ZoneInfo

    def read(self, naive: datetime) -> tuple[datetime, ClockReading]:
        """Read a wall-clock time; see ``app.domain.london.read_wall_clock``."""
        return read_wall_clock(naive, self.info)

    def wall(self, instant: datetime) -> datetime:
        """Return what the clocks show at an aware instant, naive."""
        return instant.astimezone(self.info).replace(tzinfo=None)


Zone = NamedZone | CustomZone
LONDON_ZONE = NamedZone("Europe/London", LONDON)
UTC_ZONE = NamedZone("UTC", ZoneInfo("UTC"))


@cache
def _iana() -> dict[str, str]:
    """Return the names of the IANA data base by their lower case."""
    return {name.lower(): name for name in available_timezones() if name not in {"Factory", "localtime"}}


@cache
def _windows() -> dict[str, str]:
    return {windows.lower(): name for windows, name in WINDOWS_TO_OLSON.items()}


@cache
def _places() -> dict[str, str]:
    """Return IANA names by the place that they end in, in lower case: ``dublin`` -> ``Europe/Dublin``."""
    return {
        name.rsplit("/", 1)[-1].replace("_", " ").lower(): name
        for name in sorted(available_timezones())
        if "/" in name and not name.startswith(_NOT_PLACES)
    }


def plain_tzid(tzid: str) -> str:
    """Return a TZID without the blanks and quotation marks around it."""
    return tzid.strip().strip("\"'").strip()


def named_zone(tzid: str) -> NamedZone | None:
    """Return the zone that a TZID names without help from the file, or None."""
    name = plain_tzid(tzid)
    if not name or len(name) > _LONGEST_NAME:
        return None
    lower = name.lower()
    if lower in _UTC_NAMES:
        return UTC_ZONE
    found = _iana().get(lower) or _windows().get(lower) or _after_prefix(lower) or _displayed(name)
    return NamedZone(found, ZoneInfo(found)) if found else None


def _after_prefix(lower: str) -> str | None:
    """Read ``/mozilla.org/20050126_1/Europe/London`` and its like: the longest tail that is an IANA name."""
    if not lower.startswith(("/", "posix/", "tzone://")):
        return None
    parts = [part for part in lower.split("/") if part]
    tails = ("/".join(parts[-count:]) for count in (3, 2, 1) if count <= len(parts))
    return next((_iana()[tail] for tail in tails if tail in _iana()), None)


def _displayed(name: str) -> str | None:
    """Read ``(UTC+00:00) Dublin, Edinburgh, Lisbon, London``: places whose zones agree with each other and the offset.

    Where two places differ in any week of the next years, nothing is guessed. The United Kingdom comes first.
    """
    match = _DISPLAY.fullmatch(name)
    if match is None:
        return None
    sign, hours, minutes, rest = match.groups()
    if rest.strip().lower() == "coordinated universal time":
        return "UTC"
    offset = timedelta(hours=int(hours or 0), minutes=int(minutes or 0)) * (-1 if sign == "-" else 1)
    zones = [_places()[place] for part in _PLACES.split(rest) if (place := part.strip().lower()) in _places()]
    fitting = {zone: _offsets(zone) for zone in zones}
    if not fitting or len(set(fitting.values())) > 1 or offset not in next(iter(fitting.values())):
        return None
    return LONDON_ZONE.name if LONDON_ZONE.name in fitting else zones[0]


@cache
def _offsets(name: str) -> tuple[timedelta, ...]:
    """Return the offsets of a zone every week for ten years: two zones with the same ones are the same to us."""
    zone = ZoneInfo(name)
    first = datetime(2024, 1, 1, tzinfo=UTC)
    instants = (first + timedelta(weeks=week) for week in range(520))
    return tuple(instant.astimezone(zone).utcoffset() or timedelta() for instant in instants)


class ZoneTable:
    """The zones of one VCALENDAR; what it has resolved it remembers, for this calendar only."""

    def __init__(self, definitions: Sequence[Component], years: tuple[int, int], allowance: Allowance) -> None:
        self._definitions = definitions
        self._places: dict[str, int] = {}
        for place, definition in enumerate(definitions):
            self._places.setdefault(defined_tzid(definition), place)
        self._years = years
        self._allowance = allowance
        self._found: dict[str, Zone | Unread] = {}

    def resolve(self, tzid: str, line: int, property_name: str) -> Zone:
        """Return the zone of a TZID met on ``line``. Raise ``Unread``."""
        found = self._found.get(tzid)
        if found is None:
            found = named_zone(tzid) or self._custom(tzid)
            self._found[tzid] = found
        if isinstance(found, Unread):
            raise Unread(found.code, found.text, found.remedy, line=line, property_name=property_name)
        return found

    def used(self) -> list[Component]:
        """Return each VTIMEZONE that a time was read with so far, in the order of the calendar."""
        places = {zone.place for zone in self._found.values() if isinstance(zone, CustomZone)}
        return [self._definitions[place] for place in sorted(places)]

    def _custom(self, tzid: str) -> Zone | Unread:
        wanted = plain_tzid(tzid)
        shown = f" {wanted}" if _ECHOED.fullmatch(wanted) else ""
        place = self._places.get(wanted)
        if place is None:
            text = f"The time zone{shown} is neither known nor defined in the notice."
            return Unread("unknown-zone", text, _NAME_REMEDY)
        definition = self._definitions[place]
        try:
            return read_custom_zone(wanted, place, definition, self._years, self._allowance)
        except Unread as unread:
            where = f"The time zone{shown}, defined from line {definition.line},"
            return Unread(unread.code, f"{where} {unread.text}", _NAME_REMEDY)


def iana_zone(name: str) -> ZoneInfo | None:
    """Return a zone of the IANA data base, None for any other name."""
    found = _iana().get(name.lower())
    return ZoneInfo(found) if found else None


def floating_zone(stated: ParsedLine | None) -> Zone:
    """Return the zone of times that name none: the calendar's own, X-WR-TIMEZONE, where it is known, else London."""
    return (named_zone(stated.text()) if stated else None) or LONDON_ZONE


def defined_tzid(definition: Component) -> str:
    """Return the TZID that a VTIMEZONE defines, "" for none."""
    written = next((line.octets[5:] for line in definition.lines if line.octets[:5].upper() == b"TZID:"), b"")
    return plain_tzid(written.decode("utf-8", "replace").replace("\\,", ","))
