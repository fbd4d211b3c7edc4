"""The CalDAV door without I/O: one request in, one answer out."""

from collections.abc import Callable
from dataclasses import replace

from app.caldav.backend import Backend, NoRoom, TooMuchAsked
from app.caldav.exchange import Refused, Request, Response
from app.caldav.methods.copy_move_delete import answer_copy_move, answer_delete
from app.caldav.methods.get_put import answer_get, answer_post, answer_put
from app.caldav.methods.options import DAV_HEADER, allowed, answer_mkcalendar, answer_options
from app.caldav.methods.propfind_proppatch import answer_propfind, answer_proppatch
from app.caldav.methods.report import answer_report
from app.caldav.notation import dav
from app.caldav.properties.live import AskerView, view_of
from app.caldav.report_cost import ReportCost, too_much
from app.caldav.resources import PathKind, find, read_path, with_slash

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


def answer(request: Request, backend: Backend, cost: ReportCost) -> Response:
    """Answer a request, which may come to ``cost``; raises only what the backend raises when it fails."""
    try:
        view = view_of(backend, cost)
        method = _METHODS.get(request.method.upper())
        made = method(request, view) if method is not None else _not_allowed(request, view).response()
    except Refused as refused:
        made = refused.response()
    except NoRoom as full:
        # "507 ... the DAV:quota-not-exceeded precondition" (RFC 4331 6).
        made = Refused(507, dav("quota-not-exceeded"), full.text).response()
    except TooMuchAsked:
        made = too_much("This time-range needs more evaluation than is done at once; ask for a shorter one.").response()
    finally:
        cost.close()
    return replace(made, headers=(DAV_HEADER, *_location(request), *made.headers))


def _not_allowed(request: Request, view: AskerView) -> Refused:
    """Return the refusal of what is not offered: locks (class 2), ACL, sharing."""
    allow = allowed(find(view.backend, request.path))
    return Refused(405, "", "This method is not offered here.", headers=(("Allow", allow),))


def _location(request: Request) -> tuple[tuple[str, str], ...]:
    """Return the Content-Location of a collection named without its slash: "the server SHOULD" (RFC 4918 5.2)."""
    place = read_path(request.path)
    bare = place is not None and place.kind is not PathKind.MEMBER and not request.path.endswith("/")
    return (("Content-Location", with_slash(request.path)),) if bare else ()
