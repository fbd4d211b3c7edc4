"""What a feed may say: only what ``FeedEntry`` has a field for, or of DCC's own dates ``MaintenanceEntry``.

A feed holds the one or the other, never both.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

DifferenceWord = Literal["on plan", "early", "over time", "not taken place"]
"""How what was told of a closure as it happened differs from its plan."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedEntry:
    """One planned closure as a subscriber may know it.

    ``starts`` <= t < ``ends`` is the current window. ``sequence`` is the number of the last applied revision and
    ``changed`` when we received it; ``created`` is when we first heard of the closure. ``notice_days`` (Working Days)
    belongs to the current window and ``first_notice_days`` to the first notice; ``band`` words ``notice_days``.
    ``short_notice``: the current window was known later than recommended. ``late_change``: the last change was a late
    one. ``moves`` counts the moves, and ``moved_from_*`` is the window before the last, both or neither.
    ``planned_ends`` is when the window was to end, where what was told since it began has another end: None elsewhere.
    ``closed_at`` and ``reopened_at`` are when the gateway was told to have closed and re-opened. ``is_watched``: told
    closed, and its re-opening is waited for. ``difference`` is of what was told from the plan, by what was told alone.
    ``provisional``: its User is not certain yet. All times are aware UTC; raise ``ValueError`` for any other, and for a
    window that ends before it starts.
    """

    reference: str
    user_code: str
    user_name: str
    gateway_code: str
    gateway_name: str
    starts: datetime
    ends: datetime
    withdrawn: bool
    sequence: int
    created: datetime
    changed: datetime
    notice_days: int
    first_notice_days: int
    recommended_days: int
    band: str
    short_notice: bool
    late_change: bool
    moves: int
    moved_from_starts: datetime | None
    moved_from_ends: datetime | None
    planned_ends: datetime | None = None
    closed_at: datetime | None = None
    reopened_at: datetime | None = None
    is_watched: bool = False
    difference: DifferenceWord | None = None
    provisional: bool = False

    def __post_init__(self) -> None:
        _check_times(self)
        if (self.moved_from_starts is None) != (self.moved_from_ends is None):
            raise ValueError("A feed entry takes both times of the window before the move, or neither.")
        optional = (self.moved_from_starts, self.moved_from_ends, self.planned_ends, self.closed_at, self.reopened_at)
        for instant in optional:
            if instant is not None and instant.tzinfo is not UTC:
                raise ValueError("A feed entry takes aware UTC times.")

    def state_at(self, now: datetime) -> Literal["planned", "withdrawn", "expired"]:
        """Return what stands at ``now``: what is planned has expired as its window ends, whoever has noted it."""
        if self.withdrawn:
            return "withdrawn"
        return "expired" if self.ends <= now and not self.is_watched else "planned"

    def is_closed(self, now: datetime) -> bool:
        """Tell whether the gateway is closed by this: by what was told of it, else by its plan."""
        return not self.withdrawn and (self.closed_at or self.starts) <= now and (now < self.ends or self.is_watched)

    def difference_at(self, now: datetime) -> DifferenceWord | None:
        """Return how what was told differs from the plan; what is watched is over time from when it was to re-open."""
        return "over time" if self.is_over_time(now) else self.difference

    def is_over_time(self, now: datetime) -> bool:
        """Tell whether it was told closed, was to re-open by plan and by what was told, and is not told so."""
        return self.is_watched and max(self.ends, self.planned_ends or self.ends) <= now

    @property
    def sort_key(self) -> tuple[datetime, str]:
        """By start, then by reference: a stable order, since unchanged data must give identical octets."""
        return self.starts, self.reference

    def uid(self, domain: str) -> str:
        """Return the UID (RFC 5545 3.8.4.7): stable over every move, the same in every feed."""
        return f"{self.reference.lower()}@{domain}"


@dataclass(frozen=True, slots=True, kw_only=True)
class MaintenanceEntry:
    """One window of DCC's own as everybody may know it: when, and whether it is a SEC Release; no word of its sender.

    ``sequence`` counts its revisions and ``changed`` is when we received the last; ``created`` when we first heard.
    """

    reference: str
    release: bool
    starts: datetime
    ends: datetime
    withdrawn: bool
    sequence: int
    created: datetime
    changed: datetime

    def __post_init__(self) -> None:
        _check_times(self)

    @property
    def sort_key(self) -> tuple[datetime, str]:
        """By start, then by reference."""
        return self.starts, self.reference

    def uid(self, domain: str) -> str:
        """Return the UID (RFC 5545 3.8.4.7): stable over every move."""
        return f"{self.reference.lower()}@{domain}"


def _check_times(entry: FeedEntry | MaintenanceEntry) -> None:
    # Everything that leaves is written with a trailing Z: a time in another zone would be silently wrong.
    for instant in (entry.starts, entry.ends, entry.created, entry.changed):
        if instant.tzinfo is not UTC:
            raise ValueError("A feed entry takes aware UTC times.")
    if entry.ends <= entry.starts:
        raise ValueError("The window of a feed entry must end after it starts.")


@dataclass(frozen=True, slots=True)
class Publisher:
    """Who publishes: the service itself, from settings, never from a request (no host name of a client's choosing).

    ``base_url`` is where our pages are, with or without a trailing slash; ``uid_domain`` is the right side of UIDs.
    """

    organizer_name: str
    organizer_email: str
    base_url: str
    uid_domain: str


@dataclass(frozen=True, slots=True)
class FeedHeader:
    """What a feed says of itself. ``colour`` is a CSS3 name; ``source_url`` only where it holds no secret."""

    name: str
    description: str
    colour: str
    source_url: str | None
