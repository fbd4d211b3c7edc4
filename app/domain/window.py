"""When a gateway is closed: a half-open span of aware UTC instants, and the ISO weeks that it touches."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from app.domain.refusal import WindowRefused


@dataclass(frozen=True, slots=True, order=True)
class ClosureWindow:
    """``starts`` <= t < ``ends``, both aware UTC. Raise ``WindowRefused`` for anything else."""

    starts: datetime
    ends: datetime

    def __post_init__(self) -> None:
        if self.starts.tzinfo is not UTC or self.ends.tzinfo is not UTC:
            raise WindowRefused("A window takes aware UTC times.", "Convert both times to UTC first.")
        if self.ends <= self.starts:
            raise WindowRefused("The end of a window must be after its start.", "Check the two times.")

    @property
    def duration(self) -> timedelta:
        """How long the gateway is closed, in elapsed time: 25 Oct 2026 00:00-06:00 London is seven hours."""
        return self.ends - self.starts

    def contains(self, instant: datetime) -> bool:
        """Tell whether the gateway is closed at ``instant``."""
        return self.starts <= instant < self.ends

    def overlaps(self, other: "ClosureWindow") -> bool:
        """Tell whether the two windows share any instant."""
        return self.starts < other.ends and other.starts < self.ends

    def weeks(self) -> tuple[str, ...]:
        """Return the ISO weeks (UTC) that the window touches, in order, such as ``2026-W49``."""
        return weeks_touched(self.starts, self.ends)


def weeks_touched(starts: datetime, ends: datetime) -> tuple[str, ...]:
    """Return the ISO weeks (UTC) of every instant in the half-open span, in order; an empty span has none."""
    if ends <= starts:
        return ()
    monday = starts.date() - timedelta(days=starts.weekday())
    last = (ends - timedelta(microseconds=1)).date()
    mondays = (monday + timedelta(days=days) for days in range(0, (last - monday).days + 1, 7))
    return tuple(f"{year:04d}-W{week:02d}" for year, week, _ in (monday.isocalendar() for monday in mondays))
