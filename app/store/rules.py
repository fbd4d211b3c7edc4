"""Policies and holiday tables on disk, each version kept: nothing that an assessment quotes is ever changed."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import sqlalchemy as sa

from app.store.engine import read_head, write_head
from app.store.tables import holiday_tables, policies

_INSTANT = timedelta(microseconds=1)


def append_policy(connection: sa.Connection, kind: str, body: str, now: datetime) -> int:
    """Write the next version of a policy of this kind (its body is JSON); return the version."""
    newest = connection.execute(sa.select(sa.func.max(policies.c.version)).where(policies.c.kind == kind)).scalar()
    version = (newest or 0) + 1
    connection.execute(sa.insert(policies).values(kind=kind, version=version, set_at=now, body=body))
    count_rules_change(connection, now)
    return version


def read_policies(connection: sa.Connection, kind: str) -> Sequence[tuple[int, datetime, str]]:
    """Return (version, set at, body) of every version of a kind, oldest first."""
    query = (
        sa.select(policies.c.version, policies.c.set_at, policies.c.body)
        .where(policies.c.kind == kind)
        .order_by(policies.c.version)
    )
    return [(row.version, row.set_at, row.body) for row in connection.execute(query)]


def put_holiday_table(connection: sa.Connection, version: str, region: str, body: str, now: datetime) -> bool:
    """Bring a version of a region's holiday table into force; tell whether another one was.

    Each version is kept once. One that was in force before and is again (a day was added and taken out) only moves to
    the end: what assessments quote, its name and its days, stays.
    """
    newest = sa.select(holiday_tables.c.version, holiday_tables.c.made_at).where(holiday_tables.c.region == region)
    in_force = connection.execute(newest.order_by(holiday_tables.c.made_at.desc()).limit(1)).first()
    if in_force is not None:
        if in_force.version == version:
            return False
        now = max(now, in_force.made_at + _INSTANT)  # a clock that was put back must not hide it behind the other
    again = sa.update(holiday_tables).where(holiday_tables.c.version == version).values(made_at=now)
    if connection.execute(again).rowcount == 0:
        connection.execute(sa.insert(holiday_tables).values(version=version, region=region, made_at=now, body=body))
    count_rules_change(connection, now)
    return True


def read_holiday_tables(connection: sa.Connection) -> Sequence[str]:
    """Return the bodies of the tables in force, one a region: the latest that was put there."""
    latest: dict[str, str] = {}
    for row in connection.execute(sa.select(holiday_tables).order_by(holiday_tables.c.made_at)):
        latest[row.region] = row.body
    return list(latest.values())


def count_rules_change(connection: sa.Connection, now: datetime) -> None:
    """Tell every process that rules changed at ``now``; feeds are made of them."""
    head = read_head(connection, lock=True)
    write_head(connection, replace(head, rules=head.rules + 1, others_at=max(head.others_at, now)))
