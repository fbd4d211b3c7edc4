"""A database put in the place of another, or of none: whole at one moment, and nothing of it before that.

SQLite is filled in a folder beside its place and moved there at the end; PostgreSQL in one transaction.
"""

import fcntl
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import datetime
from pathlib import Path

import sqlalchemy as sa

from app.domain.refusal import StoreBusy, StoreFull
from app.security.folders import make_folder, sync_folder
from app.security.keyring import Keyring
from app.store import schema
from app.store.archive import copied, holds_something
from app.store.engine import Store, make_engine, open_empty_store

_OTHERS = sa.text(
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND usename = current_user "
    "AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
)
_LEAVE_SECONDS = 5.0  # until PostgreSQL has noticed that a process was killed
_LOOKS_AGAIN_SECONDS = 0.1
_BUSY_SECONDS = 2
_STOP = "Stop the service and every command that runs, on every machine, then restore again."


@contextmanager
def restoring(url: str, keyring: Keyring, now: Callable[[], datetime], *, replace: bool) -> Iterator[Store]:
    """Give an empty store inside one transaction; at the end, what it was filled with is the database at ``url``.

    If that fails, or the process is killed, the database is what it was before. One that holds anything is taken away
    with ``replace`` alone: a file of SQLite is kept beside, under a name that ends with the time. Raise ``StoreUnfit``,
    ``StoreBusy`` while the service runs on it, or ``StoreFull``.
    """
    way = _beside if make_engine(url).dialect.name == "sqlite" else _in_one_transaction
    try:
        with way(url, keyring, now, replace=replace) as store:
            yield store
    except StoreFull as problem:
        raise StoreFull(problem.text, "Make room, then restore again: nothing was restored.") from problem
    except OSError as problem:
        raise StoreFull(
            f"The database cannot be put in its place: {problem.strerror}.",
            "See to its disk and folder, then restore again: nothing was restored.",
        ) from problem


@contextmanager
def _in_one_transaction(url: str, keyring: Keyring, now: Callable[[], datetime], *, replace: bool) -> Iterator[Store]:
    store = open_empty_store(url, keyring, now)
    try:
        held = schema.found_version(store.engine) is not None
        if held and not replace:
            raise holds_something()
        if held:
            _require_unused(store)
        with store.writing() as connection:
            if held:
                _drop(connection)
            yield store.within(connection)
    finally:
        store.close()


def _require_unused(store: Store) -> None:
    """Raise ``StoreBusy`` where others stay connected: a service would go on by what it remembers of the tables."""
    until = time.monotonic() + _LEAVE_SECONDS
    while True:
        with store.reading() as connection:
            others = connection.execute(_OTHERS).scalar_one()
        if not others:
            return
        if time.monotonic() > until:
            raise StoreBusy(f"The database is in use by {others} other connections.", _STOP)
        time.sleep(_LOOKS_AGAIN_SECONDS)


def _drop(connection: sa.Connection) -> None:
    tables = sa.MetaData()
    tables.reflect(connection)
    tables.drop_all(connection, [*copied(tables), tables.tables[schema.VERSION_TABLE]])


@contextmanager
def _beside(url: str, keyring: Keyring, now: Callable[[], datetime], *, replace: bool) -> Iterator[Store]:
    place = Path(sa.make_url(url).database or "").absolute()
    folder = Path(f"{place}{schema.UNFINISHED}")
    make_folder(place.parent)
    with _alone_in(place.parent):
        _clear(folder)
        if not replace:
            _require_empty(url)
        make_folder(folder, 0o700)
        try:
            new = folder / place.name
            store = open_empty_store(f"sqlite:///{new}", keyring, now)
            try:
                with store.writing() as connection:
                    yield store.within(connection)
            finally:
                store.close()
            _make_one_file(new)
            _put(new, place, Path(f"{place}.replaced-{now():%Y%m%dT%H%M%SZ}") if replace else None)
        finally:
            _clear(folder)


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Hold the folder's lock, which ends with its process. Raise ``StoreBusy`` while another one restores there."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as problem:
            raise StoreBusy("Another restore of this database runs.", "Wait for its end.") from problem
        yield
    finally:
        os.close(handle)


def _clear(folder: Path) -> None:
    """Remove what a restore was about to put in place, now or when it was killed."""
    if folder.exists():
        shutil.rmtree(folder)


def _require_empty(url: str) -> None:
    engine = make_engine(url)
    try:
        if schema.found_version(engine) is not None:
            raise holds_something()
    finally:
        engine.dispose()


def _put(new: Path, place: Path, kept_as: Path | None) -> None:
    """Put a file in the place of the database at one moment; what stood there has another name then too."""
    if place.exists():
        _make_one_file(place)
        if kept_as is not None:
            kept_as.hardlink_to(place)
    # A log that outlives its database (a damaged one, or one that was removed) would be read into the new one.
    log = Path(f"{place}-wal")
    if log.exists():
        log.rename(f"{kept_as or place}-wal-left")
    Path(f"{place}-shm").unlink(missing_ok=True)
    new.replace(place)
    sync_folder(place.parent)


def _make_one_file(file: Path) -> None:
    """Write a database's write-ahead log into it, so that it is one file; of a damaged one leave all as it is.

    Raise ``StoreBusy`` while anybody else has it open, or ``StoreFull``.
    """
    from pysqlite3 import dbapi2  # noqa: PLC0415 - a site on PostgreSQL does not load it

    try:
        with closing(dbapi2.connect(f"{file.as_uri()}?mode=rw", uri=True, timeout=_BUSY_SECONDS)) as connection:
            connection.execute("PRAGMA journal_mode=DELETE").fetchone()
    except dbapi2.OperationalError as problem:
        if "locked" in str(problem):
            raise StoreBusy("The database is in use.", _STOP) from problem
        raise StoreFull(f"The database cannot be put in its place: {problem}.") from problem
    except dbapi2.DatabaseError:
        return
