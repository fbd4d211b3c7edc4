"""What the scheduler remembers of the clock, one row; and what the machine and the database say of the time."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from uuid import uuid4

import sqlalchemy as sa

from app.domain.clock_doubt import ClockDoubt, ClockReading, ClockStanding
from app.store.act_tables import clock
from app.store.engine import Store

_BOOT = Path("/proc/sys/kernel/random/boot_id")
_MICROSECOND = timedelta(microseconds=1)


def read_clocks(store: Store, now: Callable[[], datetime]) -> ClockReading:
    """Return what the clocks say at this moment; ``now`` is ours."""
    database = None
    if store.engine.dialect.name == "postgresql":
        with store.reading() as connection:
            database = connection.execute(sa.select(sa.func.clock_timestamp())).scalar_one().astimezone(UTC)
    return ClockReading(now(), _boot(), since_boot(), database)


def since_boot() -> timedelta:
    """Return how long the machine has run, its sleep included, where it can tell: nobody sets this clock."""
    return timedelta(seconds=time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)))


@cache
def _boot() -> str:
    try:
        return _BOOT.read_text().strip()
    except OSError:
        return str(uuid4())  # not Linux: each process is on its own


def read_standing(connection: sa.Connection) -> ClockStanding | None:
    """Return how the clock stands; None before the first reading."""
    row = connection.execute(sa.select(clock)).first()
    if row is None:
        return None
    doubt = ClockDoubt(row.off * _MICROSECOND, row.against, row.since * _MICROSECOND) if row.against else None
    return ClockStanding(row.boot, row.booted_at, row.seen_at, doubt)


def write_standing(connection: sa.Connection, standing: ClockStanding) -> None:
    """Remember how the clock stands."""
    doubt = standing.doubt or ClockDoubt(timedelta(0), "", timedelta(0))
    connection.execute(sa.delete(clock))
    connection.execute(
        sa.insert(clock).values(
            id=1,
            boot=standing.boot,
            booted_at=standing.booted_at,
            seen_at=standing.seen_at,
            against=doubt.against,
            off=doubt.off // _MICROSECOND,
            since=doubt.since // _MICROSECOND,
        )
    )
