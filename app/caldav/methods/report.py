"""REPORT (RFC 3253 3.6): which report a body asks for, and where it may be asked."""

from collections.abc import Callable

from app.caldav.exchange import LARGEST_MULTIGET, Element, Refused, Request, Response, check_octets, parse
from app.caldav.notation import CALDAV, DAV, caldav, dav
from app.caldav.properties.live import REPORTS, AskerView
from app.caldav.reports.free_busy import answer_free_busy
from app.caldav.reports.members import answer_calendar_query, answer_multiget
from app.caldav.reports.principals import (
    answer_access_principals,
    answer_expand_property,
    answer_principal_match,
    answer_principal_search,
    answer_search_properties,
)
from app.caldav.reports.sync import answer_sync
from app.caldav.resources import Resource, required

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
    body = parse(request.body, largest=LARGEST_MULTIGET)
    if body.tag != caldav("calendar-multiget"):
        check_octets(request.body)
    named = (report.partition(":") for report in REPORTS[resource.kind])
    offered = {f"{{{_NAMESPACES[prefix]}}}{name}" for prefix, _, name in named}
    if body.tag not in offered:
        raise Refused(403, dav("supported-report"), "This report is not offered here.")
    return _REPORTS[body.tag](request, view, resource, body)
