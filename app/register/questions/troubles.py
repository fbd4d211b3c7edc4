"""What is wrong with the service, in plain words: what does not stop it now, and will if nobody looks.

Anybody may be told these words, so that no count is in them, and nothing that changes as a window starts or ends: of
dead messages, those alone that were given up before today.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from app.domain.london import london_date
from app.domain.utc_day import day_of
from app.register.messages.silences import list_bridges
from app.register.register import Register
from app.store import outbox, runs, sources
from app.store.runs import JobRun

NEARLY_FULL = 200_000_000
"""Octets. A folder with less room is nearly full."""

# How long after its last run a job is overdue. What has never run is not: a new service has yet to come to it.
_OVERDUE = {
    runs.INTEGRITY: timedelta(hours=2),
    runs.READ_LOG: timedelta(hours=3),
    runs.MAILBOX: timedelta(minutes=10),
    "expire": timedelta(days=2),
    "housekeeping": timedelta(days=2),
}
_UNSAVED = "The last backup failed: Service, Health says why. Mend that; `closures backup FILE` takes one meanwhile."
_UNREAD = "The mailbox that notices come to cannot be read: Service, Health says why."


def is_overdue(run: JobRun, now: datetime) -> bool:
    """Tell whether a job should have run since."""
    longest = _OVERDUE.get(run.name)
    return longest is not None and abs(now - run.ran_at) > longest


def find_troubles(register: Register, free: Mapping[str, int], now: datetime) -> list[str]:
    """Return a sentence for each trouble; ``free`` are the octets left in each folder."""
    with register.store.reading() as connection:
        jobs = runs.all_runs(connection)
        unsaved = runs.is_failing(connection, runs.BACKUP, runs.BACKUP_FAILED)
        unread = runs.is_failing(connection, runs.MAILBOX, runs.MAILBOX_FAILED)
        dead = outbox.has_dead_before(connection, day_of(now))
        silent = any(standing.is_silent for _, standing in sources.list_sources(register.store, connection).whole)
    failing = [words for words, fails in ((_UNSAVED, unsaved), (_UNREAD, unread)) if fails]
    return [*_of_folders(free), *failing, *_of_jobs(jobs, now), *_of_work(register, dead=dead, silent=silent, now=now)]


def _of_folders(free: Mapping[str, int]) -> Iterator[str]:
    for folder, octets in free.items():
        if octets < NEARLY_FULL:
            yield f"The disk of the {folder} folder is nearly full: free some space."


def _of_jobs(jobs: Sequence[JobRun], now: datetime) -> Iterator[str]:
    for job in jobs:
        if is_overdue(job, now):
            yield f"The job {job.name} has not run in its time: see the scheduler's log."


def _of_work(register: Register, *, dead: bool, silent: bool, now: datetime) -> Iterator[str]:
    if dead:
        yield "A message could not be delivered and was given up: see Service, Messages, or `closures notify outbox`."
    if silent:
        yield "A calendar that we read cannot be read: `closures source list` (or `maintenance source list`) says why."
    if any(bridge.is_behind(now) for bridge in list_bridges(register.store)):
        yield "An Alertmanager is out of step with what is closed: Service, Messages says why."
    rulebook = register.rulebook()
    if rulebook.calendar_for(rulebook.policy_for(now)).ends_soon(london_date(now)):
        yield "The table of holidays ends within twelve months: update the holidays package."
