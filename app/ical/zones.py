"""Which time zone a TZID means: IANA names, Windows names, Outlook's display names, vendors' prefixes, else the file's.

icalendar keeps the VTIMEZONEs that it is shown in a cache of the whole process, by their TZID alone; so it is never
shown one, and the zones of one notice live and die with its ``ZoneTable`` (ADR 8).
"""

import re
from collections.abc import Sequence
from datetime import timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON

from app.ical.components import Component
from app.ical.custom_zone import CustomZone, read_custom_zone
from app.ical.doubted_zone import DoubtedZone, Zone, doubted
from app.ical.limits import Allowance
from app.ical.named_zone import LONDON_ZONE, UTC_ZONE, NamedZone
from app.ical.parsed_line import ParsedLine
from app.ical.unread import Unread

_NAME_REMEDY = "Export with an IANA zone such as Europe/London, or give the times in UTC."
_LONGEST_NAME = 200
_ECHOED = re.compile(r"[A-Za-z0-9 ()+,./:&_-]{1,64}")
_DISPLAY = re.compile(r"\((?:UTC|GMT)(?:([+-])([0-9]{2}):?([0-9]{2}))?\) *(.*)")
_PLACES = re.compile(r"[,:;]")
_NOT_PLACES = ("posix/", "right/", "Etc/", "SystemV/", "US/", "Factory", "localtime")
_COMPARED = (2024, 2033)
_FIRST_YEAR, _LAST_YEAR = 1970, 2100  # what is kept does not reach so far
_MOST_DEFINITIONS = 8
# Names of the data base that say an offset, or by which rule clocks change, and not where they hang.
_NO_PLACES = frozenset(
    {
        *("GMT", "GMT0", "GMT+0", "GMT-0", "Greenwich", "UCT", "UTC", "Universal", "Zulu", "EST", "MST", "HST"),
        *("WET", "CET", "MET", "EET", "EST5EDT", "CST6CDT", "MST7MDT", "PST8PDT"),
    }
)
_UTC_NAMES = frozenset({"utc", "z", "zulu", "etc/utc", "coordinated universal time", "tzone://microsoft/utc"})


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

    Where two places ever differ in the years compared, nothing is guessed. The United Kingdom comes first.
    """
    match = _DISPLAY.fullmatch(name)
    if match is None:
        return None
    sign, hours, minutes, rest = match.groups()
    if rest.strip().lower() == "coordinated universal time":
        return "UTC"
    offset = timedelta(hours=int(hours or 0), minutes=int(minutes or 0)) * (-1 if sign == "-" else 1)
    zones = [_places()[place] for part in _PLACES.split(rest) if (place := part.strip().lower()) in _places()]
    fitting = {zone: NamedZone(zone, ZoneInfo(zone)).offsets(_COMPARED) for zone in zones}
    if not fitting or len(set(fitting.values())) > 1 or offset not in next(iter(fitting.values())).values:
        return None
    return LONDON_ZONE.name if LONDON_ZONE.name in fitting else zones[0]


class ZoneTable:
    """The zones of one VCALENDAR; what it has resolved it remembers, for this calendar only."""

    def __init__(self, definitions: Sequence[Component], years: tuple[int, int], allowance: Allowance) -> None:
        self._definitions = definitions
        self._places: dict[str, list[int]] = {}
        for place, definition in enumerate(definitions):
            self._places.setdefault(defined_tzid(definition), []).append(place)
        self._years = (max(years[0], _FIRST_YEAR), min(years[1], _LAST_YEAR))
        self._allowance = allowance
        self._found: dict[str, Zone | Unread] = {}
        self._used: set[int] = set()

    def resolve(self, tzid: str, line: int, property_name: str) -> Zone:
        """Return the zone of a TZID met on ``line``. Raise ``Unread``."""
        found = self._found.get(tzid)
        if found is None:
            try:
                found = self._resolved(plain_tzid(tzid), named_zone(tzid))
            except Unread as unread:
                found = unread
            self._found[tzid] = found
        if isinstance(found, Unread):
            raise Unread(found.code, found.text, found.remedy, line=line, property_name=property_name)
        return found

    def used(self) -> list[Component]:
        """Return each VTIMEZONE that counted for a time so far, in the order of the calendar."""
        return [self._definitions[place] for place in sorted(self._used)]

    def _resolved(self, name: str, known: NamedZone | None) -> Zone:
        """Return what a name means here. Raise ``Unread``.

        Where the notice defines a name that is known the definition counts, but for a place: whose clocks show what,
        the data base knows better than an old program.
        """
        # What defines no offset says nothing against a name that is known.
        places = [place for place in self._places.get(name, []) if known is None or self._definitions[place].parts]
        shown = f" {name}" if _ECHOED.fullmatch(name) else ""
        if known is not None and not places:
            if _says_itself(name, known):
                return known
            return DoubtedZone(
                shown, known, unread=f"The time zone{shown} is not defined here: {known.name} was taken."
            )
        if not places:
            text = f"The time zone{shown} is neither known nor defined in the notice."
            raise Unread("unknown-zone", text, _NAME_REMEDY)
        defined, unread = self._defined(name, shown, places)
        if known is not None and unread is not None:
            return DoubtedZone(shown, known, unread=f"{unread.text} The name alone was followed.")
        if unread is not None:
            raise unread
        found: Zone
        if known is None:
            found = doubted(shown, defined[0], defined[1:], (), self._years)
        elif _is_place(name, known):
            found = doubted(shown, known, (), defined, self._years)
        else:
            found = doubted(shown, defined[0], defined[1:], (known,), self._years)
        if known is not None and not isinstance(found, DoubtedZone):
            return known
        self._used.update(zone.place for zone in defined)
        return found

    def _defined(self, name: str, shown: str, places: list[int]) -> tuple[list[CustomZone], Unread | None]:
        """Return the definitions of a name as zones that differ, and what cannot be read of them."""
        found: list[CustomZone] = []
        for place in places:
            definition = self._definitions[place]
            try:
                zone = read_custom_zone(name, place, definition, self._years, self._allowance)
            except Unread as unread:
                where = f"The time zone{shown}, defined from line {definition.line},"
                return [], Unread(unread.code, f"{where} {unread.text}", _NAME_REMEDY)
            if all(zone.offsets != other.offsets for other in found):
                found.append(zone)
            if len(found) > _MOST_DEFINITIONS:
                text = f"The time zone{shown} has more than {_MOST_DEFINITIONS} definitions."
                return [], Unread("custom-zone", text, _NAME_REMEDY)
        return found, None


def _says_itself(name: str, known: NamedZone) -> bool:
    """Tell whether a name needs no definition to be read alike by everybody: one of the IANA data base, or UTC."""
    return name.lower() in _iana() or known == UTC_ZONE or name.startswith("/")


def iana_zone(name: str) -> ZoneInfo | None:
    """Return a zone of the IANA data base, None for any other name."""
    found = _iana().get(name.lower())
    return ZoneInfo(found) if found else None


def floating_zone(stated: ParsedLine | None, zones: ZoneTable) -> Zone:
    """Return the zone of times that name none: the calendar's own, X-WR-TIMEZONE, where it is known, else London.

    Raise ``Unread``.
    """
    if stated is None or named_zone(stated.text()) is None:
        return LONDON_ZONE
    return zones.resolve(stated.text(), stated.line, stated.name)


def defined_tzid(definition: Component) -> str:
    """Return the TZID that a VTIMEZONE defines, "" for none; some senders give it parameters (RFC 5545 3.8.3.1)."""
    try:
        stated = next(iter(definition.parsed("TZID")), None)
    except Unread:
        return ""
    return plain_tzid(stated.value.replace("\\,", ",")) if stated else ""


def _is_place(name: str, known: NamedZone) -> bool:
    """Tell whether a name is that of a place in the data base, and neither of an offset nor of a kind of clocks."""
    if name.lower() in _windows() or _DISPLAY.fullmatch(name):
        return False
    return known.name != UTC_ZONE.name and not known.name.startswith("Etc/") and known.name not in _NO_PLACES
