"""Who takes part: Users, gateways, accounts, app passwords and subscriptions are let in, listed and ended here.

Every token is returned once, by the call that makes it; only its digest is kept.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from app.domain.access import Role
from app.domain.party import Gateway, User, read_code
from app.domain.refusal import AlreadyThere, Refusal, Unknown
from app.register.people.credentials import digest_of
from app.security import tokens
from app.security.security_log import SecurityAction, security_event
from app.security.tokens import TokenKind, new_row_id, new_subscription_id
from app.store import accounts, parties, subscriptions
from app.store.accounts import Account, StoredToken
from app.store.engine import Connection, Store, read_head
from app.store.listing import row_id_of
from app.store.subscriptions import FeedRead, Subscription
from feeds.scope import CHOICES, Code, FeedScope, parse_scope

SIGN_IN_LASTS = timedelta(hours=24)
ROTATION_OVERLAP = timedelta(days=7)
TOKEN_LASTS = timedelta(days=400)  # no credential lives longer (docs/threat-model.md#tokens)

RESERVED_CODES = frozenset({"ADMIN", "DCC", "OPS"})
"""No User has these: they name roles where Users' codes stand too, as in the paths of calendars."""

_LONGEST_NAME = 200
_ADDRESS = re.compile(r"[^@\s]{1,64}@[^@\s]{1,190}")


class LinkPurpose(StrEnum):
    """What a one-time link was made for; it is the label of its token."""

    SIGN_IN = "sign-in link"  # in place of a password; a second factor that is there is asked for
    START_AFRESH = "start afresh"  # in place of password and second factor, which were forgotten when it was made


class NameRefused(Refusal):
    """A name or label that is empty, too long, or holds what cannot be printed."""

    code = "name"


class AccountRefused(Refusal):
    """An account whose address, role and Users do not fit together."""

    code = "account"


class ScopeRefused(Refusal):
    """A text that names no scope of a feed."""

    code = "scope"


@dataclass(frozen=True, slots=True)
class SharedGateway:
    """A gateway and the codes of the Users that close it, in order."""

    gateway: Gateway
    users: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class IssuedToken:
    """A token as listed: ``holder`` is the User's code, "" where its key was shredded or a role holds the token."""

    token: StoredToken
    holder: str


@dataclass(frozen=True, slots=True)
class MadeSubscription:
    """A new subscription with its token and, where switched on, the token of its secret URL: both shown once."""

    subscription: Subscription
    token: str
    secret_token: str | None


@dataclass(frozen=True, slots=True)
class ReadSubscription:
    """A subscription and its latest fetch: how stale the subscriber's copy is."""

    subscription: Subscription
    last_read: FeedRead | None


def enrol_user(store: Store, code: str, name: str, category: str = "Other", roles: Sequence[str] = ()) -> User:
    """Let a User in. Raise ``CodeRefused``, ``NameRefused`` or ``AlreadyThere``."""
    if read_code(code) in RESERVED_CODES:
        raise AlreadyThere("That code stands for staff.", "Choose another code.")
    user = User(new_row_id(), read_code(code), read_name(name), category, tuple(roles))
    with store.reading() as connection:
        if any(held.code == user.code for held in parties.read_parties(store, connection).users.values()):
            raise AlreadyThere("There is a User with that code already.", "Choose another code.")
    # The key first, and durable: a row whose key was lost would be unreadable for good. A key without a row is nothing.
    store.keyring.ensure(user.id)
    with store.writing() as connection:
        parties.add_user(store, connection, user)
    return user


def list_users(store: Store) -> list[User]:
    """Return every User, by code; a shredded one is not among them."""
    with store.reading() as connection:
        found = parties.read_parties(store, connection).users.values()
    return sorted(found, key=lambda user: user.code)


def shred_user(store: Store, code: str, now: datetime) -> User:
    """Destroy a User's data key: nothing of it can be read again, in backups neither. Raise ``Unknown``."""
    # Inside the writer's transaction: no notice of this User can be half-way to the record meanwhile.
    with store.writing() as connection:
        user = parties.find_user(store, connection, read_code(code))
        parties.count_forgetting(connection, now)
        parties.record_shred(store, connection, user.id)
        store.keyring.shred(user.id)
        security_event(SecurityAction.KEYS_SHREDDED, user=user.id)
    return user


def enrol_gateway(store: Store, user_code: str, gateway_code: str, name: str = "") -> Gateway:
    """Give a User a gateway; one of that code that another User has is shared, under the name that it has.

    Without a name the code is the name. Raise ``Unknown``, ``CodeRefused``, ``NameRefused`` or ``AlreadyThere``.
    """
    code = read_code(gateway_code)
    named = read_name(name or code)
    with store.writing() as connection:
        user = parties.find_user(store, connection, read_code(user_code))
        return parties.add_gateway(store, connection, user, code, named)


def list_gateways(store: Store) -> list[SharedGateway]:
    """Return every gateway with the Users that close it, by code."""
    with store.reading() as connection:
        everyone = parties.read_parties(store, connection)
        links = parties.gateway_links(store, connection)
    codes: dict[bytes, list[str]] = {}
    for user_id, gateway_id in links:
        if user_id in everyone.users:
            codes.setdefault(gateway_id, []).append(everyone.users[user_id].code)
    return [
        SharedGateway(gateway, tuple(sorted(codes.get(gateway.id, ()))))
        for _, gateway in sorted(everyone.gateways.items())
    ]


def open_account(store: Store, email: str, role: Role, users: Sequence[str], now: datetime) -> str:
    """Open an account; return a token that signs it in once, within ``SIGN_IN_LASTS``. Raise as ``add_account``."""
    return issue_sign_in(store, add_account(store, email, role, users, now).email, now)


def add_account(store: Store, email: str, role: Role, users: Sequence[str], now: datetime) -> Account:
    """Open an account that nobody can sign in to before it has a link.

    ``users`` are the codes of the Users that it acts for. Raise ``AccountRefused``, ``Unknown`` or ``AlreadyThere``.
    """
    address = _address(email)
    codes = require_users(store, role, users)
    account = Account(new_row_id(), address, role, codes)
    with store.writing() as connection:
        read_head(connection, lock=True)  # two machines may ask for one address at once
        if accounts.account_by_email(store, connection, address) is not None:
            raise AlreadyThere(
                "There is an account with that address already.", "`closures account link` makes it a new sign-in link."
            )
        accounts.add_account(store, connection, account, now)
        security_event(SecurityAction.ACCOUNT_OPENED, about=account.id, role=role)
    return account


def require_users(store: Store, role: Role, users: Sequence[str]) -> tuple[str, ...]:
    """Return the codes of the Users that an account acts for: at least one for the role user, none for the others.

    Raise ``AccountRefused`` or ``Unknown``.
    """
    if bool(users) != (role is Role.USER):
        raise AccountRefused(
            "An account of the role user acts for at least one User, and the other roles for none.",
            "Name a User's code for the role user alone.",
        )
    with store.reading() as connection:
        codes = [parties.find_user(store, connection, read_code(code)).code for code in users]
    return tuple(dict.fromkeys(codes))


def issue_sign_in(store: Store, email: str, now: datetime) -> str:
    """Return a token that signs an account in once, within ``SIGN_IN_LASTS``. Raise ``Unknown``."""
    with store.writing() as connection:
        return make_link(store, connection, known_account(store, connection, email), LinkPurpose.SIGN_IN, now)


def known_account(store: Store, connection: Connection, email: str) -> Account:
    """Return the account of an address as people type it. Raise ``AccountRefused`` or ``Unknown``."""
    account = accounts.account_by_email(store, connection, _address(email))
    if account is None:
        raise Unknown("There is no account with that address.", "Check it, or open one with `closures account add`.")
    return account


def make_link(store: Store, connection: Connection, account: Account, purpose: LinkPurpose, now: datetime) -> str:
    """Return the token of a new one-time link, good for ``SIGN_IN_LASTS``: every link is made here."""
    token = tokens.mint(TokenKind.SIGN_IN)
    token_id = accounts.insert_token(
        store,
        connection,
        kind=TokenKind.SIGN_IN.value,
        digest=digest_of(store, token),
        role=account.role,
        label=purpose.value,
        now=now,
        lasts=SIGN_IN_LASTS,
        account_id=account.id,
    )
    security_event(SecurityAction.LINK_MADE, about=account.id, token=token_id, kind=purpose.value)
    return token


def issue_token(
    store: Store,
    *,
    label: str,
    now: datetime,
    user_code: str | None = None,
    role: Role | None = None,
    account_id: bytes | None = None,
) -> tuple[bytes, str]:
    """Issue an app password to a User or to a role (dcc, ops), good for ``TOKEN_LASTS``; return its row id and itself.

    Give exactly one of the two. ``account_id`` is the account that asks. Raise ``Unknown`` or ``NameRefused``.
    """
    assert (user_code is None) != (role is None)
    token = tokens.mint(TokenKind.APP_PASSWORD)
    named = read_name(label)
    with store.writing() as connection:
        owner = None if user_code is None else parties.find_user(store, connection, read_code(user_code)).id
        token_id = accounts.insert_token(
            store,
            connection,
            kind=TokenKind.APP_PASSWORD.value,
            digest=digest_of(store, token),
            role=role or Role.USER,
            label=named,
            now=now,
            lasts=TOKEN_LASTS,
            user_id=owner,
            account_id=account_id,
        )
        security_event(SecurityAction.TOKEN_MADE, user=owner, role=role or "", token=token_id, kind="app-password")
    return token_id, token


def list_tokens(store: Store) -> list[IssuedToken]:
    """Return every app password, oldest first, ended ones too."""
    with store.reading() as connection:
        users = parties.read_parties(store, connection).users
        found = accounts.list_app_passwords(store, connection).whole
    return [IssuedToken(token, users[token.user_id].code if token.user_id in users else "") for token in found]


def revoke_token(store: Store, token_id: str, now: datetime) -> None:
    """End an app password at once, an altered one too, by the hexadecimal id of the list. Raise ``Unknown``."""
    wanted = row_id_of(token_id)
    with store.writing() as connection:
        if wanted is None or not accounts.revoke_token(store, connection, wanted, now):
            raise Unknown("There is no such token, or it is revoked already.", "See `closures token list`.")
        security_event(SecurityAction.TOKEN_REVOKED, token=wanted, kind="app-password")


def add_subscription(
    store: Store,
    *,
    scope_text: str,
    label: str,
    secret_url: bool,
    past_days: int,
    horizon_days: int,
    now: datetime,
    account_id: bytes | None = None,
) -> MadeSubscription:
    """Make a subscription, good for ``TOKEN_LASTS``. Raise ``ScopeRefused``, ``Unknown`` or ``NameRefused``.

    ``account_id`` is the account whose feed it is.
    """
    scope = _scope(store, scope_text)
    made = Subscription(
        id=new_subscription_id(),
        label=read_name(label),
        scope=f"{scope.kind}:{scope.code}" if scope.code else scope.kind.value,
        past_days=past_days,
        horizon_days=horizon_days,
        created_at=now,
        expires_at=now + TOKEN_LASTS,
        has_secret_url=secret_url,
        account_id=account_id,
    )
    token = tokens.mint(TokenKind.FEED)
    secret = tokens.mint(TokenKind.FEED) if secret_url else None
    with store.writing() as connection:
        subscriptions.insert_subscription(
            store, connection, made, digest_of(store, token), None if secret is None else digest_of(store, secret)
        )
    return MadeSubscription(made, token, secret)


def rotate_subscription(store: Store, held: Subscription, now: datetime) -> MadeSubscription:
    """Make a subscription in place of one, with the same scope; the old one goes on for ``ROTATION_OVERLAP``.

    Raise ``Unknown`` where it has ended.
    """
    if not held.is_live(now):
        raise Unknown("This feed has ended.", "Make a new one.")
    made = add_subscription(
        store,
        scope_text=held.scope,
        label=held.label,
        secret_url=held.has_secret_url,
        past_days=held.past_days,
        horizon_days=held.horizon_days,
        now=now,
        account_id=held.account_id,
    )
    with store.writing() as connection:
        subscriptions.end_subscription_at(store, connection, held.id, now + ROTATION_OVERLAP)
    return made


def switch_on_secret_url(store: Store, held: Subscription, now: datetime) -> str:
    """Give a live subscription a secret URL, in place of one that it had; return its token. Raise ``Unknown``."""
    if not held.is_live(now):
        raise Unknown("This feed has ended.", "Make a new one.")
    secret = tokens.mint(TokenKind.FEED)
    with store.writing() as connection:
        subscriptions.put_secret(store, connection, held.id, digest_of(store, secret))
    return secret


def list_subscriptions(store: Store) -> list[ReadSubscription]:
    """Return every subscription with its latest fetch, oldest first, ended ones too."""
    with store.reading() as connection:
        return [
            ReadSubscription(subscription, next(iter(subscriptions.last_reads(connection, subscription.id, 1)), None))
            for subscription in subscriptions.list_subscriptions(store, connection).whole
        ]


def revoke_subscription(store: Store, subscription_id: str, now: datetime) -> None:
    """End a subscription at once, its secret URL too. Raise ``Unknown``."""
    with store.writing() as connection:
        subscriptions.revoke_subscription(store, connection, subscription_id.strip().lower(), now)


def _scope(store: Store, text: str) -> FeedScope:
    """Read a scope and make sure that the User or gateway that it names is there."""
    try:
        scope = parse_scope(text)
    except ValueError as problem:
        raise ScopeRefused(str(problem), CHOICES) from problem
    with store.reading() as connection:
        if scope.row.code is Code.USER:
            parties.find_user(store, connection, scope.code)
        elif scope.row.code is Code.GATEWAY and scope.code not in parties.read_parties(store, connection).gateways:
            raise Unknown("There is no such gateway.", "Check the code; `closures gateway list` shows them.")
    return scope


def read_name(text: str) -> str:
    """Return a name as it is kept. Control characters are refused: names reach terminals, pages and feeds."""
    name = text.strip()
    if not 0 < len(name) <= _LONGEST_NAME or not name.isprintable():
        raise NameRefused(
            "That is not a name.", f"Give 1 to {_LONGEST_NAME} characters on one line, without control characters."
        )
    return name


def _address(text: str) -> str:
    address = text.strip().lower()
    if not _ADDRESS.fullmatch(address) or not address.isprintable():
        raise AccountRefused("That is not an e-mail address.", "Write it as name@example.org.")
    return address
