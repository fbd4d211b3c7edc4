"""COPY and MOVE (RFC 4918 9.8, 9.9) of a member between calendars; moving one is a change of gateway."""

from app.caldav.backend import Condition, Stale
from app.caldav.conditions import Refused, bad_request, lacking, missing
from app.caldav.entity_tags import read_condition
from app.caldav.exchange import Request, Response
from app.caldav.hrefs import PathKind, path_of, read_path
from app.caldav.methods.put import store_octets, stored_response
from app.caldav.names import caldav
from app.caldav.preferences import Preferences
from app.caldav.properties.live import AskerView
from app.caldav.resources import Resource, required


def answer_copy_move(request: Request, view: AskerView) -> Response:
    """Answer a COPY or a MOVE: what was sent is put at the destination, then, for a MOVE, deleted here.

    In that order it ends as one moved closure, and a failure between the two loses nothing.
    """
    source = required(view.backend, request)
    if source.collection is None or source.entry is None:
        text = "Calendars stay where they are; members move."
        raise Refused(403, caldav("calendar-collection-location-ok"), text)
    if request.method == "MOVE" and not source.collection.writable:
        raise lacking(request.path, "unbind", "This calendar is for reading: nothing is moved out of it.")
    condition = read_condition(request.headers)
    if not condition.holds(source.entry.etag):
        raise Refused(412, "", "The member has changed since: fetch it again.")
    path = path_of(request.headers.get("destination", ""), request.headers.get("host", ""))
    if path is None:
        # "the destination server ... refuses to accept the resource" (RFC 4918 9.8.5).
        raise Refused(502, "", "The destination is on another server.")
    made = _put(request, view, source, path)
    if request.method == "MOVE":
        view.backend.delete(source.collection, source.entry.name, Condition())
    return made


def _put(request: Request, view: AskerView, source: Resource, path: str) -> Response:
    assert source.collection is not None
    assert source.entry is not None
    place = read_path(path)
    if not path or place is None or place.kind is not PathKind.MEMBER:
        raise bad_request("The destination is not the path of a member.")
    target = view.backend.collection(place.owner, place.collection)
    if target is None:
        raise Refused(409, "", "There is no such calendar.")
    if not target.writable:
        raise lacking(path, "bind", "That calendar is for reading: nothing is put into it.")
    if (target.owner, target.name, place.member) == (
        source.collection.owner,
        source.collection.name,
        source.entry.name,
    ):
        # "The source and destination resources are the same resource" (RFC 4918 9.8.5).
        raise Refused(403, "", "The member is there already.")
    member = view.backend.members(source.collection, [source.entry.name]).get(source.entry.name)
    if member is None:
        raise missing()
    overwrite = request.headers.get("overwrite", "T").strip().upper() != "F"
    condition = Condition() if overwrite else Condition(none_match=frozenset({"*"}))
    try:
        stored = store_octets(path, view, target, place.member, member.octets, condition=condition)
    except Stale as stale:
        raise Refused(412, "", "There is a member at the destination, and Overwrite is F.") from stale
    made = stored_response(stored, view, target, path, Preferences())
    return Response(made.status, (("Location", path), *made.headers) if stored.created else made.headers)
