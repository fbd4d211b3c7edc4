"""Service, Users and gateways: who closes what; let a User in, give it a gateway."""

from flask import Blueprint, Response, flash, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from app.domain.access import Action
from app.domain.party import PARTY_CATEGORIES, SEC_USER_ROLES, User
from app.domain.refusal import Refusal
from app.register.people import enrolment
from app.register.people.enrolment import NameRefused
from app.web.site import site

blueprint = Blueprint("service_parties", __name__)


@blueprint.get("/service/users", action=Action.KEEP_PARTIES)
def show_all() -> Response:
    """List the Users, each with its gateways; of many, those in whose codes or names ``q`` is."""
    gateways: dict[str, list[enrolment.SharedGateway]] = {}
    for shared in enrolment.list_gateways(site().store):
        for code in shared.users:
            gateways.setdefault(code, []).append(shared)
    everyone, sought = enrolment.list_users(site().store), request.args.get("q", "").strip()
    users = [user for user in everyone if _is_meant(sought.casefold(), user, gateways.get(user.code, []))]
    page = render_template("service/users.html", users=users, gateways=gateways, sought=sought, known=len(everyone))
    return make_response(page)


@blueprint.get("/service/users/new", action=Action.KEEP_PARTIES)
def new_user() -> Response:
    """Ask for a User's code, name, category and roles."""
    return _user_form()


@blueprint.post("/service/users", action=Action.KEEP_PARTIES)
def add_user() -> AnyResponse:
    """Let a User in. A code can be taken once, so a second sending of the form does nothing."""
    form = request.form
    category, roles = form.get("category", ""), form.getlist("roles")
    try:
        if category not in PARTY_CATEGORIES or not set(roles) <= set(SEC_USER_ROLES):
            raise NameRefused("That is not a category or role.", "Choose from the lists.")
        made = enrolment.enrol_user(site().store, form.get("code", ""), form.get("name", ""), category, roles)
    except Refusal as refusal:
        return _user_form(refusal)
    flash(f"{made.code} is in. Give it a gateway next.")
    return redirect(url_for("service_parties.new_gateway", user=made.code), 303)


@blueprint.get("/service/gateways/new", action=Action.KEEP_PARTIES)
def new_gateway() -> Response:
    """Ask for a gateway's code and name, and whose it is."""
    return _gateway_form(request.args.get("user", ""))


@blueprint.post("/service/gateways", action=Action.KEEP_PARTIES)
def add_gateway() -> AnyResponse:
    """Give a User a gateway; one that another User has already is shared."""
    form = request.form
    try:
        made = enrolment.enrol_gateway(
            site().store, form.get("user", ""), form.get("code", ""), form.get("name", "").strip()
        )
    except Refusal as refusal:
        return _gateway_form(form.get("user", ""), refusal)
    flash(f"The gateway {made.code} is added.")
    return redirect(url_for("service_parties.show_all"), 303)


def _is_meant(sought: str, user: User, gateways: list[enrolment.SharedGateway]) -> bool:
    texts = [user.code, user.name]
    for shared in gateways:
        texts += (shared.gateway.code, shared.gateway.name)
    return any(sought in text.casefold() for text in texts)


def _user_form(fault: Refusal | None = None) -> Response:
    page = render_template(
        "service/new_user.html",
        categories=PARTY_CATEGORIES,
        roles=SEC_USER_ROLES,
        stated=request.form,
        chosen=request.form.getlist("roles"),
        fault=fault,
    )
    return make_response(page, 422 if fault else 200)


def _gateway_form(user: str, fault: Refusal | None = None) -> Response:
    page = render_template(
        "service/new_gateway.html",
        users=enrolment.list_users(site().store),
        chosen=user,
        stated=request.form,
        fault=fault,
    )
    return make_response(page, 422 if fault else 200)
