"""The mark of a known device, in a cookie that outlives signing out (docs/SECURITY.md#how-guessing-is-slowed)."""

from datetime import timedelta

from flask import Response, after_this_request, current_app, request

from app.register.people.sign_in import Origin, mark_device
from app.store.accounts import Account
from app.web.site import site

_LASTS = timedelta(days=400)  # as long as browsers keep a cookie at most (RFC 6265bis)


def origin() -> Origin:
    """Return where this request comes from, for the limits on tries."""
    return Origin(request.remote_addr or "", request.cookies.get(_name(), ""))


def remember_device(account: Account) -> None:
    """Mark the browser: the account has just signed in with it, wholly."""
    mark = mark_device(site().store, account)

    @after_this_request
    def _mark(response: Response) -> Response:
        response.set_cookie(
            _name(),
            mark,
            max_age=_LASTS,
            secure=current_app.config["SESSION_COOKIE_SECURE"],
            httponly=True,
            samesite="Lax",
        )
        return response


def _name() -> str:
    return f"{current_app.config['SESSION_COOKIE_NAME']}-device"
