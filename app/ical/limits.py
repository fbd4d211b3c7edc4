"""How much reading a notice may take: what it may hold, how far from now it may speak, and what evaluating it costs."""

from collections.abc import Hashable
from dataclasses import dataclass
from datetime import timedelta

from app.ical.unread import Unread

_WORK = 500_000  # of about a microsecond each


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


class Allowance:
    """What is left of the cost of one notice, the bound that no combination of small parts escapes.

    It is counted in occurrences, and in work of about a microsecond each, of which ``spent`` went.
    """

    def __init__(self, limits: Limits) -> None:
        self._occurrences = limits.all_occurrences
        self.spent = 0
        self._once: set[Hashable] = set()

    def spend(self, *, occurrences: int = 0, work: int = 0) -> None:
        """Take from the allowance. Raise ``Unread`` when it is used up, and from then on."""
        self._occurrences -= occurrences
        self.spent += work
        if self._occurrences < 0 or self.spent > _WORK:
            raise Unread(
                "too-much-recurrence",
                "The series and zones of this notice are more than is evaluated at once.",
                "Give the series an end, or send them in smaller parts.",
            )

    def spend_once(self, what: Hashable, *, work: int) -> None:
        """Take from the allowance unless it was taken for the same thing before. Raise ``Unread`` as ``spend`` does."""
        if what not in self._once:
            self.spend(work=work)
            self._once.add(what)
