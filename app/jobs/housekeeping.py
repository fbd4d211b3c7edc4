"""Once a day: forget what its retention lets go, and clear what nobody came back for."""

from datetime import datetime, timedelta

from app.domain.clock_doubt import ClockReading
from app.jobs.clock_watch import watch_clock
from app.jobs.horizon import extend_horizon
from app.register.register import Register
from app.register.retention import purge_expired
from app.store import kept_answers, mails, outbox, runs, seen_marks, sent_forms, sessions, tries
from app.store.read_spans import purge_reads
from app.store.runs import JobRun

JOB = "housekeeping"
_DRAFTS_LAST = timedelta(hours=24)
_ANSWERS_LAST = timedelta(hours=24)  # as the web promises to whoever sends an Idempotency-Key
_MESSAGES_LAST = timedelta(days=400)  # as the read log: who was told what, and when
_MAILS_LAST = timedelta(days=90)  # and so long is a mail known again
_READS_LAST = timedelta(days=400)  # as long as a subscription may: its whole read log can be shown


def keep_house_on_time(register: Register, reading: ClockReading) -> str:
    """Extend rules and keep house as the clocks read, unless ours is doubted: what is purged does not come back."""
    doubt = watch_clock(register, reading)
    if doubt is not None:
        return f"nothing, as the clock is {doubt.words}"
    added = extend_horizon(register, reading.now)
    return f"{keep_house(register, reading.now)}; added {added} occurrences"


def keep_house(register: Register, now: datetime) -> str:
    """Purge by the retention policy; return what was done in one line."""
    purged = purge_expired(register, now)
    with register.store.writing() as connection:
        drafts = runs.purge_drafts(connection, now - _DRAFTS_LAST)
        ended = sessions.purge_sessions(connection, now - sessions.SESSION_LONGEST)
        tries.purge_tries(connection, now - tries.KEPT)
        sent_forms.purge_forms(connection, now - sent_forms.KEPT)
        seen_marks.purge_marks(register.store, connection, now - seen_marks.KEPT)
        reads = purge_reads(register.store, connection, now - _READS_LAST)
        answers = kept_answers.purge_answers(connection, now - _ANSWERS_LAST)
        seen = mails.purge_mails(connection, now - _MAILS_LAST)
        messages = outbox.purge_messages(connection, now - _MESSAGES_LAST)
        outcome = (
            f"purged {purged.notices} notices, {purged.closures} closures, {drafts} drafts, {ended} sessions, "
            f"{reads} reads, {messages} messages, {answers} answers, {seen} mails"
        )
        runs.write_run(connection, JobRun(JOB, 0, now, outcome))
    return outcome
