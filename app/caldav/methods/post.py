"""POST to a collection (RFC 5995): a member is added under a name that the service chooses."""

from hashlib import sha256

from app.caldav.backend import Condition, Stale
from app.caldav.conditions import Refused
from app.caldav.exchange import Request, Response
from app.caldav.hrefs import segment
from app.caldav.markup import href
from app.caldav.methods.options import allowed
from app.caldav.methods.put import store, stored_response
from app.caldav.names import caldav
from app.caldav.properties.live import AskerView
from app.caldav.request_headers import read_preferences
from app.caldav.resources import required


def answer_post(request: Request, view: AskerView) -> Response:
    """Answer a POST: 201 and a Location (RFC 5995 3.1).

    The name follows from the octets, so that a POST sent twice finds the member that the first one made.
    """
    resource = required(view.backend, request)
    if resource.collection is None or resource.entry is not None:
        raise Refused(405, "", "Members are added to a calendar.", headers=(("Allow", allowed(resource)),))
    name = f"{sha256(request.body).hexdigest()[:32]}.ics"
    path = resource.href + segment(name)
    added = Request(request.method, path, request.headers, request.body)
    try:
        stored = store(added, view, resource.collection, name, Condition(none_match=frozenset({"*"})))
    except Stale as stale:
        raise Refused(403, caldav("no-uid-conflict"), "This was added before.", inner=href(path)) from stale
    made = stored_response(stored, view, resource.collection, path, read_preferences(request.headers))
    return Response(made.status, (("Location", path), *made.headers), made.body)
