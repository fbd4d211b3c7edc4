"""What was typed is not lost when a session ends in the middle: it waits, sealed, until its writer has signed in."""

from flask import Blueprint, json, make_response, redirect, render_template, request, session, url_for
from werkzeug.wrappers import Response

from app.domain.access import Action
from app.store import runs
from app.web.browser_session import former_owner
from app.web.principal import require_account
from app.web.site import site

blueprint = Blueprint("resumed_forms", __name__)

_LONGEST_ADDRESS = 1000  # a cookie holds 4 kB
_NEVER_KEPT = ("password", "code", "authenticator")


def remember_request() -> None:
    """Remember where a person was going who has to sign in first, and a form that was filled in on the way."""
    if request.method != "POST":
        if request.method == "GET" and len(request.full_path) < _LONGEST_ADDRESS:
            session["next"] = request.full_path.removesuffix("?")
        return
    fields = [(name, text) for name, text in request.form.items(multi=True) if name != "csrf_token"]
    secret = any(mark in name for name, _ in fields for mark in _NEVER_KEPT)
    owner = former_owner()
    # A file or a password is not kept for another day; both are at hand where the form is filled in again.
    if owner is None or secret or not fields or request.files:
        return
    body = json.dumps({"path": request.full_path.removesuffix("?"), "fields": fields})
    with site().store.writing() as connection:
        kept = runs.put_draft(site().store, connection, owner, body.encode(), site().now())
    session["kept"] = kept.hex()


@blueprint.get("/unfinished", action=Action.KEEP_ACCOUNT)
def show() -> Response:
    """Show what was about to be sent, with a button that sends it."""
    store = site().store
    with store.reading() as connection:
        body = runs.read_draft(store, connection, require_account().id, _kept_id())
    if body is None:
        session.pop("kept", None)
        return redirect("/", 303)
    return make_response(render_template("unfinished.html", fields=json.loads(body)["fields"]))


@blueprint.post("/unfinished", action=Action.KEEP_ACCOUNT)
def send() -> Response:
    """Send the form on to where it was going, as it was (RFC 9110 15.4.8: 307 keeps method and content)."""
    path = _take()
    return redirect("/", 303) if path is None else redirect(path, 307)


@blueprint.post("/unfinished/drop", action=Action.KEEP_ACCOUNT)
def drop() -> Response:
    """Forget the form."""
    _take()
    return redirect(url_for("now_page.show"), 303)


def _take() -> str | None:
    store = site().store
    with store.writing() as connection:
        body = runs.take_draft(store, connection, require_account().id, _kept_id())
    session.pop("kept", None)
    if body is None:
        return None
    path: str = json.loads(body)["path"]
    return path


def _kept_id() -> bytes:
    return bytes.fromhex(session.get("kept", ""))
