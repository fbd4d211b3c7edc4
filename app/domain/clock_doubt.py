"""Whether the clock is to be believed: it is held against its own pace, the database's clock and what was recorded.

Small steps, as a time server makes them, are followed. A jump stops the work that cannot be undone or that tells people
a wrong hour. One of up to a day is believed once it has lasted for an hour, as when a virtual machine slept; a longer
one waits until the clock agrees again, or until an operator confirms it.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

TOLERANCE = timedelta(minutes=5)
"""How far a clock may step, or be from another, without a doubt."""
_SETTLES_IN = timedelta(hours=1)
_SETTLES_BY_ITSELF = timedelta(days=1)
ITS_PACE, THE_DATABASE, THE_RECORD = "its own pace", "the database's clock", "what was recorded before"


@dataclass(frozen=True, slots=True)
class ClockReading:
    """What the clocks say at one time: ours, how long the machine has run, and the database's, where it has its own.

    ``boot`` names the run of the machine that ``since_boot`` counts from, sleep included.
    """

    now: datetime
    boot: str
    since_boot: timedelta
    database: datetime | None = None


@dataclass(frozen=True, slots=True)
class ClockDoubt:
    """By how much the clock seems off (ahead: above zero), against what, and since when as ``since_boot`` counts."""

    off: timedelta
    against: str
    since: timedelta

    @property
    def words(self) -> str:
        """Say it: ``1 day, 0:00:00 ahead of its own pace``."""
        off = timedelta(seconds=round(abs(self.off).total_seconds()))
        return f"{off} {'ahead of' if self.off > timedelta(0) else 'behind'} {self.against}"


@dataclass(frozen=True, slots=True)
class ClockStanding:
    """What is remembered of the clock: when it was last believed, when the machine was started by it, and a doubt."""

    boot: str
    booted_at: datetime
    seen_at: datetime
    doubt: ClockDoubt | None = None


def believe(reading: ClockReading) -> ClockStanding:
    """Return the standing of a clock that is believed as it reads."""
    return ClockStanding(reading.boot, reading.now - reading.since_boot, reading.now)


def judge_clock(standing: ClockStanding | None, reading: ClockReading) -> ClockStanding:
    """Return how the clock stands after a reading; the first is believed where the database's clock agrees."""
    off, against = _difference(standing, reading)
    if abs(off) <= TOLERANCE:
        return believe(reading)
    known = standing or believe(replace(reading, now=reading.database or reading.now))
    since, before = reading.since_boot, known.doubt
    if before is not None and before.since <= since and before.against == against:
        since = before.since if abs(before.off - off) <= TOLERANCE else since
    may_settle = against is not THE_DATABASE and abs(off) <= _SETTLES_BY_ITSELF
    if may_settle and reading.since_boot - since >= _SETTLES_IN:
        return believe(reading)
    return replace(known, doubt=ClockDoubt(off, against, since))


def _difference(standing: ClockStanding | None, reading: ClockReading) -> tuple[timedelta, str]:
    if reading.database is not None and abs(reading.now - reading.database) > TOLERANCE:
        return reading.now - reading.database, THE_DATABASE
    if standing is None:
        return timedelta(0), ""
    if standing.boot == reading.boot:
        return reading.now - reading.since_boot - standing.booted_at, ITS_PACE
    # How long the machine was off nobody knows; but time does not go back.
    return min(reading.now - standing.seen_at, timedelta(0)), THE_RECORD
