"""Windows that have passed expire: an entry in the history, made by the scheduler, that no subscriber sees."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import groupby

from app.domain.closure import Step, advance
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


def expire_past_windows(register: Register, now: datetime) -> int:
    """Expire every planned closure whose window has ended by ``now``; return how many did.

    Looks at the weeks since the last run and at what changed since then; the first run looks at everything. Running
    it twice, or in two processes, expires nothing twice.
    """
    store = register.store
    with store.reading() as connection:
        last = runs.read_run(connection, JOB)
        codes = {user.id: user.code for user in parties.read_parties(store, connection).users.values()}
        change = read_head(connection).change
        changed = rows.changed_since(store, connection, last.position if last else 0, codes)
        due = {held.closure.id: held for held in changed}
        if last is not None:
            weeks = weeks_touched(min(last.ran_at, now) - _LOOK_BACK, now + timedelta(microseconds=1))
            due |= {held.closure.id: held for held in rows.touching(store, connection, weeks, codes)}
    passed = [held for held in due.values() if held.closure.has_passed(now)]
    count = sum(_expire(register, group, now) for group in _by_user(passed))
    with store.writing() as connection:
        runs.write_run(connection, JobRun(JOB, change, now, f"{count} expired"))
    return count


def _by_user(passed: Iterable[Held]) -> Iterable[list[Held]]:
    for _, group in groupby(sorted(passed, key=lambda held: held.user_id), key=lambda held: held.user_id):
        members = list(group)
        for first in range(0, len(members), _AT_ONCE):
            yield members[first : first + _AT_ONCE]


def _expire(register: Register, group: list[Held], now: datetime) -> int:
    """Expire closures of one User in one transaction; a race lost leaves them for the next run."""
    try:
        with register.store.writing() as connection:
            head, _ = register.lock(connection)
            transaction = Transaction(register.store, head, now, group[0].user_id)
            for held in group:
                revision = unnumbered(held.closure, Step.EXPIRED, now)
                transaction.add(Entry(held, revision, advance(held.closure, revision), held.mark))
            transaction.log.close()
            transaction.write(connection)
    except StaleClosure:
        return 0
    return len(group)
