"""The scheduler's work, once: expire past windows, record late changes, note what the clock gives to tell."""

from dataclasses import dataclass
from datetime import datetime

from app.register.expire import expire_past_windows
from app.register.late_changes import record_late_changes
from app.register.messages.outbox import tell_by_the_clock
from app.register.register import Register
from app.store import runs
from app.store.runs import JobRun

JOB = "sweep"


@dataclass(frozen=True, slots=True)
class SweepReport:
    """How many closures expired, how many late changes were found, and how much the clock gave to tell."""

    expired: int
    late_changes: int
    to_tell: int


def sweep(register: Register, now: datetime) -> SweepReport:
    """Do the scheduler's work once, and note that it was done."""
    report = SweepReport(
        expire_past_windows(register, now), record_late_changes(register, now), tell_by_the_clock(register, now)
    )
    with register.store.writing() as connection:
        outcome = f"{report.expired} expired, {report.late_changes} late changes"
        runs.write_run(connection, JobRun(JOB, 0, now, outcome))
    return report
