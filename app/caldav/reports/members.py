"""The calendar-query and calendar-multiget reports (RFC 4791 7.8, 7.9): members by a filter, or by their hrefs."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import tzinfo
from functools import partial

from app.caldav.backend import CalendarCollection, CalendarMember
from app.caldav.exchange import Element, Request, Response, bad_request, text_of
from app.caldav.filters.filter_xml import CompFilter, read_filter
from app.caldav.filters.matching import passes, span_of, widened
from app.caldav.notation import caldav, dav
from app.caldav.properties.live import AskerView
from app.caldav.properties.rows import MemberRows, missing_row, multistatus, read_asked
from app.caldav.request_headers import read_preferences
from app.caldav.resources import DavPath, PathKind, Resource, path_of, read_path
from app.caldav.stated_zone import read_zone

_AT_ONCE = 500  # members opened together


def answer_calendar_query(request: Request, view: AskerView, resource: Resource, body: Element) -> Response:
    """Answer a calendar-query. A time-range that stands alone is answered without parsing a single member.

    Of a collection, Depth: 0 means the collection itself, which is no calendar object. Without the header it is taken
    for 1: no client that leaves it out means nothing at all.
    """
    asked = read_asked(body)
    wanted = read_filter(body.find(caldav("filter")))
    zone = read_zone(body)
    wants = read_preferences(request.headers)
    assert resource.collection is not None
    base = resource.href if resource.kind is PathKind.COLLECTION else ""
    writer = MemberRows(view, resource.collection, base, asked, minimal=wants.minimal)
    occurring = partial(view.backend.occurring, resource.collection)
    rows = []
    for member in _within(request, view, resource, wanted, zone):
        view.cost.spend()
        if passes(member, wanted, zone, occurring):
            view.cost.spend(instances=1)
            rows.append(writer.member(member, "" if base else resource.href))
    return multistatus(rows, headers=wants.applied("minimal"))


def _within(
    request: Request, view: AskerView, resource: Resource, wanted: CompFilter, zone: tzinfo
) -> Iterable[CalendarMember]:
    """Return the members that may pass."""
    assert resource.collection is not None
    if resource.entry is not None:
        return view.backend.members(resource.collection, [resource.entry.name]).values()
    if request.headers.get("depth", "1").strip() == "0":
        return ()
    span = span_of(wanted)
    if span is None:
        return view.backend.every_member(resource.collection)
    wide = widened(span, zone)
    return view.backend.touching(resource.collection, wide.starts, wide.ends)


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
    hrefs = [text_of(stated).strip() for stated in body.findall(dav("href"))]
    if not hrefs:
        raise bad_request("A calendar-multiget names at least one href.")
    view.cost.spend(instances=len(hrefs))
    wanted = [_wanted(stated, request, resource) for stated in dict.fromkeys(hrefs)]
    writer = MemberRows(view, resource.collection, "", asked, minimal=wants.minimal)
    rows = []
    for first in range(0, len(wanted), _AT_ONCE):
        targets = wanted[first : first + _AT_ONCE]
        names = {target.name for target in targets if target.name is not None}
        found = view.backend.members(resource.collection, names)
        rows += [
            writer.member(found[target.name], target.href)
            if target.name is not None and target.name in found
            else missing_row(target.href)
            for target in targets
        ]
    return multistatus(rows, headers=wants.applied("minimal"))


def _wanted(href: str, request: Request, resource: Resource) -> _Wanted:
    assert resource.collection is not None
    path = path_of(href, request)
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
