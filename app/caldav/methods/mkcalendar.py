"""MKCALENDAR and MKCOL (RFC 4791 5.3.1, RFC 5689 3): refused, since calendars are the gateways of a User."""

from app.caldav.conditions import Refused, lacking
from app.caldav.exchange import Request, Response
from app.caldav.hrefs import PathKind, read_path
from app.caldav.methods.options import allowed
from app.caldav.names import caldav, dav
from app.caldav.properties.live import AskerView
from app.caldav.resources import find_place
from app.caldav.xml import parse


def answer_mkcalendar(request: Request, view: AskerView) -> Response:
    """Refuse, each time under the precondition that comes first."""
    if request.body.strip():
        parse(request.body, caldav("mkcalendar"), dav("mkcol"))
    place = read_path(request.path)
    found = find_place(view.backend, place, request.path) if place is not None else None
    if found is not None and request.method == "MKCOL":
        # "MKCOL can only be executed on an unmapped URL", otherwise 405 (RFC 4918 9.3.1).
        raise Refused(405, dav("resource-must-be-null"), "Something is here.", headers=(("Allow", allowed(found)),))
    if found is not None:
        raise Refused(403, dav("resource-must-be-null"), "Something is here already.")
    if place is None or place.kind is not PathKind.COLLECTION or view.backend.principal(place.owner) is None:
        raise Refused(403, caldav("calendar-collection-location-ok"), "Calendars lie in calendar homes only.")
    raise lacking(request.path, "bind", "There is one calendar for each gateway; the service makes them.")
