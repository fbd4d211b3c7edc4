"""Which requests need a form's token: every write that a browser's session alone would authorise."""

from flask import Flask, request, session
from flask_wtf import CSRFProtect

_READING = {"GET", "HEAD", "OPTIONS", "TRACE"}


def install_csrf(app: Flask) -> None:
    """Ask for the token on every write without a credential of its own.

    A program's Basic or Bearer header is its own proof. No form of another site can add one, and a browser that
    remembers Basic asks first before it sends a type that the API takes.
    """
    protect = CSRFProtect(app)

    @app.before_request
    def _check() -> None:
        if request.method in _READING or request.endpoint is None or request.authorization is not None:
            return
        if request.blueprint == "caldav":
            return  # no session opens a calendar, so none can be misused
        if request.path.startswith("/api/") and "sid" not in session:
            return  # nobody is asking: the API says so itself, with 401
        protect.protect()
