"""A series as it is held: the occurrences of one event that are still ahead, to be moved together."""

from dataclasses import dataclass
from datetime import datetime

from app.domain.closure import PlannedClosure
from app.register.register import Register
from app.store import closures as rows
from app.store.closures import Held


@dataclass(frozen=True, slots=True)
class Ahead:
    """One closure of a series that is still ahead, and the RECURRENCE-ID by which its sender knows it."""

    closure: PlannedClosure
    recurrence_id: str


def series_ahead(register: Register, held: Held, now: datetime) -> list[Ahead]:
    """Return the closures of the same event at the same gateway that are ahead, by start, ``held`` among them.

    None where it is no occurrence of a series, is not ahead itself, or is the only one that is.
    """
    if not held.mark.recurrence_id or not held.closure.is_ahead(now):
        return []
    store = register.store
    with store.reading() as connection:
        key = store.blind.series(held.user_id, held.mark.uid)
        found = rows.of_series(store, connection, held.closure.user, [key])
    ahead = [
        Ahead(one.closure, one.mark.recurrence_id)
        for one in found
        if one.mark.recurrence_id and one.closure.gateway == held.closure.gateway and one.closure.is_ahead(now)
    ]
    return sorted(ahead, key=lambda one: one.closure.window) if len(ahead) > 1 else []
