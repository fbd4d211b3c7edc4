"""Notices on disk: what is kept of what was received, sealed for the User who sent it."""

import json
import zlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from app.domain.notice import Channel, Notice
from app.security.sealing import SealBroken
from app.store.acts import Deed, record_purge
from app.store.chains import chains_of
from app.store.engine import Store
from app.store.groups import in_groups
from app.store.instants import to_micros
from app.store.log import LogWriter
from app.store.prepared import Prepared
from app.store.tables import notices, revisions

_INSERT = Prepared(sa.insert(notices))
_LEVEL = 1  # of zlib: calendars shrink to a third of their size at once, more effort gains little


@dataclass(frozen=True, slots=True)
class HeldNotice:
    """Of which User a notice is, when it was received, and its place in the log."""

    id: bytes
    user_id: bytes
    received_at: datetime
    log_index: int


def seal_notice(store: Store, notice_id: bytes, user_id: bytes, notice: Notice) -> bytes:
    """Return the sealed form of ``notice``: its facts in one line, then the octets that are kept."""
    stated = [notice.channel, notice.media_type, notice.given_by, to_micros(notice.received_at)]
    facts = json.dumps(stated, separators=(",", ":")).encode()
    body = zlib.compress(facts + b"\n" + notice.octets, _LEVEL)
    return store.keyring.seal(user_id, "notices", "sealed", notice_id, 1, body)


def append_leaf(log: LogWriter, notice_id: bytes, received_at: datetime, sealed: bytes) -> int:
    """Add the notice's leaf to the log; return its position."""
    return log.append("notice", notice_content(notice_id, received_at, sealed))[0]


def notice_content(notice_id: bytes, received_at: datetime, sealed: bytes) -> bytes:
    """Return the octets that the notice's leaf is the hash of."""
    return notice_id + received_at.isoformat().encode() + sealed


def insert_notice(
    store: Store,
    connection: sa.Connection,
    *,
    notice_id: bytes,
    user_id: bytes,
    received: Notice,
    sealed: bytes,
    log_index: int,
    tree: tuple[int, bytes],
) -> None:
    """Write a notice; ``tree`` is the size and root of the log after everything that it brought.

    The digest is of the octets as they were ``received``, whatever of them is in ``sealed``.
    """
    row = {
        "id": notice_id,
        "user_id": user_id,
        "received_at": received.received_at,
        "log_index": log_index,
        "log_size": tree[0],
        "log_root": tree[1],
        "digest": chains_of(connection).index(store.blind.digest(received.octets)),
        "sealed": sealed,
    }
    _INSERT.run(connection, [row])


def read_notice(store: Store, connection: sa.Connection, notice_id: bytes, user_code: str) -> Notice | None:
    """Return a notice as it was kept; None once its retention has ended."""
    row = connection.execute(sa.select(notices).where(notices.c.id == notice_id)).one()
    if row.sealed is None:
        return None
    body = zlib.decompress(store.keyring.unseal(row.user_id, "notices", "sealed", row.id, 1, row.sealed))
    facts, _, octets = body.partition(b"\n")
    # A notice of before 0.1.0 does not say again when it was received; its leaf does.
    channel, media_type, given_by, *received_at = json.loads(facts)
    if received_at not in ([], [to_micros(row.received_at)]):
        raise SealBroken("A notice's row does not agree with what was sealed.", "Run `closures record verify`.")
    return Notice(user_code, Channel(channel), row.received_at, media_type, octets, given_by)


def tree_after(connection: sa.Connection, notice_id: bytes) -> tuple[int, bytes]:
    """Return the size and root of the log after everything that a notice brought."""
    query = sa.select(notices.c.log_size, notices.c.log_root).where(notices.c.id == notice_id)
    row = connection.execute(query).one()
    return row.log_size, row.log_root


def last_received(connection: sa.Connection, until: datetime) -> dict[bytes, datetime]:
    """Return when each User last sent a notice, up to an instant; a User who never did is not among them."""
    query = (
        sa.select(notices.c.user_id, sa.func.max(notices.c.received_at, type_=notices.c.received_at.type))
        .where(notices.c.received_at <= until)
        .group_by(notices.c.user_id)
    )
    return {row[0]: row[1] for row in connection.execute(query)}


def purge_notices(store: Store, connection: sa.Connection, notice_ids: Sequence[bytes]) -> None:
    """Forget what these notices said; their leaves stay in the log."""
    connection.execute(sa.update(notices).where(notices.c.id.in_(notice_ids)).values(sealed=None))
    record_purge(store, connection, Deed.NOTICES_PURGED, notices, notice_ids)


def held_notices(connection: sa.Connection, before: datetime) -> Sequence[bytes]:
    """Return the ids of notices received before an instant whose octets are still held."""
    query = sa.select(notices.c.id).where(notices.c.received_at < before, notices.c.sealed.is_not(None))
    return connection.execute(query).scalars().all()


def notices_before(
    connection: sa.Connection, user_ids: Sequence[bytes], position: int | None, most: int | None
) -> list[HeldNotice]:
    """Return at most ``most`` notices of these Users, the latest first: of all, or before a place in the log."""
    query = sa.select(notices.c.id, notices.c.user_id, notices.c.received_at, notices.c.log_index)
    query = query.where(notices.c.user_id.in_(user_ids)).order_by(notices.c.log_index.desc()).limit(most)
    if position is not None:
        query = query.where(notices.c.log_index < position)
    return [HeldNotice(*row) for row in connection.execute(query)]


def entries_of(connection: sa.Connection, notice_ids: Sequence[bytes]) -> dict[bytes, list[tuple[bytes, int]]]:
    """Return what each of these notices changed: closures by row id with the entry in their history, as in the log."""
    found: defaultdict[bytes, list[tuple[bytes, int]]] = defaultdict(list)
    for group in in_groups(notice_ids):
        query = sa.select(revisions.c.notice_id, revisions.c.closure_id, revisions.c.entry)
        query = query.where(revisions.c.notice_id.in_(group)).order_by(revisions.c.log_index)
        for notice_id, closure_id, entry in connection.execute(query):
            found[notice_id].append((closure_id, entry))
    return dict(found)
