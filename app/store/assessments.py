"""Assessments on disk: one for each revision, policy and holiday table; never rewritten."""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from app.domain.late_change import Assessment
from app.store.bodies import dump_assessment
from app.store.engine import Store
from app.store.log import LogWriter
from app.store.tables import assessments


def append_assessment(
    store: Store,
    log: LogWriter,
    *,
    user_id: bytes,
    closure_id: bytes,
    entry: int,
    assessment: Assessment,
    received_at: datetime,
    now: datetime,
) -> dict[str, Any]:
    """Add the assessment's leaf to the log; return its row, to be written with ``insert_assessments``."""
    body = json.dumps(dump_assessment(assessment), separators=(",", ":")).encode()
    sealed = store.keyring.seal(user_id, "assessments", "sealed", closure_id, entry, body)
    position, _ = log.append("assessment", assessment_content(closure_id, entry, sealed))
    return {
        "closure_id": closure_id,
        "entry": entry,
        "policy_version": assessment.change.policy_version,
        "holiday_version": assessment.change.holiday_version,
        "user_id": user_id,
        "received_at": received_at,
        "assessed_at": now,
        "late": assessment.is_late_change,
        "log_index": position,
        "sealed": sealed,
    }


def assessment_content(closure_id: bytes, entry: int, sealed: bytes) -> bytes:
    """Return the octets that an assessment's leaf is the hash of."""
    return closure_id + entry.to_bytes(4, "big") + sealed


def insert_assessments(connection: sa.Connection, rows: list[dict[str, Any]]) -> None:
    """Write assessments."""
    if rows:
        connection.execute(sa.insert(assessments), rows)


def late_between(connection: sa.Connection, starts: datetime, ends: datetime) -> Iterator[tuple[bytes, int]]:
    """Yield (closure id, entry) of the late changes received in the half-open span."""
    query = sa.select(assessments.c.closure_id, assessments.c.entry).where(
        assessments.c.late.is_(True), assessments.c.received_at >= starts, assessments.c.received_at < ends
    )
    for row in connection.execute(query):
        yield row.closure_id, row.entry


def all_assessments(connection: sa.Connection) -> sa.CursorResult[Any]:
    """Yield every assessment's row, for verification."""
    return connection.execute(sa.select(assessments))


def forget_assessments(connection: sa.Connection, closure_ids: list[bytes]) -> None:
    """Forget what assessments of these closures said; their leaves stay in the log."""
    connection.execute(sa.update(assessments).where(assessments.c.closure_id.in_(closure_ids)).values(sealed=None))
