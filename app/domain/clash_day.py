"""The crowded nights of a span by London day: a person looks at a day, and not at hundreds of pairs."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from app.domain.clash import in_order
from app.domain.closure import PlannedClosure
from app.domain.load import crowds, hour_number, hour_start
from app.domain.london import london_date
from app.domain.thresholds import Thresholds
from app.domain.window import ClosureWindow

_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class ClashDay:
    """The closures of the crowded hours that begin on a London day, in order of their starts.

    ``reopening`` is how many gateways re-open in one of these hours, at most.
    """

    day: date
    closures: tuple[PlannedClosure, ...]
    reopening: int

    @property
    def gateways(self) -> tuple[str, ...]:
        """Return the codes of the gateways concerned, each once, in order."""
        return tuple(sorted({closure.gateway for closure in self.closures}))


def clash_days(closures: Sequence[PlannedClosure], span: ClosureWindow, limits: Thresholds) -> Iterator[ClashDay]:
    """Yield the days of ``span`` on which hours begin that are above a threshold, in order.

    Hours that follow on one another belong to the day of the first, so that a night is one item.
    """
    days: dict[int, date] = {}
    reopening: defaultdict[date, int] = defaultdict(int)
    opens: set[int] = set()
    for number, gateways in crowds(closures, span, limits).items():
        day = days[number] = days.get(number - 1) or london_date(hour_start(number))
        reopening[day] = max(reopening[day], gateways)
        if gateways > limits.reopening:
            opens.add(number)
    found: defaultdict[date, dict[str, PlannedClosure]] = defaultdict(dict)
    for closure in in_order(closures) if days else ():
        starts, ends = closure.window.starts, closure.window.ends
        for number in range(hour_number(starts), hour_number(ends - _INSTANT) + 1):
            if number in days:
                found[days[number]][closure.reference] = closure
        last = hour_number(ends)
        if last in opens:
            found[days[last]][closure.reference] = closure
    for day in sorted(found):
        yield ClashDay(day, tuple(found[day].values()), reopening[day])
