"""Tries at signing in: each is counted, under its account and its network, before anything is hashed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import sqlalchemy as sa

from app.security.tokens import new_row_id
from app.store.chains import chains_of
from app.store.engine import read_head
from app.store.tables import sign_in_tries

KEPT = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Limit:
    """At most so many tries of one subject (a digest of the blind index) within a span, wherever the span begins."""

    subject: bytes
    most: int
    span: timedelta


def take_try(connection: sa.Connection, limits: Sequence[Limit], now: datetime) -> datetime | None:
    """Count a try and return None; or, where a limit is reached, count nothing and return when one is free again."""
    # One writer at a time, so that counting and noting are one step.
    read_head(connection, lock=True)
    stands = chains_of(connection).index
    limits = [replace(limit, subject=stands(limit.subject)) for limit in limits]
    free_at = max((found for limit in limits if (found := _free_at(connection, limit, now))), default=None)
    if free_at is None:
        rows = [
            {"id": new_row_id(), "subject": subject, "tried_at": now} for subject in {limit.subject for limit in limits}
        ]
        connection.execute(sa.insert(sign_in_tries), rows)
    return free_at


def forgive_tries(connection: sa.Connection, subjects: Sequence[bytes], tried_at: datetime) -> None:
    """Forget the try of that instant: it was right."""
    stored = [chains_of(connection).index(subject) for subject in subjects]
    query = sa.delete(sign_in_tries).where(sign_in_tries.c.subject.in_(stored), sign_in_tries.c.tried_at == tried_at)
    connection.execute(query)


def purge_tries(connection: sa.Connection, before: datetime) -> int:
    """Delete the tries before an instant; return how many."""
    return connection.execute(sa.delete(sign_in_tries).where(sign_in_tries.c.tried_at < before)).rowcount


def _free_at(connection: sa.Connection, limit: Limit, now: datetime) -> datetime | None:
    """Return when the limit lets the next try through; None for now."""
    query = (
        sa.select(sign_in_tries.c.tried_at)
        .where(sign_in_tries.c.subject == limit.subject, sign_in_tries.c.tried_at > now - limit.span)
        .order_by(sign_in_tries.c.tried_at.desc())
        .offset(limit.most - 1)
        .limit(1)
    )
    oldest = connection.execute(query).scalar()
    return None if oldest is None else oldest + limit.span
