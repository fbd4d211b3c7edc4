"""Whole histories as they were recorded, found by place in the log, closure or User. Only the register imports this."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

import sqlalchemy as sa

from app.store.bodies import closure_marks
from app.store.closures import FORGOTTEN, Written, open_history, open_revision
from app.store.engine import Store
from app.store.groups import in_groups
from app.store.proven import altered, require_proven
from app.store.tables import closures, revisions

# Built once: building a statement costs as much as running it.
_UNOPENED = sa.select(*(column for column in closures.c if column.name != "sealed")).where(
    closures.c.id.in_(sa.bindparam("ids", expanding=True))
)
_WHOLE = sa.select(closures).where(closures.c.id.in_(sa.bindparam("ids", expanding=True)))
_IDS_OF_USERS = sa.select(closures.c.id).where(closures.c.user_id.in_(sa.bindparam("ids", expanding=True)))
_BY_CLOSURE = sa.select(revisions).order_by(revisions.c.closure_id, revisions.c.entry)
_OF_CLOSURES = _BY_CLOSURE.where(revisions.c.closure_id.in_(sa.bindparam("ids", expanding=True)))
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


def first_place_since(connection: sa.Connection, since: datetime) -> int | None:
    """Return the first place in the log of what was received from ``since`` on; None where nothing was."""
    # Plus nothing, so that it is found by when it was received: by its own index the least of none is the whole table.
    query = sa.select(sa.func.min(revisions.c.log_index + 0)).where(revisions.c.received_at >= since)
    found: int | None = connection.execute(query).scalar_one()
    return found


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
    store: Store, connection: sa.Connection, since: datetime, until: datetime, users: Collection[bytes]
) -> list[tuple[bytes, int, int, bytes]]:
    """Return (closure, entry, log position, User) of what was received of ``users`` at ``since`` <= t < ``until``.

    In order of receipt. They are all Users that there are: raise ``SealBroken`` for an entry of nobody.
    """
    found = connection.execute(_RECEIVED, {"since": since, "until": until}).all()
    strangers = {row.user_id for row in found} - set(users)
    if not all(store.keyring.is_shredded(one) for one in strangers):
        raise altered(revisions)
    return [tuple(row) for row in found if row.user_id not in strangers]


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
        standing = [row for row in connection.execute(_WHOLE, {"ids": group}).all() if row.user_id in user_ids]
        found = connection.execute(_OF_CLOSURES, {"ids": group}).all()
        written = {closure_id: list(its) for closure_id, its in groupby(found, key=lambda row: row.closure_id)}
        for row in standing:
            require_proven(connection, closures, row)
            if row.state != FORGOTTEN:
                yield row.reference, _opened(store, connection, row, written.get(row.id, []))


def histories_of_users(
    store: Store, connection: sa.Connection, user_ids: Collection[bytes]
) -> Iterator[tuple[str, list[Written]]]:
    """Yield the same of every closure of Users."""
    for group in in_groups(user_ids):
        ids = connection.execute(_IDS_OF_USERS, {"ids": group}).scalars().all()
        yield from histories_of(store, connection, ids, user_ids)


def _opened(store: Store, connection: sa.Connection, closure: Any, rows: Sequence[Any]) -> list[Written]:
    """Return the entries of a closure, as many as its row says that there are. Raise ``SealBroken``."""
    body = store.keyring.unseal(closure.user_id, "closures", "sealed", closure.id, closure.row_version, closure.sealed)
    return open_history(store, connection, rows, closure_marks(body).entries)


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
