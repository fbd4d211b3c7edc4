"""Service, desks: which machines stay signed in for reading, whose, and ending them."""

from flask import Blueprint, flash, redirect, render_template, url_for
from werkzeug.wrappers import Response

from app.domain.access import Action
from app.register.people import desks
from app.store.desks import list_desks
from app.store.listing import altered_ids
from app.web.site import site

blueprint = Blueprint("service_desks", __name__)


@blueprint.get("/service/desks", action=Action.KEEP_ACCOUNTS)
def show_all() -> str:
    """List the desk sessions that live."""
    return render_template(
        "service/desks.html",
        desks=desks.living_desks(site().store, site().now()),
        allowed=site().register.rulebook().desk.allowed,
        altered=altered_ids(site().store, list_desks),
    )


@blueprint.post("/service/desks/<desk_id>/end", action=Action.KEEP_ACCOUNTS)
def end(desk_id: str) -> Response:
    """End one."""
    desks.end_desk(site().store, desk_id, site().now())
    flash("That desk session is ended.")
    return redirect(url_for("service_desks.show_all"), 303)
