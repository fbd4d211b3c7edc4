"""Rows as the database holds them, whatever that is: for verification, which trusts no column and no type."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from typing import Any

import sqlalchemy as sa

from app.domain.refusal import StoreUnfit
from app.store.metadata import peeled
from app.store.tables import metadata

_AT_ONCE = 20_000


def missing_tables(connection: sa.Connection) -> dict[str, str]:
    """Return the tables that are not there, or lack a column, each with what is missing in words."""
    inspector = sa.inspect(connection)
    there = set(inspector.get_table_names())
    found = {}
    for name, table in metadata.tables.items():
        if name not in there:
            found[name] = f"The table {name} is gone."
            continue
        lost = {column.name for column in table.columns} - {column["name"] for column in inspector.get_columns(name)}
        if lost:
            found[name] = f"The table {name} has no column {min(lost)}."
    return found


def raw_batches(
    connection: sa.Connection, table: str, *names: str, order: Sequence[str] = (), only: str = ""
) -> Iterator[list[tuple[Any, ...]]]:
    """Yield these columns of the rows of a table that are meant, many at once, in order. Raise ``StoreUnfit``.

    Straight from the driver: to make a million rows of SQLAlchemy costs as much as all that is asked of them. What is
    sealed comes without its outer layer.
    """
    sealed = [at for at, name in enumerate(names) if name.startswith("sealed")]
    columns: list[sa.ColumnElement[Any]] = [sa.literal_column(name) for name in names]
    query = sa.select(*columns).select_from(metadata.tables[table]).order_by(*map(sa.literal_column, order))
    query = query.where(sa.text(only)) if only else query
    driver: Any = connection.connection.driver_connection
    named = {"name": f"raw_{table}"} if connection.dialect.name == "postgresql" else {}  # one that the server holds
    try:
        with closing(driver.cursor(**named)) as cursor:
            cursor.execute(str(query.compile(connection)))
            while batch := cursor.fetchmany(_AT_ONCE):
                yield _peeled(connection, batch, sealed)
    except connection.dialect.loaded_dbapi.Error as problem:
        raise StoreUnfit(f"The table {table} cannot be read.", "Restore a backup.") from problem


def _peeled(connection: sa.Connection, batch: list[tuple[Any, ...]], sealed: list[int]) -> list[tuple[Any, ...]]:
    for at in sealed:
        batch = [
            row if (value := peeled(connection.dialect, row[at])) is row[at] else (*row[:at], value, *row[at + 1 :])
            for row in batch
        ]
    return batch
