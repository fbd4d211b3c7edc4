"""OPTIONS (RFC 4918 10.1, RFC 4791 5.1), and which methods a place takes."""

from app.caldav.exchange import Request, Response
from app.caldav.hrefs import PathKind, read_path
from app.caldav.properties.live import AskerView
from app.caldav.resources import Resource, find_place

# Class 2 (locks) and scheduling are not offered, so they are not named.
DAV_HEADER = ("DAV", "1, 3, access-control, calendar-access")
_ANYWHERE = "OPTIONS, PROPFIND, PROPPATCH, REPORT"
_OF_MEMBER = "OPTIONS, GET, HEAD, PUT, DELETE, COPY, MOVE, PROPFIND, PROPPATCH, REPORT"


def allowed(resource: Resource | None) -> str:
    """Return the methods that a place takes; None stands for where a member might be put."""
    if resource is None or resource.kind is PathKind.MEMBER:
        return _OF_MEMBER
    return f"{_ANYWHERE}, POST" if resource.kind is PathKind.COLLECTION else _ANYWHERE


def answer_options(request: Request, view: AskerView) -> Response:
    """Answer OPTIONS, also of what is not there: clients ask before they put."""
    place = read_path(request.path)
    found = find_place(view.backend, place, request.path) if place is not None else None
    return Response(200, (("Allow", allowed(found)),))
