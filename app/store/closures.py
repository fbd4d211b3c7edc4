"""Closures and their revisions on disk. Only the register imports this file (import-linter holds it)."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from app.domain.closure import PlannedClosure, Revision, State
from app.domain.notice import SenderMark
from app.domain.refusal import Shredded
from app.store.acts import Deed, record_purge
from app.store.bodies import dump_closure, dump_revision, load_closure, load_revision
from app.store.chains import chains_of
from app.store.engine import Store
from app.store.groups import in_groups
from app.store.prepared import Prepared
from app.store.proven import altered, proven, require_proven
from app.store.tables import closures, revisions, weeks

FORGOTTEN = "forgotten"
"""The state of a row whose facts are purged: no closure any more, only what keeps the record verifiable."""


@dataclass(frozen=True, slots=True)
class Held:
    """A closure's row as it was read: what stands, the sender's mark, and the version that an update must find."""

    closure: PlannedClosure
    mark: SenderMark
    user_id: bytes
    row_version: int
    change: int


@dataclass(frozen=True, slots=True)
class Written:
    """One revision as it was written, with whose it is, the notice that brought it and its place in the log."""

    closure_id: bytes
    user_id: bytes
    revision: Revision
    notice_id: bytes | None
    log_index: int


class StaleClosure(Exception):  # noqa: N818 - a race lost, not an error: the caller starts over
    """A compare-and-set found another row version: somebody else got there first."""


_COLUMNS = tuple(closures.c)


def open_row(store: Store, row: Any, user_code: str) -> Held:
    """Open a closure's row; raise ``SealBroken`` where it does not agree with what was sealed."""
    body = store.keyring.unseal(row.user_id, "closures", "sealed", row.id, row.row_version, row.sealed)
    return _held(row, user_code, body)


def _held(row: Any, user_code: str, body: bytes) -> Held:
    closure, mark, change = load_closure(row.id, user_code, body)
    if (closure.state, closure.reference) != (row.state, row.reference) or change not in {None, row.change}:
        raise altered(closures)
    return Held(closure, mark, row.user_id, row.row_version, row.change)


def _opened(store: Store, connection: sa.Connection, found: Iterable[Any], codes: dict[bytes, str]) -> Iterator[Held]:
    """Open those of the rows, read whole, whose User is in ``codes``. Raise ``SealBroken`` for one that was altered."""
    for row in found:
        require_proven(connection, closures, row)
        if row.user_id in codes:
            yield open_row(store, row, codes[row.user_id])


def of_series(store: Store, connection: sa.Connection, user_code: str, keys: Iterable[bytes]) -> list[Held]:
    """Return the closures of one User whose (User, UID) is among ``keys``, digests of the blind index."""
    found: list[Held] = []
    for group in in_groups(map(chains_of(connection).index, keys)):
        for row in connection.execute(_OF_SERIES, {"keys": group}).all():
            require_proven(connection, closures, row)
            found.append(open_row(store, row, user_code))
    return found


def by_reference(store: Store, connection: sa.Connection, reference: str, codes: dict[bytes, str]) -> Held | None:
    """Return one closure; None where there is none, or its User is not in ``codes`` (id to code)."""
    rows = connection.execute(sa.select(*_COLUMNS).where(closures.c.reference == reference)).all()
    return next(_opened(store, connection, rows, codes), None)


def by_ids(
    store: Store, connection: sa.Connection, closure_ids: Iterable[bytes], codes: dict[bytes, str]
) -> dict[bytes, Held]:
    """Return closures by row id; those whose facts are forgotten, or whose User is not in ``codes``, are left out."""
    found: dict[bytes, Held] = {}
    for group in in_groups(closure_ids):
        query = sa.select(*_COLUMNS).where(closures.c.id.in_(group), closures.c.state != FORGOTTEN)
        found |= {held.closure.id: held for held in _opened(store, connection, connection.execute(query).all(), codes)}
    return found


def touching(
    store: Store,
    connection: sa.Connection,
    iso_weeks: Iterable[str],
    codes: dict[bytes, str],
    *,
    without: Collection[bytes] = (),
) -> Iterator[Held]:
    """Yield the closures of the Users in ``codes`` whose standing window touches one of the weeks.

    Those whose row ids are in ``without`` are not opened: the caller knows them.
    """
    seen = set(without)
    stands = chains_of(connection).index
    for group in in_groups(stands(store.blind.week(user_id, week)) for week in iso_weeks for user_id in codes):
        chosen = sa.select(weeks.c.closure_id).where(weeks.c.week.in_(group), weeks.c.current.is_(True)).distinct()
        rows = connection.execute(sa.select(*_COLUMNS).where(closures.c.id.in_(chosen)))
        for held in _opened(store, connection, (row for row in rows if row.id not in seen), codes):
            seen.add(held.closure.id)
            yield held


def changed_since(store: Store, connection: sa.Connection, change: int, codes: dict[bytes, str]) -> Iterator[Held]:
    """Yield the closures whose last applied revision came after change number ``change``; 0 asks for all.

    Those of a User whose key is shredded meanwhile are left out.
    """
    query = sa.select(*_COLUMNS).where(closures.c.state != FORGOTTEN).execution_options(yield_per=1000)
    if change > 0:  # else nothing is passed over, whatever its number has become
        query = query.where(closures.c.change > change)
    with connection.execute(query) as rows:
        opened = store.keyring.opener("closures", "sealed")
        for row in rows:
            require_proven(connection, closures, row)
            if row.user_id not in codes:
                continue
            try:
                body = opened(row.user_id, row.id, row.row_version, row.sealed)
            except Shredded:
                continue
            yield _held(row, codes[row.user_id], body)


def count_planned(connection: sa.Connection, user_id: bytes) -> int:
    """Count a User's planned closures."""
    query = sa.select(sa.func.count()).where(closures.c.user_id == user_id, closures.c.state == State.PLANNED)
    return connection.execute(query).scalar_one()


def _closure_row(  # noqa: PLR0917 - where, whose, what and which version
    store: Store,
    connection: sa.Connection,
    user_id: bytes,
    what: tuple[PlannedClosure, SenderMark],
    row_version: int,
    change: int,
) -> dict[str, Any]:
    closure, mark = what
    stands, blind = chains_of(connection).index, store.blind
    return {
        "reference": closure.reference,
        "user_id": user_id,
        "identity": stands(blind.identity(user_id, closure.gateway, mark.uid, mark.recurrence_id)),
        "series": stands(blind.series(user_id, mark.uid)),
        "state": closure.state.value,
        "row_version": row_version,
        "change": change,
        "sealed": store.keyring.seal(
            user_id, "closures", "sealed", closure.id, row_version, dump_closure(closure, mark, change)
        ),
    }


def insert_closures(
    store: Store,
    connection: sa.Connection,
    user_id: bytes,
    new: Sequence[tuple[PlannedClosure, SenderMark]],
    change: int,
) -> None:
    """Write new closures."""
    if new:
        rows = [{"id": what[0].id, **_closure_row(store, connection, user_id, what, 1, change)} for what in new]
        _INSERT.run(connection, [proven(connection, closures, row) for row in rows])


# Built once: building a statement costs as much as running it.
_OF_SERIES = sa.select(*_COLUMNS).where(closures.c.series.in_(sa.bindparam("keys", expanding=True)))
_INSERT, _INSERT_REVISION = Prepared(sa.insert(closures)), Prepared(sa.insert(revisions))
_UPDATE = Prepared(
    sa.update(closures)
    .where(closures.c.id == sa.bindparam("b_id"), closures.c.row_version == sa.bindparam("b_version"))
    .values({name: sa.bindparam(name) for name in ("identity", "state", "row_version", "change", "sealed", "proof")})
)


def update_closures(
    store: Store,
    connection: sa.Connection,
    changes: Sequence[tuple[Held, PlannedClosure, SenderMark]],
    change: int | None,
) -> None:
    """Write what now stands of closures, if each row is still as it was read; raise ``StaleClosure`` otherwise.

    ``change`` None leaves the change number as it is: nothing that a feed shows is different.
    """
    rows = []
    for held, closure, mark in changes:
        number = held.change if change is None else change
        row = _closure_row(store, connection, held.user_id, (closure, mark), held.row_version + 1, number)
        row = proven(connection, closures, {"id": closure.id, **row})
        del row["id"], row["reference"], row["user_id"], row["series"]
        rows.append({"b_id": closure.id, "b_version": held.row_version, **row})
    for row in rows:
        if _UPDATE.run(connection, [row]) != 1:
            raise StaleClosure


def revision_content(closure_id: bytes, sealed: bytes) -> bytes:
    """Return the octets that a revision's leaf is the hash of."""
    return closure_id + sealed


def seal_revision(store: Store, user_id: bytes, closure_id: bytes, revision: Revision) -> bytes:
    """Return the sealed form of a revision."""
    return store.keyring.seal(user_id, "revisions", "sealed", closure_id, revision.entry, dump_revision(revision))


def insert_revisions(connection: sa.Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Write entries of histories; each row is made by ``revision_row``."""
    if rows:
        _INSERT_REVISION.run(connection, [proven(connection, revisions, row) for row in rows])


def revision_row(
    user_id: bytes, closure_id: bytes, revision: Revision, *, notice_id: bytes | None, log_index: int, sealed: bytes
) -> dict[str, Any]:
    """Return the row of one entry."""
    return {
        "closure_id": closure_id,
        "entry": revision.entry,
        "user_id": user_id,
        "notice_id": notice_id,
        "number": revision.number,
        "received_at": revision.received_at,
        "log_index": log_index,
        "sealed": sealed,
    }


def history(store: Store, connection: sa.Connection, closure: PlannedClosure) -> list[Written]:
    """Return all entries of a closure that stands, in order. Raise ``SealBroken`` where one is missing."""
    query = sa.select(revisions).where(revisions.c.closure_id == closure.id).order_by(revisions.c.entry)
    return open_history(store, connection, connection.execute(query), closure.entries)


def open_history(store: Store, connection: sa.Connection, rows: Iterable[Any], entries: int) -> list[Written]:
    """Open the rows of a closure's ``entries``, in order. Raise ``SealBroken`` where one is missing or was altered."""
    found = [one for row in rows if (one := open_revision(store, connection, row)) is not None]
    if [written.revision.entry for written in found] != [*range(1, entries + 1)]:
        raise altered(revisions)
    return found


def open_revision(store: Store, connection: sa.Connection, row: Any) -> Written | None:
    """Open an entry's row; None where its facts are forgotten. Raise ``SealBroken`` for one that was altered."""
    require_proven(connection, revisions, row)
    if row.sealed is None:
        return None
    body = store.keyring.unseal(row.user_id, "revisions", "sealed", row.closure_id, row.entry, row.sealed)
    revision = load_revision(body)
    if (revision.entry, revision.number, revision.received_at) != (row.entry, row.number, row.received_at):
        raise altered(revisions)
    return Written(row.closure_id, row.user_id, revision, row.notice_id, row.log_index)


def log_place(connection: sa.Connection, reference: str) -> int:
    """Return the place in the log of a closure's last numbered revision."""
    query = (
        sa.select(sa.func.max(revisions.c.log_index))
        .join(closures, closures.c.id == revisions.c.closure_id)
        .where(closures.c.reference == reference, revisions.c.number.is_not(None))
    )
    place: int = connection.execute(query).scalar_one()
    return place


def recorded_after(
    store: Store, connection: sa.Connection, position: int, most: int
) -> tuple[list[tuple[bytes, Written]], int | None]:
    """Return the (User id, entry) recorded at log positions above ``position``, in order, and the last one looked at.

    At most ``most`` are looked at; None where there was none. What is forgotten or shredded is passed over.
    """
    query = sa.select(revisions).where(revisions.c.log_index > position).order_by(revisions.c.log_index).limit(most)
    found: list[tuple[bytes, Written]] = []
    reached = None
    for row in connection.execute(query):
        reached = row.log_index
        written = None if store.keyring.is_shredded(row.user_id) else open_revision(store, connection, row)
        if written is not None:
            found.append((row.user_id, written))
    return found, reached


def closures_dated_after(connection: sa.Connection, instant: datetime) -> list[bytes]:
    """Return the closures that have an entry dated after an instant."""
    query = sa.select(revisions.c.closure_id).where(revisions.c.received_at > instant).distinct()
    return list(connection.execute(query).scalars())


def closures_of_notices(connection: sa.Connection, notice_ids: Iterable[bytes]) -> set[tuple[bytes, bytes]]:
    """Return the (notice id, closure id) pairs of these notices' revisions."""
    pairs: set[tuple[bytes, bytes]] = set()
    for group in in_groups(notice_ids):
        query = sa.select(revisions.c.notice_id, revisions.c.closure_id).where(revisions.c.notice_id.in_(group))
        pairs |= {(row.notice_id, row.closure_id) for row in connection.execute(query)}
    return pairs


def forget_closures(store: Store, connection: sa.Connection, closure_ids: Sequence[bytes]) -> None:
    """Forget the facts of closures whose retention ended: entries lose their content, the log keeps its leaves."""
    for group in in_groups(closure_ids):
        connection.execute(sa.update(revisions).where(revisions.c.closure_id.in_(group)).values(sealed=None))
        connection.execute(sa.delete(weeks).where(weeks.c.closure_id.in_(group)))
        # The sender may use the UID again: the row gives up its place in the blind indexes.
        for row in connection.execute(sa.select(closures).where(closures.c.id.in_(group))).all():
            blank = {"state": FORGOTTEN, "sealed": b"", "identity": row.id, "series": row.id}
            written = proven(connection, closures, row._asdict() | blank)
            connection.execute(sa.update(closures).where(closures.c.id == row.id).values(written))
        record_purge(store, connection, Deed.CLOSURES_PURGED, closures, group)
