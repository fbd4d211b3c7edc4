"""Looking after accounts: their roles and Users, closing and opening them, a fresh start, and what ends with each."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from app.domain.access import Role
from app.domain.refusal import Unknown
from app.register.people.enrolment import AccountRefused, LinkPurpose, known_account, make_link, require_users
from app.security.security_log import SecurityAction, security_event
from app.security.tokens import TokenKind
from app.store import accounts, identities, parties, proofs, recipients, sessions, subscriptions
from app.store.accounts import Account
from app.store.acts import Deed
from app.store.engine import Connection, Store
from feeds.scope import parse_scope


def find_account(store: Store, account_id: str) -> Account:
    """Return the account of a row id in hexadecimal. Raise ``Unknown``."""
    try:
        wanted = bytes.fromhex(account_id)
    except ValueError as problem:
        raise Unknown("There is no such account.") from problem
    with store.reading() as connection:
        return accounts.account_by_id(store, connection, wanted)


def list_accounts(store: Store) -> list[Account]:
    """Return every account, by address; closed ones too."""
    with store.reading() as connection:
        return accounts.list_accounts(store, connection).whole


def change_rights(store: Store, account: Account, role: Role, users: Sequence[str], now: datetime) -> None:
    """Give an account another role or other Users. Its sessions end, and so does what it may no longer read.

    Raise ``AccountRefused`` or ``Unknown``.
    """
    changed = replace(account, role=role, users=require_users(store, role, users))
    if (changed.role, changed.users) == (account.role, account.users):
        return
    with store.writing() as connection:
        accounts.change_account(store, connection, Deed.RIGHTS_CHANGED, changed)
        security_event(SecurityAction.RIGHTS_CHANGED, about=account.id, role=role)
        sessions.end_sessions_of(store, connection, account.id, now)
        _end_credentials(store, connection, changed, now)


def close_account(store: Store, account: Account, now: datetime) -> None:
    """Close an account: it signs in no more, and its sessions, links, feeds and app passwords end."""
    with store.writing() as connection:
        closed = replace(account, closed_at=account.closed_at or now)
        accounts.change_account(store, connection, Deed.ACCOUNT_CLOSED, closed)
        security_event(SecurityAction.ACCOUNT_CLOSED, about=account.id)
        sessions.end_sessions_of(store, connection, account.id, now)
        accounts.revoke_links(store, connection, account.id, TokenKind.SIGN_IN, now)
        _end_credentials(store, connection, closed, now)


def open_again(store: Store, account: Account) -> None:
    """Open a closed account again, with the password and second factor that it had."""
    with store.writing() as connection:
        accounts.change_account(store, connection, Deed.ACCOUNT_OPENED_AGAIN, replace(account, closed_at=None))
        security_event(SecurityAction.ACCOUNT_REOPENED, about=account.id)


def start_afresh(store: Store, email: str, now: datetime) -> str:
    """Forget an account's password, second factor and recovery codes, end its sessions; return a sign-in token.

    For somebody who lost the second factor. Links made before end too: they were made to be asked for it. Raise
    ``AccountRefused`` or ``Unknown``.
    """
    with store.writing() as connection:
        account = known_account(store, connection, email)
        proofs.forget_proofs(store, connection, account.id)
        security_event(SecurityAction.FACTOR_REMOVED, about=account.id)
        sessions.end_sessions_of(store, connection, account.id, now)
        accounts.revoke_links(store, connection, account.id, TokenKind.SIGN_IN, now)
        return make_link(store, connection, account, LinkPurpose.START_AFRESH, now)


def link_subject(store: Store, account: Account, issuer: str, subject: str, now: datetime) -> None:
    """Link an account to a subject of the organisation's own sign-in. Raise ``AccountRefused`` or ``AlreadyThere``."""
    if not subject.strip() or len(subject) > 255 or not subject.isprintable():  # noqa: PLR2004 - OpenID Connect Core 2: at most 255 characters
        raise AccountRefused("That is not a subject.", "Copy it as the provider shows it.")
    with store.writing() as connection:
        identities.link_identity(store, connection, account.id, identities.Identity(issuer, subject.strip()), now)


def _end_credentials(store: Store, connection: Connection, account: Account, now: datetime) -> None:
    """End the feeds, app passwords and messages that an account made or chose and may no longer have."""
    codes = {user.id: user.code for user in parties.read_parties(store, connection).users.values()}
    everything = account.closed_at is not None
    for recipient in recipients.own_recipients(store, connection, account.email):
        if everything or codes.get(recipient.user_id or b"") not in account.users:
            recipients.remove_recipient(store, connection, recipient.id, now)
    for held in subscriptions.list_subscriptions(store, connection).whole:
        if held.account_id == account.id and held.is_live(now) and (everything or not may_read(account, held.scope)):
            subscriptions.revoke_subscription(store, connection, held.id, now)
    for token in accounts.list_app_passwords(store, connection).whole:
        if token.account_id != account.id or not token.is_live(now):
            continue
        fits = token.role is account.role if token.user_id is None else codes.get(token.user_id) in account.users
        if everything or not (fits or account.role is Role.ADMIN):
            accounts.revoke_token(store, connection, token.id, now)
            security_event(SecurityAction.TOKEN_REVOKED, about=account.id, token=token.id, kind="app-password")


def may_read(account: Account, scope: str) -> bool:
    """Tell whether an account may read a feed of this scope: a User its own closures, the other roles every one."""
    return account.role is not Role.USER or parse_scope(scope).is_within(account.users)
