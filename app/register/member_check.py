"""Whether calendar members open, and are found in the weeks that they touch: asked of all, for verification."""

import zlib
from collections.abc import Iterator

from app.domain.refusal import Refusal
from app.register.member_body import load_body, weeks_of
from app.store import members
from app.store.engine import Connection, Store

_UNREADABLE = (Refusal, ValueError, KeyError, TypeError, zlib.error)


def member_faults(store: Store, connection: Connection) -> Iterator[str]:
    """Yield in words what does not agree; members of shredded Users are passed over."""
    filed = members.weeks_by_member(connection)
    for row in members.all_rows(connection):
        found = filed.pop(row.id, frozenset())
        if store.keyring.is_shredded(row.user_id):
            continue
        try:
            held, stored = members.open_whole(store, connection, row)
            body = None if stored is None else load_body(stored)
            expected = frozenset[bytes]()
            if body is not None:
                is_whole = (body.complete_from, body.complete_until) == (None, None)
                expected = members.week_keys(store, held.place, weeks_of(body.instances), is_whole=is_whole)
        except _UNREADABLE:
            yield "A member of a calendar does not open."
            continue
        if found != expected:
            yield "A member of a calendar is not found in the weeks that it touches."
    yield from ("The week index names a member that is not there." for _ in filed)
