"""What an account has looked at, by a blind index: which closure it was about is not said."""

from collections.abc import Iterable
from datetime import datetime, timedelta

import sqlalchemy as sa

from app.store.tables import seen_items

KEPT = timedelta(days=800)
"""Longer than a window may lie ahead: what was looked at does not come back by itself."""


def seen_by(connection: sa.Connection, account_id: bytes) -> set[bytes]:
    """Return the indexes of what an account has looked at."""
    query = sa.select(seen_items.c.item).where(seen_items.c.account_id == account_id)
    return set(connection.execute(query).scalars())


def insert_seen(connection: sa.Connection, account_id: bytes, items: Iterable[bytes], now: datetime) -> None:
    """Note that an account looked at these, each once."""
    new = set(items) - seen_by(connection, account_id)
    if new:
        rows = [{"account_id": account_id, "item": item, "seen_at": now} for item in sorted(new)]
        connection.execute(sa.insert(seen_items), rows)


def purge_seen(connection: sa.Connection, before: datetime) -> int:
    """Forget what was looked at before an instant; return how many."""
    return connection.execute(sa.delete(seen_items).where(seen_items.c.seen_at < before)).rowcount
