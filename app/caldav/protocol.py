"""The CalDAV door without I/O: one request in, one answer out."""

from collections.abc import Callable
from dataclasses import replace

from app.caldav.backend import Backend, TooMuchAsked
from app.caldav.conditions import Refused
from app.caldav.exchange import Request, Response
from app.caldav.hrefs import PathKind, read_path
from app.caldav.methods.copy_move import answer_copy_move
from app.caldav.methods.delete import answer_delete
from app.caldav.methods.get import answer_get
from app.caldav.methods.mkcalendar import answer_mkcalendar
from app.caldav.methods.options import DAV_HEADER, allowed, answer_options
from app.caldav.methods.post import answer_post
from app.caldav.methods.propfind import answer_propfind
from app.caldav.methods.proppatch import answer_proppatch
from app.caldav.methods.put import answer_put
from app.caldav.methods.report import answer_report
from app.caldav.properties.live import AskerView, view_of
from app.caldav.reports.calendar_query import too_many
from app.caldav.resources import find_place, with_slash

_METHODS: dict[str, Callable[[Request, AskerView], Response]] = {
    "OPTIONS": answer_options,
    "GET": answer_get,
    "HEAD": answer_get,
    "PUT": answer_put,
    "POST": answer_post,
    "DELETE": answer_delete,
    "COPY": answer_copy_move,
    "MOVE": answer_copy_move,
    "PROPFIND": answer_propfind,
    "PROPPATCH": answer_proppatch,
    "REPORT": answer_report,
    "MKCALENDAR": answer_mkcalendar,
    "MKCOL": answer_mkcalendar,
}


def answer(request: Request, backend: Backend) -> Response:
    """Answer a request; raises only what the backend raises when it fails."""
    try:
        view = view_of(backend)
        method = _METHODS.get(request.method.upper())
        made = method(request, view) if method is not None else _not_allowed(request, view).response()
    except Refused as refused:
        made = refused.response()
    except TooMuchAsked:
        made = too_many("This time-range needs more evaluation than is done at once; ask for a shorter one.").response()
    return replace(made, headers=(DAV_HEADER, *_location(request), *made.headers))


def _not_allowed(request: Request, view: AskerView) -> Refused:
    """Return the refusal of what is not offered: locks (class 2), ACL, sharing."""
    place = read_path(request.path)
    found = find_place(view.backend, place, request.path) if place is not None else None
    return Refused(405, "", "This method is not offered here.", headers=(("Allow", allowed(found)),))


def _location(request: Request) -> tuple[tuple[str, str], ...]:
    """Return the Content-Location of a collection named without its slash: "the server SHOULD" (RFC 4918 5.2)."""
    place = read_path(request.path)
    bare = place is not None and place.kind is not PathKind.MEMBER and not request.path.endswith("/")
    return (("Content-Location", with_slash(request.path)),) if bare else ()
