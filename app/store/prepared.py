"""Statements that write rows on the way of every notice: compiled once, and given to the driver with their values.

SQLAlchemy's own way from a statement and its values to the driver costs as much again as what the driver does. What it
does there for values is done here too: each goes through its column's type.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

import sqlalchemy as sa

_Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Compiled:
    """A statement in the words of one kind of database. ``parameters`` makes what its driver takes of a row."""

    text: str
    parameters: Callable[[_Row], Any]


class Prepared:
    """An INSERT, UPDATE or DELETE whose values have the names of its columns or of its bound parameters."""

    def __init__(self, statement: sa.Insert | sa.Update | sa.Delete) -> None:
        self._statement = statement
        self._compiled: dict[tuple[str, frozenset[str]], _Compiled] = {}

    def run(self, connection: sa.Connection, rows: Sequence[_Row]) -> int:
        """Carry it out with each of some rows, which name the same values; return how many rows that changed."""
        dialect, names = connection.dialect, frozenset(rows[0])
        compiled = self._compiled.get((dialect.name, names))
        if compiled is None:
            compiled = self._compiled[dialect.name, names] = _compile(self._statement, dialect, names)
        return connection.exec_driver_sql(compiled.text, [compiled.parameters(row) for row in rows]).rowcount


def _compile(statement: sa.Insert | sa.Update | sa.Delete, dialect: sa.Dialect, names: frozenset[str]) -> _Compiled:
    made: Any = statement.compile(dialect=dialect, column_keys=sorted(names))
    processors = {
        name: process
        for name, bound in made.binds.items()
        if (process := bound.type.dialect_impl(dialect).bind_processor(dialect)) is not None
    }
    if not made.positional:
        return _Compiled(
            made.string, lambda row: {**row, **{name: take(row[name]) for name, take in processors.items()}}
        )
    order: list[str] = made.positiontup
    stated = itemgetter(*order) if len(order) > 1 else lambda row: (row[order[0]],)
    if not processors:
        return _Compiled(made.string, stated)
    taken = [(place, processors[name]) for place, name in enumerate(order) if name in processors]

    def parameters(row: _Row) -> tuple[Any, ...]:
        values = list(stated(row))
        for place, take in taken:
            values[place] = take(values[place])
        return tuple(values)

    return _Compiled(made.string, parameters)
