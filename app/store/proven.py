"""Rows whose clear columns are not taken on trust: each has a proof, made as it is written and held against it as read.

Of rows that are found by a clear column, one that was altered there is not found: verification looks at all.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import repeat
from operator import attrgetter
from typing import Any

import sqlalchemy as sa

from app.security.row_proofs import RowProofs
from app.security.sealing import SealBroken
from app.store.instants import Instant, from_micros
from app.store.member_tables import members
from app.store.outbox_tables import messages, notifications
from app.store.tables import closures, head, job_runs, log, metadata, revisions, series

PROOFS = "row_proofs"
"""The execution option under which a connection carries the proofs of its database."""

FIRST_PROVEN = "r0004"
"""The migration that brought the proofs."""
_HEAD_GREW = {head.c.index_epoch.name: "r0005", head.c.forgotten.name: "r0007"}
"""The columns that the head got since it is proven, each with the migration that brought it."""
NEWEST_HEAD = max(_HEAD_GREW.values())
"""The migration since which the head has all its columns."""

_OPENED = {closures.name, revisions.name, members.name}
"""Of these all that is sealed is opened by verification; of the others the proof is over that as well."""
PROVEN = {
    table.name: tuple(
        column.name
        for column in table.columns
        if column.name != "proof" and not (column.name == "sealed" and table.name in _OPENED)
    )
    for table in (head, closures, revisions, log, series, members, messages, notifications, job_runs)
}
"""By table: the columns that a proof is over, in their order: all that stand in the clear."""

_STATED = {name: attrgetter(*columns) for name, columns in PROVEN.items()}


def proofs_of(connection: sa.Connection) -> RowProofs:
    """Return what makes and compares proofs in this database."""
    found: RowProofs = connection.get_execution_options()[PROOFS]
    return found


def proven(connection: sa.Connection, table: sa.Table, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values of a whole row with its proof."""
    return {**values, "proof": proofs_of(connection).of(table.name, [values[name] for name in PROVEN[table.name]])}


def require_proven(connection: sa.Connection, table: sa.Table, row: Any) -> None:
    """Raise ``SealBroken`` unless a row, read whole, is as it was written."""
    if not proofs_of(connection).fits(table.name, _STATED[table.name](row), row.proof):
        raise altered(table)


def altered(table: sa.Table) -> SealBroken:
    """Return the refusal of a row that is not as it was written."""
    return SealBroken(
        f"A row of {table.name} is not as it was written.", "Run `closures record verify`; restore a backup."
    )


def prove_standing(connection: sa.Connection) -> None:
    """Give every row of a database of before there were proofs the one that it lacks.

    That is no proof of what came before it.
    """
    for name, columns in PROVEN.items():
        table = metadata.tables[name]
        for row in connection.execute(sa.select(table)).all():
            values = row._asdict()
            is_it = [column == values[column.name] for column in table.primary_key]
            proof = proofs_of(connection).of(name, [values[column] for column in columns])
            connection.execute(sa.update(table).where(*is_it).values(proof=proof))


def prove_head(connection: sa.Connection, found: str) -> None:
    """Prove the head of a database of migration ``found`` with what it got since, unless it was altered."""
    held = connection.execute(sa.select(head)).one()._asdict()
    before = [held[name] for name in PROVEN[head.name] if _HEAD_GREW.get(name, "") <= found]
    if proofs_of(connection).fits(head.name, before, held["proof"]):
        connection.execute(sa.update(head).values(proof=proven(connection, head, held)["proof"]))


def count_altered(connection: sa.Connection, table: str, rows: Iterable[tuple[Any, ...]]) -> int:
    """Return how many rows their proof does not fit: each its proven columns and the proof, as the database has them.

    None is of a kind that stops this.
    """
    return proofs_of(connection).altered(
        table, map(_as_written, repeat(_TAKEN[table]), rows) if _TAKEN[table] else rows
    )


def _as_written(taken: Sequence[tuple[int, Callable[[Any], object]]], row: tuple[Any, ...]) -> list[object]:
    values = list(row)
    for place, take in taken:
        values[place] = take(values[place])
    return values


def _instant(value: Any) -> object:
    try:
        return None if value is None else from_micros(value)
    except (OverflowError, TypeError):
        return value


def _truth(value: Any) -> object:
    return bool(value) if value in {0, 1} else value


def _takers(table: str, columns: Sequence[str]) -> list[tuple[int, Callable[[Any], object]]]:
    """Return what makes of a value as the database holds it the one that a row is proven by, where they differ."""
    kinds = [metadata.tables[table].c[column].type for column in columns]
    return [
        (place, _instant if isinstance(kind, Instant) else _truth)
        for place, kind in enumerate(kinds)
        if isinstance(kind, Instant | sa.Boolean)
    ]


_TAKEN = {table: _takers(table, columns) for table, columns in PROVEN.items()}
