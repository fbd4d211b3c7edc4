"""Whole histories as they were recorded, found by place in the log, closure or User. Only the register imports this."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

import sqlalchemy as sa

from app.store.closures import Written, open_revision
from app.store.engine import Store
from app.store.groups import MOST_AT_ONCE, in_groups
from app.store.proven import altered, require_proven
from app.store.tables import closures, revisions

# Built once: building a statement costs as much as running it.
_UNOPENED = sa.select(*(column for column in closures.c if column.name != "sealed")).where(
    closures.c.id.in_(sa.bindparam("ids", expanding=True))
)
_BY_CLOSURE = sa.select(revisions).order_by(revisions.c.closure_id, revisions.c.entry)
_OF_CLOSURES = _BY_CLOSURE.where(revisions.c.closure_id.in_(sa.bindparam("ids", expanding=True)))
_OF_USERS = _BY_CLOSURE.where(revisions.c.user_id.in_(sa.bindparam("ids", expanding=True)))
_RECEIVED = (
    sa.select(revisions.c.closure_id, revisions.c.entry, revisions.c.log_index, revisions.c.user_id)
    .where(
        revisions.c.received_at >= sa.bindparam("since"),
        revisions.c.received_at < sa.bindparam("until"),
        revisions.c.sealed.is_not(None),
    )
    .order_by(revisions.c.received_at, revisions.c.log_index)
)
_RECORDED = (
    sa.select(revisions)
    .where(revisions.c.log_index >= sa.bindparam("first"), revisions.c.log_index < sa.bindparam("after"))
    .order_by(revisions.c.log_index)
)


def recorded_between(
    store: Store, connection: sa.Connection, first: int, after: int, user_ids: Iterable[bytes]
) -> list[tuple[str, Written]]:
    """Return (reference, entry) of what was recorded at log positions ``first`` <= p < ``after``, in order.

    Raise ``Shredded`` where a User's key went while this reads.
    """
    chosen, found = set(user_ids), connection.execute(_RECORDED, {"first": first, "after": after}).all()
    known = _references(connection, {row.closure_id for row in found})
    opened = []
    for row in found:
        if row.user_id not in chosen:
            require_proven(connection, revisions, row)
        elif (written := open_revision(store, connection, row)) is not None:
            opened.append((known[row.closure_id], written))
    return opened


def received_between(
    connection: sa.Connection, since: datetime, until: datetime, user_ids: Iterable[bytes]
) -> list[tuple[bytes, int, int]]:
    """Return (closure, entry, log position) of what was received of Users at ``since`` <= t < ``until``, in order."""
    chosen = set(user_ids)
    found = connection.execute(_RECEIVED, {"since": since, "until": until})
    return [(closure_id, entry, position) for closure_id, entry, position, user_id in found if user_id in chosen]


def closures_referred(connection: sa.Connection, words: Iterable[str]) -> list[bytes]:
    """Return the closures of whose reference any of the words is part, in any case."""
    among = sa.or_(sa.false(), *(closures.c.reference.contains(word.upper(), autoescape=True) for word in words))
    return list(connection.execute(sa.select(closures.c.id).where(among)).scalars())


def histories_of(
    store: Store, connection: sa.Connection, closure_ids: Iterable[bytes], user_ids: Collection[bytes]
) -> Iterator[tuple[str, list[Written]]]:
    """Yield (reference, every entry in order) of closures of Users; of those that are forgotten, nothing.

    Raise ``SealBroken`` where an entry is missing, ``Shredded`` where a User's key went while this reads.
    """
    for group in in_groups(closure_ids):
        found = connection.execute(_OF_CLOSURES, {"ids": group}).all()
        yield from _opened(store, connection, [row for row in found if row.user_id in user_ids])


def histories_of_users(
    store: Store, connection: sa.Connection, user_ids: Iterable[bytes]
) -> Iterator[tuple[str, list[Written]]]:
    """Yield the same of every closure of Users, in one pass over all that is recorded of anybody."""
    for group in in_groups(user_ids):
        query = _OF_USERS.execution_options(yield_per=MOST_AT_ONCE)
        with connection.execute(query, {"ids": group}) as rows:
            begun: list[Any] = []
            for batch in rows.partitions():
                found = [*begun, *batch]
                # The last closure may go on in the next batch.
                begun = [row for row in found if row.closure_id == found[-1].closure_id]
                yield from _opened(store, connection, found[: -len(begun)])
            yield from _opened(store, connection, begun)


def _opened(store: Store, connection: sa.Connection, rows: Sequence[Any]) -> Iterator[tuple[str, list[Written]]]:
    known = _references(connection, {row.closure_id for row in rows})
    for closure_id, its in groupby(rows, key=lambda row: row.closure_id):
        written = [one for row in its if (one := open_revision(store, connection, row)) is not None]
        if [one.revision.entry for one in written] != [*range(1, len(written) + 1)]:
            raise altered(revisions)
        if written:
            yield known[closure_id], written


def _references(connection: sa.Connection, closure_ids: Iterable[bytes]) -> dict[bytes, str]:
    """Return the references of closures by row id. Raise ``SealBroken`` where one is gone or was altered."""
    found: dict[bytes, str] = {}
    wanted = list(closure_ids)
    for group in in_groups(wanted):
        for row in connection.execute(_UNOPENED, {"ids": group}).all():
            require_proven(connection, closures, row)
            found[row.id] = row.reference
    if len(found) != len(wanted):
        raise altered(closures)
    return found
