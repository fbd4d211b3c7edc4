"""Signing in, by password or by a one-time link, and signing out."""

from flask import Blueprint, Response, g, make_response, redirect, render_template, request, session, url_for
from werkzeug.wrappers import Response as AnyResponse

from app.domain.access import Action
from app.domain.refusal import AccessRefused
from app.register.people.sign_in import SignInRefused, TooManyTries, by_password, by_second_factor, stage_by_link
from app.security.tokens import TokenKind, kind_of
from app.store import accounts
from app.store.accounts import StoredToken
from app.store.engine import Connection
from app.store.sessions import Stage
from app.web.browser_session import end_current_session, start_session
from app.web.menu import may
from app.web.principal import SignInNeeded, digest_of, signed_in_account, signing_in
from app.web.site import site

blueprint = Blueprint("session", __name__)


class LinkSpent(AccessRefused):
    """A sign-in link that opens nothing (any more): wrong, used and expired ones look alike."""

    code = "sign-in-link"

    def __init__(self) -> None:
        super().__init__(
            "This sign-in link does not work: it was used already, has expired, or is not complete.",
            "Check that the whole link was copied, or ask an admin for a new one.",
        )


@blueprint.app_context_processor
def _account_in_page() -> dict[str, object]:
    """Give the layout the account that the view looked up; the page of a refusal must not ask the database again."""
    found = g.get("session")
    return {
        "account": g.get("account"),
        "may": may,
        "provider": site().provider is not None,
        "set_up_waits": found is not None and found.stage is Stage.LINK,
    }


@blueprint.get("/sign-in", action=Action.SIGN_IN)
def sign_in() -> AnyResponse:
    """Ask for address and password; who is half-way in goes on from there, who is in goes on to the pages."""
    signed_in_account()
    return _next_step() or make_response(_sign_in_page())


@blueprint.post("/sign-in", action=Action.SIGN_IN)
def use_password() -> AnyResponse:
    """Check address and password, and go on to what is still asked."""
    email, password = request.form.get("email", ""), request.form.get("password", "")
    try:
        account, stage = by_password(site().store, email, password, request.remote_addr or "", site().now())
    except (SignInRefused, TooManyTries) as refusal:
        return _refused(_sign_in_page(refusal, email=email[:254]), refusal)
    start_session(account.id, stage)
    return _go_on(stage)


@blueprint.get("/sign-in/<token>", action=Action.SIGN_IN)
def link(token: str) -> str:
    """Show the one button that uses the link up: programs that look at links before people do must not."""
    with site().store.reading() as connection:
        _live_token(connection, token)
    return render_template("signin/link.html", token=token)


@blueprint.post("/sign-in/<token>", action=Action.SIGN_IN)
def use_link(token: str) -> AnyResponse:
    """Use the link up and open a session under a new id."""
    store = site().store
    with store.writing() as connection:
        found = _live_token(connection, token)
        if found.account_id is None:
            raise LinkSpent
        account = accounts.account_by_id(store, connection, found.account_id)
        if account.closed_at is not None or not accounts.revoke_token(connection, found.id, site().now()):
            raise LinkSpent
    stage = stage_by_link(store, account)
    start_session(account.id, stage)
    return _go_on(stage)


@blueprint.get("/sign-in/second-factor", action=Action.SIGN_IN)
def second_factor() -> AnyResponse:
    """Ask for a code of the authenticator, or a recovery code."""
    found = signing_in()
    if found is None or found[1] is not Stage.FACTOR:
        return _next_step() or redirect(url_for("session.sign_in"), 303)
    return make_response(render_template("signin/second_factor.html", fault=None))


@blueprint.post("/sign-in/second-factor", action=Action.SIGN_IN)
def use_second_factor() -> AnyResponse:
    """Check the code; a new session id goes with the rights that it gives."""
    found = signing_in()
    if found is None:
        raise SignInNeeded("The time for this sign-in has passed.", "Begin again.")
    account, stage = found
    if stage is not Stage.FACTOR:
        return _go_on(stage)
    code = request.form.get("one_time_code", "")[:100]
    try:
        by_second_factor(site().store, account, code, request.remote_addr or "", site().now())
    except (SignInRefused, TooManyTries) as refusal:
        return _refused(render_template("signin/second_factor.html", fault=refusal), refusal)
    start_session(account.id, Stage.OPEN)
    return _go_on(Stage.OPEN)


@blueprint.post("/sign-out", action=Action.SIGN_IN)
def sign_out() -> AnyResponse:
    """End the session on our side, then forget its id."""
    end_current_session()
    return redirect(url_for("session.sign_in"), 303)


def after_sign_in() -> str:
    """Return the address to go on to: a form that waits, the page that was asked for, or the first page."""
    if "kept" in session:
        return url_for("resumed_forms.show")
    wanted: str = session.pop("next", "/")
    return wanted


def _go_on(stage: Stage) -> AnyResponse:
    if stage is Stage.FACTOR:
        return redirect(url_for("session.second_factor"), 303)
    if stage is Stage.SET_UP:
        return redirect(url_for("set_up.password"), 303)
    return redirect(after_sign_in(), 303)


def _next_step() -> AnyResponse | None:
    """Return the way on for somebody who has signed in, wholly or half."""
    found = signing_in()
    return None if found is None else _go_on(found[1])


def _sign_in_page(fault: SignInRefused | TooManyTries | None = None, email: str = "") -> str:
    return render_template("signin/sign_in.html", fault=fault, email=email, waits="kept" in session)


def _refused(page: str, refusal: SignInRefused | TooManyTries) -> Response:
    response = make_response(page, 429 if isinstance(refusal, TooManyTries) else 422)
    if isinstance(refusal, TooManyTries):
        response.headers["Retry-After"] = str(refusal.seconds)
    return response


def _live_token(connection: Connection, token: str) -> StoredToken:
    if kind_of(token) is TokenKind.SIGN_IN:
        found = accounts.token_by_digest(site().store, connection, digest_of(token))
        if found is not None and found.kind == TokenKind.SIGN_IN and found.is_live(site().now()):
            return found
    raise LinkSpent
