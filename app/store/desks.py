"""Desk sessions on disk: tokens of a kind of their own, each opened and ended by an act."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from app.security.security_log import SecurityAction, security_event
from app.security.tokens import TokenKind
from app.store.accounts import StoredToken, list_tokens
from app.store.acts import Deed, change_rows
from app.store.engine import Store
from app.store.listing import Listing
from app.store.tables import tokens


def list_desks(store: Store, connection: sa.Connection, account_id: bytes | None = None) -> Listing[StoredToken]:
    """Return every desk session that was ever opened, or those of one account, oldest first."""
    return list_tokens(store, connection, TokenKind.DESK, account_id)


def end_desks(
    store: Store, connection: sa.Connection, now: datetime, which: Sequence[sa.ColumnElement[bool]] = ()
) -> int:
    """End the desk sessions that conditions on ``tokens`` name, every one without any; return how many lived."""
    lives = (tokens.c.kind == TokenKind.DESK, tokens.c.revoked_at.is_(None), tokens.c.expires_at > now)
    found = connection.execute(sa.select(tokens.c.id, tokens.c.account_id).where(*lives, *which)).all()
    for token_id, account_id in found:
        change_rows(store, connection, Deed.DESK_ENDED, tokens, [tokens.c.id == token_id], {"revoked_at": now})
        security_event(SecurityAction.TOKEN_REVOKED, about=account_id, token=token_id, kind="desk-session")
    return len(found)
