"""Signing in by a one-time link, and signing out: sessions are rows on our side, the cookie holds only their id."""

from hashlib import sha256

from flask import Blueprint, g, redirect, render_template, session, url_for
from werkzeug.wrappers import Response

from app.domain.refusal import AccessRefused
from app.security.tokens import TokenKind, kind_of, new_session_id
from app.store import accounts
from app.store.accounts import StoredToken
from app.store.engine import Connection
from app.web.principal import digest_of, signed_in_account
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
    return {"account": g.get("account")}


@blueprint.get("/sign-in")
def sign_in() -> Response | str:
    """Say how to sign in; who is signed in already goes to the schedule."""
    if signed_in_account() is not None:
        return redirect(url_for("schedule.horizon"), 303)
    return render_template("sign_in.html")


@blueprint.get("/sign-in/<token>")
def link(token: str) -> str:
    """Show the one button that uses the link up: programs that look at links before people do must not."""
    with site().store.reading() as connection:
        _live_token(connection, token)
    return render_template("sign_in_link.html", token=token)


@blueprint.post("/sign-in/<token>")
def use_link(token: str) -> Response:
    """Use the link up and open a session under a new id."""
    now, session_id = site().now(), new_session_id()
    with site().store.writing() as connection:
        found = _live_token(connection, token)
        if found.account_id is None or not accounts.revoke_token(connection, found.id, now):
            raise LinkSpent
        _end_current(connection)
        accounts.open_session(connection, _digest(session_id), found.account_id, now)
    session.clear()
    session["sid"] = session_id
    return redirect(url_for("schedule.horizon"), 303)


@blueprint.post("/sign-out")
def sign_out() -> Response:
    """End the session on our side, then forget its id."""
    with site().store.writing() as connection:
        _end_current(connection)
    session.clear()
    return redirect(url_for("session.sign_in"), 303)


def _live_token(connection: Connection, token: str) -> StoredToken:
    if kind_of(token) is TokenKind.SIGN_IN:
        found = accounts.token_by_digest(site().store, connection, digest_of(token))
        if found is not None and found.kind == TokenKind.SIGN_IN and found.is_live(site().now()):
            return found
    raise LinkSpent


def _end_current(connection: Connection) -> None:
    session_id = session.get("sid")
    if session_id:
        accounts.end_session(connection, _digest(session_id), site().now())


def _digest(session_id: str) -> bytes:
    return sha256(session_id.encode()).digest()
