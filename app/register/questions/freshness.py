"""How fresh the register is: when the scheduler last did its work, who fetched a feed, whether sources can be read."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from app.register.sources import list_sources
from app.store import runs, subscriptions
from app.store.engine import Store

SWEEP = "sweep"
OVERDUE = timedelta(minutes=3)  # the scheduler sweeps every minute


@dataclass(frozen=True, slots=True)
class Freshness:
    """``swept_at`` is None before the first run. ``silent_sources`` could not be read at their last poll."""

    swept_at: datetime | None
    is_on_time: bool
    feeds: int
    last_fetch: datetime | None
    sources: int
    last_poll: datetime | None
    silent_sources: int


def freshness_of(store: Store, now: datetime) -> Freshness:
    """Return how fresh the register is at ``now``."""
    with store.reading() as connection:
        swept = runs.read_run(connection, SWEEP)
        feeds = subscriptions.count_live(connection, now)
        last_fetch = subscriptions.last_read_at(connection)
    found = [source.standing for source in list_sources(store)]
    return Freshness(
        swept_at=swept.ran_at if swept else None,
        is_on_time=swept is not None and abs(now - swept.ran_at) < OVERDUE,
        feeds=feeds,
        last_fetch=last_fetch,
        sources=len(found),
        last_poll=max((standing.polled_at for standing in found if standing.polled_at), default=None),
        silent_sources=sum(standing.is_silent for standing in found),
    )
