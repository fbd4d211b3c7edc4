"""The whole database as lines of JSON, and back: one form for SQLite and PostgreSQL. What is sealed stays sealed."""

import base64
import gzip
import json
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import sqlalchemy as sa

from app.domain.refusal import StoreUnfit
from app.security.security_log import SecurityAction, security_event
from app.store import schema
from app.store.backup_file import backup_file
from app.store.engine import Connection, Store
from app.store.fitness import require_fitting_keys
from app.store.instants import to_micros
from app.store.key_tables import ring
from app.store.metadata import Octets, Sealed
from app.store.standing import bring_along
from app.store.tables import metadata

_FORMAT = 1
_BATCH = 500
_OTHER_THINGS = "Give a file that `closures backup` wrote."
_ANOTHER = "Give another backup."
# What a file can hold that is not what a backup holds. A file that was not altered is never refused for these.
_MALFORMED = (
    ValueError, TypeError, KeyError, AttributeError, sa.exc.StatementError, sa.exc.IntegrityError, sa.exc.DataError,
)  # fmt: skip


def dump_database(store: Store, path: Path, progress: Callable[[int], None]) -> int:
    """Write a backup to ``path`` as ``write_backup`` and ``backup_file`` have it; return how many rows it holds."""
    with backup_file(path) as out:
        return write_backup(store, out, progress)


def write_backup(store: Store, out: BinaryIO, progress: Callable[[int], None]) -> int:
    """Write every row, as of one instant, compressed; return how many.

    Others go on reading and writing meanwhile. ``progress`` hears of each batch's rows. Keys are not in it.
    """
    with gzip.GzipFile(fileobj=out, mode="wb", compresslevel=3, mtime=0) as lines, store.reading() as connection:
        lines.write(_line({"format": _FORMAT, "migration": schema.NEWEST}))
        count = 0
        for name, batch in _batches(connection):
            lines.write(_line([name, batch]))
            count += len(batch)
            progress(len(batch))
        # The last line says that this is the whole: a file cut short does not restore.
        lines.write(_line({"rows": count}))
    out.flush()
    security_event(SecurityAction.EXPORTED, kind="backup")
    return count


def copied(tables: sa.MetaData) -> list[sa.Table]:
    """Return the tables that a backup holds, each after those that it refers to: never the key ring (ADR 13)."""
    return [table for table in tables.sorted_tables if table.name not in {schema.VERSION_TABLE, ring.name}]


def _batches(connection: Connection) -> Iterator[tuple[str, list[list[Any]]]]:
    for table in copied(metadata):
        # As it is stored: a copy without the outer layer would be open to keys of before.
        columns = [sa.type_coerce(one, Octets()) if isinstance(one.type, Sealed) else one for one in table.columns]
        query = sa.select(*columns).order_by(*table.primary_key).execution_options(yield_per=_BATCH)
        with connection.execute(query) as rows:
            for batch in rows.partitions(_BATCH):
                yield table.name, [[_plain(value) for value in row] for row in batch]


def load_database(store: Store, backup: BinaryIO, progress: Callable[[int], None]) -> int:
    """Fill an empty database from what ``write_backup`` wrote, in one transaction; return how many rows it held.

    A backup of an earlier release is taken into the tables of that release, which are then brought to this one. Raise
    ``StoreUnfit`` where the database holds anything, the backup is not whole or of a later release, or the keys are
    not those that it was sealed by.
    """
    store.keyring.unsettle()  # it may be of before a rotation of the root
    with store.writing() as connection:
        if sa.inspect(connection).has_table(schema.VERSION_TABLE):
            raise holds_something()
        lines = _lines(backup)
        found = _migration(next(lines, None))
        schema.migrate(connection, found)
        count = _fill(connection, lines, progress)
        require_fitting_keys(store.within(connection))
        if found != schema.NEWEST:
            schema.migrate(connection)
            bring_along(store, connection, found)
    return count


def holds_something() -> StoreUnfit:
    """Return the refusal of a database that a restore would take away."""
    return StoreUnfit(
        "The database is not empty.",
        "Restore into an empty one, then point the service at it; or give up what this one holds: --replace.",
    )


def _fill(connection: sa.Connection, lines: Iterator[Any], progress: Callable[[int], None]) -> int:
    """Put the rows into the tables as they are at that migration, whose columns stand as in the release of then."""
    tables = sa.MetaData()
    tables.reflect(connection)
    kept = {table.name: table for table in copied(tables)}
    for table in reversed(kept.values()):
        connection.execute(sa.delete(table))
    count, stated = 0, None
    for line in lines:
        try:
            if isinstance(line, dict):
                stated = line["rows"]
                continue
            rows = _rows(kept[line[0]], line[1])
            connection.execute(sa.insert(kept[line[0]]), rows)
        except _MALFORMED as problem:
            if isinstance(problem, sa.exc.OperationalError):
                raise
            raise StoreUnfit("The backup is damaged: it holds what no backup does.", _ANOTHER) from problem
        count += len(rows)
        progress(len(rows))
    if stated != count:
        raise StoreUnfit("The backup is not whole: it was cut off.", _ANOTHER)
    _count_on(connection, kept)
    return count


def _rows(table: sa.Table, batch: list[list[Any]]) -> list[dict[str, Any]]:
    """Return rows by column. Raise ``ValueError`` or ``TypeError`` for what is none."""
    octets = {column.name for column in table.columns if isinstance(column.type, sa.LargeBinary)}
    return [
        {
            column.name: base64.b64decode(value) if column.name in octets and value is not None else value
            for column, value in zip(table.columns, row, strict=True)
        }
        for row in batch
    ]


def _count_on(connection: sa.Connection, kept: dict[str, sa.Table]) -> None:
    """Let PostgreSQL number new rows after those that were restored; SQLite does so by itself."""
    if connection.dialect.name != "postgresql":
        return
    for table in metadata.sorted_tables:
        column = table.autoincrement_column
        if column is not None and table.name in kept:
            sequence = sa.func.pg_get_serial_sequence(table.name, column.name)
            newest = sa.select(sa.func.setval(sequence, sa.func.max(column)))
            connection.execute(newest.having(sa.func.max(column).is_not(None)))


def _lines(backup: BinaryIO) -> Iterator[Any]:
    """Yield what each line says. Raise ``StoreUnfit`` where it is not a backup, or not as it was written."""
    begun = False
    try:
        with gzip.open(backup, "rt", encoding="utf-8") as lines:
            for line in lines:
                said = json.loads(line)
                begun = True
                yield said
    except EOFError as problem:
        raise StoreUnfit("The backup is not whole: it was cut off.", _ANOTHER) from problem
    except (OSError, ValueError, zlib.error) as problem:
        if begun:
            raise StoreUnfit("The backup is damaged, or the disk that it is on.", _ANOTHER) from problem
        raise StoreUnfit("That is not a backup.", _OTHER_THINGS) from problem


def _migration(header: Any) -> str:
    """Return the migration that the database of a backup was at, from its first line."""
    if not isinstance(header, dict) or not {"format", "migration"} <= header.keys():
        raise StoreUnfit("That is not a backup.", _OTHER_THINGS)
    found = str(header["migration"])
    if header["format"] != _FORMAT or found > schema.NEWEST:
        raise StoreUnfit(
            f"The backup is of a newer release (its database is at migration {found}; this release knows "
            f"{schema.NEWEST}).",
            "Install that release, and restore with it.",
        )
    return found


def _line(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode() + b"\n"


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return to_micros(value) if hasattr(value, "tzinfo") else value
