"""Opening the database, SQLite or PostgreSQL: one way to read, one way to write, durable before it is acknowledged."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event

from app.domain.refusal import StoreAway, StoreBusy, StoreFull, StoreUncertain, StoreUnfit, Unknown
from app.security.blind import BlindIndex
from app.security.folders import make_folder
from app.security.keyring import Keyring
from app.security.row_proofs import RowProofs
from app.security.security_log import held_until_durable
from app.store.chains import DIGESTS, DIGESTS_LOCK, StoredDigests
from app.store.database_file import DatabaseFile
from app.store.metadata import peel_by
from app.store.postgresql import SCHEMES, is_away, postgresql_engine
from app.store.prepared import Prepared
from app.store.proven import PROOFS, altered, proofs_of
from app.store.tables import head
from app.store.turns import WriterTurns
from app.store.watch import Watch

# Below this the WAL-reset bug can corrupt a database that several processes write (SQLite 3.51.3 release notes).
_OLDEST_SQLITE = (3, 51, 3)
_BUSY_MILLISECONDS = 10_000
_PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    # NORMAL loses acknowledged rows at a power cut; FULL does not.
    "PRAGMA synchronous=FULL",
    f"PRAGMA busy_timeout={_BUSY_MILLISECONDS}",
    "PRAGMA foreign_keys=ON",
    "PRAGMA secure_delete=ON",
    "PRAGMA temp_store=MEMORY",
    # What a large import wrote stands in the database and in the WAL; the second copy goes with the next write.
    "PRAGMA journal_size_limit=4194304",
)
_FULL_MARKS = ("disk is full", "disk i/o error", "no space left", "could not extend file", "file too large")
_DAMAGED_MARKS = ("disk image is malformed", "file is not a database", "could not read block", "invalid page in block")
_NUL_MARK = "cannot contain nul"
_SHARE_DIGESTS = f"SELECT pg_advisory_xact_lock_shared({DIGESTS_LOCK})"
_WRITES = "writes"  # by which a pooled connection is told that the transaction about to begin writes
_FOLLOW = "follow"  # the execution option under which a connection tells the keys how far the head has come
_BUSY_MARKS = ("database is locked", "database table is locked", "lock timeout", "deadlock detected")


COMMITS: ContextVar[int] = ContextVar("commits", default=0)
"""How often a commit was sent since somebody set it to 0: only before the first may a request be begun anew."""

CURRENT: ContextVar[sa.Connection | None] = ContextVar("current", default=None)
"""The transaction that this thread is inside of: what is asked meanwhile asks for no second connection beside it."""

Connection = sa.Connection
"""A connection inside a transaction. Named here, since nothing above the store imports SQLAlchemy."""


@dataclass(frozen=True, slots=True)
class Head:
    """The numbers that rise with every change; see ``tables.head``."""

    change: int
    parties: int
    rules: int
    log_size: int
    log_edge: bytes
    stamped_at: datetime
    others_at: datetime
    database_id: bytes
    index_epoch: int
    forgotten: int


@dataclass(frozen=True, slots=True)
class Store:
    """The database with the keys that open what it holds, and the clock by which acts are dated (aware UTC).

    ``blind`` makes digests by the first key; ``chains`` tells how they stand. ``watch`` is None while the database is
    being filled. ``joined`` is the transaction that this one is inside of. ``fence`` is asked at the beginning of each
    transaction that writes, and refuses one that must not: that of a scheduler which leads no more.
    """

    engine: sa.Engine
    keyring: Keyring
    blind: BlindIndex
    now: Callable[[], datetime]
    turns: WriterTurns
    watch: Watch | None = None
    joined: sa.Connection | None = None
    fence: Callable[[sa.Connection], None] | None = None

    def __post_init__(self) -> None:
        """Let each connection prove rows that it writes and reads, find what is blind, and take outer layers off."""
        if PROOFS not in self.engine.get_execution_options():
            self.engine.update_execution_options(**{PROOFS: RowProofs(self.keyring.proving_keys("proof"))})
            self.engine.update_execution_options(**{DIGESTS: StoredDigests(self.keyring)})
            self.engine.update_execution_options(**{_FOLLOW: self.keyring.follow})
            peel_by(self.engine.dialect, self.keyring.peel)

    def within(self, connection: sa.Connection) -> "Store":
        """Return this store inside a transaction: all that it reads and writes belongs to that, and ends with it."""
        return replace(self, joined=connection)

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """Give a connection on one snapshot, for any number of selects. Raise ``StoreBusy`` or ``StoreFull``."""
        if self.joined is not None:
            yield self.joined
            return
        with translated(), self.engine.connect() as connection:
            if connection.dialect.name == "postgresql":
                connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
            with connection.begin(), _inside(connection):
                yield connection

    @contextmanager
    def writing(self, whose: bytes = b"", patience: float | None = None) -> Iterator[sa.Connection]:
        """Give a connection in one transaction, committed (durably) at the end or rolled back whole.

        ``whose`` is the row id of the User that sent what is written, whose turn it is then; "" for our own work. For
        its turn it waits ``patience`` seconds, None is as long as anybody. Raise ``StoreBusy`` or ``StoreFull``.
        """
        if self.joined is not None:
            with translated(), _whole(self.joined):
                yield self.joined
            return
        with (
            held_until_durable(),
            self.turns.turn(whose, patience),
            translated(),
            self.engine.connect() as connection,
            _durably(connection),
            _inside(connection),
        ):
            if connection.dialect.name == "postgresql":
                # SQLite has one writer. Here many share this lock, which the move of all digests has alone.
                connection.exec_driver_sql(_SHARE_DIGESTS)
            if self.fence is not None:
                self.fence(connection)
            if self.watch is not None:
                self.watch.look(connection)
            yield connection

    @contextmanager
    def writing_apart(self) -> Iterator[sa.Connection]:
        """Give a transaction for a row that nothing else is written with, and that waits for no other writer.

        SQLite has one writer: there it is like any other. Raise as ``writing``.
        """
        if self.engine.dialect.name == "sqlite":
            with self.writing() as connection:
                yield connection
            return
        with translated(), self.engine.connect() as connection, _durably(connection):
            yield connection

    def require_fit(self) -> None:
        """Raise ``StoreUnfit`` unless database, keys and high-water mark are there and belong together, now."""
        with self.reading() as connection:
            Watch(self.keyring).look_now(connection)
            self.keyring.require_newest()

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()


HEAD_COLUMNS = (
    *(
        head.c.change,
        head.c.parties,
        head.c.rules,
        head.c.log_size,
        head.c.log_edge,
        head.c.stamped_at,
        head.c.others_at,
        head.c.database_id,
        head.c.index_epoch,
        head.c.forgotten,
        head.c.proof,
    ),
)
"""The columns of the head, for selects that bring it along: ``head_of`` opens them."""
# Statements on the way of every request are built once: building one costs as much as running it.
_HEAD = sa.select(*HEAD_COLUMNS)
_LOCKED_HEAD = _HEAD.with_for_update()
_NAMES = tuple(column.name for column in HEAD_COLUMNS[:-1])
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)
_UNWRITTEN = (0, 0, 0, 0, b"", _NEVER, _NEVER, b"")  # as the migration that makes it leaves it, which has no keys
_WRITTEN_HEAD = Prepared(sa.update(head).values({name: sa.bindparam(f"new_{name}") for name in (*_NAMES, "proof")}))


def open_store(url: str, keyring: Keyring, now: Callable[[], datetime]) -> Store:
    """Open the database at ``url``, which is one of ours and of this release (``schema.require_current``)."""
    return replace(_store(make_engine(url), keyring, now), watch=Watch(keyring))


def open_empty_store(url: str, keyring: Keyring, now: Callable[[], datetime]) -> Store:
    """Open a database that is yet to be filled; a file is made where there is none."""
    return _store(make_engine(url, create=True), keyring, now)


def _store(engine: sa.Engine, keyring: Keyring, now: Callable[[], datetime]) -> Store:
    embedded = engine.url.database if engine.dialect.name == "sqlite" else None
    turns = WriterTurns(_BUSY_MILLISECONDS / 1000, Path(embedded) if embedded else None)
    return Store(engine, keyring, BlindIndex(keyring.derived("index")[0]), now, turns)


def make_engine(url: str, *, create: bool = False) -> sa.Engine:
    """Return an engine for ``url``, with the safe settings of its database. Nothing is connected yet.

    With ``create``, SQLite makes the file where there is none; without, a file that went away is never made anew.
    """
    scheme = url.partition("://")[0]
    if scheme in SCHEMES:
        return postgresql_engine(url)
    if scheme == "sqlite":
        return _sqlite_engine(sa.make_url(url), create=create)
    raise StoreUnfit("That is no address of a database that is supported.", "Give sqlite:///path or postgresql://...")


def _sqlite_engine(url: sa.URL, *, create: bool) -> sa.Engine:
    from pysqlite3 import dbapi2  # noqa: PLC0415 - a site on PostgreSQL does not load it

    if dbapi2.sqlite_version_info < _OLDEST_SQLITE:
        raise StoreUnfit(
            f"SQLite {dbapi2.sqlite_version} is too old to be written by several processes.",
            "Install pysqlite3 0.6 or newer, as constraints.txt does.",
        )
    file = DatabaseFile(Path(url.database or "").absolute())
    if create:
        make_folder(file.path.parent, 0o700)

    def connect() -> Any:
        file.require_there()
        if create:
            file.make()
        return dbapi2.connect(
            f"{file.path.as_uri()}?mode={'rwc' if create else 'rw'}", uri=True,
            timeout=_BUSY_MILLISECONDS / 1000, check_same_thread=False,
        )  # fmt: skip

    engine = sa.create_engine(
        # SQLite is told not to make a file; SQLAlchemy, whose way is to make one, is told how to connect.
        url,
        module=dbapi2,
        pool_size=8,
        creator=connect,
    )

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, record: Any) -> None:
        connection.isolation_level = None  # transactions begin where we say, below
        cursor = connection.cursor()
        for pragma in _PRAGMAS:
            cursor.execute(pragma)
        cursor.close()
        file.opened(connection, record.info)

    def begin(dbapi_connection: Any) -> None:
        driver, info = dbapi_connection.driver_connection, dbapi_connection.info
        writes = info.pop(_WRITES, False)
        file.require_same(driver, info)
        # A writer takes its place at once; a deferred one could fail half-way when another got in between.
        driver.execute("BEGIN IMMEDIATE" if writes else "BEGIN")

    # What a driver that begins nothing by itself has for it. While anybody listened to the engine for the beginning of
    # transactions, SQLAlchemy would look for listeners at each statement, which costs a quarter of one.
    engine.dialect.do_begin = begin  # type: ignore[method-assign]  # of this engine's own dialect alone
    return engine


def begin_writing(connection: sa.Connection) -> sa.RootTransaction:
    """Begin a transaction that writes, in the writer's place where the database has one."""
    connection.execution_options(writes=True)
    connection.info[_WRITES] = True
    return connection.begin()


@contextmanager
def _inside(connection: sa.Connection) -> Iterator[None]:
    token = CURRENT.set(connection)
    try:
        yield
    finally:
        CURRENT.reset(token)


@contextmanager
def _durably(connection: sa.Connection) -> Iterator[None]:
    """Begin to write, and commit at the end. Raise ``StoreUncertain`` where nobody can tell whether that was done."""
    with begin_writing(connection) as transaction:
        yield
        COMMITS.set(COMMITS.get() + 1)
        try:
            transaction.commit()
        except sa.exc.DBAPIError as problem:
            if not problem.connection_invalidated:
                raise
            raise StoreUncertain(
                "The database went away while it recorded this; whether it did is not known.",
                "Look whether it is there in a moment, or send it again: what is recorded already is no change.",
            ) from problem


@contextmanager
def _whole(connection: sa.Connection) -> Iterator[None]:
    """Roll back the whole transaction where a part of it fails: whoever catches that can write nothing more in it."""
    try:
        yield
    except BaseException:
        connection.rollback()
        raise


@contextmanager
def translated() -> Iterator[None]:
    """Turn the driver's faults into refusals that carry a remedy."""
    try:
        yield
    except sa.exc.DBAPIError as problem:
        text = str(problem.orig).lower()
        if any(mark in text for mark in _FULL_MARKS):
            raise StoreFull(
                "The disk under the database is full or failing; nothing was recorded.",
                "Free some space, then send it again.",
            ) from problem
        if any(mark in text for mark in _DAMAGED_MARKS):
            raise StoreUnfit(
                "The database is damaged.", "Stop the service, and fill a new database by `closures restore`."
            ) from problem
        if _NUL_MARK in text:
            # SQLite looks such a text up and finds nothing; PostgreSQL has no such texts.
            raise Unknown("There is nothing of that name.", "Check the address.") from problem
        if any(mark in text for mark in _BUSY_MARKS):
            raise StoreBusy("The database is busy; nothing was recorded.", "Send it again in a moment.") from problem
        if is_away(problem):
            raise StoreAway(
                "The database does not answer; nothing was recorded.", "Try again in a moment."
            ) from problem
        # SQLite calls a table that is gone operational, PostgreSQL a fault of the program: to a client they are one.
        if isinstance(problem, sa.exc.OperationalError | sa.exc.ProgrammingError):
            raise StoreBusy("The database does not answer.", "Check that it runs, then try again.") from problem
        raise


def read_head(connection: sa.Connection, *, lock: bool = False) -> Head:
    """Return the head; with ``lock``, keep other writers of the register waiting until this transaction ends."""
    return head_of(connection, tuple(connection.execute(_LOCKED_HEAD if lock else _HEAD).one()))


def head_of(connection: sa.Connection, row: tuple[Any, ...]) -> Head:
    """Return the head from ``HEAD_COLUMNS``. Raise ``SealBroken`` where it is not as it was written."""
    *numbers, proof = row
    if not proofs_of(connection).fits(head.name, [1, *numbers], proof) and (*numbers[:-3], proof) != _UNWRITTEN:
        raise altered(head)
    found = Head(*numbers)
    # Before anything is read that is kept under these numbers: another machine may have shredded a User's keys.
    connection.get_execution_options()[_FOLLOW](found.forgotten)
    return found


def write_head(connection: sa.Connection, now_at: Head) -> None:
    """Write the head that ``read_head(lock=True)`` gave and a change moved on."""
    numbers = [getattr(now_at, name) for name in _NAMES]
    written = {f"new_{name}": number for name, number in zip(_NAMES, numbers, strict=True)}
    _WRITTEN_HEAD.run(connection, [{**written, "new_proof": proofs_of(connection).of(head.name, [1, *numbers])}])
