"""The tamper-evident log: leaves appended in the same transaction as the change that they stand for (ADR 3)."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from app.security.merkle import Frontier, leaf_hash
from app.store.act_tables import acts
from app.store.engine import Head
from app.store.prepared import Prepared
from app.store.proven import proven, require_proven
from app.store.tables import assessments, log, notices, revisions

_INSERT = Prepared(sa.insert(log))
_ENTRY = sa.select(log).where(log.c.position == sa.bindparam("position"))
_LEAVES = (
    sa.select(log.c.leaf)
    .where(log.c.position >= sa.bindparam("start"), log.c.position < sa.bindparam("end"))
    .order_by(log.c.position)
)


class LogWriter:
    """Collects the leaves of one transaction and writes them together.

    Made from the locked head; ``append`` gives each leaf its position at once, ``flush`` writes the rows and returns
    the head that stands after them.
    """

    def __init__(self, head: Head) -> None:
        self._head = head
        self._frontier = Frontier.from_bytes(head.log_size, head.log_edge)
        self._rows: list[dict[str, object]] = []

    def append(self, kind: str, content: bytes) -> tuple[int, bytes]:
        """Add the leaf of ``content``; return its position and its hash."""
        leaf = leaf_hash(kind.encode() + b"\0" + content)
        position = self._head.log_size + len(self._rows)
        self._rows.append({"position": position, "kind": kind, "leaf": leaf})
        return position, leaf

    def close(self) -> tuple[int, bytes]:
        """Fold the collected leaves into the tree; return its size and root."""
        self._frontier = self._frontier.extend([row["leaf"] for row in self._rows])  # type: ignore[misc]  # rows hold mixed values; "leaf" is bytes
        return self._frontier.size, self._frontier.root()

    def flush(self, connection: sa.Connection) -> Head:
        """Write the leaves; return the head after them. ``close`` comes first."""
        if self._rows:
            _INSERT.run(connection, [proven(connection, log, row) for row in self._rows])
        return replace(self._head, log_size=self._frontier.size, log_edge=self._frontier.to_bytes())


def leaf_at(connection: sa.Connection, position: int) -> bytes | None:
    """Return the leaf at a place in the log; None beyond its end. Raise ``SealBroken``."""
    entry = connection.execute(_ENTRY, {"position": position}).one_or_none()
    if entry is None:
        return None
    require_proven(connection, log, entry)
    leaf: bytes = entry.leaf
    return leaf


def leaves_between(connection: sa.Connection, start: int, end: int) -> list[bytes]:
    """Return the leaves from one place up to another, without that one; fewer where the log has not as many."""
    return list(connection.execute(_LEAVES, {"start": start, "end": end}).scalars())


def iterate_log(connection: sa.Connection) -> Iterator[Any]:
    """Yield (position, kind, leaf) of the whole log in order."""
    yield from connection.execute(sa.select(log.c.position, log.c.kind, log.c.leaf).order_by(log.c.position))


KINDS = ("notice", "revision", "assessment", "act")


@dataclass(frozen=True, slots=True)
class LoggedEntry:
    """One entry: its place, what kind of row it stands for, its leaf, and when that row was made."""

    position: int
    kind: str
    leaf: bytes
    made_at: datetime


def latest_entries(connection: sa.Connection, kind: str | None, before: int | None, most: int) -> list[LoggedEntry]:
    """Return at most ``most`` entries, the latest first: of one kind, before a position, where these are given."""
    query = sa.select(log).order_by(log.c.position.desc()).limit(most)
    if kind is not None:
        query = query.where(log.c.kind == kind)
    if before is not None:
        query = query.where(log.c.position < before)
    page = query.subquery()
    made_at = sa.func.coalesce(
        notices.c.received_at, revisions.c.received_at, assessments.c.assessed_at, acts.c.made_at
    )
    dated = (
        sa.select(page, made_at.label("made_at"))
        .outerjoin(notices, notices.c.log_index == page.c.position)
        .outerjoin(revisions, revisions.c.log_index == page.c.position)
        .outerjoin(assessments, assessments.c.log_index == page.c.position)
        .outerjoin(acts, acts.c.position == page.c.position)
        .order_by(page.c.position.desc())
    )
    found = connection.execute(dated).all()
    for row in found:
        require_proven(connection, log, row)
    return [LoggedEntry(row.position, row.kind, row.leaf, row.made_at) for row in found]
