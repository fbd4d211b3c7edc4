"""Lists go on where one row of theirs was altered: the others are shown, and that one is named by its id alone."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import sqlalchemy as sa

from app.security.sealing import SealBroken
from app.store.engine import Store

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Listing(Generic[Item]):
    """What the ``whole`` rows of a table say, in order, and the ids, as lists show them, of those that were altered."""

    whole: list[Item]
    altered: list[str]


def list_rows(
    connection: sa.Connection, table: sa.Table, query: sa.Select[Any], open_one: Callable[[Any], Item | None]
) -> Listing[Item]:
    """Open each row of a table, of one key column, that a query gives whole; what is None is neither in the list."""
    listing: Listing[Item] = Listing([], [])
    (key,) = table.primary_key
    for row_id in connection.execute(query.with_only_columns(key)).scalars().all():
        try:
            # One by one: a column that holds nothing of its kind stops the reading of what it is read with.
            item = open_one(connection.execute(sa.select(table).where(key == row_id)).one())
        except SealBroken:
            listing.altered.append(row_id.hex() if isinstance(row_id, bytes) else str(row_id))
            continue
        if item is not None:
            listing.whole.append(item)
    return listing


def altered_ids(store: Store, read: Callable[[Store, sa.Connection], Listing[Any]]) -> list[str]:
    """Return the ids of the altered rows of a list."""
    with store.reading() as connection:
        return read(store, connection).altered


def row_id_of(text: str) -> bytes | None:
    """Return the row id that lists show in hexadecimal; None of what is none."""
    with suppress(ValueError):
        return bytes.fromhex(text.strip())
    return None
