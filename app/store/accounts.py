"""Accounts and tokens: addresses and labels are sealed, and of a token only the digest under the pepper is stored."""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from app.domain.access import Role
from app.domain.refusal import AlreadyThere, Unknown
from app.security.sealing import SealBroken
from app.security.tokens import TokenKind, new_row_id
from app.store.acts import Deed, change_rows, end_altered, insert_row
from app.store.chains import chains_of, find_by_token
from app.store.deciding import open_row
from app.store.engine import HEAD_COLUMNS, Head, Store, head_of
from app.store.listing import Listing, list_rows
from app.store.tables import accounts, head, tokens

_TOKEN_BY_DIGEST = (
    sa.select(tokens, *HEAD_COLUMNS).join(head, sa.true()).where(tokens.c.digest == sa.bindparam("digest"))
)


@dataclass(frozen=True, slots=True)
class Account:
    """Who signs in. ``users`` are the codes of the Users that it acts for; a closed account signs in no more."""

    id: bytes
    email: str
    role: Role
    users: tuple[str, ...]
    closed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class StoredToken:
    """A token as stored: everything but the token."""

    id: bytes
    kind: str
    role: Role
    user_id: bytes | None
    account_id: bytes | None
    label: str
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None

    def is_live(self, now: datetime) -> bool:
        """Tell whether the token still opens anything."""
        return self.revoked_at is None and now < self.expires_at


def add_account(store: Store, connection: sa.Connection, account: Account, now: datetime) -> None:
    """Write a new account. Raise ``AlreadyThere`` if the address is taken."""
    index = chains_of(connection).index(store.blind.code("account", account.email))
    if connection.execute(sa.select(accounts.c.id).where(accounts.c.email_index == index)).first():
        raise AlreadyThere("There is an account with that address already.", "Choose another address.")
    values = {
        "id": account.id,
        "email_index": index,
        "role": account.role.value,
        "row_version": 1,
        "created_at": now,
    }
    insert_row(store, connection, Deed.ACCOUNT_OPENED, accounts, values, _account_body(account))


def account_by_id(store: Store, connection: sa.Connection, account_id: bytes) -> Account:
    """Return an account; raise ``Unknown``."""
    row = connection.execute(sa.select(accounts).where(accounts.c.id == account_id)).first()
    if row is None:
        raise Unknown("There is no such account.")
    return _open_account(store, row)


def list_accounts(store: Store, connection: sa.Connection) -> Listing[Account]:
    """Return every account, by address."""
    found = list_rows(connection, accounts, sa.select(accounts), lambda row: _open_account(store, row))
    found.whole.sort(key=lambda account: account.email)
    return found


def change_account(store: Store, connection: sa.Connection, deed: Deed, account: Account) -> None:
    """Write an account's role, Users and whether it is closed. Its address stays."""
    changes = {"role": account.role.value, "closed_at": account.closed_at}
    change_rows(store, connection, deed, accounts, [accounts.c.id == account.id], changes, _account_body(account))


def _account_body(account: Account) -> bytes:
    return json.dumps([account.email, account.users]).encode()


def _open_account(store: Store, row: Any) -> Account:
    email, users = json.loads(open_row(store, accounts, row._asdict()))
    return Account(row.id, email, Role(row.role), tuple(users), row.closed_at)


def account_by_email(store: Store, connection: sa.Connection, email: str) -> Account | None:
    """Return the account of an address, if there is one."""
    index = chains_of(connection).index(store.blind.code("account", email))
    row = connection.execute(sa.select(accounts.c.id).where(accounts.c.email_index == index)).first()
    return None if row is None else account_by_id(store, connection, row.id)


def count_accounts(connection: sa.Connection) -> int:
    """Return how many accounts there are."""
    return connection.execute(sa.select(sa.func.count()).select_from(accounts)).scalar_one()


def insert_token(
    store: Store,
    connection: sa.Connection,
    *,
    kind: str,
    digest: bytes,
    role: Role,
    label: str,
    now: datetime,
    lasts: timedelta,
    user_id: bytes | None = None,
    account_id: bytes | None = None,
    deed: Deed = Deed.TOKEN_MADE,
) -> bytes:
    """Write a token's digest; return its row id."""
    token_id = new_row_id()
    values = {
        "id": token_id,
        "kind": kind,
        "digest": chains_of(connection).token(digest),
        "user_id": user_id,
        "account_id": account_id,
        "role": role.value,
        "created_at": now,
        "expires_at": now + lasts,
    }
    insert_row(store, connection, deed, tokens, values, label.encode())
    return token_id


def token_by_digest(store: Store, connection: sa.Connection, digest: bytes) -> StoredToken | None:
    """Return the token of this digest, live or not."""
    found = token_with_head(store, connection, digest)
    return None if found is None else found[0]


def token_with_head(store: Store, connection: sa.Connection, digest: bytes) -> tuple[StoredToken, Head] | None:
    """Return the token of this digest, live or not, and the head, in one select."""
    row = find_by_token(
        connection, digest, lambda stored: connection.execute(_TOKEN_BY_DIGEST, {"digest": stored}).first()
    )
    return None if row is None else (_open_token(store, row), head_of(connection, tuple(row[-len(HEAD_COLUMNS) :])))


def list_tokens(
    store: Store, connection: sa.Connection, kind: str, account_id: bytes | None = None
) -> Listing[StoredToken]:
    """Return every token of a kind, or those of one account, oldest first."""
    query = sa.select(tokens).where(tokens.c.kind == kind).order_by(tokens.c.created_at, tokens.c.id)
    if account_id is not None:
        query = query.where(tokens.c.account_id == account_id)
    return list_rows(connection, tokens, query, lambda row: _open_token(store, row))


def list_app_passwords(store: Store, connection: sa.Connection) -> Listing[StoredToken]:
    """Return every app password, oldest first."""
    return list_tokens(store, connection, TokenKind.APP_PASSWORD)


def revoke_token(store: Store, connection: sa.Connection, token_id: bytes, now: datetime) -> bool:
    """End a token at once, an altered one too; tell whether there was one. For a one-time token it is its use."""
    try:
        return _revoke(store, connection, [tokens.c.id == token_id], now) == 1
    except SealBroken:
        instants = {"created_at": now, "expires_at": now, "revoked_at": now}
        values = {"id": token_id, "user_id": None, "account_id": None, "role": Role.OPS.value, **instants}
        return end_altered(store, connection, Deed.TOKEN_REVOKED, tokens, values, b"was altered")


def revoke_links(store: Store, connection: sa.Connection, account_id: bytes, kind: str, now: datetime) -> None:
    """End every token of a kind that an account still has."""
    _revoke(store, connection, [tokens.c.account_id == account_id, tokens.c.kind == kind], now)


def _revoke(store: Store, connection: sa.Connection, which: list[sa.ColumnElement[bool]], now: datetime) -> int:
    living = [*which, tokens.c.revoked_at.is_(None)]
    return change_rows(store, connection, Deed.TOKEN_REVOKED, tokens, living, {"revoked_at": now})


def mark_token_used(connection: sa.Connection, token_id: bytes, now: datetime) -> None:
    """Note when a token was last used."""
    connection.execute(sa.update(tokens).where(tokens.c.id == token_id).values(last_used_at=now))


def _open_token(store: Store, row: Any) -> StoredToken:
    label = open_row(store, tokens, row._asdict()).decode()
    return StoredToken(
        id=row.id,
        kind=row.kind,
        role=Role(row.role),
        user_id=row.user_id,
        account_id=row.account_id,
        label=label,
        created_at=row.created_at,
        expires_at=row.expires_at,
        last_used_at=row.last_used_at,
        revoked_at=row.revoked_at,
    )
