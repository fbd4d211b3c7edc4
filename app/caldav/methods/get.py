"""GET and HEAD (RFC 9110 9.3.1) of a member: its octets as they were sent."""

from dataclasses import replace

from app.caldav.backend import MemberEntry
from app.caldav.conditions import Refused, missing
from app.caldav.exchange import Request, Response
from app.caldav.hrefs import PathKind
from app.caldav.instants import http_date, read_http_date
from app.caldav.methods.options import allowed
from app.caldav.properties.live import AskerView
from app.caldav.request_headers import read_condition
from app.caldav.resources import required

CONTENT_TYPE = ("Content-Type", "text/calendar; charset=utf-8; component=VEVENT")
_CACHE = ("Cache-Control", "private, no-cache")


def answer_get(request: Request, view: AskerView) -> Response:
    """Answer a GET, or a HEAD, whose answer is the same but for the body that whoever sends it leaves out."""
    resource = required(view.backend, request)
    if resource.kind is not PathKind.MEMBER or resource.collection is None or resource.entry is None:
        text = "This is a CalDAV address. Enter it in a calendar program; it is not a page."
        raise Refused(405, "", text, headers=(("Allow", allowed(resource)),))
    condition = read_condition(request, view)
    entry = resource.entry
    if not replace(condition, none_match=None).holds(entry.etag, entry.changed_at):
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
    known = read_http_date(request.headers.get("if-modified-since", ""))
    return known is not None and entry.changed_at.replace(microsecond=0) <= known
