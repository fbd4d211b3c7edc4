"""How far the record had come (``app.security.high_water``), held against the database, and raised as it grows."""

from datetime import UTC, datetime

import sqlalchemy as sa

from app.security.high_water import HighWaterMark, Loss
from app.security.merkle import Frontier
from app.store.engine import Head, Store, read_head
from app.store.tables import log
from app.store.watch import gone_back, require_as_far

_LEAVES = sa.select(log.c.leaf).where(log.c.position >= sa.bindparam("first")).order_by(log.c.position)


def require_no_loss(store: Store) -> None:
    """Raise ``StoreUnfit`` unless this database is the one that the keys have seen, and only grew since."""
    mark = store.keyring.high_water.read()
    if mark is not None:
        with store.reading() as connection:
            _require_grown(connection, mark, read_head(connection))


def raise_mark(store: Store, now: datetime) -> None:
    """Write down how far the record has come, once it is sure that it only grew. Raise ``StoreUnfit``, ``StoreFull``.

    What was recorded since the last mark is read, nothing else.
    """
    mark = store.keyring.high_water.read()
    with store.reading() as connection:
        at = read_head(connection)
        if mark is not None:
            _require_grown(connection, mark, at)
        if mark is None or mark.size < at.log_size:
            store.keyring.high_water.raise_to(_mark(at, now))


def adopt(store: Store, now: datetime) -> Loss | None:
    """Take the database as it stands for the one that the keys belong to; return what is given up by it."""
    store.keyring.unsettle()  # it may be of before a rotation of the root
    with store.reading() as connection:
        at = read_head(connection)
    return store.keyring.high_water.accept(_mark(at, now))


def _mark(at: Head, now: datetime) -> HighWaterMark:
    return HighWaterMark(at.database_id, at.log_size, at.log_edge, now.astimezone(UTC))


def _require_grown(connection: sa.Connection, mark: HighWaterMark, at: Head) -> None:
    require_as_far(mark, at.database_id, at.log_size)
    leaves = connection.execute(_LEAVES, {"first": mark.size}).scalars().all()
    grown = Frontier.from_bytes(mark.size, mark.edge).extend(leaf or b"" for leaf in leaves)  # a torn page has none
    if (grown.size, grown.to_bytes()) != (at.log_size, at.log_edge):
        raise gone_back(
            f"Its first {mark.size} entries are not those that it held on {mark.at:%d %B %Y at %H:%M:%S} UTC."
        )
