"""Late changes are recorded: each revision is assessed once, and what was found is kept for good."""

from dataclasses import replace
from datetime import datetime

from app.domain.access import Principal
from app.domain.late_change import LateChange
from app.register.reading import visible_users
from app.register.register import Register
from app.store import assessments, parties, runs
from app.store import closures as rows
from app.store.engine import write_head
from app.store.log import LogWriter
from app.store.runs import JobRun

JOB = "late-changes"
_AT_ONCE = 500


def record_late_changes(register: Register, now: datetime) -> int:
    """Assess every revision recorded since the last run; return how many of them were late changes.

    The lead times, with the versions of the policy and the holiday table, are those that the sender was told when the
    revision was recorded, so a rule that changes in between changes nothing. What was missed while no scheduler ran is
    caught up, each revision once.
    """
    late = 0
    while True:
        done, found = _next_batch(register, now)
        late += found
        if done:
            return late


def _next_batch(register: Register, now: datetime) -> tuple[bool, int]:
    store = register.store
    with store.writing() as connection:
        head, _ = register.lock(connection)
        last = runs.read_run(connection, JOB)
        position = last.position if last else -1
        recorded, reached = rows.recorded_after(store, connection, position, _AT_ONCE)
        log = LogWriter(head)
        made = [
            assessments.append_assessment(
                store,
                log,
                user_id=user_id,
                closure_id=written.closure_id,
                entry=written.revision.entry,
                assessment=written.revision.assessment,
                received_at=written.revision.received_at,
                now=now,
            )
            for user_id, written in recorded
            if written.revision.assessment is not None
        ]
        log.close()
        assessments.insert_assessments(connection, made)
        if made:
            write_head(connection, replace(log.flush(connection)))
        late = sum(row["late"] for row in made)
        at = position if reached is None else reached
        runs.write_run(connection, JobRun(JOB, at, now, f"{len(made)} assessed, {late} late"))
    return reached is None, late


def find_late_changes(register: Register, principal: Principal, starts: datetime, ends: datetime) -> list[LateChange]:
    """Return the late changes received in the half-open span that the principal may see, in order of receipt."""
    store = register.store
    with store.reading() as connection:
        codes = visible_users(principal, parties.read_parties(store, connection))
        found = list(assessments.late_between(connection, starts, ends, set(codes)))
        names = rows.references(connection, [closure_id for closure_id, _ in found])
        changes = []
        for closure_id, entry in found:
            written = rows.one_entry(store, connection, closure_id, entry)
            if written is None or written.revision.assessment is None or written.revision.number is None:
                continue
            revision = written.revision
            changes.append(
                LateChange(
                    reference=names[closure_id],
                    user=codes[written.user_id],
                    gateway=revision.gateway,
                    number=written.revision.number,
                    step=revision.step,
                    received_at=revision.received_at,
                    window=revision.window,
                    assessment=written.revision.assessment,
                )
            )
    return changes
