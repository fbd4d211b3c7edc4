"""Windows that have passed expire: an entry in the history, made by the scheduler, that no subscriber sees.

What has passed is told by the clock everywhere; when that is noted matters to nobody. So the scheduler notes it in one
batch a day, whose time tells no window's end (ADR 11).
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import groupby

from app.domain.closure import Step, advance
from app.domain.utc_day import day_of
from app.domain.window import weeks_touched
from app.register.decisions import unnumbered
from app.register.register import Register
from app.register.transaction import Entry, Transaction
from app.store import closures as rows
from app.store import parties, runs
from app.store.closures import Held, StaleClosure
from app.store.engine import read_head
from app.store.runs import JobRun

JOB = "expire"
_LOOK_BACK = timedelta(days=7)  # a week more than the last run, for windows that end on a week's edge
_AT_ONCE = 500  # closures a transaction: writers of notices get in between


def expire_once_a_day(register: Register, now: datetime) -> int:
    """Expire what had ended by the last midnight in UTC, unless a run since then has; return how many did."""
    with register.store.reading() as connection:
        last = runs.read_run(connection, JOB)
    if last is not None and day_of(now) <= last.ran_at <= now:
        return 0
    return expire_past_windows(register, now, day_of(now))


def expire_past_windows(register: Register, now: datetime, ended_by: datetime | None = None) -> int:
    """Expire every planned closure whose window has ended by ``ended_by``, or by ``now``; return how many did.

    Looks at the weeks since the last run and at what changed since then; the first run looks at everything. Running
    it twice, or in two processes, expires nothing twice.
    """
    store, ended_by = register.store, ended_by or now
    with store.reading() as connection:
        last = runs.read_run(connection, JOB)
        codes = {user.id: user.code for user in parties.read_parties(store, connection).users.values()}
        change = read_head(connection).change
        changed = rows.changed_since(store, connection, last.position if last else 0, codes)
        due = {held.closure.id: held for held in changed}
        if last is not None:
            weeks = weeks_touched(min(last.ran_at, now) - _LOOK_BACK, now + timedelta(microseconds=1))
            due |= {held.closure.id: held for held in rows.touching(store, connection, weeks, codes)}
    passed = [held for held in due.values() if held.closure.has_passed(ended_by)]
    count = sum(_note(register, group, Step.EXPIRED, now) for group in _by_user(passed))
    with store.writing() as connection:
        runs.write_run(connection, JobRun(JOB, change, now, f"{count} expired"))
    return count


def reinstate_unended(register: Register, now: datetime) -> int:
    """Reinstate every closure that a clock which ran ahead had expire before its window ended; return how many.

    The entries of such a clock are dated after ``now``, and are found by that.
    """
    store = register.store
    with store.reading() as connection:
        dated_ahead = rows.closures_dated_after(connection, now)
        if not dated_ahead:
            return 0
        codes = {user.id: user.code for user in parties.read_parties(store, connection).users.values()}
        found = rows.by_ids(store, connection, dated_ahead, codes).values()
    early = [held for held in found if held.closure.expired_early(now)]
    return sum(_note(register, group, Step.REINSTATED, now) for group in _by_user(early))


def _by_user(passed: Iterable[Held]) -> Iterable[list[Held]]:
    for _, group in groupby(sorted(passed, key=lambda held: held.user_id), key=lambda held: held.user_id):
        members = list(group)
        for first in range(0, len(members), _AT_ONCE):
            yield members[first : first + _AT_ONCE]


def _note(register: Register, group: list[Held], step: Step, now: datetime) -> int:
    """Note a step of closures of one User in one transaction; a race lost leaves them for the next run."""
    try:
        with register.store.writing() as connection:
            head, _ = register.lock(connection)
            transaction = Transaction(register.store, head, now, group[0].user_id)
            for held in group:
                revision = unnumbered(held.closure, step, now)
                transaction.add(Entry(held, revision, advance(held.closure, revision), held.mark))
            transaction.log.close()
            transaction.write(connection)
    except StaleClosure:
        return 0
    return len(group)
