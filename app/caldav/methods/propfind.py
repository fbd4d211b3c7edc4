"""PROPFIND (RFC 4918 9.1)."""

from app.caldav.conditions import Refused, bad_request
from app.caldav.exchange import Request, Response
from app.caldav.hrefs import PathKind
from app.caldav.names import dav
from app.caldav.properties.live import AskerView
from app.caldav.reports.member_rows import MemberRows
from app.caldav.reports.requested_props import ALL, read_asked
from app.caldav.reports.rows import multistatus, resource_row
from app.caldav.request_headers import read_preferences
from app.caldav.resources import Resource, inside, required
from app.caldav.xml import parse


def answer_propfind(request: Request, view: AskerView) -> Response:
    """Answer a PROPFIND. An empty body "MUST be treated as if it were an 'allprop' request" (RFC 4918 9.1)."""
    resource = required(view.backend, request)
    deep = _goes_deep(request, resource)
    asked = read_asked(parse(request.body, dav("propfind"))) if request.body.strip() else ALL
    wants = read_preferences(request.headers)
    rows: list[str] = []
    if resource.kind is PathKind.MEMBER:
        assert resource.collection is not None
        assert resource.entry is not None
        writer = MemberRows(view, resource.collection, "", asked, minimal=wants.minimal)
        if writer.needs_members:
            found = view.backend.members(resource.collection, [resource.entry.name])
            rows += [writer.member(one, resource.href) for one in found.values()]
        else:
            rows.append(writer.entry(resource.entry, resource.href))
    else:
        if not (deep and wants.noroot):
            rows.append(resource_row(view, resource, asked, minimal=wants.minimal))
        if deep:
            rows += [resource_row(view, one, asked, minimal=wants.minimal) for one in inside(view.backend, resource)]
            if resource.collection is not None:
                writer = MemberRows(view, resource.collection, resource.href, asked, minimal=wants.minimal)
                if writer.needs_members:
                    rows += map(writer.member, view.backend.every_member(resource.collection))
                else:
                    rows += map(writer.entry, view.backend.entries(resource.collection))
    return multistatus(rows, headers=wants.applied("minimal", "noroot"))


def _goes_deep(request: Request, resource: Resource) -> bool:
    """Tell whether what is inside is asked for too.

    "Servers SHOULD treat a request without a Depth header as if a 'Depth: infinity' header was included", and infinity
    is refused with propfind-finite-depth (RFC 4918 9.1). A member has no inside, so any depth is 0 there.
    """
    depth = request.headers.get("depth", "infinity").strip().lower()
    if depth not in {"0", "1", "infinity"}:
        raise bad_request("Depth is 0 or 1.")
    if depth == "infinity" and resource.kind is not PathKind.MEMBER:
        raise Refused(403, dav("propfind-finite-depth"), "Ask with Depth: 0 or Depth: 1.")
    return depth == "1"
