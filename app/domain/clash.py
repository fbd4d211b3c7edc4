"""A clash is advice: gateways whose windows overlap, or a closure on DCC's own dates (docs/domain.md#clashes)."""

import heapq
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from app.domain.closure import PlannedClosure, State
from app.domain.maintenance import Maintenance
from app.domain.window import ClosureWindow


@dataclass(frozen=True, slots=True)
class Clash:
    """Two closures of different gateways, in order of their starts, and the span in which both are closed."""

    first: PlannedClosure
    second: PlannedClosure
    overlap: ClosureWindow


@dataclass(frozen=True, slots=True)
class MaintenanceClash:
    """A closure within the reach of DCC's own window, and the span that both share."""

    closure: PlannedClosure
    maintenance: Maintenance
    overlap: ClosureWindow


class _Running:
    """Closures of a sweep that have begun and not ended, in order of their starts. Each is let go of once."""

    def __init__(self) -> None:
        self._closures: dict[int, PlannedClosure] = {}
        self._ends: list[tuple[datetime, int]] = []
        self._begun = 0

    def at(self, instant: datetime) -> Collection[PlannedClosure]:
        """Return those that have not ended at ``instant``, which is no earlier than the last time."""
        while self._ends and self._ends[0][0] <= instant:
            del self._closures[heapq.heappop(self._ends)[1]]
        return self._closures.values()

    def begin(self, closure: PlannedClosure) -> None:
        """Take in one that begins no earlier than the others."""
        self._begun += 1
        self._closures[self._begun] = closure
        heapq.heappush(self._ends, (closure.window.ends, self._begun))


def find_clashes(closures: Iterable[PlannedClosure]) -> Iterator[Clash]:
    """Yield every clash among ``closures``, by a sweep over their starts; the cost grows with the clashes found.

    A withdrawn closure clashes with nothing.
    """
    standing = in_order(closures)
    if len({closure.gateway for closure in standing}) <= 1:
        return
    running = _Running()
    for closure in standing:
        starts = closure.window.starts
        for earlier in running.at(starts):
            if earlier.gateway != closure.gateway:
                ends = min(earlier.window.ends, closure.window.ends)
                yield Clash(earlier, closure, ClosureWindow(starts, ends))
        running.begin(closure)


def find_overlapping(
    subjects: Iterable[PlannedClosure], others: Iterable[PlannedClosure], most: int
) -> dict[str, list[str]]:
    """Return which closures of other gateways each of ``subjects`` clashes with: references by reference, by start.

    Of the others and of each other, ``most`` at most are named beside one: the cost grows with the closures, not with
    their pairs. One that clashes with nothing has an empty list.
    """
    found: dict[str, list[PlannedClosure]] = {closure.reference: [] for closure in subjects}
    running: defaultdict[str, list[tuple[datetime, str, PlannedClosure]]] = defaultdict(list)
    lacking: defaultdict[str, list[PlannedClosure]] = defaultdict(list)  # subjects that have room for later ones
    for closure in in_order((*others, *subjects)):
        starts, gateway = closure.window.starts, closure.gateway
        for elsewhere in lacking.keys() - {gateway}:
            open_ones = [one for one in lacking[elsewhere] if one.window.ends > starts]
            for subject in open_ones:
                found[subject.reference].append(closure)
            lacking[elsewhere] = [one for one in open_ones if len(found[one.reference]) < most]
        if closure.reference in found:
            beside = found[closure.reference]
            for elsewhere in sorted(running.keys() - {gateway}):
                ends = running[elsewhere]
                while ends and ends[0][0] <= starts:
                    heapq.heappop(ends)
                beside += [earlier for _, _, earlier in ends[: most - len(beside)]]
            if len(beside) < most:
                lacking[gateway].append(closure)
        heapq.heappush(running[gateway], (closure.window.ends, closure.reference, closure))
    return {reference: [one.reference for one in in_order(beside)] for reference, beside in found.items()}


def find_clashing(closures: Iterable[PlannedClosure]) -> set[str]:
    """Return the references of the closures that clash with any other: one pass, however many pairs there are."""
    clashing: set[str] = set()
    running: Counter[str] = Counter()  # windows of each gateway that are still closed
    ends: list[tuple[datetime, str]] = []
    # Running closures not known to clash are all of one gateway: another gateway's would clash with them.
    alone: list[PlannedClosure] = []
    for closure in in_order(closures):
        starts, gateway = closure.window.starts, closure.gateway
        while ends and ends[0][0] <= starts:
            _, whose = heapq.heappop(ends)
            running[whose] -= 1
            if not running[whose]:
                del running[whose]
        alone = [earlier for earlier in alone if earlier.window.ends > starts]
        if len(running) > (gateway in running):
            clashing.add(closure.reference)
            if alone and alone[0].gateway != gateway:
                clashing.update(earlier.reference for earlier in alone)
                alone = []
        else:
            alone.append(closure)
        running[gateway] += 1
        heapq.heappush(ends, (closure.window.ends, gateway))
    return clashing


def find_maintenance_clashes(
    closures: Iterable[PlannedClosure], maintenance: Iterable[Maintenance], release_days: int = 0
) -> Iterator[MaintenanceClash]:
    """Yield every closure within reach of DCC's own windows, by the later start; ``release_days`` widens releases."""
    standing = [(entry.reach(release_days), entry) for entry in maintenance if not entry.withdrawn]
    bands = sorted(standing, key=lambda band: (band[0].starts, band[0].ends, band[1].reference))
    closing = in_order(closures)
    running = _Running()
    open_bands: list[tuple[ClosureWindow, Maintenance]] = []
    at = 0
    for closure in closing:
        starts = closure.window.starts
        while at < len(bands) and bands[at][0].starts < starts:
            yield from _met(running.at(bands[at][0].starts), bands[at])
            open_bands.append(bands[at])
            at += 1
        open_bands = [band for band in open_bands if band[0].ends > starts]
        for reach, open_band in open_bands:
            yield MaintenanceClash(closure, open_band, ClosureWindow(starts, min(closure.window.ends, reach.ends)))
        running.begin(closure)
    for band in bands[at:]:
        yield from _met(running.at(band[0].starts), band)


def _met(running: Iterable[PlannedClosure], band: tuple[ClosureWindow, Maintenance]) -> Iterator[MaintenanceClash]:
    """Yield the closures still running as DCC's window begins."""
    reach, one = band
    for closure in running:
        yield MaintenanceClash(closure, one, ClosureWindow(reach.starts, min(closure.window.ends, reach.ends)))


def in_order(closures: Iterable[PlannedClosure]) -> list[PlannedClosure]:
    """Return what is not withdrawn, by start, end and reference."""
    standing = (closure for closure in closures if closure.state is not State.WITHDRAWN)
    return sorted(standing, key=lambda closure: (closure.window.starts, closure.window.ends, closure.reference))
