"""What DCC's staff have seen of what needs attention, found by a blind index: which closure it is about is not said."""

import json
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa

from app.security.sealing import SealBroken
from app.store.acts import Deed, insert_row, remove_rows
from app.store.chains import chains_of
from app.store.deciding import open_row
from app.store.engine import Store, read_head
from app.store.groups import in_groups
from app.store.tables import seen_marks

KEPT = timedelta(days=800)
"""Longer than a window may lie ahead: what was seen does not come back by itself."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Who has seen something, when, and what they noted for their colleagues."""

    by: str
    at: datetime
    note: str


def marks_among(store: Store, connection: sa.Connection, items: Iterable[bytes]) -> dict[bytes, Mark]:
    """Return the mark of each of these that was seen, each named by its digest of the blind index.

    A mark that was altered marks nothing: the item is there again.
    """
    stands = chains_of(connection).index
    asked = {stands(item): item for item in items}
    found = {}
    for group in in_groups(asked):
        for row in connection.execute(sa.select(seen_marks).where(seen_marks.c.item.in_(group))):
            with suppress(SealBroken):
                by, note = json.loads(open_row(store, seen_marks, row._asdict()))
                found[asked[row.item]] = Mark(by, row.seen_at, note)
    return found


def put_mark(store: Store, connection: sa.Connection, item: bytes, mark: Mark) -> bool:
    """Mark something as seen; False where it is marked already: the first who saw it stays."""
    read_head(connection, lock=True)  # of two that mark it at once, the second waits here
    stored = chains_of(connection).index(item)
    if connection.execute(sa.select(seen_marks.c.item).where(seen_marks.c.item == stored)).first() is not None:
        return False
    body = json.dumps([mark.by, mark.note], ensure_ascii=False).encode()
    insert_row(store, connection, Deed.MARKED_SEEN, seen_marks, {"item": stored, "seen_at": mark.at}, body)
    return True


def remove_mark(store: Store, connection: sa.Connection, item: bytes) -> bool:
    """Take a mark back; tell whether there was one."""
    stored = chains_of(connection).index(item)
    return remove_rows(store, connection, Deed.MARK_TAKEN_BACK, {seen_marks: seen_marks.c.item == stored}) > 0


def purge_marks(store: Store, connection: sa.Connection, before: datetime) -> int:
    """Forget what was seen before an instant; return how many."""
    return remove_rows(store, connection, Deed.MARKS_PURGED, {seen_marks: seen_marks.c.seen_at < before})
