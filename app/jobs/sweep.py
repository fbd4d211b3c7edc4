"""The scheduler's work, once: expire past windows, record late changes, note what the clock gives to tell."""

from dataclasses import dataclass
from datetime import datetime

from app.domain.clock_doubt import ClockReading
from app.jobs.clock_watch import watch_clock
from app.register.expire import expire_once_a_day, expire_past_windows, reinstate_unended
from app.register.late_changes import record_late_changes
from app.register.messages.outbox import tell_by_the_clock
from app.register.published import publish_checkpoint
from app.register.register import Register
from app.store import runs
from app.store.runs import JobRun

JOB = "sweep"


@dataclass(frozen=True, slots=True)
class SweepReport:
    """How many closures expired, how many late changes were found, how much the clock gave to tell; what was undone."""

    expired: int
    late_changes: int
    to_tell: int
    reinstated: int = 0


def sweep(register: Register, now: datetime) -> SweepReport:
    """Do the scheduler's work once, all of it now, as somebody asked for; note that it was done."""
    reinstated = reinstate_unended(register, now)
    return _finish(register, now, expire_past_windows(register, now), reinstated)


def sweep_on_time(register: Register, reading: ClockReading) -> SweepReport:
    """Do what of the scheduler's work is due as the clocks read, and note that it was done.

    Expiry is due once a day. While the clock is doubted nothing expires, and nothing is told of the hour.
    """
    now, doubt = reading.now, watch_clock(register, reading)
    if doubt is not None:
        late = record_late_changes(register, now)
        _note(register, now, f"{late} late changes; nothing else, as the clock is {doubt.words}")
        return SweepReport(0, late, 0)
    reinstated = reinstate_unended(register, now)
    return _finish(register, now, expire_once_a_day(register, now), reinstated)


def _finish(register: Register, now: datetime, expired: int, reinstated: int) -> SweepReport:
    report = SweepReport(expired, record_late_changes(register, now), tell_by_the_clock(register, now), reinstated)
    publish_checkpoint(register, now)
    _note(register, now, f"{report.expired} expired, {report.late_changes} late changes")
    return report


def _note(register: Register, now: datetime, outcome: str) -> None:
    with register.store.writing() as connection:
        runs.write_run(connection, JobRun(JOB, 0, now, outcome))
