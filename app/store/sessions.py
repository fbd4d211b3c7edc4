"""Sessions on our side: a row under the digest of its random id, how far its sign-in has come, and when it ends."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from app.domain.access import SECOND_FACTOR_FIRST, Role
from app.security.security_log import SecurityAction, security_event
from app.store.deciding import open_row, seal_row
from app.store.desks import end_desks
from app.store.engine import Store
from app.store.tables import sessions, tokens

SESSION_IDLE = timedelta(minutes=30)
SESSION_LONGEST = timedelta(hours=12)


class Stage(StrEnum):
    """How far a sign-in has come."""

    FACTOR = "factor"  # the password was right; the second factor is still asked for
    LINK_FACTOR = "linkcode"  # came by a one-time link; the second factor is still asked for
    SET_UP = "set up"  # the password was right, with no second factor to ask for: it has to be set up first
    LINK = "link"  # came by a one-time link, with no second factor to ask for: led to set up both
    RESET = "reset"  # came by a one-time link and the second factor: in, and led to choose a password
    OPEN = "open"  # signed in

    @property
    def asks_code(self) -> bool:
        """Tell whether a code of the second factor comes next."""
        return self in (Stage.FACTOR, Stage.LINK_FACTOR)

    @property
    def by_link(self) -> bool:
        """Tell whether a one-time link stands for the password: a new one is chosen without it."""
        return self in (Stage.LINK, Stage.RESET)

    def is_in(self, role: Role) -> bool:
        """Tell whether the sign-in of an account of this role is complete."""
        return self in (Stage.OPEN, Stage.RESET) or (self is Stage.LINK and role not in SECOND_FACTOR_FIRST)


@dataclass(frozen=True, slots=True)
class Session:
    """A session: whose, since when, last seen when, and in which browser from which network."""

    digest: bytes
    account_id: bytes
    stage: Stage
    created_at: datetime
    seen_at: datetime
    browser: str
    network: str


def open_session(store: Store, connection: sa.Connection, new: Session) -> None:
    """Write a new session."""
    body = json.dumps([new.browser, new.network]).encode()
    values = {
        "digest": new.digest,
        "account_id": new.account_id,
        "stage": new.stage.value,
        "created_at": new.created_at,
        "seen_at": new.seen_at,
    }
    connection.execute(sa.insert(sessions).values(**values, sealed=seal_row(store, sessions, values, body)))


def live_session(store: Store, connection: sa.Connection, digest: bytes, now: datetime) -> Session | None:
    """Return the session of this digest; None once it is idle for too long, too old or ended."""
    row = connection.execute(sa.select(sessions).where(sessions.c.digest == digest, *_lives(now))).first()
    return None if row is None else _open(store, row)


def session_owner(connection: sa.Connection, digest: bytes) -> bytes | None:
    """Return the row id of the account whose session this is or was."""
    return connection.execute(sa.select(sessions.c.account_id).where(sessions.c.digest == digest)).scalar_one_or_none()


def sessions_of(store: Store, connection: sa.Connection, account_id: bytes, now: datetime) -> Sequence[Session]:
    """Return the sessions of an account that live, the latest used first."""
    query = sa.select(sessions).where(sessions.c.account_id == account_id, *_lives(now))
    return [_open(store, row) for row in connection.execute(query.order_by(sessions.c.seen_at.desc()))]


def touch_session(connection: sa.Connection, digest: bytes, now: datetime) -> None:
    """Note that a session is in use."""
    connection.execute(sa.update(sessions).where(sessions.c.digest == digest).values(seen_at=now))


def end_session(connection: sa.Connection, digest: bytes, now: datetime) -> None:
    """End a session."""
    connection.execute(sa.update(sessions).where(sessions.c.digest == digest).values(ended_at=now))


def end_sessions_of(
    store: Store, connection: sa.Connection, account_id: bytes, now: datetime, *, but: bytes = b""
) -> int:
    """End the sessions of an account, all ``but`` one, and its desk sessions; return how many were not ended before."""
    query = sa.update(sessions).where(
        sessions.c.account_id == account_id, sessions.c.ended_at.is_(None), sessions.c.digest != but
    )
    count = connection.execute(query.values(ended_at=now)).rowcount
    if count:
        security_event(SecurityAction.SESSIONS_ENDED, about=account_id)
    return count + end_desks(store, connection, now, [tokens.c.account_id == account_id])


def end_all_sessions(store: Store, connection: sa.Connection, now: datetime) -> None:
    """End every session, those of desks too."""
    connection.execute(sa.update(sessions).where(sessions.c.ended_at.is_(None)).values(ended_at=now))
    end_desks(store, connection, now)


def purge_sessions(connection: sa.Connection, before: datetime) -> int:
    """Delete sessions that nobody has used since an instant; return how many."""
    return connection.execute(sa.delete(sessions).where(sessions.c.seen_at < before)).rowcount


def _lives(now: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        sessions.c.ended_at.is_(None),
        sessions.c.seen_at > now - SESSION_IDLE,
        sessions.c.created_at > now - SESSION_LONGEST,
    )


def _open(store: Store, row: Any) -> Session:
    browser, network = json.loads(open_row(store, sessions, row._asdict()))
    return Session(row.digest, row.account_id, Stage(row.stage), row.created_at, row.seen_at, browser, network)
