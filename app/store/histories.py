"""Whole histories as they were recorded, found by place in the log, closure or User. Only the register imports this."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any

import sqlalchemy as sa

from app.store.bodies import closure_marks
from app.store.closures import FORGOTTEN, Written, open_history, open_revision
from app.store.engine import Store
from app.store.groups import in_groups
from app.store.proven import altered, require_proven
from app.store.receipt_order import Passage, Place
from app.store.tables import closures, revisions

# Built once: building a statement costs as much as running it.
_WHOLE = sa.select(closures).where(closures.c.id.in_(sa.bindparam("ids", expanding=True)))
_IDS_OF_USERS = sa.select(closures.c.id).where(closures.c.user_id.in_(sa.bindparam("ids", expanding=True)))
_BY_CLOSURE = sa.select(revisions).order_by(revisions.c.closure_id, revisions.c.entry)
_OF_CLOSURES = _BY_CLOSURE.where(revisions.c.closure_id.in_(sa.bindparam("ids", expanding=True)))
_PLACE = (sa.type_coerce(revisions.c.received_at, sa.BigInteger), revisions.c.log_index)
_RECEIVED = sa.select(revisions.c.closure_id, revisions.c.entry, *_PLACE, revisions.c.user_id)
_AT_PLACES = sa.select(revisions).where(revisions.c.log_index.in_(sa.bindparam("places", expanding=True)))
_BETWEEN = (revisions.c.log_index >= sa.bindparam("first"), revisions.c.log_index < sa.bindparam("after"))
_RECORDED = sa.select(revisions).where(*_BETWEEN).order_by(revisions.c.log_index)
_UNOPENED = sa.select(*(column for column in closures.c if column.name != "sealed")).where(
    closures.c.id.in_(sa.select(revisions.c.closure_id).where(*_BETWEEN))
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
    chosen, between = set(user_ids), {"first": first, "after": after}
    found = connection.execute(_RECORDED, between).all()
    known = _references(connection, between) if found else {}
    if known.keys() != {row.closure_id for row in found}:
        raise altered(closures)
    opened = []
    for row in found:
        if row.user_id not in chosen:
            require_proven(connection, revisions, row)
        elif (written := open_revision(store, connection, row)) is not None:
            opened.append((known[row.closure_id], written))
    return opened


def received_within(
    connection: sa.Connection, passage: Passage, user_ids: Collection[bytes] | None, most: int
) -> list[tuple[bytes, int, Place, bytes]]:
    """Return (closure, entry, its place, User) of the first entries of a passage, ``most`` at most.

    Of these Users alone; None are all.
    """
    order = [column.desc() if passage.latest_first else column for column in _PLACE]
    place = sa.tuple_(*_PLACE)
    query = _RECEIVED.where(place >= passage.starts, place < passage.ends).order_by(*order).limit(most)
    if user_ids is not None:
        query = query.where(revisions.c.user_id.in_(user_ids))
    return [
        (closure_id, entry, (received_at, position), user_id)
        for closure_id, entry, received_at, position, user_id in connection.execute(query)
    ]


def entries_at(store: Store, connection: sa.Connection, positions: Iterable[int]) -> Iterator[Written]:
    """Yield the entries at positions of the log, in no order. Raise ``Shredded`` or ``SealBroken``."""
    for group in in_groups(positions):
        for row in connection.execute(_AT_PLACES, {"places": group}).all():
            written = open_revision(store, connection, row)
            if written is not None:
                yield written


def closures_referred(connection: sa.Connection, words: Iterable[str]) -> list[bytes]:
    """Return the closures of whose reference any of the words is part, in any case."""
    among = sa.or_(sa.false(), *(closures.c.reference.contains(word.upper(), autoescape=True) for word in words))
    return list(connection.execute(sa.select(closures.c.id).where(among)).scalars())


def histories_of(
    store: Store, connection: sa.Connection, closure_ids: Iterable[bytes], user_ids: Collection[bytes]
) -> Iterator[tuple[str, list[Written]]]:
    """Yield (reference, every entry in order) of closures of Users; of those that are forgotten, nothing.

    Raise ``SealBroken`` where a closure or an entry is missing, ``Shredded`` where a User's key went while this reads.
    """
    for group in in_groups(closure_ids):
        standing = connection.execute(_WHOLE, {"ids": group}).all()
        if len(standing) != len(set(group)):
            raise altered(closures)
        found = connection.execute(_OF_CLOSURES, {"ids": group}).all()
        written = {closure_id: list(its) for closure_id, its in groupby(found, key=lambda row: row.closure_id)}
        for row in standing:
            require_proven(connection, closures, row)
            if row.user_id in user_ids and row.state != FORGOTTEN:
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


def _references(connection: sa.Connection, between: Mapping[str, int]) -> dict[bytes, str]:
    """Return the references of closures with an entry in some places of the log, by row id. Raise ``SealBroken``."""
    found: dict[bytes, str] = {}
    for row in connection.execute(_UNOPENED, between).all():
        require_proven(connection, closures, row)
        found[row.id] = row.reference
    return found
