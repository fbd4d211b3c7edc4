"""Late changes are recorded: each revision is assessed once, and what was found is kept for good."""

from dataclasses import replace
from datetime import datetime

from app.domain.access import Principal
from app.domain.closure import Step
from app.domain.late_change import LateChange
from app.domain.london import utc_text
from app.domain.window import ClosureWindow
from app.register.closure_json import late_facts
from app.register.questions.answer import Answer, count_words, sentence_of, span_words
from app.register.reading import read_recorded
from app.register.register import Register
from app.store import assessments, runs
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
        recorded = set(assessments.late_between(connection, starts, ends))
    return [
        LateChange(
            reference=one.after.reference,
            user=one.after.user,
            gateway=one.after.gateway,
            number=one.after.number,
            step=one.step,
            received_at=one.received_at,
            window=one.after.window,
            assessment=one.after.lead,
        )
        for one in read_recorded(register, principal, starts, ends)
        if (one.closure_id, one.entry) in recorded
    ]


def answer_late_changes(register: Register, principal: Principal, span: ClosureWindow) -> Answer:
    """Answer what was told at short notice in a span, first notices and changes apart (Q3)."""
    found = find_late_changes(register, principal, span.starts, span.ends)
    first = sum(one.step is Step.FIRST for one in found)
    words = "no late change was received in those days"
    if found:
        words = (
            f"{count_words(first, 'first notice')} and {count_words(len(found) - first, 'change')} at short notice, "
            f"received in {span_words(span)}"
        )
    facts = {
        "from": utc_text(span.starts),
        "to": utc_text(span.ends),
        "first_notices": first,
        "changes": len(found) - first,
        "late_changes": [late_facts(one) for one in found],
    }
    return Answer(sentence_of(words), facts)
