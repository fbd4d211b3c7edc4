"""Assessments on disk: one for each revision, policy and holiday table; never rewritten."""

import json
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from app.domain.verdict import Verdict
from app.store.bodies import dump_verdict
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
    verdict: Verdict,
    received_at: datetime,
    now: datetime,
) -> dict[str, Any]:
    """Add the assessment's leaf to the log; return its row, to be written with ``insert_assessments``."""
    body = json.dumps(dump_verdict(verdict), separators=(",", ":")).encode()
    sealed = store.keyring.seal(user_id, "assessments", "sealed", closure_id, entry, body)
    position, _ = log.append("assessment", assessment_content(closure_id, entry, sealed))
    return {
        "closure_id": closure_id,
        "entry": entry,
        "policy_version": verdict.change.policy_version,
        "holiday_version": verdict.change.holiday_version,
        "user_id": user_id,
        "received_at": received_at,
        "assessed_at": now,
        "late": verdict.late_change,
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


def forget_assessments(connection: sa.Connection, closure_ids: list[bytes]) -> None:
    """Forget what assessments of these closures said; their leaves stay in the log."""
    connection.execute(sa.update(assessments).where(assessments.c.closure_id.in_(closure_ids)).values(sealed=None))
