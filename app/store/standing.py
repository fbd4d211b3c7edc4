"""What stood when acts began: a database of before comes under them once, in the transaction of its migration."""

from typing import Any

import sqlalchemy as sa

from app.domain.refusal import Refusal
from app.store import schema
from app.store.acts import Deed, record_act
from app.store.carried import FIRST_WITH_DAYS, carry
from app.store.closures import FORGOTTEN
from app.store.deciding import BOUND, DECIDING, PURGED, Deciding, key_of, place_of, seal_row
from app.store.engine import Store
from app.store.groups import in_groups
from app.store.parties import record_shred
from app.store.proven import FIRST_PROVEN, NEWEST_HEAD, prove_head, prove_standing
from app.store.tables import closures, notices, users
from app.store.week_index import index_watches

FIRST_WITH_ACTS = "r0002"
"""The migration that brought the table of acts."""
FIRST_WITH_WATCHES = "r0007"
"""The migration since which the week index finds a closure whose re-opening is waited for, wherever its weeks are."""


def upgrade_store(store: Store) -> None:
    """Bring the database to the newest migration, with what its keys have to do with that. Raise ``StoreUnfit``."""
    schema.upgrade(store.engine, lambda connection, found: bring_along(store, connection, found))


def bring_along(store: Store, connection: sa.Connection, found: str) -> None:
    """Do what needs keys after the tables came from migration ``found`` to the newest, in the same transaction."""
    # Proofs come first: no row is read, and nothing is written upon the head, without one.
    if found < FIRST_PROVEN:
        prove_standing(connection)
    elif found < NEWEST_HEAD:
        prove_head(connection, found)
    if found < FIRST_WITH_DAYS:
        carry(store, connection)
    if found < FIRST_WITH_ACTS:
        record_standing(store, connection)
    if found < FIRST_WITH_WATCHES:
        index_watches(store, connection)


def record_standing(store: Store, connection: sa.Connection) -> None:
    """Seal the rows that decide as this release does, and write an act of each: it stood at the upgrade.

    That is no proof of what came before it, and says so. What does not open stays as it is, for verification to name.
    """
    for one in BOUND.values():
        if "sealed" in one.columns:
            for row in connection.execute(sa.select(one.table)).all():
                _seal_anew(store, connection, one, row._asdict())
    for one in DECIDING.values():
        _record(store, connection, one, sa.select(*one.table.primary_key))
    _record(store, connection, PURGED[closures.name], sa.select(closures.c.id).where(closures.c.state == FORGOTTEN))
    _record(store, connection, PURGED[notices.name], sa.select(notices.c.id).where(notices.c.sealed.is_(None)))
    for user_id in connection.execute(sa.select(users.c.id)).scalars().all():
        if store.keyring.is_shredded(user_id):
            record_shred(store, connection, user_id)


def _seal_anew(store: Store, connection: sa.Connection, one: Deciding, values: dict[str, Any]) -> None:
    owner, named, version = place_of(one, values)
    try:
        # What had no seal until now has nothing to say in it.
        sealed = values["sealed"]
        body = store.keyring.unseal(owner, one.table.name, "sealed", named, version, sealed) if sealed else b""
        values["sealed"] = seal_row(store, one.table, values, body)
    except Refusal:
        return
    which = [column == part for column, part in zip(one.table.primary_key, key_of(one, values), strict=True)]
    connection.execute(sa.update(one.table).where(*which).values(sealed=values["sealed"]))


def _record(store: Store, connection: sa.Connection, one: Deciding, query: sa.Select[Any]) -> None:
    for keys in in_groups([tuple(row) for row in connection.execute(query)]):
        record_act(store, connection, Deed.STOOD, [(one, key) for key in keys])
