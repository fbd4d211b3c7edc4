"""Late changes are recorded: each revision is assessed once, and what was found is kept for good."""

from dataclasses import replace
from datetime import datetime

from app.domain.access import Principal
from app.domain.closure import Step
from app.domain.london import utc_text
from app.domain.window import ClosureWindow
from app.register.closure_json import LateChangeJson, PastJson, late_facts
from app.register.questions.answer import count_words, sentence_of, span_words
from app.register.reading import read_late
from app.register.register import Register
from app.store import assessments, runs
from app.store import closures as rows
from app.store.engine import write_head
from app.store.log import LogWriter
from app.store.runs import JobRun

JOB = "late-changes"
_AT_ONCE = 100  # in one transaction: whoever gives a notice waits no longer than for that


class LateChangesJson(PastJson):
    """The late changes received in a span; the Link header leads to the next page."""

    answer: str
    first_notices: int
    changes: int
    late_changes: list[LateChangeJson]


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
                verdict=written.revision.verdict,
                received_at=written.revision.received_at,
                now=now,
            )
            for user_id, written in recorded
            if written.revision.step.is_judged and written.revision.verdict is not None
        ]
        log.close()
        assessments.insert_assessments(connection, made)
        if made:
            write_head(connection, replace(log.flush(connection)))
        late = sum(row["late"] for row in made)
        at = position if reached is None else reached
        runs.write_run(connection, JobRun(JOB, at, now, f"{len(made)} assessed, {late} late"))
    return reached is None, late


def answer_late_changes(register: Register, principal: Principal, span: ClosureWindow) -> LateChangesJson:
    """Answer what was told later than recommended in a span, first notices and changes apart (Q3).

    The answer is the record's own, whether or not the scheduler has made its entries of it yet.
    """
    found = read_late(register, principal, span.starts, span.ends)
    first = sum(change.step is Step.FIRST for change in found)
    words = "no late change was received in those days"
    if found:
        words = (
            f"{count_words(first, 'first notice')} and {count_words(len(found) - first, 'change')} at short notice, "
            f"received in {span_words(span)}"
        )
    names = register.history.names
    return {
        "answer": sentence_of(words),
        "from": utc_text(span.starts),
        "to": utc_text(span.ends),
        "first_notices": first,
        "changes": len(found) - first,
        "late_changes": [late_facts(change, names) for change in found],
    }
