"""A zone of which the notice says two things, by its name and by a definition or by two: which is followed, and when.

Where both say the same of a time nothing is said of it. Else a sender is told, or asked where nothing decides.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.domain.london import Reading as ClockReading
from app.ical.custom_zone import CustomZone
from app.ical.named_zone import NamedZone
from app.ical.offsets import Offsets
from app.ical.unread import Unread

_IF_WRONG = "If that is wrong, give the times in UTC."
_ONE_DEFINITION = "Keep one definition of the zone, or give the times in UTC."


@dataclass(frozen=True, slots=True)
class DoubtedZone:
    """``followed`` is what times are read by. ``name`` is blank, or a space and what may be shown of the name.

    ``equals`` are other definitions with as good a claim, ``others`` what the zone would be but for ``followed``;
    ``years`` are those of the clocks in which any of them differs from it. ``unread`` says what was not understood.
    """

    name: str
    followed: NamedZone | CustomZone
    equals: tuple[CustomZone, ...] = ()
    others: tuple[NamedZone | CustomZone, ...] = ()
    years: frozenset[int] = frozenset()
    unread: str = ""

    def read(self, naive: datetime) -> tuple[datetime, ClockReading]:
        """Read a wall-clock time as the zone that is followed does."""
        return self.followed.read(naive)

    def wall(self, instant: datetime) -> datetime:
        """Return what the clocks show at an aware instant, naive."""
        return self.followed.wall(instant)

    def differing(self, naive: datetime, among: Sequence[NamedZone | CustomZone]) -> datetime | None:
        """Return the first other instant that one of some zones makes of a wall-clock time."""
        if naive.year not in self.years:
            return None
        instant = self.followed.read(naive)[0]
        instants = (zone.read(naive)[0] for zone in among)
        return next((other for other in instants if other != instant), None)


Zone = NamedZone | CustomZone | DoubtedZone


def doubted(
    name: str,
    followed: NamedZone | CustomZone,
    equals: Sequence[CustomZone],
    others: Sequence[NamedZone | CustomZone],
    years: tuple[int, int],
) -> Zone:
    """Return the zone that is followed, doubted where another differs from it in any of the years."""
    offsets = _offsets(followed, years)
    differing = [offsets.differing_years(_offsets(zone, years), years) for zone in (*equals, *others)]
    found = frozenset[int]().union(*differing)
    return DoubtedZone(name, followed, tuple(equals), tuple(others), found) if found else followed


def _offsets(zone: NamedZone | CustomZone, years: tuple[int, int]) -> Offsets:
    return zone.offsets(years) if isinstance(zone, NamedZone) else zone.offsets


def undoubted(zone: Zone, naive: datetime) -> Zone:
    """Return the zone that is followed where nothing speaks against it at a wall-clock time."""
    if isinstance(zone, DoubtedZone) and not zone.differing(naive, (*zone.equals, *zone.others)):
        return zone.followed
    return zone


def check_definitions(zone: Zone, times: Sequence[datetime], line: int, property_name: str) -> None:
    """Raise ``Unread`` where two definitions of the zone differ at a wall-clock time: nothing says which is meant."""
    if not isinstance(zone, DoubtedZone) or not zone.equals or not isinstance(zone.followed, CustomZone):
        return
    for other in zone.equals:
        if any(zone.differing(naive, (other,)) for naive in times):
            lines = f"from line {zone.followed.line} and from line {other.line}"
            text = f"The time zone{zone.name} is defined twice, {lines}, and the two differ at this time."
            raise Unread("two-definitions", text, _ONE_DEFINITION, line=line, property_name=property_name)


def doubts(zone: Zone, times: Sequence[datetime]) -> tuple[str, ...]:
    """Word what else the zone could make of wall-clock times: of the first for which that matters."""
    if not isinstance(zone, DoubtedZone):
        return ()
    if zone.unread:
        return (f"{zone.unread} {_IF_WRONG}",)
    for naive in times:
        other = zone.differing(naive, zone.others)
        if other is not None:
            return (_doubt(zone, naive, other),)
    return ()


def _doubt(zone: DoubtedZone, naive: datetime, other: datetime) -> str:
    taken, left = (_worded(naive - instant.replace(tzinfo=None)) for instant in (zone.read(naive)[0], other))
    by_name = isinstance(zone.followed, NamedZone)
    defined, named = (left, taken) if by_name else (taken, left)
    return (
        f"The notice defines the time zone{zone.name} as {defined} at {naive:%H:%M} on {naive.day} {naive:%b %Y}, "
        f"where the name means {named}: {taken} was taken. {_IF_WRONG}"
    )


def _worded(offset: timedelta) -> str:
    minutes = round(abs(offset).total_seconds() / 60)
    return f"UTC{'-' if offset < timedelta() else '+'}{minutes // 60:02}:{minutes % 60:02}"
