"""COPY, MOVE and DELETE of a member (RFC 4918 9.6, 9.8, 9.9): moved is another gateway, deleted is withdrawn."""

from app.caldav.backend import CalendarCollection, Condition, DestinationTaken, ObjectRefused, Stale, Stored
from app.caldav.exchange import Refused, Request, Response, bad_request, lacking, missing
from app.caldav.methods.get_put import object_refusal, stored_response
from app.caldav.notation import caldav
from app.caldav.properties.live import AskerView
from app.caldav.request_headers import Preferences, read_condition
from app.caldav.resources import PathKind, Resource, path_of, read_path, required
from app.ical.components import read_calendars


def answer_copy_move(request: Request, view: AskerView) -> Response:
    """Answer a COPY, which is a notice for the other gateway, or a MOVE, by which a closure changes its gateway."""
    source = required(view.backend, request)
    if source.collection is None or source.entry is None:
        text = "Calendars stay where they are; members move."
        raise Refused(403, caldav("calendar-collection-location-ok"), text)
    if request.method == "MOVE" and not source.collection.writable:
        raise lacking(request.path, "unbind", "This calendar is for reading: nothing is moved out of it.")
    path, target, name = _destination(request, view, source)
    carry_out = _move if request.method == "MOVE" else _copy
    try:
        stored = carry_out(request, view, source, target, name)
    except DestinationTaken as taken:
        raise Refused(412, "", "There is a member at the destination, and Overwrite is F.") from taken
    except ObjectRefused as refused:
        raise object_refusal(refused, path) from refused
    made = stored_response(stored, view, target, path, Preferences())
    return Response(made.status, (("Location", path), *made.headers) if stored.created else made.headers, made.body)


def _destination(request: Request, view: AskerView, source: Resource) -> tuple[str, CalendarCollection, str]:
    """Return where the member is to stand: the path, the collection and the name. Raise ``Refused``."""
    assert source.collection is not None
    assert source.entry is not None
    path = path_of(request.headers.get("destination", ""), request)
    if path is None:
        # "the destination server ... refuses to accept the resource" (RFC 4918 9.8.5).
        raise Refused(502, "", "The destination is on another server.")
    place = read_path(path)
    if not path or place is None or place.kind is not PathKind.MEMBER:
        raise bad_request("The destination is not the path of a member.")
    target = view.backend.collection(place.owner, place.collection)
    if target is None:
        raise Refused(409, "", "There is no such calendar.")
    if not target.writable:
        raise lacking(path, "bind", "That calendar is for reading: nothing is put into it.")
    if target == source.collection and place.member == source.entry.name:
        # "The source and destination resources are the same resource" (RFC 4918 9.8.5).
        raise Refused(403, "", "The member is there already.")
    return path, target, place.member


def _move(request: Request, view: AskerView, source: Resource, target: CalendarCollection, name: str) -> Stored:
    assert source.collection is not None
    assert source.entry is not None
    condition, overwrite = read_condition(request, view), _overwrites(request)
    try:
        return view.backend.move(source.collection, source.entry.name, target, name, condition, overwrite=overwrite)
    except Stale as stale:
        raise _changed() if stale.entry is not None else missing() from stale


def _copy(request: Request, view: AskerView, source: Resource, target: CalendarCollection, name: str) -> Stored:
    assert source.collection is not None
    assert source.entry is not None
    member = view.backend.members(source.collection, [source.entry.name]).get(source.entry.name)
    if member is None:
        raise missing()
    if not read_condition(request, view).holds(member.entry.etag, member.entry.changed_at):
        raise _changed()
    anything, nothing = Condition(), Condition(none_match=frozenset({"*"}))
    try:
        return view.backend.put(
            target, name, read_calendars(member.octets), anything if _overwrites(request) else nothing
        )
    except Stale as stale:
        raise DestinationTaken from stale


def _overwrites(request: Request) -> bool:
    """Tell whether what stands at the destination is replaced: "T" unless said otherwise (RFC 4918 10.6)."""
    return request.headers.get("overwrite", "T").strip().upper() != "F"


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
        raise _changed() from stale
    if not removed:
        raise missing()
    return Response(204)


def _changed() -> Refused:
    return Refused(412, "", "The member has changed since: fetch it again.")
