"""Setting up a sign-in of one's own, or a new one: a password, an authenticator, recovery codes."""

import re

from flask import Blueprint, Response, flash, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from app.domain.access import Action
from app.domain.password import LONGEST, SHORTEST, PasswordRefused
from app.domain.refusal import Refusal
from app.register.people import sign_in
from app.register.people.sign_in import SignInRefused, TooManyTries
from app.register.register import Register
from app.security.second_factor import enrolment_address, new_secret
from app.store import proofs, sessions
from app.store.accounts import Account
from app.store.proofs import Proofs
from app.store.sessions import Stage
from app.web import form_once
from app.web.browser_session import current_session, start_session
from app.web.known_device import origin, remember_device
from app.web.principal import SignInNeeded, signed_in_account, signing_in
from app.web.signin.qr import qr_svg
from app.web.site import site

blueprint = Blueprint("set_up", __name__)

_SERVICE = "Planned gateway closures"
_SECRET = re.compile(r"[A-Z2-7]{32}")


@blueprint.get("/set-up/password", action=Action.SIGN_IN)
def password() -> AnyResponse:
    """Ask for a new password."""
    account, stage = _person()
    held = proofs_of(account)
    if stage is Stage.SET_UP and held.password:
        return redirect(url_for("set_up.second_factor"), 303)
    return make_response(_password_page(account, stage, held, None))


@blueprint.post("/set-up/password", action=Action.SIGN_IN)
def choose_password() -> AnyResponse:
    """Set the password; this session goes on under a new id."""
    account, stage = _person()
    held = proofs_of(account)
    try:
        if not stage.by_link:
            _require_present_password(account, held)
        if request.form.get("password", "") != request.form.get("password_again", ""):
            raise PasswordRefused("The two passwords differ.", "Type the same one twice.")
        chosen = request.form.get("password", "")
        sign_in.choose_password(site().store, account, chosen, site().now(), here=_here())
    except Refusal as refusal:
        return _refused(_password_page(account, stage, held, refusal), refusal)
    start_session(account.id, _stage_after_password(account, stage))
    flash("Your password is set.")
    return redirect(url_for("account.show" if held.secret else "set_up.second_factor"), 303)


@blueprint.get("/set-up/second-factor", action=Action.SIGN_IN)
def second_factor() -> AnyResponse:
    """Show a new authenticator's secret, as a QR code and in letters."""
    account, _ = _person()
    held = proofs_of(account)
    if held.password is None:
        return redirect(url_for("set_up.password"), 303)
    return make_response(_factor_page(account, held, new_secret(), form_once.new_form_id(), None))


@blueprint.post("/set-up/second-factor", action=Action.SIGN_IN)
def confirm_second_factor() -> AnyResponse:
    """Take the authenticator that a code proves; show the recovery codes, once."""
    account, _ = _person()
    held = proofs_of(account)
    secret = request.form.get("authenticator", "")
    if not _SECRET.fullmatch(secret):
        return redirect(url_for("set_up.second_factor"), 303)

    def prepare() -> form_once.Work:
        if held.secret:
            _require_present_password(account, held)
        code = request.form.get("one_time_code", "")
        here = _here()

        def work(register: Register) -> dict[str, object]:
            codes = sign_in.set_up_second_factor(register.store, account, secret, code, site().now(), here=here)
            return {"kind": "recovery", "codes": codes}

        return work

    try:
        form_id = form_once.carry_out(account, prepare)
    except (SignInRefused, TooManyTries) as refusal:
        page = _factor_page(account, held, secret, request.form.get("form_id", ""), refusal)
        return _refused(page, refusal)
    # A form that was sent before proves nothing: what it set up does.
    if proofs_of(account).secret:
        start_session(account.id, Stage.OPEN)
        remember_device(account)
    return redirect(url_for("form_once.show", form_id=form_id), 303)


@blueprint.post("/set-up/recovery-codes", action=Action.SIGN_IN)
def renew_recovery_codes() -> AnyResponse:
    """Make new recovery codes in place of those before; show them, once."""
    account, stage = _person()
    if not stage.is_in(account.role):
        raise SignInNeeded("Sign in first.")
    held = proofs_of(account)

    def prepare() -> form_once.Work:
        _require_present_password(account, held)
        return lambda register: {
            "kind": "recovery",
            "codes": sign_in.renew_recovery_codes(register.store, account),
        }

    try:
        form_id = form_once.carry_out(account, prepare)
    except (SignInRefused, TooManyTries) as refusal:
        flash(f"{refusal.text} {refusal.remedy}", "fault")
        return redirect(url_for("account.show"), 303)
    return redirect(url_for("form_once.show", form_id=form_id), 303)


def proofs_of(account: Account) -> Proofs:
    """Return what an account can prove itself by."""
    store = site().store
    with store.reading() as connection:
        return proofs.proofs_of(store, connection, account.id)


def end_other_sessions(account: Account) -> int:
    """End every session of an account but this one; return how many."""
    with site().store.writing() as connection:
        return sessions.end_sessions_of(site().store, connection, account.id, site().now(), but=_here())


def _person() -> tuple[Account, Stage]:
    """Return who sets something up: signed in, or by password or link with no second factor to ask for yet."""
    signed_in_account()  # for the layout
    found = signing_in()
    if found is None or found[1].asks_code:
        raise SignInNeeded("Sign in first.", "Then set up your password and second factor.")
    return found


def _stage_after_password(account: Account, stage: Stage) -> Stage:
    """Return how far a sign-in has come once a password is chosen: a link has done by then what it stands for."""
    if stage is Stage.RESET:
        return Stage.OPEN
    return stage if stage.is_in(account.role) else Stage.SET_UP


def _here() -> bytes:
    found = current_session()
    return b"" if found is None else found.digest


def _require_present_password(account: Account, held: Proofs) -> None:
    """Ask for the password that is there before anything takes its place."""
    if held.password is not None:
        stated = request.form.get("present_password", "")
        sign_in.by_password(site().store, account.email, stated, origin(), site().now())


def _password_page(account: Account, stage: Stage, held: Proofs, fault: Refusal | None) -> str:
    return render_template(
        "signin/set_up_password.html",
        person=account,
        held=held,
        asks_present=held.password is not None and not stage.by_link,
        fault=fault,
        shortest=SHORTEST,
        longest=LONGEST,
    )


def _factor_page(account: Account, held: Proofs, secret: str, form_id: str, fault: Refusal | None) -> str:
    return render_template(
        "signin/set_up_second_factor.html",
        person=account,
        held=held,
        secret=secret,
        groups=" ".join(secret[place : place + 4] for place in range(0, len(secret), 4)),
        qr=qr_svg(enrolment_address(secret, account.email, _SERVICE)),
        form_id=form_id,
        fault=fault,
    )


def _refused(page: str, refusal: Refusal) -> Response:
    return make_response(page, 429 if isinstance(refusal, TooManyTries) else 422)
