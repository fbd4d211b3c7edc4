"""principal-match and acl-principal-prop-set (RFC 3744 9.2, 9.3), which access-control asks every server for."""

from app.caldav.conditions import bad_request
from app.caldav.exchange import Request, Response
from app.caldav.hrefs import PathKind, principal_path
from app.caldav.names import dav
from app.caldav.properties.live import HREFS, AskerView
from app.caldav.reports.requested_props import PropsForm, RequestedProps, read_asked
from app.caldav.reports.rows import multistatus, resource_row
from app.caldav.request_headers import read_preferences
from app.caldav.resources import Resource, inside
from app.caldav.xml import Element


def answer_principal_match(request: Request, view: AskerView, resource: Resource, body: Element) -> Response:
    """Answer with what is inside the collection and is the asker (self), or points to the asker by a property."""
    if request.headers.get("depth", "0").strip() != "0":
        raise bad_request("A principal-match has Depth: 0.")
    pointing = body.find(dav("principal-property"))
    if (pointing is None) is (body.find(dav("self")) is None) or (pointing is not None and len(pointing) != 1):
        raise bad_request("A principal-match has self, or a principal-property that names one property.")
    own = principal_path(view.asker.code)
    found = [
        one
        for one in (resource, *inside(view.backend, resource))
        if (
            one.kind is PathKind.PRINCIPAL and one.path == own
            if pointing is None
            else pointing[0].tag in HREFS and own in HREFS[pointing[0].tag](view, one)
        )
    ]
    return _rows(request, view, found, body)


def answer_access_principals(request: Request, view: AskerView, resource: Resource, body: Element) -> Response:
    """Answer with the principals that the resource's DAV:acl names: the asker alone."""
    del resource
    path = principal_path(view.asker.code)
    return _rows(request, view, [Resource(PathKind.PRINCIPAL, path, path, principal=view.asker)], body)


def _rows(request: Request, view: AskerView, found: list[Resource], body: Element) -> Response:
    asked = read_asked(body) if body.find(dav("prop")) is not None else RequestedProps(PropsForm.NAMED)
    wants = read_preferences(request.headers)
    return multistatus(
        [resource_row(view, one, asked, minimal=wants.minimal) for one in found if one.kind is not PathKind.MEMBER],
        headers=wants.applied("minimal"),
    )
