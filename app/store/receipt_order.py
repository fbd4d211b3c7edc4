"""The order of receipt: places in it, and passages between them, which nothing that comes or goes shifts."""

from dataclasses import dataclass, replace
from datetime import datetime

from app.store.instants import to_micros

Place = tuple[int, int]
"""Where an entry stands: when it was received, in microseconds since 1970, and its position in the log."""


@dataclass(frozen=True, slots=True)
class Passage:
    """The places ``starts`` <= p < ``ends``, as they are read: from the first on, or from the last back."""

    starts: Place
    ends: Place
    latest_first: bool = False

    def beyond(self, place: Place) -> "Passage":
        """Return what is yet to be read after the entry at a place."""
        if self.latest_first:
            return replace(self, ends=place)
        received_at, position = place
        return replace(self, starts=(received_at, position + 1))


def received_in(since: datetime, until: datetime) -> Passage:
    """Return the passage of what was received at ``since`` <= t < ``until``, the first first."""
    return Passage((to_micros(since), 0), (to_micros(until), 0))
