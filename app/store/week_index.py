"""The blind week index (ADR 2): which closures any entry put into a week, which stand there, and which are watched.

Beside the weeks of a window a closure is found as one whose re-opening is waited for, while it is, and afterwards under
the weeks in which it was. Only the register imports this file (import-linter holds it).
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

import sqlalchemy as sa

from app.domain.closure import PlannedClosure, fold
from app.domain.window import ClosureWindow, weeks_touched
from app.store.chains import chains_of
from app.store.closures import open_revision
from app.store.engine import Store
from app.store.groups import in_groups
from app.store.histories import histories_of_users
from app.store.prepared import Prepared
from app.store.tables import revisions, users, weeks

WATCHED = "watched"
"""Stands in the place of an ISO week for all closures that are told closed and not yet re-opened."""

# Built once: building a statement costs as much as running it.
_PAST_WEEKS = (
    sa.update(weeks)
    .where(weeks.c.closure_id.in_(sa.bindparam("ids", expanding=True)), weeks.c.current.is_(True))
    .values(current=False)
)
_INSERT = Prepared(sa.insert(weeks))
_IN_PLACES = sa.select(weeks.c.closure_id).where(weeks.c.week.in_(sa.bindparam("places", expanding=True))).distinct()


def watched_weeks(starts: datetime, ends: datetime) -> tuple[str, ...]:
    """Return what stands in the place of an ISO week for each week of a watch that is over; an empty span has none."""
    return tuple(f"{WATCHED} {week}" for week in weeks_touched(starts, ends))


def index_weeks(  # noqa: PLR0917 - where, whose, what stands, what moved and what is over
    store: Store,
    connection: sa.Connection,
    user_id: bytes,
    standing: Sequence[PlannedClosure],
    moved: Sequence[bytes],
    watches: Sequence[tuple[PlannedClosure, Sequence[str]]],
) -> None:
    """Index where closures of a User are found from their last entries on; where ``moved`` were found is past.

    ``watches`` are those that are over, each with the weeks that they touched, as ``watched_weeks`` words them.
    """
    for group in in_groups(moved):
        connection.execute(_PAST_WEEKS, {"ids": group})
    rows = [
        {"week": key, "closure_id": closure.id, "entry": closure.entries, "current": True}
        for closure in standing
        for key in sorted(week_keys(store, connection, user_id, closure.window, is_watched=closure.is_watched))
    ]
    rows += [
        {"week": key, "closure_id": closure.id, "entry": closure.entries, "current": False}
        for closure, touched in watches
        for key in sorted(_keys(store, connection, user_id, touched))
    ]
    if rows:
        _INSERT.run(connection, rows)


def index_again(store: Store, connection: sa.Connection) -> None:
    """Make the week index anew from the windows that entries set: its keys were those of all Users together."""
    indexed = sa.select(weeks.c.closure_id, weeks.c.entry, weeks.c.current).distinct()
    held = {(row.closure_id, row.entry): row.current for row in connection.execute(indexed)}
    connection.execute(sa.delete(weeks))
    for row in connection.execute(sa.select(revisions)).all():
        if (row.closure_id, row.entry) not in held or store.keyring.is_shredded(row.user_id):
            continue
        written = open_revision(store, connection, row)
        if written is not None:
            keys = week_keys(store, connection, row.user_id, written.revision.window)
            current = held[row.closure_id, row.entry]
            facts = {"closure_id": row.closure_id, "entry": row.entry, "current": current}
            _INSERT.run(connection, [{"week": key, **facts} for key in sorted(keys)])


def index_watches(store: Store, connection: sa.Connection) -> None:
    """Index the closures that were told of as it happened while nothing found them by that."""
    user_ids = connection.execute(sa.select(users.c.id)).scalars().all()
    chosen = [user_id for user_id in user_ids if not store.keyring.is_shredded(user_id)]
    for reference, entries in histories_of_users(store, connection, chosen):
        if all(written.revision.fact is None for written in entries):
            continue
        last = entries[-1]
        revisions_told = [written.revision for written in entries]
        stood = list(fold(revisions_told, closure_id=last.closure_id, reference=reference, user=""))
        watched = [
            place
            for written, after, following in zip(entries, stood, entries[1:], strict=False)
            if after.is_watched
            for place in watched_weeks(written.revision.received_at, following.revision.received_at)
        ]
        facts = {"closure_id": last.closure_id, "entry": last.revision.entry}
        found = [{"week": key, "current": False} for key in _keys(store, connection, last.user_id, watched)]
        if stood[-1].is_watched:
            found += [{"week": key, "current": True} for key in _keys(store, connection, last.user_id, [WATCHED])]
        if found:
            _INSERT.run(connection, [facts | one for one in found])


def week_keys(
    store: Store, connection: sa.Connection, user_id: bytes, window: ClosureWindow, *, is_watched: bool = False
) -> set[bytes]:
    """Return what stands in the week index for a window: its weeks, and whether its closure is watched."""
    return _keys(store, connection, user_id, (*window.weeks(), *([WATCHED] if is_watched else [])))


def closures_in(
    store: Store, connection: sa.Connection, places: Iterable[str], user_ids: Iterable[bytes]
) -> set[bytes]:
    """Return the closures of Users that any entry put into one of ``places``: ISO weeks, or what stands in their place.

    At least those; where a window moved, or a watch ended, they may be there no more.
    """
    stands, users = chains_of(connection).index, list(user_ids)
    keys = (stands(store.blind.week(user_id, place)) for place in places for user_id in users)
    return {
        closure_id
        for group in in_groups(keys)
        for closure_id in connection.execute(_IN_PLACES, {"places": group}).scalars()
    }


def closures_moved(connection: sa.Connection, times: int) -> list[bytes]:
    """Return at least the closures of which more entries than ``times`` set where they are found."""
    query = sa.select(weeks.c.closure_id).group_by(weeks.c.closure_id)
    return list(connection.execute(query.having(sa.func.count(weeks.c.entry.distinct()) > times)).scalars())


def _keys(store: Store, connection: sa.Connection, user_id: bytes, places: Iterable[str]) -> set[bytes]:
    stands = chains_of(connection).index
    return {stands(store.blind.week(user_id, place)) for place in places}
