"""What the scheduler remembers: how far each job got and when it last ran; repeating rules; uploads under preview."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from app.domain.notice import RepeatingRule
from app.security.keyring import SERVICE_OWNER
from app.security.tokens import new_row_id
from app.store.chains import chains_of
from app.store.engine import Store
from app.store.prepared import Prepared
from app.store.proven import proven, require_proven
from app.store.tables import drafts, job_runs, series

_SERIES_OF = sa.select(series).where(series.c.series == sa.bindparam("key"))
_DROP_SERIES = Prepared(sa.delete(series).where(series.c.series == sa.bindparam("key")))


INTEGRITY = "integrity"
"""The job that reads everything. The ``position`` of its run is how many faults it found."""

BACKUP = "backup"
"""The last backup that was taken, by the scheduler or by ``closures backup``."""
BACKUP_FAILED = "backup failed"
"""The last time that the scheduler could not take one."""

MAILBOX = "mailbox"
"""The last look at the mailbox that notices come to."""
MAILBOX_FAILED = "mailbox failed"
"""The last look that could not be had of it."""

KEYS_ROTATED = "keys rotated"
"""The last rotation of the keys, by page or by command."""

READ_LOG = "read log"
"""The job that covers reads by acts. The ``position`` of its run is the id of the last read that is covered."""


_LONGEST_NAME = 20  # as the table has it
_FAILED = "failed "
"""Begins the name of a row whose ``position`` counts the failures of a job."""
_BRIDGE = "am "
"""Begins the name of a row that says how it stands with the silences in an Alertmanager."""
_NOT_A_RUN = sa.or_(job_runs.c.name.startswith(_FAILED), job_runs.c.name.startswith(_BRIDGE))


@dataclass(frozen=True, slots=True)
class JobRun:
    """The last run of a job: when, how far in the log it got, and what it did in one line."""

    name: str
    position: int
    ran_at: datetime
    outcome: str


def read_run(connection: sa.Connection, name: str) -> JobRun | None:
    """Return the last run of a job, if it ever ran."""
    row = connection.execute(sa.select(job_runs).where(job_runs.c.name == name)).first()
    return None if row is None else _run(connection, row)


def all_runs(connection: sa.Connection) -> Sequence[JobRun]:
    """Return the last run of each job."""
    query = sa.select(job_runs).where(sa.not_(_NOT_A_RUN)).order_by(job_runs.c.name)
    return [_run(connection, row) for row in connection.execute(query).all()]


def is_failing(connection: sa.Connection, job: str, its_failure: str) -> bool:
    """Tell whether a job that notes its failures under a name of their own has failed, and not done its work since."""
    failed, done = read_run(connection, its_failure), read_run(connection, job)
    return failed is not None and (done is None or done.ran_at < failed.ran_at)


def forget_runs(connection: sa.Connection, names: Sequence[str]) -> None:
    """Forget that jobs ran which are no longer wanted: nobody waits for their next run."""
    connection.execute(sa.delete(job_runs).where(job_runs.c.name.in_(names)))


def all_failures(connection: sa.Connection) -> dict[str, int]:
    """Return how often each job failed since the service was set up, of those that ever did."""
    query = sa.select(job_runs).where(job_runs.c.name.startswith(_FAILED)).order_by(job_runs.c.name)
    found = [_run(connection, row) for row in connection.execute(query).all()]
    return {run.name.removeprefix(_FAILED): run.position for run in found}


def count_failure(connection: sa.Connection, job: str, day: datetime) -> None:
    """Count a failure of a job. Of when, the day alone is kept: a job may fail as a window starts or ends."""
    name = f"{_FAILED}{job}"[:_LONGEST_NAME]
    before = read_run(connection, name)
    write_run(connection, JobRun(name, 1 if before is None else before.position + 1, day, ""))


def read_bridges(connection: sa.Connection) -> dict[str, tuple[datetime, str]]:
    """Return the Alertmanagers that may hold silences of ours, by the ids of the recipients, and how each stands.

    That is when it was last in step, and what is wrong since, or "". It is in clear, and written once a minute or where
    something else is wrong: it tells of no window.
    """
    rows = connection.execute(sa.select(job_runs).where(job_runs.c.name.startswith(_BRIDGE))).all()
    found = [_run(connection, row) for row in rows]
    return {run.name.removeprefix(_BRIDGE): (run.ran_at, run.outcome) for run in found}


def write_bridge(connection: sa.Connection, recipient_id: str, in_step_at: datetime, fault: str) -> None:
    """Note how an Alertmanager stands."""
    write_run(connection, JobRun(f"{_BRIDGE}{recipient_id}", 0, in_step_at, fault))


def drop_bridge(connection: sa.Connection, recipient_id: str) -> None:
    """Note that an Alertmanager holds no silence of ours any more."""
    connection.execute(sa.delete(job_runs).where(job_runs.c.name == f"{_BRIDGE}{recipient_id}"))


def _run(connection: sa.Connection, row: Any) -> JobRun:
    require_proven(connection, job_runs, row)
    return JobRun(row.name, row.position, row.ran_at, row.outcome)


def write_run(connection: sa.Connection, run: JobRun) -> None:
    """Note that a job ran."""
    facts = {"name": run.name, "position": run.position, "ran_at": run.ran_at, "outcome": run.outcome[:200]}
    values = proven(connection, job_runs, facts)
    if connection.execute(sa.update(job_runs).where(job_runs.c.name == run.name).values(values)).rowcount == 0:
        connection.execute(sa.insert(job_runs).values(values))


@dataclass(frozen=True, slots=True)
class StoredSeries:
    """A rule without an end inside the horizon, and when we received it as it stands, its exceptions apart."""

    user_id: bytes
    rule: RepeatingRule
    received_at: datetime
    row_version: int


def put_series(
    store: Store, connection: sa.Connection, user_id: bytes, rule: RepeatingRule, received_at: datetime
) -> None:
    """Keep a rule in place of the one that this event had; where that is the same, its receipt stands."""
    key = chains_of(connection).index(store.blind.rule(user_id, rule.gateway, rule.uid))
    row = connection.execute(_SERIES_OF, {"key": key}).first()
    held = None if row is None else _open_series(store, connection, row)
    if held is not None and held.rule.pattern == rule.pattern:
        received_at = min(held.received_at, received_at)
    version = 1 if held is None else held.row_version + 1
    facts = [rule.uid, rule.gateway, received_at.isoformat(), rule.pattern]
    stated = {
        "series": key,
        "user_id": user_id,
        "row_version": version,
        "expanded_to": rule.expanded_to,
        "sealed": store.keyring.seal(
            user_id, "series", "sealed", key, version, json.dumps(facts).encode() + b"\n" + rule.octets
        ),
    }
    values = proven(connection, series, stated)
    if held is None:
        connection.execute(sa.insert(series).values(values))
    else:
        connection.execute(sa.update(series).where(series.c.series == key).values(values))


def drop_series(connection: sa.Connection, keys: Sequence[bytes]) -> None:
    """Forget rules, by their digests: their events are now stated without an open end, or withdrawn."""
    if keys:
        stands = chains_of(connection).index
        _DROP_SERIES.run(connection, [{"key": stands(key)} for key in keys])


def series_of(store: Store, connection: sa.Connection, key: bytes) -> StoredSeries | None:
    """Return the rule that is kept under a digest of the blind index, if it is one that goes on."""
    row = connection.execute(_SERIES_OF, {"key": chains_of(connection).index(key)}).first()
    return None if row is None else _open_series(store, connection, row)


def series_short_of(store: Store, connection: sa.Connection, horizon: datetime) -> list[StoredSeries]:
    """Return the rules that are expanded to less than ``horizon``."""
    found = []
    for row in connection.execute(sa.select(series).where(series.c.expanded_to < horizon)).all():
        if store.keyring.is_shredded(row.user_id):
            continue
        found.append(_open_series(store, connection, row))
    return found


def _open_series(store: Store, connection: sa.Connection, row: Any) -> StoredSeries:
    require_proven(connection, series, row)
    body = store.keyring.unseal(row.user_id, "series", "sealed", row.series, row.row_version, row.sealed)
    facts, _, octets = body.partition(b"\n")
    uid, gateway, received_at, pattern = json.loads(facts)
    rule = RepeatingRule(uid, gateway, octets, row.expanded_to, pattern)
    return StoredSeries(row.user_id, rule, datetime.fromisoformat(received_at), row.row_version)


def put_draft(store: Store, connection: sa.Connection, account_id: bytes, body: bytes, now: datetime) -> bytes:
    """Keep an upload until its preview is confirmed; return its row id."""
    draft_id = new_row_id()
    sealed = store.keyring.seal(SERVICE_OWNER, "drafts", "sealed", draft_id, 1, body)
    connection.execute(sa.insert(drafts).values(id=draft_id, account_id=account_id, created_at=now, sealed=sealed))
    return draft_id


def read_draft(store: Store, connection: sa.Connection, account_id: bytes, draft_id: bytes) -> bytes | None:
    """Return what waits under this id; None if nothing of this account does (any more)."""
    query = sa.select(drafts.c.sealed).where(drafts.c.id == draft_id, drafts.c.account_id == account_id)
    row = connection.execute(query).first()
    return None if row is None else store.keyring.unseal(SERVICE_OWNER, "drafts", "sealed", draft_id, 1, row.sealed)


def take_draft(store: Store, connection: sa.Connection, account_id: bytes, draft_id: bytes) -> bytes | None:
    """Return an upload under preview and forget it; None if this account has no such upload (any more)."""
    body = read_draft(store, connection, account_id, draft_id)
    if body is None or connection.execute(sa.delete(drafts).where(drafts.c.id == draft_id)).rowcount != 1:
        return None
    return body


def purge_drafts(connection: sa.Connection, before: datetime) -> int:
    """Delete uploads whose preview was never confirmed; return how many."""
    return connection.execute(sa.delete(drafts).where(drafts.c.created_at < before)).rowcount
