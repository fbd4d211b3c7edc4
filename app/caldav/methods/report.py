"""REPORT (RFC 3253 3.6): which report a body asks for, and where it may be asked."""

from collections.abc import Callable

from app.caldav.conditions import Refused
from app.caldav.exchange import Request, Response
from app.caldav.names import CALDAV, DAV, caldav, dav
from app.caldav.properties.live import REPORTS, AskerView
from app.caldav.reports.calendar_query import answer_calendar_query
from app.caldav.reports.expand_property import answer_expand_property
from app.caldav.reports.free_busy import answer_free_busy
from app.caldav.reports.multiget import answer_multiget
from app.caldav.reports.principal_reports import answer_access_principals, answer_principal_match
from app.caldav.reports.principal_search import answer_principal_search, answer_search_properties
from app.caldav.reports.sync import answer_sync
from app.caldav.resources import Resource, required
from app.caldav.xml import Element, parse

_REPORTS: dict[str, Callable[[Request, AskerView, Resource, Element], Response]] = {
    caldav("calendar-query"): answer_calendar_query,
    caldav("calendar-multiget"): answer_multiget,
    caldav("free-busy-query"): answer_free_busy,
    dav("sync-collection"): answer_sync,
    dav("expand-property"): answer_expand_property,
    dav("principal-match"): answer_principal_match,
    dav("acl-principal-prop-set"): answer_access_principals,
    dav("principal-property-search"): answer_principal_search,
    dav("principal-search-property-set"): answer_search_properties,
}
_NAMESPACES = {"D": DAV, "C": CALDAV}


def answer_report(request: Request, view: AskerView) -> Response:
    """Answer a REPORT: "The specified report must be supported by the resource" (RFC 3253 3.6)."""
    resource = required(view.backend, request)
    body = parse(request.body)
    offered = {f"{{{_NAMESPACES[prefix]}}}{name}" for prefix, _, name in (one.partition(":") for one in _of(resource))}
    if body.tag not in offered:
        raise Refused(403, dav("supported-report"), "This report is not offered here.")
    return _REPORTS[body.tag](request, view, resource, body)


def _of(resource: Resource) -> tuple[str, ...]:
    return REPORTS[resource.kind]
