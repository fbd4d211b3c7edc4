"""Who is asking: a program with a token (Basic or Bearer), or a person with a session."""

from datetime import timedelta
from hashlib import sha256

from flask import g, request, session

from app.domain.access import Action, Principal, require
from app.domain.refusal import Refusal
from app.register import credentials
from app.store import accounts
from app.store.accounts import Account
from app.web.site import site

_NOTE_USE_EVERY = timedelta(minutes=5)  # a session's last use is kept to this grain: reading stays reading


class SignInNeeded(Refusal):
    """Nobody is known to be asking: a person is sent to sign in, a program gets 401."""

    code = "sign-in-needed"


def digest_of(token: str) -> bytes:
    """Return the digest under which a token is stored."""
    return credentials.digest_of(site().store, token)


def signed_in_account() -> Account | None:
    """Return the account of the browser's session, if it has one that lives."""
    if "account" not in g:
        g.account = _session_account()
    account: Account | None = g.account
    return account


def current_principal() -> Principal | None:
    """Return who is asking, or None."""
    if "principal" not in g:
        g.principal = _token_principal() if request.authorization else _account_principal()
    principal: Principal | None = g.principal
    return principal


def require_principal(action: Action) -> Principal:
    """Return who is asking; raise ``SignInNeeded`` or ``AccessRefused``."""
    principal = current_principal()
    if principal is None:
        raise SignInNeeded("You are not signed in.", "Sign in, or send an app password or token.")
    require(principal, action)
    return principal


def _session_account() -> Account | None:
    session_id = session.get("sid")
    if not session_id:
        return None
    store, now = site().store, site().now()
    digest = sha256(session_id.encode()).digest()
    with store.reading() as connection:
        found = accounts.session_account(connection, digest, now)
        account = None if found is None else accounts.account_by_id(store, connection, found[0])
    if found is not None and now - found[1] > _NOTE_USE_EVERY:
        with store.writing() as connection:
            accounts.touch_session(connection, digest, now)
    return account


def _account_principal() -> Principal | None:
    account = signed_in_account()
    return None if account is None else Principal(account.email, account.role, frozenset(account.users))


def _token_principal() -> Principal | None:
    """Read Basic (user name: the User's code) or Bearer; anything malformed is nobody."""
    stated = request.authorization
    assert stated is not None
    if stated.type == "basic":
        name, token = stated.username or "", stated.password or ""
    elif stated.type == "bearer":
        name, token = None, stated.token or ""
    else:
        return None
    store, now = site().store, site().now()
    found = credentials.principal_of_token(store, name, token, now)
    return None if found is None else found.principal
