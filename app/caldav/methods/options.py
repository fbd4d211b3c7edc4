"""OPTIONS, and which methods a place takes; MKCALENDAR and MKCOL, which are refused everywhere."""

from app.caldav.exchange import Refused, Request, Response, lacking, parse
from app.caldav.notation import caldav, dav
from app.caldav.properties.live import AskerView
from app.caldav.resources import PathKind, Resource, find, read_path

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
    return Response(200, (("Allow", allowed(find(view.backend, request.path))),))


def answer_mkcalendar(request: Request, view: AskerView) -> Response:
    """Refuse, each time under the precondition that comes first."""
    if request.body.strip():
        parse(request.body, caldav("mkcalendar"), dav("mkcol"))
    place = read_path(request.path)
    found = find(view.backend, request.path)
    if found is not None and request.method == "MKCOL":
        # "MKCOL can only be executed on an unmapped URL", otherwise 405 (RFC 4918 9.3.1).
        raise Refused(405, dav("resource-must-be-null"), "Something is here.", headers=(("Allow", allowed(found)),))
    if found is not None:
        raise Refused(403, dav("resource-must-be-null"), "Something is here already.")
    if place is None or place.kind is not PathKind.COLLECTION or view.backend.principal(place.owner) is None:
        raise Refused(403, caldav("calendar-collection-location-ok"), "Calendars lie in calendar homes only.")
    raise lacking(request.path, "bind", "There is one calendar for each gateway; the service makes them.")
