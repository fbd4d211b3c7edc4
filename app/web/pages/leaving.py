"""Leaving: the page behind the link in each mail, and the one press by which its recipient is told nothing more."""

from flask import Blueprint, render_template

from app.domain.access import Action
from app.register.messages import leaving
from app.store.acts import ACTOR
from app.web.site import site

blueprint = Blueprint("leaving", __name__)


@blueprint.get("/leave/<token>", action=Action.PUBLIC)
def show(token: str) -> str:
    """Show the one button that ends the messages: programs that look at links before people do must not."""
    leaving.require_leaving(site().store, token)
    return render_template("leaving.html", token=token, left=False)


@blueprint.post("/leave/<token>", action=Action.PUBLIC)
def leave(token: str) -> str:
    """End them, for a person or for the program that shows the mail (RFC 8058); again, it changes nothing."""
    ACTOR.set("whoever has the link in a mail")
    leaving.leave(site().store, token, site().now())
    return render_template("leaving.html", token=token, left=True)
