"""Sealing anew after the root was rotated, a few rows at a time: outer layers laid, proofs of rows made anew (ADR 32).

What is done shows in the row itself: whoever is stopped half-way goes through the tables once more.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from app.security.sealing import FORMAT, OUTER
from app.store.engine import Connection, Store
from app.store.metadata import Octets, Sealed, peeled
from app.store.proven import PROVEN, proofs_of
from app.store.tables import metadata

_ROWS = 100
_OCTETS = 1_000_000  # that are written in one transaction, but for one row that has more

_SEALED = {
    table.name: tuple(column.name for column in table.columns if isinstance(column.type, Sealed))
    for table in metadata.sorted_tables
}

TABLES = tuple(name for name, sealed in _SEALED.items() if sealed or name in PROVEN)
"""The tables that hold what is sealed, or what is proven."""

Key = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Batch:
    """What was done of a table: up to which row (None: it is at its end), and how many rows were written."""

    after: Key | None
    written: int


def count_left(store: Store, connection: Connection) -> int:
    """Return how many sealed values keys of an earlier epoch would open."""
    return sum(
        connection.execute(sa.select(sa.func.count()).select_from(metadata.tables[name]).where(_is_old(store, column)))
        .scalar_one()
        for name, sealed in _SEALED.items()
        for column in (metadata.tables[name].c[each] for each in sealed)
    )  # fmt: skip


def seal_batch(store: Store, name: str, after: Key | None) -> Batch:
    """Do the next rows of a table after one, or the first. Raise ``StoreBusy``, ``StoreFull`` or ``StoreUnfit``.

    A row that another transaction writes meanwhile is left to the next time; one that was altered, to verification.
    """
    table = metadata.tables[name]
    with store.reading() as connection:
        rows = list(_next_rows(store, connection, table, after))
        changes = [change for row in rows if (change := _change(store, connection, table, row._asdict()))]
    if changes:
        with store.writing() as connection:
            connection.execute(_update(table), changes)
    is_end = len(rows) < _ROWS and sum(map(_size, rows)) < _OCTETS
    return Batch(
        None if is_end else tuple(getattr(rows[-1], column.name) for column in table.primary_key), len(changes)
    )


def _next_rows(store: Store, connection: Connection, table: sa.Table, after: Key | None) -> Iterator[Any]:
    columns = [sa.type_coerce(one, Octets()) if isinstance(one.type, Sealed) else one for one in table.columns]
    query = sa.select(*columns).order_by(*table.primary_key).limit(_ROWS)
    if after is not None:
        query = query.where(sa.tuple_(*table.primary_key) > sa.tuple_(*_typed(table, after)))
    if table.name not in PROVEN:  # of those that are, the proof does not show by which key it was made
        query = query.where(sa.or_(*[_is_old(store, table.c[each]) for each in _SEALED[table.name]]))
    octets = 0
    with connection.execute(query) as rows:
        for row in rows:
            yield row
            octets += _size(row)
            if octets >= _OCTETS:
                return


def _typed(table: sa.Table, key: Key) -> list[sa.ColumnElement[Any]]:
    return [sa.bindparam(None, part, type_=column.type) for column, part in zip(table.primary_key, key, strict=True)]


def _size(row: Any) -> int:
    return sum(len(value) for value in row if isinstance(value, bytes))


def _is_old(store: Store, column: sa.Column[Any]) -> sa.ColumnElement[bool]:
    """Say in SQL what ``Keyring.cover`` finds by the first octets of a value."""
    octets = sa.type_coerce(column, Octets())
    kind, number = sa.func.substr(octets, 1, 1, type_=Octets()), sa.func.substr(octets, 2, 2, type_=Octets())
    return sa.or_(
        sa.and_(kind == bytes([FORMAT]), number < store.keyring.first_version.to_bytes(2)),
        sa.and_(kind == bytes([OUTER]), number != store.keyring.epoch.to_bytes(2)),
    )


def _change(store: Store, connection: Connection, table: sa.Table, held: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the parameters of ``_update`` for a row as it is stored; None where nothing of it is old."""
    new = {name: _covered(store, held[name]) for name in _SEALED[table.name]}
    if table.name in PROVEN:
        new["proof"] = _proof(connection, table, held)
    if all(new[name] == held[name] for name in new):
        return None
    key = {f"key_{column.name}": held[column.name] for column in table.primary_key}
    return key | {f"old_{name}": held[name] for name in new} | {f"new_{name}": new[name] for name in new}


def _covered(store: Store, value: Any) -> Any:
    covered = store.keyring.cover(value) if isinstance(value, bytes) else None
    return value if covered is None else covered


def _proof(connection: Connection, table: sa.Table, held: Mapping[str, Any]) -> Any:
    """Return the proof of a row by the newest key; the one that it has, where no key made that."""
    values = [
        peeled(connection.dialect, held[name]) if name in _SEALED[table.name] else held[name]
        for name in PROVEN[table.name]
    ]
    proofs = proofs_of(connection)
    return proofs.of(table.name, values) if proofs.fits(table.name, values, held["proof"]) else held["proof"]


def _update(table: sa.Table) -> sa.Update:
    """Return what writes a row's new octets, unless they are no longer what was read."""
    names = [*_SEALED[table.name], *(["proof"] if table.name in PROVEN else [])]
    return (
        sa.update(table)
        .where(
            *[column == sa.bindparam(f"key_{column.name}") for column in table.primary_key],
            *[table.c[name].is_not_distinct_from(sa.bindparam(f"old_{name}", type_=Octets())) for name in names],
        )
        .values({name: sa.bindparam(f"new_{name}") for name in names})
    )
