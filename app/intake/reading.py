"""What reading a notice takes: how much it may hold, and for whom and when it is read."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one notice may hold and how far from now it may speak; checked before anything is parsed or expanded.

    ``octets``, ``events``: of the whole notice. ``line_octets``: of one line, unfolded. ``event_lines``: such lines of
    one VEVENT. ``nesting``: BEGINs open at once, the VCALENDAR's included. ``occurrences``: of one series, ahead;
    ``all_occurrences``: of all series of the notice together. ``horizon``: how far from now a rule without end is
    expanded. ``longest_window``: of a closure that nobody confirmed. ``past`` and ``reach``: how long ago, and how far
    from now, a window may start.
    """

    octets: int = 1_000_000
    events: int = 1_000
    line_octets: int = 65_536
    event_lines: int = 200
    nesting: int = 4
    occurrences: int = 400
    horizon: timedelta = timedelta(days=548)
    longest_window: timedelta = timedelta(days=31)
    past: timedelta = timedelta(days=5 * 366)
    reach: timedelta = timedelta(days=5 * 366)
    all_occurrences: int = 5_000


@dataclass(frozen=True, slots=True)
class Asking:
    """For whom and when a notice is read.

    ``now`` (aware UTC) is the receipt. ``gateways`` are the codes that the User has, ``gateway`` the one that the
    request or the collection chose, if it chose. ``allow_long`` says that somebody confirmed windows longer than
    ``limits.longest_window``.
    """

    now: datetime
    gateways: tuple[str, ...]
    gateway: str | None = None
    limits: Limits = field(default_factory=Limits)
    allow_long: bool = False

    def years(self) -> tuple[int, int]:
        """Return the first and the last year that a time within reach may lie in, with one to spare on either side."""
        limits = self.limits
        return self.now.year - limits.past.days // 365 - 2, self.now.year + limits.reach.days // 365 + 2
