"""The shape of the database: which migration it is at, and bringing it to the newest."""

from collections.abc import Callable
from pathlib import Path

import sqlalchemy as sa

from app.domain.refusal import StoreUnfit
from app.store.engine import begin_writing
from app.store.postgresql import is_away, why_not_there

NEWEST = "r0011"
"""The newest migration. A test holds it against the files in ``migrations/versions``."""
_ALONE = "SET LOCAL lock_timeout = '10min'; SELECT pg_advisory_xact_lock(1668050791); SET LOCAL lock_timeout = '10s'"
"""Waits for a migration of another process, which may take minutes; the number names that lock, and no more."""
_RELEASED = "r"
"""How the names of migrations begin since 0.1.0. Those of before were numbers alone, and nothing leads on from them."""
VERSION_TABLE = "alembic_version"
"""Where a database says which migration it is at: it is no part of what is recorded."""
UNFINISHED = ".restoring"
"""The end of the name of the folder beside SQLite's file in which a backup is restored (``restoring``)."""


def found_version(engine: sa.Engine) -> str | None:
    """Return the migration that the database is at; None for an empty one, or where there is no file.

    Raise ``StoreUnfit`` for one of something else, of the time before the first release, that cannot be read, or that a
    restore has yet to put there.
    """
    if engine.dialect.name == "sqlite" and not Path(engine.url.database or "").exists():
        _require_no_restore(Path(f"{engine.url.database}{UNFINISHED}"))
        return None  # asked before connecting, which might make one
    try:
        with engine.connect() as connection:
            return _version_in(connection)
    except sa.exc.DBAPIError as problem:
        if is_away(problem):
            raise StoreUnfit(
                why_not_there(engine, problem),
                "Check that it runs and takes connections from here, and that CLOSURES_DATABASE_URL names it.",
            ) from problem
        raise StoreUnfit(
            "The database cannot be read.",
            "Check CLOSURES_DATABASE_URL or CLOSURES_DATA_DIR, its permissions and free space; "
            "a damaged file is replaced by `closures restore FILE --replace`.",
        ) from problem


def _version_in(connection: sa.Connection) -> str | None:
    tables = set(sa.inspect(connection).get_table_names())
    if VERSION_TABLE not in tables:
        if tables:
            raise StoreUnfit(
                "The database holds tables of something else.",
                "Point CLOSURES_DATABASE_URL at an empty database.",
            )
        return None
    query = sa.text("SELECT version_num FROM alembic_version")
    found: str | None = connection.execute(query).scalar_one_or_none()
    if found is not None and not found.startswith(_RELEASED):
        raise StoreUnfit(
            f"The database was made before the first release (it is at {found}), and this release does not read it.",
            "Keep it for the version that made it. Start with an empty database and an empty key folder "
            "(CLOSURES_DATA_DIR or CLOSURES_DATABASE_URL, and CLOSURES_KEY_DIR), and give the notices again.",
        )
    return found


def _require_no_restore(folder: Path) -> None:
    if folder.exists():
        raise StoreUnfit(
            "A restore of this database is not finished: nothing of it counts yet.",
            f"Run `closures restore FILE` again, to its end. To do without it, remove {folder}.",
        )


def require_current(engine: sa.Engine) -> None:
    """Raise ``StoreUnfit`` unless the database is at the newest migration."""
    found = found_version(engine)
    if found != NEWEST:
        state = "is empty" if found is None else f"is at migration {found}, and this release needs {NEWEST}"
        raise StoreUnfit(f"The database {state}.", "Run `closures db upgrade` (`closures up` does it by itself).")


def upgrade(engine: sa.Engine, fill: Callable[[sa.Connection, str], None] | None = None) -> str:
    """Bring the database to the newest migration; return the version it is at then.

    ``fill`` does in the same transaction what needs keys: it is given the migration that the database was at, and is
    not asked of an empty one.

    """
    if found_version(engine) == NEWEST:
        return NEWEST
    with engine.connect() as connection, begin_writing(connection):
        if engine.dialect.name == "postgresql":
            # SQLite has one writer. Here the lock ends with the transaction, as a pooler needs it.
            connection.exec_driver_sql(_ALONE)
        # Asked once more: another process may have done it while we waited.
        found = _version_in(connection)
        if found is not None and found > NEWEST:
            raise StoreUnfit(
                f"The database is at migration {found}, newer than this release.",
                "Install the newer release again.",
            )
        migrate(connection)
        if fill is not None and found is not None and found < NEWEST:
            fill(connection, found)
    return NEWEST


def migrate(connection: sa.Connection, migration: str = NEWEST) -> None:
    """Bring the database to a migration inside a transaction. Raise ``StoreUnfit`` for one that was never released.

    Alembic is imported here alone: a serving process that finds its database current never loads it.
    """
    from alembic import command  # noqa: PLC0415 - see above
    from alembic.config import Config  # noqa: PLC0415 - see above
    from alembic.util import CommandError  # noqa: PLC0415 - see above

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")).replace("%", "%%"))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, migration)
    except CommandError as problem:
        raise StoreUnfit(f"There is no migration {migration}.", "Use the release that knows it.") from problem
