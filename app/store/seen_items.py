"""What an account has looked at, by a blind index: which closure it was about is not said."""

from collections.abc import Iterable
from datetime import datetime, timedelta

import sqlalchemy as sa

from app.store.chains import chains_of
from app.store.tables import seen_items

KEPT = timedelta(days=800)
"""Longer than a window may lie ahead: what was looked at does not come back by itself."""


def seen_among(connection: sa.Connection, account_id: bytes, items: Iterable[bytes]) -> set[bytes]:
    """Return those of these that an account has looked at, each named by its digest of the blind index."""
    query = sa.select(seen_items.c.item).where(seen_items.c.account_id == account_id)
    stands, seen = chains_of(connection).index, set(connection.execute(query).scalars())
    return {item for item in items if stands(item) in seen}


def insert_seen(connection: sa.Connection, account_id: bytes, items: Iterable[bytes], now: datetime) -> None:
    """Note that an account looked at these, each once."""
    named = set(items)
    new = named - seen_among(connection, account_id, named)
    if new:
        stored = sorted(map(chains_of(connection).index, new))
        rows = [{"account_id": account_id, "item": item, "seen_at": now} for item in stored]
        connection.execute(sa.insert(seen_items), rows)


def purge_seen(connection: sa.Connection, before: datetime) -> int:
    """Forget what was looked at before an instant; return how many."""
    return connection.execute(sa.delete(seen_items).where(seen_items.c.seen_at < before)).rowcount
