"""Connect: app passwords for programs, the CalDAV address with steps for each client, and a profile for Apple's."""

from flask import Blueprint, Response, flash, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from app.domain.access import Action, Principal, Role, acting_user
from app.domain.party import read_code
from app.domain.refusal import Refusal, Unknown
from app.register.people import enrolment
from app.register.people.enrolment import IssuedToken
from app.register.register import Register
from app.store import parties
from app.store.accounts import Account, list_app_passwords
from app.store.listing import altered_ids
from app.web import form_once
from app.web.clients import CLIENTS
from app.web.pages.choices import visible_in_order
from app.web.pages.connect.apple_profile import caldav_profile
from app.web.principal import current_principal, require_account
from app.web.site import site

blueprint = Blueprint("connect_app_passwords", __name__)

_ROLES = {Role.DCC: ("dcc",), Role.OPS: ("ops",), Role.ADMIN: ("dcc", "ops")}


@blueprint.get("/connect", action=Action.CONNECT)
def show() -> Response:
    """List the app passwords, and say how each program is connected."""
    return _page(current_principal(), form_once.new_form_id())


@blueprint.post("/connect", action=Action.CONNECT)
def make() -> AnyResponse:
    """Make an app password; it is shown once."""
    principal, account = current_principal(), require_account()

    def prepare() -> form_once.Work:
        holder = request.form.get("holder", "")
        if holder not in dict(_holders(principal)):
            raise Unknown("There is no such User.", "Choose one of the list.")
        kind, _, name = holder.partition(":")

        def work(register: Register) -> dict[str, object]:
            _, token = enrolment.issue_token(
                register.store,
                label=request.form.get("label", ""),
                now=site().now(),
                user_code=name if kind == "user" else None,
                role=Role(name) if kind == "role" else None,
                account_id=account.id,
            )
            caldav = caldav_address(name) if kind == "user" else ""
            return {"kind": "app password", "username": name, "token": token, "caldav": caldav}

        return work

    try:
        form_id = form_once.carry_out(account, prepare)
    except Refusal as refusal:
        return _page(principal, request.form.get("form_id", ""), refusal)
    return redirect(url_for("form_once.show", form_id=form_id), 303)


@blueprint.post("/connect/<token_id>/revoke", action=Action.CONNECT)
def revoke(token_id: str) -> AnyResponse:
    """End an app password at once."""
    principal = current_principal()
    if token_id in _altered(principal):
        enrolment.revoke_token(site().store, token_id, site().now())
        flash("The app password that was altered is ended.")
        return redirect(url_for("connect_app_passwords.show"), 303)
    held = {token.token.id.hex(): token for token in _passwords(principal, require_account())}
    if token_id not in held:
        raise Unknown("There is no such app password.")
    if held[token_id].token.revoked_at is None:
        enrolment.revoke_token(site().store, token_id, site().now())
    flash(f"The app password “{held[token_id].token.label}” is ended.")
    return redirect(url_for("connect_app_passwords.show"), 303)


@blueprint.get("/connect/<code>.mobileconfig", action=Action.CONNECT)
def profile(code: str) -> Response:
    """Give Apple's devices a profile with the CalDAV account of a User; the app password is asked for on installing."""
    principal = current_principal()
    store = site().store
    with store.reading() as connection:
        user = parties.find_user(store, connection, acting_user(principal, read_code(code)))
    octets = caldav_profile(site().base_url, user.code, user.name)
    response = Response(octets, content_type="application/x-apple-aspen-config")
    response.headers["Content-Disposition"] = f'attachment; filename="closures-{user.code}.mobileconfig"'
    return response


def caldav_address(code: str) -> str:
    """Return the address of a User's calendars."""
    return f"{site().base_url}/dav/calendars/{code}/"


def _page(principal: Principal, form_id: str, fault: Refusal | None = None) -> Response:
    now = site().now()
    found = _passwords(principal, require_account())
    holders = _holders(principal)
    page = render_template(
        "connect/app_passwords.html",
        live=[token for token in found if token.token.is_live(now)],
        ended=[token for token in found if not token.token.is_live(now)],
        altered=_altered(principal),
        holders=holders,
        users=[name.partition(":")[2] for name, _ in holders if name.startswith("user:")],
        caldav_address=caldav_address,
        clients=[client for client in CLIENTS if client.caldav],
        stated=request.form,
        form_id=form_id,
        fault=fault,
        now=now,
    )
    return make_response(page, 422 if fault else 200)


def _holders(principal: Principal) -> list[tuple[str, str]]:
    """Return what an app password may be for: a User of one's own, or the role that one has; to an admin, any."""
    store = site().store
    with store.reading() as connection:
        everyone = parties.read_parties(store, connection)
    roles = [(f"role:{name}", _ROLE_WORDS[name]) for name in _ROLES.get(principal.role, ())]
    if principal.role in (Role.DCC, Role.OPS):
        return roles
    return [
        (f"user:{user.code}", f"{user.code} · {user.name}") for user in visible_in_order(principal, everyone)
    ] + roles


_ROLE_WORDS = {"dcc": "DCC staff: reads everything", "ops": "Operations: feeds, closed gateways, figures"}


def _altered(principal: Principal) -> list[str]:
    """Return the app passwords that cannot be read; whose they are cannot be told, so that admins see them alone."""
    return altered_ids(site().store, list_app_passwords) if principal.role is Role.ADMIN else []


def _passwords(principal: Principal, account: Account) -> list[IssuedToken]:
    """Return the app passwords that one may see, the newest first: of one's Users, of one's own; to an admin, all."""
    found = enrolment.list_tokens(site().store)
    return [
        token
        for token in reversed(found)
        if principal.role is Role.ADMIN or token.token.account_id == account.id or token.holder in principal.users
    ]
