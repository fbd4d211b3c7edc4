"""Many values, a group at a time: one statement takes no more."""

from collections.abc import Iterable, Iterator
from typing import TypeVar

MOST_AT_ONCE = 500
"""Values in one IN (...); SQLite and PostgreSQL both take far more."""

_Value = TypeVar("_Value")


def in_groups(values: Iterable[_Value]) -> Iterator[list[_Value]]:
    """Cut ``values`` into lists short enough for one IN (...)."""
    group: list[_Value] = []
    for value in values:
        group.append(value)
        if len(group) == MOST_AT_ONCE:
            yield group
            group = []
    if group:
        yield group
