"""DELETE (RFC 4918 9.6): a member deleted is a notice withdrawn."""

from app.caldav.backend import Stale
from app.caldav.conditions import Refused, lacking, missing
from app.caldav.exchange import Request, Response
from app.caldav.properties.live import AskerView
from app.caldav.request_headers import read_condition
from app.caldav.resources import required


def answer_delete(request: Request, view: AskerView) -> Response:
    """Answer a DELETE. Collections stay: they are the service's to make and to end."""
    resource = required(view.backend, request)
    if resource.collection is None or resource.entry is None:
        raise lacking(request.path, "unbind", "Calendars and homes are made and ended by the service.")
    if not resource.collection.writable:
        raise lacking(request.path, "unbind", "This calendar is for reading: nothing is withdrawn from it.")
    try:
        removed = view.backend.delete(resource.collection, resource.entry.name, read_condition(request, view))
    except Stale as stale:
        if stale.entry is None:
            raise missing() from stale
        raise Refused(412, "", "The member has changed since: fetch it again.") from stale
    if not removed:
        raise missing()
    return Response(204)
