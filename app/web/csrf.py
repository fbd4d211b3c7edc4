"""Which requests need a form's token: every write that a browser's session alone would authorise."""

from flask import Flask, request, session
from flask_wtf import CSRFProtect

from app.web.routes import asks_who

_READING = {"GET", "HEAD", "OPTIONS", "TRACE"}
_NO_SESSION = {"caldav", "leaving"}


def install_csrf(app: Flask) -> None:
    """Ask for the token on every write that the header of a program does not authenticate.

    What counts is what a request is let in by. A route that says who may open it lets a request with a header in by
    that header alone (``install_access``), so that it is its own proof: no form of another site can add one, and a
    browser that remembers Basic asks first before it sends a type that the API takes. The steps of signing in look at
    no header, and a request that brings a session too may be let in by that. The link in a mail is its own proof too:
    a program that shows the mail presses for its reader, and has no page's token (RFC 8058 3.2).
    """
    protect = CSRFProtect(app)

    @app.before_request
    def _check() -> None:
        if request.method in _READING or request.endpoint is None:
            return
        if request.blueprint in _NO_SESSION:
            return  # no session opens these, so none can be misused
        if "sid" not in session and asks_who(request) and (request.authorization or request.path.startswith("/api/")):
            return  # let in by its header, or by nothing: it is told so, with 401
        protect.protect()
