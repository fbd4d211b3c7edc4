"""The move of all keyed digests to a later epoch: each is made anew from the one that stands, nothing has to be found.

What is bound to a digest moves with it: proofs of rows, and what is sealed under it. Who altered a row gains nothing by
the move: what did not fit before does not fit after it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from typing import Any

import sqlalchemy as sa

from app.domain.refusal import Shredded
from app.security.chain import Chain, Chains
from app.security.keyring import SERVICE_OWNER
from app.security.sealing import SealBroken
from app.store.chains import DIGESTS_LOCK
from app.store.closures import FORGOTTEN
from app.store.deciding import BOUND, Deciding, open_row, seal_row
from app.store.engine import Store
from app.store.groups import in_groups
from app.store.member_tables import member_weeks, members, properties
from app.store.metadata import Blind, Octets, TokenDigest, peeled
from app.store.outbox_tables import kept_answers, mails, notifications
from app.store.proven import PROVEN, proofs_of
from app.store.tables import closures, metadata, notices, series, weeks

BLIND = {
    table.name: names
    for table in metadata.sorted_tables
    if (names := tuple(column.name for column in table.columns if isinstance(column.type, Blind | TokenDigest)))
}
"""By table: the columns that move."""

_BY_VALUE = (weeks, member_weeks)
"""Indexes of weeks: a digest stands in many rows, begins their key, and nothing else is bound to it."""
_ONLY = {closures.name: closures.c.state != FORGOTTEN}
"""What is forgotten gave up its place in the index: no digest stands there."""
_UNREAD = {closures.name, members.name, notices.name}
"""Of these what is sealed is bound to nothing that moves."""

_TABLES = tuple(table for table in metadata.sorted_tables if table.name in BLIND and table not in _BY_VALUE)
_CACHE_KIBIBYTES = 131_072  # of SQLite's pages: digests stand all over its indexes, and writers wait meanwhile
_MOST_AHEAD = 250_000  # rows, of about a kilobyte each in memory

_Values = tuple[Any, ...]
_Sealed = tuple[Sequence[bytes], bytes, int]
"""Under whose keys a value may be sealed, and the octets and the number that name its row there."""
_UNDER: Mapping[str, Callable[[Store, Mapping[str, Any]], _Sealed]] = {
    series.name: lambda _, row: ([row["user_id"]], row["series"], row["row_version"]),
    notifications.name: lambda _, row: ([SERVICE_OWNER], row["id"], 1),
    kept_answers.name: lambda _, row: ([row["user_id"]], row["id"], 1),
    mails.name: lambda _, row: ([row["user_id"] or SERVICE_OWNER], row["id"], 1),
    # Whose key it is does not stand in the row.
    properties.name: lambda store, row: (sorted(store.keyring.owners()), row["place"] + row["element"], 1),
}
"""By table: how what is sealed is named, where a digest is part of that."""


@contextmanager
def moving(store: Store) -> Iterator[sa.Connection]:
    """Give a transaction in which nobody else writes anything; readers go on. Raise as ``Store.writing``."""
    with store.writing() as connection:
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({DIGESTS_LOCK})")
            yield connection
            return
        before = connection.exec_driver_sql("PRAGMA cache_size").scalar_one()
        connection.exec_driver_sql(f"PRAGMA cache_size=-{_CACHE_KIBIBYTES}")
        try:
            yield connection
        finally:
            connection.exec_driver_sql(f"PRAGMA cache_size={before}")


def moved_key(one: Deciding, key: tuple[Any, ...], chains: Chains) -> tuple[Any, ...]:
    """Return what the primary key of a row becomes."""
    blind = BLIND[one.table.name]
    return tuple(
        _chain(one.table, name, chains)(part) if name in blind else part
        for name, part in zip(one.key, key, strict=True)
    )


class DigestMove:
    """Moves every digest of a database; ``chains`` lead from the epoch at which they are to the one that is meant.

    ``prepare`` does beforehand what takes long, so that nobody waits for it: a row that is the same when it is its turn
    is not reckoned again.
    """

    def __init__(self, store: Store, chains: Chains) -> None:
        self._store = store
        self._chains = chains
        self._ahead: dict[tuple[str, tuple[Any, ...]], _Values] = {}

    def prepare(self, connection: sa.Connection) -> None:
        """Reckon what becomes of the rows that are there, of so many at most as memory should hold."""
        for table in _TABLES:
            for row in _rows_of(connection, table):
                if len(self._ahead) == _MOST_AHEAD:
                    return
                self._ahead[table.name, row] = self._after(connection, table, row)

    def move(self, connection: sa.Connection) -> None:
        """Move them all."""
        for table in _BY_VALUE:
            column = table.c[BLIND[table.name][0]]
            chain = _chain(table, column.name, self._chains)
            query = sa.update(table).where(column == sa.bindparam("b_0")).values({column.name: sa.bindparam("n_0")})
            values = connection.execute(sa.select(column).distinct()).scalars().all()
            _write(connection, query, ("n_0", "b_0"), [(chain(value), value) for value in values])
        for table in _TABLES:
            # Read whole before the first is written: where a key moves, a row would come along a second time.
            rows = _rows_of(connection, table)
            written = [self._ahead.get((table.name, row)) or self._after(connection, table, row) for row in rows]
            names, keys = _written(table), [column.name for column in table.primary_key]
            query = sa.update(table).where(*(table.c[name] == sa.bindparam(f"b_{name}") for name in keys))
            query = query.values({name: sa.bindparam(f"n_{name}") for name in names})
            _write(connection, query, (*(f"n_{name}" for name in names), *(f"b_{name}" for name in keys)), written)

    def _after(self, connection: sa.Connection, table: sa.Table, held: tuple[Any, ...]) -> "_Values":
        """Return what is written of a row, and its key: no seal that did not open opens now, and no proof fits anew."""
        stored = dict(zip(_read(table), held, strict=True))
        row = stored | ({"sealed": peeled(connection.dialect, stored["sealed"])} if "sealed" in stored else {})
        after = dict(row)
        for name in BLIND[table.name]:
            if isinstance(row[name], bytes):
                after[name] = _chain(table, name, self._chains)(row[name])
        if row.get("sealed"):
            with suppress(SealBroken, Shredded):
                after["sealed"] = _sealed_anew(self._store, table, row, after)
        if table.name in PROVEN:
            proofs, columns = proofs_of(connection), PROVEN[table.name]
            if proofs.fits(table.name, [row[name] for name in columns], row["proof"]):
                after["proof"] = proofs.of(table.name, [after[name] for name in columns])
        # What was not sealed anew stays as it is stored, its outer layer with it.
        written = after | {name: stored[name] for name in after if after[name] == row[name]}
        return tuple([written[name] for name in _written(table)] + [row[column.name] for column in table.primary_key])


def _chain(table: sa.Table, name: str, chains: Chains) -> Chain:
    return chains.token if isinstance(table.c[name].type, TokenDigest) else chains.index


@cache
def _read(table: sa.Table) -> tuple[str, ...]:
    """Return the names of the columns by which it is reckoned what becomes of a row."""
    return tuple(column.name for column in table.columns if column.name != "sealed" or table.name not in _UNREAD)


@cache
def _written(table: sa.Table) -> tuple[str, ...]:
    """Return the names of the columns that the move may write, in the order in which a statement names them."""
    bound = {"sealed", "proof"} & {*_read(table)}
    return tuple(column.name for column in table.columns if column.name in bound.union(BLIND[table.name]))


def _rows_of(connection: sa.Connection, table: sa.Table) -> Iterator[tuple[Any, ...]]:
    # Each value as it is stored.
    columns = [sa.type_coerce(table.c[name], Octets) if name == "sealed" else table.c[name] for name in _read(table)]
    query = sa.select(*columns).where(_ONLY.get(table.name, sa.true()))
    with connection.execute(query.execution_options(yield_per=1000)) as rows:
        for row in rows:
            yield tuple(row)


def _write(connection: sa.Connection, query: sa.Update, names: Sequence[str], values: Sequence["_Values"]) -> None:
    """Write rows; ``values`` are in the order of ``names``. Straight to the driver: it takes half of the time."""
    compiled = query.compile(dialect=connection.dialect)
    for group in in_groups(values):
        given: Any = group if compiled.positional else [dict(zip(names, row, strict=True)) for row in group]
        connection.exec_driver_sql(str(compiled), given)


def _sealed_anew(store: Store, table: sa.Table, row: dict[str, Any], after: dict[str, Any]) -> bytes:
    """Return what is sealed of a row, sealed for what the row becomes. Raise ``Shredded`` or ``SealBroken``."""
    if table.name in BOUND:
        return seal_row(store, table, after, open_row(store, table, row))
    place = _UNDER[table.name]
    owners, named, version = place(store, row)
    for owner in owners:
        try:
            body = store.keyring.unseal(owner, table.name, "sealed", named, version, row["sealed"])
        except SealBroken:
            continue
        return store.keyring.seal(owner, table.name, "sealed", place(store, after)[1], version, body)
    raise SealBroken("A stored value does not open.", "Run `closures record verify`.")
