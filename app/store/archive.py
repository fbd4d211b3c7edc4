"""The whole database as lines of JSON, and back: one form for SQLite and PostgreSQL. What is sealed stays sealed."""

import base64
import gzip
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from app.domain.refusal import StoreUnfit
from app.security.folders import sync_folder
from app.security.security_log import SecurityAction, security_event
from app.store import schema
from app.store.engine import Connection, Store
from app.store.instants import Instant, from_micros, to_micros
from app.store.metadata import Octets, Sealed
from app.store.tables import metadata

_FORMAT = 1
_BATCH = 500


def dump_database(store: Store, path: Path, progress: Callable[[int], None]) -> int:
    """Write every row, as of one instant, to a gzip file that only its owner may read; return how many.

    Others go on reading and writing meanwhile. ``progress`` hears of each batch's rows. Keys are not in it.
    """
    temporary = path.with_name(f".{path.name}.part")
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as raw:
        with gzip.GzipFile(fileobj=raw, mode="wb", compresslevel=3, mtime=0) as out, store.reading() as connection:
            out.write(_line({"format": _FORMAT, "migration": schema.NEWEST}))
            count = 0
            for name, batch in _batches(connection):
                out.write(_line([name, batch]))
                count += len(batch)
                progress(len(batch))
            # The last line says that this is the whole: a file cut short does not restore.
            out.write(_line({"rows": count}))
        raw.flush()
        os.fsync(raw.fileno())
    temporary.rename(path)
    sync_folder(path.parent)
    security_event(SecurityAction.EXPORTED, kind="backup")
    return count


def _batches(connection: Connection) -> Iterator[tuple[str, list[list[Any]]]]:
    for table in metadata.sorted_tables:
        # As it is stored: a copy without the outer layer would be open to keys of before.
        columns = [sa.type_coerce(one, Octets()) if isinstance(one.type, Sealed) else one for one in table.columns]
        query = sa.select(*columns).order_by(*table.primary_key).execution_options(yield_per=_BATCH)
        with connection.execute(query) as rows:
            for batch in rows.partitions(_BATCH):
                yield table.name, [[_plain(value) for value in row] for row in batch]


def load_database(store: Store, path: Path, progress: Callable[[int], None]) -> int:
    """Fill an empty database from a file that ``dump_database`` wrote, in one transaction; return how many rows.

    Raise ``StoreUnfit`` where the database holds anything, or the file is not whole or of another release.
    """
    if schema.found_version(store.engine) is not None:
        raise StoreUnfit("The database is not empty.", "Restore into an empty one, then point the service at it.")
    store.keyring.unsettle()  # it may be of before a rotation of the root
    schema.upgrade(store.engine)
    count = 0
    stated = None
    with store.writing() as connection:
        for table in reversed(metadata.sorted_tables):
            connection.execute(sa.delete(table))
        for line in _lines(path):
            if isinstance(line, dict):
                stated = line.get("rows", stated)
                continue
            table = metadata.tables[line[0]]
            rows = [
                {column.name: _typed(column, value) for column, value in zip(table.columns, row, strict=True)}
                for row in line[1]
            ]
            connection.execute(sa.insert(table), rows)
            count += len(rows)
            progress(len(rows))
        if stated != count:
            raise StoreUnfit("The backup is not whole.", "Take another one.")
        _count_on(connection)
    return count


def _count_on(connection: sa.Connection) -> None:
    """Let PostgreSQL number new rows after those that were restored; SQLite does so by itself."""
    if connection.dialect.name != "postgresql":
        return
    for table in metadata.sorted_tables:
        column = table.autoincrement_column
        if column is not None:
            sequence = sa.func.pg_get_serial_sequence(table.name, column.name)
            newest = sa.select(sa.func.setval(sequence, sa.func.max(column)))
            connection.execute(newest.having(sa.func.max(column).is_not(None)))


def _lines(path: Path) -> Iterator[Any]:
    try:
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            header = json.loads(next(lines))
            if header.get("format") != _FORMAT or header.get("migration") != schema.NEWEST:
                raise StoreUnfit("The backup is of another release.", "Restore it with the release that wrote it.")
            for line in lines:
                yield json.loads(line)
    except (OSError, EOFError, ValueError, StopIteration, AttributeError) as problem:
        raise StoreUnfit(
            "That is not a backup, or it is damaged.", "Give a file that `closures backup` wrote."
        ) from problem


def _line(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode() + b"\n"


def _plain(value: Any) -> Any:
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return to_micros(value) if hasattr(value, "tzinfo") else value


def _typed(column: sa.Column[Any], value: Any) -> Any:
    if value is None:
        return None
    kind = column.type
    if isinstance(kind, Instant):
        return from_micros(value)
    foreign = next(iter(column.foreign_keys), None)
    if isinstance(foreign.column.type if foreign else kind, sa.LargeBinary):
        return base64.b64decode(value)
    return value
