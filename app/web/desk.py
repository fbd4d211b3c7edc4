"""The desk session of a browser: a token in a cookie of its own, by which a machine reads on between sign-ins."""

from contextlib import suppress

from flask import Response, after_this_request, current_app, g, request

from app.domain.desk import DESK_LASTS
from app.domain.refusal import Unknown
from app.register.people import desks
from app.register.people.desks import Desk
from app.store.accounts import Account
from app.web.agents import browser_words
from app.web.site import site


def desk_here() -> Desk | None:
    """Return the desk session of this machine, if it lives. A cookie that opens nothing is taken away."""
    if "desk" not in g:
        token = request.cookies.get(_name(), "")
        g.desk = desks.desk_of_token(site().store, token, site().now()) if token else None
        if token and g.desk is None:
            _forget()
    found: Desk | None = g.desk
    return found


def offers_desk(account: Account | None = None) -> bool:
    """Tell whether a sign-in, of ``account`` where that is known, may ask for a desk session: it has none yet."""
    desk = desk_here()
    is_kept = desk is not None and account is not None and desk.account.id == account.id
    return site().register.rulebook().desk.allowed and not is_kept


def keep_desk(account: Account) -> None:
    """Keep this machine signed in for reading, where that is allowed: the account has just signed in, wholly."""
    leave_desk()
    label = f"{browser_words(request.user_agent.string)} from {request.remote_addr or 'an unknown network'}"
    token = desks.open_desk(site().store, account, label, site().now())
    if token is None:
        return

    @after_this_request
    def _keep(response: Response) -> Response:
        response.set_cookie(
            _name(),
            token,
            max_age=DESK_LASTS,
            secure=current_app.config["SESSION_COOKIE_SECURE"],
            httponly=True,
            samesite="Lax",
        )
        return response


def leave_desk() -> None:
    """End the desk session of this machine, if it has one."""
    desk = desk_here()
    if desk is not None:
        with suppress(Unknown):  # somebody ended it meanwhile
            desks.end_desk(site().store, desk.token.id.hex(), site().now())
        g.desk = None
        _forget()


def _forget() -> None:
    @after_this_request
    def _drop(response: Response) -> Response:
        response.delete_cookie(
            _name(), secure=current_app.config["SESSION_COOKIE_SECURE"], httponly=True, samesite="Lax"
        )
        return response


def _name() -> str:
    return f"{current_app.config['SESSION_COOKIE_NAME']}-desk"
