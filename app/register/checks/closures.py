"""What stands of each closure, against its history, its owner and its clear columns, and where its weeks find it."""

from typing import Any, NamedTuple

from app.domain.closure import State
from app.domain.window import ClosureWindow
from app.register.checks.entries import Histories, Owned
from app.register.checks.evidence import UNREADABLE, Evidence
from app.register.checks.fold import Acts
from app.store.bodies import ClosureMarks, closure_marks
from app.store.chains import chains_of
from app.store.closures import FORGOTTEN
from app.store.instants import from_micros
from app.store.week_index import week_keys


class ClosureRow(NamedTuple):
    """The row of a closure, whatever it holds."""

    id: Any
    user_id: Any
    reference: Any
    identity: Any
    series: Any
    state: Any
    row_version: Any
    change: Any
    sealed: Any


def check_owners(evidence: Evidence, acts: Acts) -> Owned:
    """Return whose each closure is; each owner is a User that is there."""
    users = {row_id for (row_id,) in evidence.rows("users", "id")}
    owners: Owned = dict(evidence.rows("closures", "id", "user_id"))
    references = dict(evidence.rows("closures", "id", "reference"))
    for row_id, user_id in owners.items():
        if user_id not in users:
            evidence.add(f"{references[row_id]} belongs to nobody who is there.")
        elif evidence.store.keyring.is_shredded(user_id) and not acts.is_shredded(user_id):
            evidence.add(f"{references[row_id]} is of a User whose key is destroyed, and no entry of the log says so.")
    return owners


def check_closures(
    evidence: Evidence, acts: Acts, histories: Histories, received_at: int
) -> dict[str, tuple[bytes, str]]:
    """Hold what stands of each closure against its last revision; a row rolled back to an earlier state shows here.

    Return where calendars show those that begin after ``received_at``, the last receipt (microseconds since 1970), by
    reference: the collection and the UID.
    """
    ahead: dict[str, tuple[bytes, str]] = {}
    weeks, unseal = _standing_weeks(evidence), evidence.store.keyring.opener("closures", "sealed")
    stands = chains_of(evidence.connection).index
    for row in map(ClosureRow._make, evidence.rows("closures", *ClosureRow._fields)):
        last = histories.pop(row.id, None)
        if row.state == FORGOTTEN:
            if not acts.is_purged("closures", row.id):
                evidence.add(f"{row.reference} is emptied, and no purge names it.")
            continue
        if acts.is_shredded(row.user_id):
            continue
        try:
            marks = closure_marks(unseal(row.user_id, row.id, row.row_version, row.sealed))
            fault = _fault_of(evidence, row, marks, last, weeks.get(row.id, set()))
        except UNREADABLE:
            evidence.add(f"What stands of {row.reference} does not open.")
            continue
        if fault:
            evidence.add(fault)
        elif marks.state == State.PLANNED and marks.starts > received_at:
            collection = evidence.store.blind.collection(row.user_id, marks.gateway)
            ahead[row.reference] = (stands(collection), marks.uid)
    for _ in histories:
        evidence.add("A closure whose history is recorded is gone.")
    return ahead


def _standing_weeks(evidence: Evidence) -> dict[Any, set[Any]]:
    """Return the entries of the week index that stand, by closure."""
    weeks: dict[Any, set[Any]] = {}
    for closure_id, week, current in evidence.rows("weeks", "closure_id", "week", "current"):
        if current == 1:  # as it is looked for: SQLite holds other numbers too
            weeks.setdefault(closure_id, set()).add(week)
    return weeks


def _fault_of(
    evidence: Evidence, row: ClosureRow, marks: ClosureMarks, last: tuple[int, int] | None, weeks: set[Any]
) -> str:
    """Return what is wrong with a closure's row, "" where nothing is."""
    store, connection, blind = evidence.store, evidence.connection, evidence.store.blind
    stands = chains_of(connection).index
    if (marks.entries, marks.number) != last:
        return f"What stands of {row.reference} is not its last revision."
    if (marks.reference, marks.state) != (row.reference, row.state) or marks.change not in {None, row.change}:
        return f"What stands of {row.reference} does not agree with what was sealed."
    identity = blind.identity(row.user_id, marks.gateway, marks.uid, marks.recurrence_id)
    if (stands(identity), stands(blind.series(row.user_id, marks.uid))) != (row.identity, row.series):
        return f"{row.reference} is found under another event than its own."
    window = ClosureWindow(from_micros(marks.starts), from_micros(marks.ends))
    if week_keys(store, connection, row.user_id, window, is_watched=marks.is_watched) != weeks:
        return f"{row.reference} is not found in the weeks that it touches."
    return ""
