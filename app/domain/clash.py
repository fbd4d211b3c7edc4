"""A clash is advice: gateways whose windows overlap, or a closure on DCC's own dates (docs/domain.md#clashes)."""

import heapq
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime  # noqa: TC003 - beside the domain's other imports; it costs nothing

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


def find_clashes(closures: Iterable[PlannedClosure]) -> Iterator[Clash]:
    """Yield every clash among ``closures``, by a sweep over their starts; the cost grows with the clashes found.

    A withdrawn closure clashes with nothing.
    """
    running: list[PlannedClosure] = []
    for closure in in_order(closures):
        starts = closure.window.starts
        running = [earlier for earlier in running if earlier.window.ends > starts]
        for earlier in running:
            if earlier.gateway != closure.gateway:
                ends = min(earlier.window.ends, closure.window.ends)
                yield Clash(earlier, closure, ClosureWindow(starts, ends))
        running.append(closure)


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
    running: list[PlannedClosure] = []
    open_bands: list[tuple[ClosureWindow, Maintenance]] = []
    at = 0
    for closure in closing:
        starts = closure.window.starts
        while at < len(bands) and bands[at][0].starts < starts:
            yield from _met(running, bands[at])
            open_bands.append(bands[at])
            at += 1
        open_bands = [band for band in open_bands if band[0].ends > starts]
        for reach, open_band in open_bands:
            yield MaintenanceClash(closure, open_band, ClosureWindow(starts, min(closure.window.ends, reach.ends)))
        running = [earlier for earlier in running if earlier.window.ends > starts]
        running.append(closure)
    for band in bands[at:]:
        yield from _met(running, band)


def _met(running: Sequence[PlannedClosure], band: tuple[ClosureWindow, Maintenance]) -> Iterator[MaintenanceClash]:
    """Yield the closures still running as DCC's window begins."""
    reach, one = band
    for closure in running:
        if closure.window.ends > reach.starts:
            overlap = ClosureWindow(reach.starts, min(closure.window.ends, reach.ends))
            yield MaintenanceClash(closure, one, overlap)


def in_order(closures: Iterable[PlannedClosure]) -> list[PlannedClosure]:
    """Return what is not withdrawn, by start, end and reference."""
    standing = (closure for closure in closures if closure.state is not State.WITHDRAWN)
    return sorted(standing, key=lambda closure: (closure.window.starts, closure.window.ends, closure.reference))
