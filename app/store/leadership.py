"""One scheduler at a time: an advisory lock in PostgreSQL, a locked file beside SQLite."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from app.store.engine import Store

_LOCK_NUMBER = 0x636C6F73  # "clos": one lock of this database


@contextmanager
def leadership(store: Store) -> Iterator[bool]:
    """Try to become the one scheduler of this database; give whether it worked, and hold it until the end."""
    if store.engine.dialect.name == "postgresql":
        with store.engine.connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT")
            won = connection.execute(sa.select(sa.func.pg_try_advisory_lock(_LOCK_NUMBER))).scalar_one()
            try:
                yield bool(won)
            finally:
                if won:
                    connection.execute(sa.select(sa.func.pg_advisory_unlock(_LOCK_NUMBER)))
        return
    path = Path(f"{store.engine.url.database}.scheduler")
    with path.open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
