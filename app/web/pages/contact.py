"""Whom to call about a User's closures: the User says it itself; who triages an alarm reads it beside the answer."""

from flask import Blueprint, Response, flash, make_response, redirect, render_template, request, url_for
from werkzeug.wrappers import Response as AnyResponse

from app.domain.access import Action, acting_user
from app.domain.party import User, read_code
from app.register.people.contacts import LONGEST_CONTACT, ContactRefused, find_contact, name_contact
from app.web.principal import current_principal
from app.web.site import site

blueprint = Blueprint("contact", __name__)


@blueprint.get("/users/<code>/contact", action=Action.NAME_CONTACT)
def show(code: str) -> Response:
    """Ask whom to call."""
    user = find_contact(site().store, acting_user(current_principal(), read_code(code)))
    return _form(user, user.contact)


@blueprint.post("/users/<code>/contact", action=Action.NAME_CONTACT)
def save(code: str) -> AnyResponse:
    """Name whom to call, or nobody. Sent twice, it says the same."""
    acting = acting_user(current_principal(), read_code(code))
    text = request.form.get("contact", "")
    try:
        user = name_contact(site().store, acting, text)
    except ContactRefused as fault:
        return _form(find_contact(site().store, acting), text, fault)
    flash(f"Whoever looks up an alarm of {user.code} reads: {user.contact}" if user.contact else "Nobody is named now.")
    return redirect(url_for(".show", code=user.code), 303)


def _form(user: User, text: str, fault: ContactRefused | None = None) -> Response:
    page = render_template("contact.html", user=user, text=text, fault=fault, longest=LONGEST_CONTACT)
    return make_response(page, 422 if fault else 200)
