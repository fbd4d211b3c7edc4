"""What verification reads by and writes down: the log as it stands, which of its entries have a row, and the faults."""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from app.domain.refusal import Refusal, StoreUnfit
from app.store.engine import Connection, Store
from app.store.raw import raw_batches

UNREADABLE = (
    Refusal,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
    OverflowError,
    struct.error,
    zlib.error,
)
"""What a value raises that is not what we wrote; a row that raises one of them is a fault, never the end of a check."""

LATE = 1 << 62
"""Where a fault stands that is about no entry of the log: after those that are."""


@dataclass(frozen=True, slots=True)
class Part:
    """Which entries are looked into: those from ``since`` on, and earlier ones from ``start`` up to ``end``."""

    since: int = 0
    start: int = 0
    end: int = 0

    def holds(self, position: Any) -> bool:
        """Tell whether the entry at this place is looked into; what is no place is."""
        return not isinstance(position, int) or position >= self.since or self.start <= position < self.end


@dataclass(slots=True)
class Evidence:
    """One verification. ``leaves`` and ``kinds`` are those of the log, by position; ``claimed`` marks those with a row.

    A mutable value on purpose: each check adds the faults that it found, and it is dropped at the end. ``missing`` are
    the tables that cannot be read. ``part`` is what is looked into, all at first.
    """

    store: Store
    connection: Connection
    missing: dict[str, str]
    part: Part = Part()
    leaves: list[bytes] = field(default_factory=list)
    kinds: list[str] = field(default_factory=list)
    claimed: bytearray = field(default_factory=bytearray)
    faults: list[tuple[int, str]] = field(default_factory=list)

    def rows(self, table: str, *names: str, order: tuple[str, ...] = (), only: str = "") -> Iterator[tuple[Any, ...]]:
        """Yield columns of a table's rows; of one that is missing none, of one that is damaged what can be read."""
        return chain.from_iterable(self._batches(table, names, order, only))

    def _batches(
        self, table: str, names: tuple[str, ...], order: tuple[str, ...], only: str
    ) -> Iterator[list[tuple[Any, ...]]]:
        if table in self.missing:
            return
        try:
            yield from raw_batches(self.connection, table, *names, order=order, only=only)
        except StoreUnfit as problem:
            self.missing[table] = problem.text
            self.add(problem.text)

    def add(self, text: str, position: Any = LATE) -> None:
        """Write a fault down, at the place of the entry that it is about."""
        self.faults.append((position if isinstance(position, int) else LATE, text))

    def claim(self, kind: str, position: Any) -> bytes | None:
        """Note that a row stands for an entry; return the leaf of that, None where there is no such entry."""
        if not isinstance(position, int) or not 0 <= position < len(self.leaves):
            self.add(f"The row of a record's {kind} names entry {position}, which the log does not hold.", position)
            return None
        self.claimed[position] = 1
        if self.kinds[position] != kind:
            self.add(f"Entry {position} of the log is said to be another kind than it is.", position)
        return self.leaves[position]
