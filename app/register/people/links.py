"""Using a one-time link: once, and where the account has a second factor not without it."""

from dataclasses import dataclass
from datetime import datetime

from app.domain.refusal import AccessRefused
from app.register.people.credentials import digest_of
from app.register.people.enrolment import LinkPurpose
from app.security.security_log import SecurityAction, security_event
from app.security.tokens import TokenKind, kind_of
from app.store import accounts, proofs, sessions
from app.store.accounts import Account, StoredToken
from app.store.engine import Connection, Store
from app.store.sessions import Stage


class LinkSpent(AccessRefused):
    """A sign-in link that opens nothing (any more): wrong, used and expired ones look alike."""

    code = "sign-in-link"

    def __init__(self) -> None:
        super().__init__(
            "This sign-in link does not work: it was used already, has expired, or is not complete.",
            "Check that the whole link was copied, or ask an admin for a new one.",
        )


@dataclass(frozen=True, slots=True)
class UsedLink:
    """A link just used: whose, how far the sign-in has come by it, and whether it replaces the second factor."""

    account: Account
    stage: Stage
    starts_afresh: bool


@dataclass(frozen=True, slots=True)
class KnownLink:
    """A link as its owner may see it: whether it replaces the second factor, when it was made, and used (None: not)."""

    starts_afresh: bool
    made_at: datetime
    used_at: datetime | None


def require_link(store: Store, token: str, now: datetime) -> None:
    """Raise ``LinkSpent`` unless the link still works."""
    with store.reading() as connection:
        _live_token(store, connection, token, now)


def is_live(store: Store, token: str, now: datetime) -> bool:
    """Tell whether a link still works."""
    try:
        require_link(store, token, now)
    except LinkSpent:
        return False
    return True


def use_link(store: Store, token: str, now: datetime) -> UsedLink:
    """Use a link up. Raise ``LinkSpent``.

    It stands for the password. An account that has a second factor is asked for it, so that whoever makes links cannot
    sign in as somebody else. A link that was made to start afresh ends what was opened since it was made.
    """
    with store.writing() as connection:
        found = _live_token(store, connection, token, now)
        if found.account_id is None:
            raise LinkSpent
        account = accounts.account_by_id(store, connection, found.account_id)
        if account.closed_at is not None or not accounts.revoke_token(store, connection, found.id, now):
            raise LinkSpent
        accounts.mark_token_used(connection, found.id, now)
        security_event(SecurityAction.LINK_USED, account=account.id, token=found.id, kind=found.label)
        if _starts_afresh(found):
            sessions.end_sessions_of(store, connection, account.id, now)
        held = proofs.proofs_of(store, connection, account.id)
    return UsedLink(account, Stage.LINK_FACTOR if held.secret else Stage.LINK, _starts_afresh(found))


def links_of(store: Store, account: Account, since: datetime) -> list[KnownLink]:
    """Return the links that were made for an account since an instant, the newest first."""
    with store.reading() as connection:
        found = accounts.list_tokens(store, connection, TokenKind.SIGN_IN, account.id).whole
    return [
        KnownLink(_starts_afresh(token), token.created_at, token.last_used_at)
        for token in reversed(found)
        if token.created_at >= since
    ]


def _live_token(store: Store, connection: Connection, token: str, now: datetime) -> StoredToken:
    if kind_of(token) is TokenKind.SIGN_IN:
        found = accounts.token_by_digest(store, connection, digest_of(store, token))
        if found is not None and found.kind == TokenKind.SIGN_IN and found.is_live(now):
            return found
    raise LinkSpent


def _starts_afresh(token: StoredToken) -> bool:
    return token.label == LinkPurpose.START_AFRESH
