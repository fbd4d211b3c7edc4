"""Desk sessions: a machine of a service desk stays signed in for reading, where the policy allows it.

It is a token in a cookie, for one account in one browser. What it opens is ``app.domain.access.AT_A_DESK``.
"""

from dataclasses import dataclass
from datetime import datetime

from app.domain.desk import DESK_LASTS
from app.domain.refusal import Unknown
from app.register.people.credentials import digest_of
from app.register.rulebook import desk_policy
from app.security.sealing import SealBroken
from app.security.security_log import SecurityAction, security_event
from app.security.tokens import TokenKind, kind_of, mint
from app.store import accounts
from app.store.accounts import Account, StoredToken
from app.store.acts import Deed
from app.store.desks import end_desks, list_desks
from app.store.engine import Store, read_head
from app.store.listing import row_id_of
from app.store.noting import note_use
from app.store.tables import tokens


@dataclass(frozen=True, slots=True)
class Desk:
    """A desk session that lives, and whose it is; the label of its token says in which browser, and from where."""

    account: Account
    token: StoredToken


def open_desk(store: Store, account: Account, label: str, now: datetime) -> str | None:
    """Open a desk session and return its token, which is kept by the browser alone; None where none is allowed."""
    token = mint(TokenKind.DESK)
    with store.writing() as connection:
        # The head is held from here on: who forbids desk sessions does it before this or ends this one too.
        read_head(connection, lock=True)
        if not desk_policy(store, connection).allowed:
            return None
        token_id = accounts.insert_token(
            store,
            connection,
            kind=TokenKind.DESK.value,
            digest=digest_of(store, token),
            role=account.role,
            label=label,
            now=now,
            lasts=DESK_LASTS,
            account_id=account.id,
            deed=Deed.DESK_OPENED,
        )
        security_event(SecurityAction.TOKEN_MADE, about=account.id, token=token_id, kind="desk-session")
    return token


def desk_of_token(store: Store, token: str, now: datetime) -> Desk | None:
    """Return the desk session of a token and note its use; None where it opens nothing."""
    found = None
    if kind_of(token) is TokenKind.DESK:
        with store.reading() as connection:
            found = accounts.token_by_digest(store, connection, digest_of(store, token))
            if found is not None and found.kind == TokenKind.DESK and found.is_live(now) and found.account_id:
                account = accounts.account_by_id(store, connection, found.account_id)
                if account.closed_at is None:
                    note_use(store, found.last_used_at, now, lambda to: accounts.mark_token_used(to, found.id, now))
                    return Desk(account, found)
    security_event(
        SecurityAction.TOKEN_REFUSED,
        failed=True,
        token=found.id if found else b"",
        kind="desk-session",
        reason="ended" if found else "unknown",
    )
    return None


def living_desks(store: Store, now: datetime, account_id: bytes | None = None) -> list[Desk]:
    """Return the desk sessions that live, of everybody or of one account, oldest first."""
    with store.reading() as connection:
        return [
            Desk(accounts.account_by_id(store, connection, token.account_id), token)
            for token in list_desks(store, connection, account_id).whole
            if token.is_live(now) and token.account_id is not None
        ]


def end_desk(store: Store, token_id: str, now: datetime, *, of: Account | None = None) -> None:
    """End a desk session by its id as lists show it; where ``of`` an account, one of that alone. Raise ``Unknown``."""
    wanted = row_id_of(token_id) or b""
    which = [tokens.c.id == wanted]
    if of is not None:
        which.append(tokens.c.account_id == of.id)
    with store.writing() as connection:
        try:
            ended = end_desks(store, connection, now, which) > 0
        except SealBroken:  # it was altered: ended as every token that was
            ended = accounts.revoke_token(store, connection, wanted, now)
        if not ended:
            raise Unknown("There is no such desk session, or it has ended already.")
