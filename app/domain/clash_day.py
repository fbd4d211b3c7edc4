"""The clashes of a London day together: where dozens overlap, a person looks at a day and not at hundreds of pairs."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date

from app.domain.clash import in_order
from app.domain.closure import PlannedClosure
from app.domain.london import london_date


@dataclass(frozen=True, slots=True)
class ClashDay:
    """The closures of different gateways that begin to overlap on a London day, in order of their starts."""

    day: date
    closures: tuple[PlannedClosure, ...]

    @property
    def gateways(self) -> tuple[str, ...]:
        """Return the codes of the gateways concerned, each once, in order."""
        return tuple(sorted({closure.gateway for closure in self.closures}))


def clash_days(closures: Iterable[PlannedClosure]) -> Iterator[ClashDay]:
    """Yield the days on which closures begin to overlap, in order; one pass, however many pairs there are.

    An overlap begins with the later of two starts, so a night belongs to the day on which the second gateway closes.
    """
    running: list[PlannedClosure] = []
    waiting: list[PlannedClosure] = []  # running, and not among those of the day yet
    found: dict[str, PlannedClosure] = {}
    day = date.min
    for closure in in_order(closures):
        starts = closure.window.starts
        running = [earlier for earlier in running if earlier.window.ends > starts]
        if london_date(starts) != day:
            if found:
                yield _day(day, found)
            day, found, waiting = london_date(starts), {}, running
        met = [earlier for earlier in waiting if earlier.window.ends > starts and earlier.gateway != closure.gateway]
        found.update((earlier.reference, earlier) for earlier in met)
        waiting = [earlier for earlier in waiting if earlier.reference not in found]
        if any(earlier.gateway != closure.gateway for earlier in running):
            found[closure.reference] = closure
        else:
            waiting = [*waiting, closure]
        running.append(closure)
    if found:
        yield _day(day, found)


def _day(day: date, found: dict[str, PlannedClosure]) -> ClashDay:
    return ClashDay(day, tuple(in_order(found.values())))
