"""Who is asking: a program with a token (Basic or Bearer), or a person with a session."""

from flask import g, request

from app.domain.access import AT_A_DESK, Action, Principal, require
from app.domain.refusal import Refusal
from app.register.people import credentials
from app.security.security_log import asked_by
from app.store import accounts
from app.store.accounts import Account
from app.store.acts import ACTOR
from app.store.sessions import Stage
from app.web.browser_session import current_session
from app.web.desk import desk_here
from app.web.site import site

_READING = frozenset({"GET", "HEAD"})


class SignInNeeded(Refusal):
    """Nobody is known to be asking: a person is sent to sign in, a program gets 401."""

    code = "sign-in-needed"


def digest_of(token: str) -> bytes:
    """Return the digest of a token by the first pepper."""
    return credentials.digest_of(site().store, token)


def signed_in_account() -> Account | None:
    """Return the account of the browser's session, if it has one that lives and whose sign-in is complete.

    Where it has none, the desk session of the machine stands for it, in what only reads.
    """
    if "account" not in g:
        found = signing_in()
        g.account = found[0] if found is not None and found[1].is_in(found[0].role) else _reader_at_desk()
    account: Account | None = g.account
    return account


def require_account() -> Account:
    """Return the account that is signed in; raise ``SignInNeeded`` for programs and strangers."""
    account = signed_in_account()
    if account is None:
        raise SignInNeeded("This page needs a person who is signed in.", "Sign in, then open it again.")
    return account


def signing_in() -> tuple[Account, Stage] | None:
    """Return whose session this is and how far its sign-in has come."""
    found = current_session()
    if found is None:
        return None
    with site().store.reading() as connection:
        account = accounts.account_by_id(site().store, connection, found.account_id)
    if account.closed_at is not None:
        return None
    ACTOR.set(f"{account.role} {account.email}")
    asked_by(account=account.id)
    return account, found.stage


def _reader_at_desk() -> Account | None:
    """Return whose desk session this is, where the request reads what a desk session opens.

    Looked at here, where every door learns who asks: no view of another method or action ever meets a desk's account.
    """
    action = getattr(request.url_rule, "action", None)
    desk = desk_here() if request.method in _READING and action in AT_A_DESK else None
    g.at_desk = desk is not None
    if desk is None:
        return None
    ACTOR.set(f"{desk.account.role} {desk.account.email}, by a desk session")
    asked_by(account=desk.account.id, token=desk.token.id)
    return desk.account


def current_principal() -> Principal:
    """Return who is asking; raise ``SignInNeeded`` where nobody is known to be. Its route has let it in already."""
    if "principal" not in g:
        g.principal = _token_principal() if request.authorization else _account_principal()
    principal: Principal | None = g.principal
    if principal is None:
        raise SignInNeeded("You are not signed in.", "Sign in, or send an app password or token.")
    return principal


def require_principal(action: Action) -> None:
    """Raise ``SignInNeeded`` or ``AccessRefused`` unless whoever asks may do ``action``."""
    require(current_principal(), action)


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
    found = credentials.principal_of_token(site().register, name, token, site().now())
    if found is None:
        return None
    ACTOR.set(f"token of {found.principal.role} {found.principal.name}")
    return found.principal
