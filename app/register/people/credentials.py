"""Who a program is: the token that it brings, a User's app password or one of DCC staff's or operators'."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from app.domain.access import Principal, Role
from app.domain.party import User
from app.domain.refusal import Shredded
from app.security import tokens
from app.security.security_log import SecurityAction, asked_by, security_event
from app.store import accounts, parties
from app.store.accounts import StoredToken
from app.store.engine import Connection, Store

_NOTE_USE_EVERY = timedelta(minutes=5)  # a token's last use is kept to this grain: reading stays reading


@dataclass(frozen=True, slots=True)
class Bearer:
    """Who brings a token; ``user`` is the User whose app password it is, None for a role's token."""

    principal: Principal
    user: User | None


def digest_of(store: Store, token: str) -> bytes:
    """Return the digest of a token by the first pepper; ``chains`` tells how it is stored."""
    return tokens.digest(store.keyring.derived("token")[0], token)


def principal_of_token(store: Store, name: str | None, token: str, now: datetime) -> Bearer | None:
    """Return who brings this app password, and note its use; None where it opens nothing.

    ``name`` is the User's code, in any case, as Basic states it; None where nothing but the token was stated.
    """
    if tokens.kind_of(token) is not tokens.TokenKind.APP_PASSWORD:
        _refuse(None, "no-token")
        return None
    with store.reading() as connection:
        found = accounts.token_by_digest(store, connection, digest_of(store, token))
        if found is None or not found.is_live(now):
            _refuse(found, "unknown" if found is None else "ended")
            return None
        bearer = _bearer(store, connection, found, name)
    if bearer is None:
        _refuse(found, "other-user")
        return None
    asked_by(token=found.id)
    if found.last_used_at is None or now - found.last_used_at > _NOTE_USE_EVERY:
        with store.writing() as connection:
            accounts.mark_token_used(connection, found.id, now)
            if found.last_used_at is None:
                security_event(SecurityAction.TOKEN_FIRST_USED, token=found.id, user=found.user_id, kind="app-password")
    return bearer


def _refuse(found: StoredToken | None, reason: str) -> None:
    token, user = (b"", None) if found is None else (found.id, found.user_id)
    security_event(
        SecurityAction.TOKEN_REFUSED, failed=True, token=token, user=user, kind="app-password", reason=reason
    )


def _bearer(store: Store, connection: Connection, found: StoredToken, name: str | None) -> Bearer | None:
    if found.user_id is None:
        return Bearer(Principal(found.label, found.role), None)
    try:
        user = parties.user_by_id(store, connection, found.user_id)
    except Shredded:
        return None
    if name is not None and name.strip().upper() != user.code:
        return None
    return Bearer(Principal(found.label, Role.USER, frozenset({user.code})), user)
