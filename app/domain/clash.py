"""A clash is advice: closures of different gateways whose windows overlap (DOMAIN.md 10)."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from app.domain.closure import PlannedClosure, State
from app.domain.window import ClosureWindow


@dataclass(frozen=True, slots=True)
class Clash:
    """Two closures of different gateways, in order of their starts, and the span in which both are closed."""

    first: PlannedClosure
    second: PlannedClosure
    overlap: ClosureWindow


def find_clashes(closures: Iterable[PlannedClosure]) -> Iterator[Clash]:
    """Yield every clash among ``closures``, by a sweep over their starts; the cost grows with the clashes found.

    A withdrawn closure clashes with nothing.
    """
    running: list[PlannedClosure] = []
    standing = (closure for closure in closures if closure.state is not State.WITHDRAWN)
    for closure in sorted(standing, key=lambda closure: (closure.window, closure.reference)):
        running = [earlier for earlier in running if earlier.window.ends > closure.window.starts]
        for earlier in running:
            if earlier.gateway != closure.gateway:
                ends = min(earlier.window.ends, closure.window.ends)
                yield Clash(earlier, closure, ClosureWindow(closure.window.starts, ends))
        running.append(closure)
