"""The calendar-multiget report (RFC 4791 7.9): one row for each href, whatever is there."""

from dataclasses import dataclass

from app.caldav.backend import CalendarCollection
from app.caldav.conditions import bad_request
from app.caldav.exchange import Request, Response
from app.caldav.hrefs import DavPath, PathKind, path_of, read_path
from app.caldav.names import dav
from app.caldav.properties.live import AskerView
from app.caldav.reports.calendar_query import check_count
from app.caldav.reports.member_rows import MemberRows
from app.caldav.reports.requested_props import read_asked
from app.caldav.reports.rows import missing_row, multistatus
from app.caldav.request_headers import read_preferences
from app.caldav.resources import Resource
from app.caldav.xml import Element, text_of


@dataclass(frozen=True, slots=True)
class _Wanted:
    """An href as it was asked, and the name of a member of the request's collection, if it can be one."""

    href: str
    name: str | None


def answer_multiget(request: Request, view: AskerView, resource: Resource, body: Element) -> Response:
    """Answer a calendar-multiget.

    "If an href is not ... within the scope of the Request-URI", is another host's or another collection's, its row is a
    404, like that of a member that is gone. Rows carry the path as it was asked, so that clients find it again.
    """
    assert resource.collection is not None
    asked = read_asked(body)
    wants = read_preferences(request.headers)
    hrefs = [text_of(one).strip() for one in body.findall(dav("href"))]
    if not hrefs:
        raise bad_request("A calendar-multiget names at least one href.")
    check_count(len(hrefs))
    host = request.headers.get("host", "")
    wanted = [_wanted(one, host, resource) for one in dict.fromkeys(hrefs)]
    found = view.backend.members(resource.collection, {one.name for one in wanted if one.name is not None})
    writer = MemberRows(view, resource.collection, "", asked, minimal=wants.minimal)
    rows = [
        writer.member(found[one.name], one.href)
        if one.name is not None and one.name in found
        else missing_row(one.href)
        for one in wanted
    ]
    return multistatus(rows, headers=wants.applied("minimal"))


def _wanted(href: str, host: str, resource: Resource) -> _Wanted:
    assert resource.collection is not None
    path = path_of(href, host)
    if path is None:
        return _Wanted(href, None)
    if path and not path.startswith("/"):
        path = _folder(resource) + path
    place = read_path(path)
    within = place is not None and _is_in(place, resource.collection) and _fits(place, resource)
    return _Wanted(path or href, place.member if place is not None and within else None)


def _folder(resource: Resource) -> str:
    return resource.href.rpartition("/")[0] + "/"


def _is_in(place: DavPath, collection: CalendarCollection) -> bool:
    """Tell whether a place is a member's in a collection; codes are the same in any case."""
    codes = (place.owner.upper(), place.collection.upper())
    return place.kind is PathKind.MEMBER and codes == (collection.owner.upper(), collection.name.upper())


def _fits(place: DavPath, resource: Resource) -> bool:
    return resource.entry is None or resource.entry.name == place.member
