"""The session of a browser: the cookie holds a random id, and everything about it is a row on our side."""

from collections.abc import Callable
from hashlib import sha256
from typing import Any

from flask import Flask, Request, g, request, session
from flask.sessions import SecureCookieSessionInterface

from app.security.security_log import SecurityAction, asked_by, security_event
from app.security.tokens import new_session_id
from app.store import sessions
from app.store.noting import note_use
from app.store.sessions import Session, Stage
from app.web.agents import browser_words
from app.web.desk import desk_here, leave_desk
from app.web.site import site

_OUTLIVE_SIGN_IN = ("next", "kept")  # where a person was going, and what was typed on the way


class CookieSessions(SecureCookieSessionInterface):
    """Flask's own signed cookie; but its serializer is made once, not for each request that brings no cookie at all.

    ``key`` gives the secret of ``app``, another one once the root of the keys was rotated.
    """

    def __init__(self, app: Flask, key: Callable[[], bytes]) -> None:
        self._key = key
        self._made = app.config["SECRET_KEY"], super().get_signing_serializer(app)

    def open_session(self, app: Flask, request: Request) -> Any:
        """Return what the cookie holds; a request that brings none, as a program's does not, has nothing to read."""
        if "HTTP_COOKIE" in request.environ:
            return super().open_session(app, request)
        self.get_signing_serializer(app)
        return self.session_class()

    def get_signing_serializer(self, app: Flask) -> Any:
        """Return what signs and reads the cookie."""
        secret, serializer = self._made
        if (newest := self._key()) != secret:
            app.config["SECRET_KEY"] = newest  # which signs the tokens of forms, too
            serializer = super().get_signing_serializer(app)
            self._made = newest, serializer
        return serializer


def current_session() -> Session | None:
    """Return the session of this request, if it lives."""
    if "session" not in g:
        g.session = _find()
    found: Session | None = g.session
    return found


def start_session(account_id: bytes, stage: Stage) -> None:
    """Open a session under a new id, in place of the one before (docs/threat-model.md#people)."""
    store, now, session_id = site().store, site().now(), new_session_id()
    new = Session(
        _digest(session_id),
        account_id,
        stage,
        now,
        now,
        browser_words(request.user_agent.string),
        request.remote_addr or "",
    )
    same, desk = former_owner() == account_id, desk_here()
    with store.writing() as connection:
        if session.get("sid"):
            sessions.end_session(connection, _digest(session["sid"]), now)
        sessions.open_session(store, connection, new)
    if desk is not None and desk.account.id != account_id:
        leave_desk()  # a machine is signed in for one person: what ends here must not open the pages of another
    # Forms that the same person has open in other tabs stay good; those of another are not.
    outlive = (*_OUTLIVE_SIGN_IN, "csrf_token") if same else _OUTLIVE_SIGN_IN
    held = {name: session[name] for name in outlive if name in session}
    session.clear()
    session.update(held, sid=session_id)
    asked_by(account=account_id)
    for name in ("session", "account", "principal", "csrf_token"):
        g.pop(name, None)


def end_current_session() -> None:
    """End the session on our side, then forget its id; the desk session of this machine with it."""
    leave_desk()
    if session.get("sid"):
        with site().store.writing() as connection:
            digest = _digest(session["sid"])
            sessions.end_session(connection, digest, site().now())
            security_event(SecurityAction.SIGN_OUT, account=sessions.session_owner(connection, digest))
    session.clear()


def former_owner() -> bytes | None:
    """Return the row id of the account whose session this browser has or last had, or whose desk session it has."""
    if session.get("sid"):
        with site().store.reading() as connection:
            owner = sessions.session_owner(connection, _digest(session["sid"]))
        if owner is not None:
            return owner
    desk = desk_here()
    return None if desk is None else desk.account.id


def _find() -> Session | None:
    session_id = session.get("sid")
    if not session_id:
        return None
    store, now, digest = site().store, site().now(), _digest(session_id)
    with store.reading() as connection:
        found = sessions.live_session(store, connection, digest, now)
    if found is not None and not _is_unattended():
        note_use(store, found.seen_at, now, lambda to: sessions.touch_session(to, digest, now))
    return found


def _is_unattended() -> bool:
    """Tell whether a page asks for itself, with nobody at work: that is no use of a session."""
    return request.endpoint == "wall.show" or "Closures-Refresh" in request.headers


def _digest(session_id: str) -> bytes:
    return sha256(session_id.encode()).digest()
