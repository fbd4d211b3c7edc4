"""GET, HEAD, PUT and POST of a member: its octets as they were sent; a member put is a notice given."""

from dataclasses import replace
from hashlib import sha256

from app.caldav.backend import CalendarCollection, Condition, MemberEntry, ObjectRefused, Stale, Stored
from app.caldav.exchange import Refused, Request, Response, lacking, missing
from app.caldav.methods.options import allowed
from app.caldav.notation import caldav, href, http_date, read_http_date
from app.caldav.object_checks import check_size, check_type, read_checked
from app.caldav.properties.live import AskerView
from app.caldav.request_headers import VARY, Preferences, read_condition, read_preferences
from app.caldav.resources import DavPath, PathKind, collection_path, find_place, read_path, required, segment

CONTENT_TYPE = ("Content-Type", "text/calendar; charset=utf-8; component=VEVENT")
RECEIPT_HEADER = "X-Closure-Receipt"
ALSO_AT_HEADER = "X-Closure-Also-At"
_CACHE = ("Cache-Control", "private, no-cache")


def answer_get(request: Request, view: AskerView) -> Response:
    """Answer a GET, or a HEAD, whose answer is the same but for the body that whoever sends it leaves out."""
    resource = required(view.backend, request)
    if resource.kind is not PathKind.MEMBER or resource.collection is None or resource.entry is None:
        text = "This is a CalDAV address. Enter it in a calendar program; it is not a page."
        raise Refused(405, "", text, headers=(("Allow", allowed(resource)),))
    condition = read_condition(request, view)
    entry = resource.entry
    if not condition.is_current(entry.etag, entry.changed_at):
        raise Refused(412, "", "The member has changed since.")
    if _is_known(request, entry, condition.none_match):
        return Response(304, validators(entry))
    member = view.backend.members(resource.collection, [entry.name]).get(entry.name)
    if member is None:
        raise missing()
    return Response(200, (CONTENT_TYPE, *validators(member.entry)), member.octets)


def validators(entry: MemberEntry) -> tuple[tuple[str, str], ...]:
    """Return the headers by which a copy is known to be fresh."""
    return ("ETag", f'"{entry.etag}"'), ("Last-Modified", http_date(entry.changed_at)), _CACHE


def _is_known(request: Request, entry: MemberEntry, none_match: frozenset[str] | None) -> bool:
    """Tell whether the client has it: If-None-Match decides wherever it is sent (RFC 9110 13.1.3)."""
    if none_match is not None:
        return bool(none_match & {entry.etag, "*"})
    known = read_http_date(request.headers.get("if-modified-since"))
    return known is not None and entry.changed_at.replace(microsecond=0) <= known


def answer_put(request: Request, view: AskerView) -> Response:
    """Answer a PUT.

    What is wrong with the content comes before any condition: "A server MUST ignore all received preconditions if its
    response to the same request without those conditions ... would have been" a refusal (RFC 9110 13.2.1).
    """
    place, collection = _put_target(request, view)
    condition = read_condition(request, view)
    try:
        stored = store(request, view, collection, place.member, condition)
    except Stale as stale:
        text = "The member is not as the condition has it: fetch it again."
        if condition == Condition():
            text = "The event was changed elsewhere since this was fetched: fetch it again, then change it."
        return _stale(stale, request, view, collection, text)
    return stored_response(stored, view, collection, request.path, read_preferences(request.headers))


def _put_target(request: Request, view: AskerView) -> tuple[DavPath, CalendarCollection]:
    """Return where a PUT leads. Raise ``Refused``."""
    place = read_path(request.path)
    if place is None:
        raise Refused(403, "", "A name is UTF-8 of at most 512 octets, without controls and slashes.")
    if place.kind is not PathKind.MEMBER:
        found = find_place(view.backend, place, request.path)
        if found is None:
            raise Refused(403, "", "Members are put into a gateway's calendar, and nowhere else.")
        # "A PUT request to an existing collection" has no defined meaning (RFC 4918 9.7.2).
        raise Refused(405, "", "This is a collection.", headers=(("Allow", allowed(found)),))
    collection = view.backend.collection(place.owner, place.collection)
    if collection is None:
        # "without an appropriately scoped parent collection MUST fail with a 409" (RFC 4918 9.7.1).
        raise Refused(409, "", "There is no such calendar.")
    return place, collection


def store(request: Request, view: AskerView, collection: CalendarCollection, name: str, condition: Condition) -> Stored:
    """Store a request's body as a member. Raise ``Refused`` and ``Stale``."""
    if not collection.writable:
        path = request.path
        raise lacking(path, "write-content", "This calendar is for reading: nothing is put into it.")
    check_type(request.headers)
    check_size(request.body, view.bounds)
    try:
        sent = read_checked(request.body, view.bounds)
    except Refused:
        # Octets that give no notice are kept all the same, for whoever asks what was sent.
        view.backend.refuse(collection, request.body)
        raise
    try:
        return view.backend.put(collection, name, sent, condition)
    except ObjectRefused as refused:
        raise object_refusal(refused, request.path) from refused


def object_refusal(refused: ObjectRefused, path: str) -> Refused:
    """Return why an object cannot stand at a path, in the words of RFC 4791 5.3.2.1."""
    inner = ""
    if refused.href_name is not None:
        # "report the URL of the resource that is already making use of the same UID" (RFC 4791 5.3.2.1).
        inner = href(path.rpartition("/")[0] + "/" + segment(refused.href_name))
    return Refused(403, caldav(refused.precondition), refused.text, inner=inner)


def stored_response(
    stored: Stored, view: AskerView, collection: CalendarCollection, path: str, wants: Preferences
) -> Response:
    """Return how a PUT went.

    A tag is given only where a GET returns the octets sent: a server "MUST NOT" give one otherwise (RFC 9110 9.3.4),
    and clients then fetch the member again. Where the same event stands elsewhere, a 201 without a member says so in a
    sentence too; a 204 has no body to say it in.
    """
    facts = _facts(stored, collection)
    if wants.representation:
        member = view.backend.members(collection, [stored.entry.name]).get(stored.entry.name)
        if member is not None:
            headers = (CONTENT_TYPE, *validators(member.entry), *facts, ("Content-Location", path))
            return Response(201 if stored.created else 200, (*headers, *wants.applied("representation")), member.octets)
    tag = (("ETag", f'"{stored.entry.etag}"'),) if stored.is_as_sent else ()
    if not stored.created:
        return Response(204, (*tag, *facts, VARY))
    if not stored.also_at:
        return Response(201, (*tag, *facts, VARY))
    where = " and ".join(stored.also_at)
    said = f"This event also stands at {where}, where it is a closure of its own. If it has moved, delete it there.\n"
    return Response(201, (("Content-Type", "text/plain; charset=utf-8"), *tag, *facts, VARY), said.encode())


def _facts(stored: Stored, collection: CalendarCollection) -> tuple[tuple[str, str], ...]:
    """Return the headers that say what the notice came to, and where else the same event stands."""
    receipt = ((RECEIPT_HEADER, stored.receipt),) if stored.receipt else ()
    others = ", ".join(collection_path(collection.owner, name) for name in stored.also_at)
    return (*receipt, *(((ALSO_AT_HEADER, others),) if others else ()))


def _stale(stale: Stale, request: Request, view: AskerView, collection: CalendarCollection, text: str) -> Response:
    """Return a 412, with the member as it stands where that is preferred (RFC 8144 3.2)."""
    wants = read_preferences(request.headers)
    if stale.entry is not None and wants.representation:
        member = view.backend.members(collection, [stale.entry.name]).get(stale.entry.name)
        if member is not None:
            headers = (CONTENT_TYPE, *validators(member.entry), ("Content-Location", request.path))
            return Response(412, (*headers, *wants.applied("representation")), member.octets)
    raise Refused(412, "", text, headers=(VARY,)) from stale


def answer_post(request: Request, view: AskerView) -> Response:
    """Answer a POST: 201 and a Location (RFC 5995 3.1).

    The name follows from the octets, so that a POST sent twice finds the member that the first one made.
    """
    resource = required(view.backend, request)
    if resource.collection is None or resource.entry is not None:
        raise Refused(405, "", "Members are added to a calendar.", headers=(("Allow", allowed(resource)),))
    name = f"{sha256(request.body).hexdigest()[:32]}.ics"
    path = resource.href + segment(name)
    added = replace(request, path=path)
    try:
        stored = store(added, view, resource.collection, name, Condition(none_match=frozenset({"*"})))
    except Stale as stale:
        raise Refused(403, caldav("no-uid-conflict"), "This was added before.", inner=href(path)) from stale
    made = stored_response(stored, view, resource.collection, path, read_preferences(request.headers))
    return Response(made.status, (("Location", path), *made.headers), made.body)
