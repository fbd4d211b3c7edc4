"""Who a program is: the token that it brings, a User's app password or one of DCC staff's or operators'."""

from dataclasses import dataclass
from datetime import datetime

from app.domain.access import Principal, Role
from app.domain.refusal import Shredded
from app.register.register import Register
from app.register.senders import Sender
from app.security import tokens
from app.security.security_log import SecurityAction, asked_by, security_event
from app.store import accounts
from app.store.accounts import StoredToken
from app.store.engine import Connection, Head, Store
from app.store.noting import note_use


@dataclass(frozen=True, slots=True)
class Bearer:
    """Who brings which token; ``sender`` is the User whose app password it is, None for a role's token."""

    principal: Principal
    sender: Sender | None
    token: StoredToken


def digest_of(store: Store, token: str) -> bytes:
    """Return the digest of a token by the first pepper; ``chains`` tells how it is stored."""
    return tokens.digest(store.keyring.derived("token")[0], token)


def principal_of_token(register: Register, name: str | None, token: str, now: datetime) -> Bearer | None:
    """Return who brings this app password, and note its use; None where it opens nothing.

    ``name`` is the User's code, in any case, as Basic states it; None where nothing but the token was stated.
    """
    with register.store.reading() as connection:
        bearer = find_bearer(register, connection, name, token, now)
    if bearer is not None:
        note_bearer(register.store, bearer, now)
    return bearer


def find_bearer(
    register: Register, connection: Connection, name: str | None, token: str, now: datetime
) -> Bearer | None:
    """Return the same, as a transaction sees it in which more is read; whoever asks calls ``note_bearer`` after it."""
    if tokens.kind_of(token) is not tokens.TokenKind.APP_PASSWORD:
        _refuse(None, "no-token")
        return None
    store = register.store
    found, head = accounts.token_with_head(store, connection, digest_of(store, token)) or (None, None)
    if found is None or head is None or not found.is_live(now):
        _refuse(found, "unknown" if found is None else "ended")
        return None
    bearer = _bearer(register, connection, head, found, name)
    if bearer is None:
        _refuse(found, "other-user")
        return None
    asked_by(token=found.id)
    return bearer


def note_bearer(store: Store, bearer: Bearer, now: datetime) -> None:
    """Note that a token was used, unless that was noted a moment ago."""
    found = bearer.token

    def write(connection: Connection) -> None:
        accounts.mark_token_used(connection, found.id, now)
        if found.last_used_at is None:
            security_event(SecurityAction.TOKEN_FIRST_USED, token=found.id, user=found.user_id, kind="app-password")

    note_use(store, found.last_used_at, now, write)


def _refuse(found: StoredToken | None, reason: str) -> None:
    token, user = (b"", None) if found is None else (found.id, found.user_id)
    security_event(
        SecurityAction.TOKEN_REFUSED, failed=True, token=token, user=user, kind="app-password", reason=reason
    )


def _bearer(
    register: Register, connection: Connection, head: Head, found: StoredToken, name: str | None
) -> Bearer | None:
    if found.user_id is None:
        return Bearer(Principal(found.label, found.role), None, found)
    try:
        sender = register.senders.of_id(connection, head, found.user_id)
    except Shredded:
        return None
    code = sender.user.code
    if name is not None and name.strip().upper() != code:
        return None
    return Bearer(Principal(found.label, Role.USER, frozenset({code})), sender, found)
