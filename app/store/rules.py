"""Policies and holiday tables on disk, each version kept: nothing that an assessment quotes is ever changed."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import sqlalchemy as sa

from app.store.acts import Deed, change_rows, insert_row
from app.store.deciding import open_row
from app.store.engine import Store, read_head, write_head
from app.store.tables import holiday_tables, policies

_INSTANT = timedelta(microseconds=1)


def append_policy(store: Store, connection: sa.Connection, kind: str, body: str, now: datetime) -> int:
    """Write the next version of a policy of this kind (its body is JSON); return the version."""
    read_head(connection, lock=True)  # another machine may count on from the same version
    newest = connection.execute(sa.select(sa.func.max(policies.c.version)).where(policies.c.kind == kind)).scalar()
    version = (newest or 0) + 1
    values = {"kind": kind, "version": version, "set_at": now, "body": body}
    insert_row(store, connection, Deed.POLICY_SET, policies, values)
    count_rules_change(connection, now)
    return version


def read_policies(store: Store, connection: sa.Connection, kind: str) -> Sequence[tuple[int, datetime, str]]:
    """Return (version, set at, body) of every version of a kind, oldest first. Raise ``SealBroken``."""
    rows = connection.execute(sa.select(policies).where(policies.c.kind == kind).order_by(policies.c.version)).all()
    for row in rows:
        open_row(store, policies, row._asdict())
    return [(row.version, row.set_at, row.body) for row in rows]


def put_holiday_table(  # noqa: PLR0917 - a table has three facts
    store: Store, connection: sa.Connection, version: str, region: str, body: str, now: datetime
) -> bool:
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
    which = [holiday_tables.c.version == version]
    if not change_rows(store, connection, Deed.HOLIDAYS_SET, holiday_tables, which, {"made_at": now}):
        values = {"version": version, "region": region, "made_at": now, "body": body}
        insert_row(store, connection, Deed.HOLIDAYS_SET, holiday_tables, values)
    count_rules_change(connection, now)
    return True


def read_holiday_tables(store: Store, connection: sa.Connection) -> Sequence[str]:
    """Return the bodies of the tables in force, one a region: the latest that was put there. Raise ``SealBroken``."""
    latest: dict[str, str] = {}
    for row in connection.execute(sa.select(holiday_tables).order_by(holiday_tables.c.made_at)):
        open_row(store, holiday_tables, row._asdict())
        latest[row.region] = row.body
    return list(latest.values())


def count_rules_change(connection: sa.Connection, now: datetime) -> None:
    """Tell every process that rules changed at ``now``; feeds are made of them."""
    head = read_head(connection, lock=True)
    write_head(connection, replace(head, rules=head.rules + 1, others_at=max(head.others_at, now)))
