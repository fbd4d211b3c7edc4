"""Signing in, by password or by a one-time link, and signing out."""

from flask import Blueprint, Response, g, make_response, redirect, render_template, request, session, url_for
from werkzeug.wrappers import Response as AnyResponse

from app.domain.access import Action, Role
from app.register.messages.link_letters import ask_for_link
from app.register.people import links
from app.register.people.sign_in import SignInRefused, TooManyTries, by_password, by_second_factor
from app.security.link_file import drop_link
from app.store.accounts import Account
from app.store.sessions import Stage
from app.web.browser_session import end_current_session, start_session
from app.web.desk import desk_here, keep_desk, offers_desk
from app.web.known_device import origin, remember_device
from app.web.menu import may
from app.web.principal import SignInNeeded, signed_in_account, signing_in
from app.web.site import site

blueprint = Blueprint("session", __name__)


@blueprint.app_context_processor
def _account_in_page() -> dict[str, object]:
    """Give the layout the account that the view looked up; the page of a refusal must not ask the database again."""
    found = g.get("session")
    return {
        "account": g.get("account"),
        "may": may,
        "provider": site().provider is not None,
        "link_worked": found is not None and found.stage.by_link,
        "at_desk": g.get("at_desk", False),
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
        account, stage = by_password(site().store, email, password, origin(), site().now())
    except (SignInRefused, TooManyTries) as refusal:
        return _refused(_sign_in_page(refusal, email=email[:254]), refusal)
    start_session(account.id, stage)
    return _go_on(stage, account.role)


@blueprint.get("/sign-in/forgotten", action=Action.SIGN_IN)
def forgotten() -> str:
    """Ask where to send a link to."""
    return _forgotten_page()


@blueprint.post("/sign-in/forgotten", action=Action.SIGN_IN)
def send_link() -> AnyResponse:
    """Send a link where the address has an account; the answer is the same where it has none."""
    email = request.form.get("email", "")[:254]
    if not site().sends_mail:
        return make_response(_forgotten_page())
    try:
        ask_for_link(site().store, email, origin(), site().now())
    except TooManyTries as refusal:
        return _refused(_forgotten_page(refusal, email=email), refusal)
    return make_response(_forgotten_page(asked=email))


@blueprint.get("/sign-in/<token>", action=Action.SIGN_IN)
def link(token: str) -> str:
    """Show the one button that uses the link up: programs that look at links before people do must not."""
    links.require_link(site().store, token, site().now())
    return render_template("signin/link.html", token=token)


@blueprint.post("/sign-in/<token>", action=Action.SIGN_IN)
def use_link(token: str) -> AnyResponse:
    """Use the link up and open a session under a new id."""
    used = links.use_link(site().store, token, site().now())
    drop_link(site().key_dir, token)
    start_session(used.account.id, used.stage)
    return _go_on(used.stage, used.account.role)


@blueprint.get("/sign-in/second-factor", action=Action.SIGN_IN)
def second_factor() -> AnyResponse:
    """Ask for a code of the authenticator, or a recovery code."""
    found = signing_in()
    if found is None or not found[1].asks_code:
        return _next_step() or redirect(url_for("session.sign_in"), 303)
    return make_response(_code_page(found[0]))


@blueprint.post("/sign-in/second-factor", action=Action.SIGN_IN)
def use_second_factor() -> AnyResponse:
    """Check the code; a new session id goes with the rights that it gives."""
    found = signing_in()
    if found is None:
        raise SignInNeeded("The time for this sign-in has passed.", "Begin again.")
    account, stage = found
    if not stage.asks_code:
        return _go_on(stage, account.role)
    code = request.form.get("one_time_code", "")[:100]
    try:
        by_second_factor(site().store, account, code, origin(), site().now())
    except (SignInRefused, TooManyTries) as refusal:
        return _refused(_code_page(account, refusal), refusal)
    start_session(account.id, Stage.OPEN if stage is Stage.FACTOR else Stage.RESET)
    remember_device(account)
    if request.form.get("desk") == "yes":
        keep_desk(account)
    return redirect(after_sign_in(), 303)


@blueprint.post("/sign-out", action=Action.SIGN_IN)
def sign_out() -> AnyResponse:
    """End the session on our side and the desk session of the machine, then forget their ids."""
    end_current_session()
    return redirect(url_for("session.sign_in"), 303)


def after_sign_in() -> str:
    """Return the address to go on to: a form that waits, the page that was asked for, or the first page."""
    if "kept" in session:
        return url_for("resumed_forms.show")
    wanted: str = session.pop("next", "/")
    return wanted


def _go_on(stage: Stage, role: Role) -> AnyResponse:
    if stage.asks_code:
        return redirect(url_for("session.second_factor"), 303)
    return redirect(after_sign_in() if stage.is_in(role) else url_for("set_up.password"), 303)


def _next_step() -> AnyResponse | None:
    """Return the way on for somebody who has signed in, wholly or half."""
    found = signing_in()
    return None if found is None else _go_on(found[1], found[0].role)


def _sign_in_page(fault: SignInRefused | TooManyTries | None = None, email: str = "") -> str:
    desk = desk_here()
    return render_template(
        "signin/sign_in.html",
        fault=fault,
        email=email or (desk.account.email if desk else ""),
        waits="kept" in session,
        desk=desk,
        offers_desk=offers_desk(),
        sends_mail=site().sends_mail,
    )


def _code_page(account: Account, fault: SignInRefused | TooManyTries | None = None) -> str:
    return render_template(
        "signin/second_factor.html",
        fault=fault,
        ticked=request.form.get("desk") == "yes",
        offers_desk=offers_desk(account),
    )


def _forgotten_page(fault: TooManyTries | None = None, *, email: str = "", asked: str = "") -> str:
    return render_template("signin/forgotten.html", fault=fault, email=email, asked=asked, sends_mail=site().sends_mail)


def _refused(page: str, refusal: SignInRefused | TooManyTries) -> Response:
    response = make_response(page, 429 if isinstance(refusal, TooManyTries) else 422)
    if isinstance(refusal, TooManyTries):
        response.headers["Retry-After"] = str(refusal.seconds)
    return response
