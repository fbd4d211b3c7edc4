"""Subscriptions and their read log: who may fetch which feed, and when each last did."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from app.domain.refusal import Unknown
from app.security.sealing import SealBroken
from app.security.security_log import SecurityAction, security_event
from app.store.acts import Deed, change_rows, end_altered, insert_row
from app.store.chains import chains_of, find_by_token
from app.store.deciding import open_row
from app.store.engine import HEAD_COLUMNS, Connection, Head, Store, head_of
from app.store.listing import Listing, list_rows
from app.store.tables import head, reads, subscriptions


@dataclass(frozen=True, slots=True)
class Subscription:
    """One subscriber's feed. ``scope`` is as on the command line (``user:CODE``); days bound what the feed shows."""

    id: str
    label: str
    scope: str
    past_days: int
    horizon_days: int
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None = None
    has_secret_url: bool = False
    account_id: bytes | None = None

    def is_live(self, now: datetime) -> bool:
        """Tell whether the feed may be read."""
        return self.revoked_at is None and now < self.expires_at


@dataclass(frozen=True, slots=True)
class FeedRead:
    """One fetch of a feed: 200 with so many octets, or 304."""

    subscription_id: str
    read_at: datetime
    status: int
    octets: int
    client: str


def insert_subscription(
    store: Store, connection: Connection, new: Subscription, digest: bytes, secret_digest: bytes | None
) -> None:
    """Write a new subscription with the digests of its token and, where switched on, of its secret URL."""
    body = json.dumps([new.label, new.scope, new.past_days, new.horizon_days]).encode()
    stands = chains_of(connection).token
    values = {
        "id": new.id,
        "digest": stands(digest),
        "secret_digest": None if secret_digest is None else stands(secret_digest),
        "created_at": new.created_at,
        "expires_at": new.expires_at,
        "account_id": new.account_id,
    }
    insert_row(store, connection, Deed.SUBSCRIPTION_MADE, subscriptions, values, body)
    for kind in ("feed", "secret-address") if secret_digest is not None else ("feed",):
        security_event(SecurityAction.TOKEN_MADE, about=new.account_id, token=new.id, kind=kind)


def subscription_by_token(store: Store, connection: Connection, digest: bytes) -> tuple[Subscription, Head] | None:
    """Return the subscription whose token has this digest, live or not, and the head, in one select."""
    return _found(store, connection, _BY_TOKEN, digest)


def subscription_by_secret(store: Store, connection: Connection, digest: bytes) -> tuple[Subscription, Head] | None:
    """Return the subscription whose secret URL has this digest, live or not, and the head, in one select."""
    return _found(store, connection, _BY_SECRET, digest)


_WITH_HEAD = sa.select(subscriptions, *HEAD_COLUMNS).join(head, sa.true())
_BY_TOKEN = _WITH_HEAD.where(subscriptions.c.digest == sa.bindparam("digest"))
_BY_SECRET = _WITH_HEAD.where(subscriptions.c.secret_digest == sa.bindparam("digest"))


def _found(
    store: Store, connection: Connection, query: sa.Select[Any], digest: bytes
) -> tuple[Subscription, Head] | None:
    row = find_by_token(connection, digest, lambda stored: connection.execute(query, {"digest": stored}).first())
    return None if row is None else (_open(store, row), head_of(connection, tuple(row[-len(HEAD_COLUMNS) :])))


def list_subscriptions(store: Store, connection: Connection) -> Listing[Subscription]:
    """Return every subscription, oldest first."""
    query = sa.select(subscriptions).order_by(subscriptions.c.created_at, subscriptions.c.id)
    return list_rows(connection, subscriptions, query, lambda row: _open(store, row))


def revoke_subscription(store: Store, connection: Connection, subscription_id: str, now: datetime) -> None:
    """End a subscription at once, an altered one too; raise ``Unknown`` if there is none that lives."""
    living = [subscriptions.c.id == subscription_id, subscriptions.c.revoked_at.is_(None)]
    deed = Deed.SUBSCRIPTION_REVOKED
    try:
        is_ended = change_rows(store, connection, deed, subscriptions, living, {"revoked_at": now}) == 1
    except SealBroken:
        instants = {"created_at": now, "expires_at": now, "revoked_at": now}
        values = {"id": subscription_id, "account_id": None, **instants}
        body = json.dumps(["was altered", "all", 0, 1]).encode()
        is_ended = end_altered(store, connection, deed, subscriptions, values, body)
    if not is_ended:
        raise Unknown("There is no such subscription, or it is revoked already.", "See `closures subscription list`.")
    security_event(SecurityAction.TOKEN_REVOKED, token=subscription_id, kind="feed")


def put_secret(store: Store, connection: Connection, subscription_id: str, secret_digest: bytes) -> None:
    """Write the digest of a subscription's secret URL."""
    which, changes = (
        [subscriptions.c.id == subscription_id],
        {"secret_digest": chains_of(connection).token(secret_digest)},
    )
    change_rows(store, connection, Deed.SUBSCRIPTION_CHANGED, subscriptions, which, changes)
    security_event(SecurityAction.TOKEN_MADE, token=subscription_id, kind="secret-address")


def end_subscription_at(store: Store, connection: Connection, subscription_id: str, expires_at: datetime) -> None:
    """Let a subscription end at an instant, if it does not end before."""
    which = [subscriptions.c.id == subscription_id, subscriptions.c.expires_at > expires_at]
    change_rows(store, connection, Deed.SUBSCRIPTION_CHANGED, subscriptions, which, {"expires_at": expires_at})


def insert_reads(connection: Connection, batch: Sequence[FeedRead]) -> None:
    """Write a batch of the read log."""
    rows = [
        {
            "subscription_id": read.subscription_id,
            "read_at": read.read_at,
            "status": read.status,
            "octets": read.octets,
            "client": read.client[:120],
        }
        for read in batch
    ]
    connection.execute(sa.insert(reads), rows)


def last_reads(connection: Connection, subscription_id: str, most: int = 20) -> Sequence[FeedRead]:
    """Return the latest fetches of a feed, newest first."""
    query = (
        sa.select(reads.c.subscription_id, reads.c.read_at, reads.c.status, reads.c.octets, reads.c.client)
        .where(reads.c.subscription_id == subscription_id)
        .order_by(reads.c.read_at.desc(), reads.c.id.desc())
        .limit(most)
    )
    return [FeedRead(*row) for row in connection.execute(query)]


def count_live(connection: Connection, now: datetime) -> int:
    """Return how many subscriptions are neither ended nor revoked."""
    query = sa.select(sa.func.count()).select_from(subscriptions)
    found: int = connection.execute(
        query.where(subscriptions.c.revoked_at.is_(None), subscriptions.c.expires_at > now)
    ).scalar_one()
    return found


def last_read_at(connection: Connection) -> datetime | None:
    """Return when any feed was fetched last; the log is written in order, so its end is the latest."""
    found: datetime | None = connection.execute(
        sa.select(reads.c.read_at).order_by(reads.c.id.desc()).limit(1)
    ).scalar()
    return found


def reads_between(connection: Connection, starts: datetime, ends: datetime) -> Sequence[FeedRead]:
    """Return the fetches of every feed in the half-open span, oldest first."""
    query = (
        sa.select(reads.c.subscription_id, reads.c.read_at, reads.c.status, reads.c.octets, reads.c.client)
        .where(reads.c.read_at >= starts, reads.c.read_at < ends)
        .order_by(reads.c.read_at, reads.c.id)
    )
    return [FeedRead(*row) for row in connection.execute(query)]


def _open(store: Store, row: Any) -> Subscription:
    label, scope, past_days, horizon_days = json.loads(open_row(store, subscriptions, row._asdict()))
    return Subscription(
        id=row.id,
        label=label,
        scope=scope,
        past_days=past_days,
        horizon_days=horizon_days,
        created_at=row.created_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
        has_secret_url=row.secret_digest is not None,
        account_id=row.account_id,
    )
