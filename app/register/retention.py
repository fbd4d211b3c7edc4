"""What its retention lets go is forgotten; the record still verifies, as leaves stay (docs/domain.md#retention)."""

from dataclasses import dataclass
from datetime import datetime

from app.register.calendar_view import let_members_go
from app.register.register import Register
from app.store import assessments, notices, parties
from app.store import closures as rows
from app.store.groups import in_groups


@dataclass(frozen=True, slots=True)
class Purged:
    """How many notices lost their octets and how many closures their facts."""

    notices: int
    closures: int


def purge_expired(register: Register, now: datetime) -> Purged:
    """Forget what senders wrote of windows long past, and closures whose facts have been kept for long enough.

    A notice of which nothing could be read is kept for the same time after its receipt.
    """
    store = register.store
    retention = register.rulebook().retention
    with store.reading() as connection:
        codes = {user.id: user.code for user in parties.read_parties(store, connection).users.values()}
        held = {entry.closure.id: entry for entry in rows.changed_since(store, connection, 0, codes)}
        held_notices = notices.held_notices(connection, now - retention.details)
        about = rows.closures_of_notices(connection, held_notices)
    recent = {closure_id for closure_id, entry in held.items() if entry.closure.window.ends > now - retention.details}
    # A notice about a closure that nobody can read any more says nothing of when its window was: it is kept.
    current = {notice_id for notice_id, closure_id in about if closure_id in recent or closure_id not in held}
    silent = [notice_id for notice_id in held_notices if notice_id not in current]
    past = [closure_id for closure_id, entry in held.items() if entry.closure.window.ends <= now - retention.facts]
    with store.writing() as connection:
        register.lock(connection)
        for group in in_groups(silent):
            notices.purge_notices(store, connection, group)
        rows.forget_closures(store, connection, past)
        if past:
            let_members_go(register, connection, (held[entry] for entry in past), now.toordinal())
            parties.count_forgetting(connection, now)
        for group in in_groups(past):
            assessments.forget_assessments(connection, group)
    return Purged(len(silent), len(past))
