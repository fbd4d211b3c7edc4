"""Rows whose clear columns are not taken on trust: each has a proof, made as it is written and held against it as read.

Of rows that are found by a clear column, one that was altered there is not found: verification looks at all.
"""

from collections.abc import Callable, Mapping
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


def is_as_written(connection: sa.Connection, table: str, held: tuple[Any, ...]) -> bool:
    """Tell whether the proof of a row fits it: ``held`` are its proven columns and the proof, as the database has them.

    None is of a kind that stops this.
    """
    *values, proof = held
    taken = [take(value) for take, value in zip(_TAKEN[table], values, strict=True)]
    return proofs_of(connection).fits(table, taken, proof)


def _instant(value: Any) -> object:
    try:
        return None if value is None else from_micros(value)
    except (OverflowError, TypeError):
        return value


def _truth(value: Any) -> object:
    return bool(value) if value in {0, 1} else value


def _same(value: Any) -> object:
    return value


def _taker(kind: sa.types.TypeEngine[Any]) -> Callable[[Any], object]:
    """Return what makes of a value as the database holds it the one that a row is proven by."""
    if isinstance(kind, Instant):
        return _instant
    return _truth if isinstance(kind, sa.Boolean) else _same


_TAKEN = {
    name: tuple(_taker(metadata.tables[name].c[column].type) for column in columns) for name, columns in PROVEN.items()
}
