"""The key ring in the database, where many machines share it: octets as they are in a file, wrapped by a KEK elsewhere.

PostgreSQL alone: beside SQLite there is one machine, and the ring is a file. The row is in no backup (ADR 13), and in
no proof: the ring is authenticated as a whole under a key of its own.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import sqlalchemy as sa

from app.domain.refusal import StoreBusy, StoreUnfit
from app.security.ring_place import Stamp
from app.store.engine import CURRENT, translated
from app.store.key_tables import ring
from app.store.postgresql import ADDRESS, SCHEMES, postgresql_engine

_ID = 1
_FILE = sa.text("SELECT ctid::text, pg_relation_size('ring') FROM ring")
_CLEAN = ("(0,1)", 8192)
# Who waits for a table keeps all who come later waiting for it.
_NOT_FOR_LONG = "SET LOCAL lock_timeout = '200ms'"
_STAMP = sa.select(ring.c.generation)
# Seconds, so that a ring that is put in place of a lost one comes after it.
_FIRST = sa.cast(sa.extract("epoch", sa.func.clock_timestamp()), sa.BigInteger)
_WHOLE = sa.select(ring.c.generation, ring.c.octets)


def ring_table(url: str) -> "RingTable | None":
    """Return where the machines of a database keep the ring; None on SQLite, and before the migration that makes it."""
    if url.partition("://")[0] not in SCHEMES:
        return None
    engine = postgresql_engine(url, keeps=False)
    with translated(), engine.connect() as connection:
        is_there = sa.inspect(connection).has_table(ring.name)
    return RingTable(engine) if is_there else None


class RingTable:
    """The one row. Its generation rises with each ring, and whoever writes names the one that it read."""

    is_shared = True

    def __init__(self, engine: sa.Engine) -> None:
        # A connection of its own, for that moment: what is written is durable before the transaction in which that is
        # done goes on. It is seldom: a User is added or shredded, keys are rotated. Who only looks does so in the
        # transaction it is in.
        self._engine = engine
        self._address = engine.get_execution_options()[ADDRESS]

    def holds(self) -> bool:
        """Tell whether a ring was put here."""
        with self._connection() as connection:
            return connection.execute(_STAMP).first() is not None

    def has_another(self, than: Stamp) -> bool:
        """Tell whether there is a later generation. Raise ``StoreUnfit`` if there is none, ``StoreBusy``.

        A transaction that began before sees an earlier one: what it reads was sealed with keys of that.
        """
        return bool(self._one(_STAMP).generation > than[0])

    def read(self, *, apart: bool = False) -> tuple[Stamp, bytes]:
        """Return the ring with its generation. Raise as ``has_another``."""
        found = self._one(_WHOLE, apart=apart)
        return (found.generation,), bytes(found.octets)

    def write(self, octets: bytes, instead_of: Stamp | None) -> bool:
        """Put a ring in place of a generation, or the first one; tell whether no other machine was first.

        Raise ``StoreFull`` or ``StoreBusy``.
        """
        with self._connection() as connection:
            if instead_of is None:
                try:
                    connection.execute(sa.insert(ring).values(id=_ID, generation=_FIRST, octets=octets))
                except sa.exc.IntegrityError:
                    return False
                return True
            update = sa.update(ring).where(ring.c.id == _ID, ring.c.generation == instead_of[0])
            return connection.execute(update.values(generation=instead_of[0] + 1, octets=octets)).rowcount == 1

    def forget_replaced(self) -> None:
        """Write the table anew unless its file holds the one row alone.

        Where others read it, or a transaction of before may want the row that was replaced, that is left to next time.
        """
        with suppress(StoreBusy), translated(), self._engine.begin() as connection:
            found = connection.execute(_FILE).first()
            if found is not None and tuple(found) != _CLEAN:
                connection.exec_driver_sql(_NOT_FOR_LONG)
                connection.exec_driver_sql("CLUSTER ring USING pk_ring")

    def _one(self, query: sa.Select[Any], *, apart: bool = False) -> sa.Row[Any]:
        current = CURRENT.get()
        if not apart and current is not None and current.get_execution_options().get(ADDRESS) == self._address:
            found = current.execute(query).first()
        else:
            with self._connection() as connection:
                found = connection.execute(query).first()
        if found is None:
            raise StoreUnfit(
                "The key ring is missing from the database.", "See docs/operating.md, Keys of many machines."
            )
        return found

    @contextmanager
    def _connection(self) -> Iterator[sa.Connection]:
        """Give a connection on which each statement is a transaction, durable as it returns."""
        with translated(), self._engine.connect() as connection:
            yield connection.execution_options(isolation_level="AUTOCOMMIT")
