"""Members that no client put, read: rendered of what the record holds of their events."""

from collections.abc import Sequence

from app.domain.notice import Occurrence
from app.register.calendar_view import in_order, octets_of
from app.register.member_body import MemberBody
from app.register.member_patch import Known
from app.register.members import GatewayCollection
from app.register.register import Register
from app.store import closures as rows
from app.store import members
from app.store.engine import Connection
from app.store.member_heads import MemberHead


def read_rendered(
    register: Register, connection: Connection, collection: GatewayCollection, heads: Sequence[MemberHead]
) -> dict[str, MemberBody]:
    """Return what stands for events that no client put, by UID: their octets and when they take place."""
    user, store = collection.user, register.store
    sequences = {head.uid: head.written_sequence for head in heads}
    events: dict[str, list[Known]] = {}
    for held in rows.of_series(store, connection, user.code, [store.blind.series(user.id, uid) for uid in sequences]):
        if held.closure.gateway == collection.gateway.code:
            events.setdefault(held.mark.uid, []).append(Known(held.closure, held.mark))
    return {uid: _rendered_body(uid, known, sequences[uid]) for uid, known in events.items()}


def rendered_touching(
    register: Register, connection: Connection, collection: GatewayCollection, weeks: Sequence[str]
) -> list[str]:
    """Return the UIDs of the closures that touch these ISO weeks, if the collection has members that no client put."""
    store, user = register.store, collection.user
    if not members.has_rendered(connection, collection.place):
        return []
    found = rows.touching(store, connection, weeks, {user.id: user.code})
    return [held.mark.uid for held in found if held.closure.gateway == collection.gateway.code]


def _rendered_body(uid: str, known: Sequence[Known], sequence: int) -> MemberBody:
    instances = [
        Occurrence(
            starts=entry.closure.window.starts,
            ends=entry.closure.window.ends,
            recurrence_id=entry.mark.recurrence_id,
            all_day=False,
            floating=False,
            place=place,
        )
        for place, entry in enumerate(in_order(known))
    ]
    by_start = sorted(instances, key=lambda instance: (instance.starts, instance.recurrence_id))
    return MemberBody(octets_of(uid, known, sequence), tuple(by_start), None, None, "")
