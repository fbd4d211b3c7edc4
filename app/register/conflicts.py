"""What the closures of a notice meet: told before it is recorded and with its receipt, and never a reason to refuse."""

from collections.abc import Container, Iterable, Mapping, Sequence
from datetime import datetime

from app.domain.access import Principal, Role
from app.domain.clash import find_overlapping
from app.domain.closure import PlannedClosure, State
from app.domain.conflict import ConflictKind, Found, FreeSlots, find_conflicts, find_crowds, slot_span
from app.domain.load import hours_around
from app.domain.party import Names, User
from app.domain.thresholds import Thresholds
from app.domain.window import ClosureWindow
from app.register.conflict_json import Met, conflict_facts
from app.register.decisions import Decision
from app.register.reading import Question, read_schedule
from app.register.register import Register
from app.register.rulebook import Rulebook
from app.store.closures import touching

_MOST_CLASHES = 20  # named in one acknowledgement; the clash list itself is a question of its own
_MOST_SLOTS = 100  # looked for in one answer: nobody reads more, and each is a search
_ORDER = list(ConflictKind)


def subjects_of(decisions: Iterable[Decision]) -> list[PlannedClosure]:
    """Return the closures that a notice plans or changes, as they stand after it."""
    return [
        decision.closure
        for decision in decisions
        if decision.revision is not None and decision.closure.state is State.PLANNED
    ]


def met_by_all(
    register: Register, asker: Principal, decisions: Sequence[Decision], rulebook: Rulebook, now: datetime
) -> dict[str, Met]:
    """Return what each closure of a notice would meet, of all that ``asker`` may see, by reference."""
    subjects = subjects_of(decisions)
    if not subjects:
        return {}
    span = slot_span(subjects)
    others = standing_others(read_schedule(register, asker, Question(hours_around(span))), decisions, now)
    limits, dates = rulebook.thresholds, rulebook.maintenance_at(None)
    found = find_conflicts(subjects, others, dates, limits.release_days)
    for reference, crowds in find_crowds(subjects, others, span, limits).items():
        found[reference] += crowds
    if not found:
        return {}
    slots = FreeSlots([*others, *subjects], dates, span, limits)
    concerned = [closure for closure in subjects if closure.reference in found][:_MOST_SLOTS]
    unrecorded = {decision.closure.reference for decision in decisions if decision.held is None}
    return _told(found, limits, {closure.reference: slots.after(closure) for closure in concerned}, unrecorded)


def met_by_own(
    subjects: Sequence[PlannedClosure], others: Iterable[PlannedClosure], rulebook: Rulebook
) -> dict[str, Met]:
    """Return what each of ``subjects`` meets of DCC's own dates and of the User's own closures, by reference."""
    limits = rulebook.thresholds
    return _told(find_conflicts(subjects, others, rulebook.maintenance_at(None), limits.release_days), limits, {})


def own_beside(register: Register, user: User, windows: Sequence[ClosureWindow]) -> list[PlannedClosure]:
    """Return a User's own closures in the span of these windows, or more, in no order that matters."""
    if not windows:
        return []
    connection = register.store.joined
    if connection is not None:
        # Who has a connection asks for no second one: behind a small pooler each would wait for another's.
        weeks = dict.fromkeys(week for window in windows for week in window.weeks())
        return [held.closure for held in touching(register.store, connection, weeks, {user.id: user.code})]
    span = ClosureWindow(min(window.starts for window in windows), max(window.ends for window in windows))
    return read_schedule(register, Principal(user.code, Role.USER, frozenset({user.code})), Question(span))


def own_clashes(
    subjects: Sequence[PlannedClosure], others: Sequence[PlannedClosure], names: Names
) -> dict[str, tuple[str, ...]]:
    """Return, for each of ``subjects``, the User's own closures at other gateways that overlap it, by reference."""
    if len(names.gateways) == 1 or not subjects:
        return {}
    found = find_overlapping(subjects, others, _MOST_CLASHES)
    return {reference: tuple(overlapping) for reference, overlapping in found.items()}


def standing_others(
    known: Iterable[PlannedClosure], decisions: Sequence[Decision], now: datetime
) -> list[PlannedClosure]:
    """Return what stands beside the closures that a notice plans or changes: not as they were before it."""
    subjects = {closure.id for closure in subjects_of(decisions)}
    decided = {decision.closure.id for decision in decisions}
    beside = [decision.closure for decision in decisions if decision.closure.id not in subjects]
    others = [*(closure for closure in known if closure.id not in decided), *beside]
    return [closure for closure in others if closure.state_at(now) is State.PLANNED]


def _told(
    found: Found, limits: Thresholds, slots: Mapping[str, ClosureWindow | None], unrecorded: Container[str] = ()
) -> dict[str, Met]:
    return {
        reference: Met(
            tuple(
                conflict_facts(one, limits, unrecorded)
                for one in sorted(conflicts, key=lambda one: (_ORDER.index(one.kind), one.window, one.reference))
            ),
            slots.get(reference),
        )
        for reference, conflicts in found.items()
    }
