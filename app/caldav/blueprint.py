"""The door itself: from HTTP to the protocol's values and back; who asks, and how much is read of a body."""

import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from urllib.parse import quote, urlsplit

from flask import Blueprint, Response, request
from werkzeug.routing import PathConverter

from app.caldav.boards.board import Board, board_of_dcc, board_of_user
from app.caldav.boards.listing_cache import Listings
from app.caldav.boards.member_cache import ReadMembers
from app.caldav.exchange import LARGEST_MULTIGET, Request
from app.caldav.exchange import Response as Answer
from app.caldav.limits import LIMITS
from app.caldav.methods.options import DAV_HEADER
from app.caldav.protocol import answer
from app.caldav.report_cost import ReportCost, ReportLimits, ReportTurns
from app.domain.access import Action, Role
from app.publishing import Publishing
from app.register.people.credentials import Bearer, find_bearer, note_bearer
from app.register.register import Register
from app.security.security_log import SecurityAction, security_event
from app.security.throttle import Throttle, network_of

# Every method of RFC 9110, 3253, 3648, 3744, 4437, 4791, 4918, 5323 and 5842: what is not offered is answered, too.
_METHODS = [
    "OPTIONS", "HEAD", "GET", "PUT", "DELETE", "POST", "PATCH", "TRACE", "PROPFIND", "PROPPATCH", "REPORT", "MKCOL",
    "MKCALENDAR", "COPY", "MOVE", "LOCK", "UNLOCK", "ACL", "BIND", "UNBIND", "REBIND", "SEARCH", "VERSION-CONTROL",
    "CHECKIN", "CHECKOUT", "UNCHECKOUT", "UPDATE", "LABEL", "MERGE", "ORDERPATCH", "MKREDIRECTREF", "UPDATEREDIRECTREF",
    "MKWORKSPACE", "MKACTIVITY", "BASELINE-CONTROL",
]  # fmt: skip
_ROOT_METHODS = ["PROPFIND", "REPORT", "PROPPATCH"]  # a browser's GET of / is a page
_ROOT_ALLOWS = ", ".join(["OPTIONS", "GET", "HEAD", *_ROOT_METHODS])
_READ_ONLY = frozenset({"GET", "HEAD", "OPTIONS", "PROPFIND", "REPORT"})
_OF_OBJECTS = frozenset({"PUT", "POST"})  # of the others the body is XML
# A 404 is everyday life here: programs look for what may be there.
_NOTED = {
    403: SecurityAction.ACCESS_REFUSED,
    413: SecurityAction.LIMIT_REACHED,
    507: SecurityAction.LIMIT_REACHED,
}
_CHALLENGE = 'Basic realm="Planned gateway closures calendars", charset="UTF-8"'
_SAME_PASSWORD_FAILS = 10  # of one name and password from one network in a minute: a device with a stale password
_ANY_PASSWORD_FAILS = 60  # of one name from one network in a minute, whichever passwords


class _Rest(PathConverter):
    """The rest of a path, whatever its slashes: what leads nowhere is the protocol's to say, after the challenge."""

    regex = "(?s:.*?)"  # a name may hold a line feed, percent-encoded
    part_isolating = False


@dataclass(frozen=True, slots=True)
class CaldavDoor:
    """What the door needs: the register, the feeds, a clock (aware UTC), and what it keeps itself.

    ``served_at`` is the host, with its port, of the service's own address.
    """

    register: Register
    publishing: Publishing
    listings: Listings
    read_members: ReadMembers
    now: Callable[[], datetime]
    throttle: Throttle
    served_at: str
    report_limits: ReportLimits
    report_turns: ReportTurns


def make_blueprint(
    register: Register, publishing: Publishing, now: Callable[[], datetime], base_url: str, report_limits: ReportLimits
) -> Blueprint:
    """Return the routes of the door. Slashes are neither merged nor added: no PROPFIND is ever redirected."""
    kept, served_at = (Listings(), ReadMembers()), urlsplit(base_url).netloc
    door = CaldavDoor(register, publishing, *kept, now, Throttle(), served_at, report_limits, ReportTurns())
    blueprint = Blueprint("caldav", __name__)
    blueprint.record_once(lambda state: state.app.url_map.converters.update(rest=_Rest))

    def serve(rest: str = "") -> Response:  # noqa: ARG001 - the protocol reads the path as it was sent
        return _serve(door)

    def root() -> Response:
        return _serve(door)

    def greet() -> Response:
        # Clients ask with no credential what the host can do; "*" is "the server in general" (RFC 9110 9.3.7).
        return Response(headers=dict([DAV_HEADER, ("Allow", _ROOT_ALLOWS)]))

    def discover() -> Response:
        # RFC 6764 5: before authentication, since a client looks here with none.
        return Response(status=301, headers={"Location": "/dav/", "Cache-Control": "max-age=3600"})

    # The door takes Basic alone and asks for it itself; nobody but a User writes, and only its own.
    add = partial(blueprint.add_url_rule, provide_automatic_options=False, action=Action.PUBLIC)
    for path in ("/dav", "/dav/<rest:rest>", "/principals", "/principals/"):
        add(path, "serve", serve, methods=_METHODS, merge_slashes=False)
    add("/", "root", root, methods=_ROOT_METHODS)
    for path in ("/", "/*"):
        add(path, "greet", greet, methods=["OPTIONS"])
    for path in ("/.well-known/caldav", "/.well-known/caldav/"):
        add(path, "discover", discover, methods=_METHODS, merge_slashes=False)
    return blueprint


def _serve(door: CaldavDoor) -> Response:
    now = door.now()
    name, password = _stated()
    if name is None or password is None:
        return _challenge()  # the first request of most clients brings no credential: no failure
    network = network_of(request.remote_addr or "")
    keys = {(network, name, password): _SAME_PASSWORD_FAILS, (network, name): _ANY_PASSWORD_FAILS}
    wait = max(door.throttle.wait(key, limit, now) for key, limit in keys.items())
    if wait:
        security_event(SecurityAction.THROTTLED, failed=True, step="app-password")
        text = "This password was refused many times. Give your calendar program a new one, or remove the account.\n"
        return Response(text, 429, {"Retry-After": str(wait)}, content_type="text/plain; charset=utf-8")
    with door.register.store.reading() as connection:
        bearer = find_bearer(door.register, connection, name, password, now)
        found = None
        if bearer is not None and bearer.sender is not None and request.method in _READ_ONLY:
            # Who asks, and what, in one look at the database.
            found = _answer(replace(door, register=door.register.within(connection)), bearer, now)
    if bearer is not None and found is None:
        found = _answer(door, bearer, now)
    if bearer is None or found is None:
        for key in keys:
            door.throttle.note_failure(key, now)
        return _challenge()
    note_bearer(door.register.store, bearer, now)
    if found.status in _NOTED:
        security_event(_NOTED[found.status], failed=True, reason="caldav", status=found.status, route=request.endpoint)
    response = Response(found.body, found.status)
    del response.headers["Content-Type"]  # the protocol states its own where there is a body
    for header, value in found.headers:
        response.headers.add(header, value)
    response.vary.add("Authorization")
    return response


def _answer(door: CaldavDoor, bearer: Bearer, now: datetime) -> Answer | None:
    """Return the protocol's answer to whoever brings a token; None where calendars are nothing for that role."""
    board = _board(door, bearer, now)
    if board is None:
        return None
    body = _body()
    headers = {key.lower(): value for key, value in request.headers.items()}
    headers["host"] = getattr(request, "named_host", None) or ""
    cost = ReportCost(door.report_limits, door.report_turns, board.account)
    return answer(Request(request.method, _path(), headers, body, door.served_at), board, cost)


def _board(door: CaldavDoor, bearer: Bearer, now: datetime) -> Board | None:
    """Return the calendars of whoever asks: a User's own, or those of DCC's staff; None for any other role."""
    if bearer.sender is not None:
        label, listings, read_members = bearer.principal.name, door.listings, door.read_members
        return board_of_user(door.register, bearer.sender, label, now, listings=listings, read_members=read_members)
    if bearer.principal.role is Role.DCC:
        return board_of_dcc(door.register, door.publishing, bearer.principal.name, now)
    return None


def _stated() -> tuple[str | None, str | None]:
    """Return the user name and password of Basic; anything else states none."""
    stated = request.authorization
    if stated is None or stated.type != "basic":
        return None, None
    return (stated.username or "").strip().upper(), stated.password or ""


def _challenge() -> Response:
    text = "Sign in with the User's code and an app password.\n"
    headers = {"WWW-Authenticate": _CHALLENGE}
    return Response(text, 401, headers, content_type="text/plain; charset=utf-8")


def _body() -> bytes:
    """Return the body, chunked or not, up to one octet over its limit: enough to refuse it."""
    request.max_content_length = sys.maxsize  # the protocol says which precondition failed; Flask would say 413
    return request.stream.read((LIMITS.octets if request.method in _OF_OBJECTS else LARGEST_MULTIGET) + 1)


def _path() -> str:
    """Return the path as the client spelt it, still percent-encoded (RFC 3986 6.2.2: hrefs come back as they were)."""
    sent: str = request.environ.get("RAW_URI") or request.environ.get("REQUEST_URI") or quote(request.path)
    if not sent.startswith("/"):  # the absolute form, RFC 9112 3.2.2
        sent = "/" + sent.partition("://")[2].partition("/")[2]
    return sent.partition("?")[0].partition("#")[0]
