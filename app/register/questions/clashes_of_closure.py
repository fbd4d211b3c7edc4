"""What one closure clashes with: others that are closed at the same time, and DCC's own dates."""

from dataclasses import dataclass

from app.domain.access import Principal
from app.domain.clash import MaintenanceClash, find_clashes, find_maintenance_clashes
from app.domain.closure import PlannedClosure, State
from app.domain.window import ClosureWindow
from app.register.reading import Question, read_schedule
from app.register.register import Register


@dataclass(frozen=True, slots=True)
class Together:
    """Another closure that overlaps, and the span that both share."""

    other: PlannedClosure
    overlap: ClosureWindow


@dataclass(frozen=True, slots=True)
class Company:
    """What a closure clashes with, of what the asker may see; both by start."""

    closures: tuple[Together, ...]
    dates: tuple[MaintenanceClash, ...]


def company_of(register: Register, principal: Principal, reference: str, window: ClosureWindow) -> Company:
    """Return what the closure of ``reference`` clashes with in its ``window``. A withdrawn one clashes with nothing."""
    found = read_schedule(register, principal, Question(window))
    own = [closure for closure in found if closure.reference == reference and closure.state is not State.WITHDRAWN]
    rulebook = register.rulebook()
    planned = rulebook.maintenance_at(None)
    return Company(
        tuple(together for closure in own for together in _overlapping(closure, found)),
        tuple(find_maintenance_clashes(own, planned, rulebook.thresholds.release_days)),
    )


def _overlapping(own: PlannedClosure, found: list[PlannedClosure]) -> list[Together]:
    """Pair by pair, so that the cost is that of one closure, however crowded the night."""
    return [
        Together(clash.second if clash.first is own else clash.first, clash.overlap)
        for other in found
        for clash in find_clashes((own, other) if other is not own else ())
    ]
