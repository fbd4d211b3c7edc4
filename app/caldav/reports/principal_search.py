"""principal-property-search and principal-search-property-set (RFC 3744 9.4, 9.5)."""

from app.caldav.backend import DavPrincipal
from app.caldav.conditions import XML_TYPE, bad_request
from app.caldav.exchange import Request, Response
from app.caldav.hrefs import PathKind, principal_path
from app.caldav.markup import document, element
from app.caldav.names import caldav, dav
from app.caldav.properties.live import AskerView
from app.caldav.reports.requested_props import PropsForm, RequestedProps
from app.caldav.reports.rows import multistatus, resource_row
from app.caldav.request_headers import read_preferences
from app.caldav.resources import Resource
from app.caldav.xml import Element, text_of

_OWN = {dav(name) for name in ("prop", "property-search", "apply-to-principal-collection-set")}
_SEARCHABLE = {dav("displayname"): "Name", caldav("calendar-user-address-set"): "Address"}


def answer_principal_search(request: Request, view: AskerView, resource: Resource, body: Element) -> Response:
    """Answer with the principals that match every property-search, among those that the asker may see.

    A search for nothing is answered with all of these: python-caldav lists principals so.
    """
    del resource
    if request.headers.get("depth", "0").strip() != "0":
        # "The value of the Depth header ... MUST be zero" (RFC 3744 9.4).
        raise bad_request("A principal-property-search has Depth: 0.")
    searches = [_search(one) for one in body.findall(dav("property-search"))]
    some = body.get("test", "allof") == "anyof"
    asked = RequestedProps(PropsForm.NAMED, _asked_names(body))
    wants = read_preferences(request.headers)
    rows = []
    for principal in view.backend.principals():
        hits = [_matches(principal, names, text) for names, text in searches]
        if any(hits) if some and hits else all(hits):
            path = principal_path(principal.code)
            found = Resource(PathKind.PRINCIPAL, path, path, principal=principal)
            rows.append(resource_row(view, found, asked, minimal=wants.minimal))
    return multistatus(rows, headers=wants.applied("minimal"))


def _asked_names(body: Element) -> tuple[str, ...]:
    """Return the properties asked for: those inside DAV:prop, and those that python-caldav writes beside it."""
    inside = [one.tag for prop in body.findall(dav("prop")) for one in prop]
    return tuple(dict.fromkeys((*inside, *(one.tag for one in body if one.tag not in _OWN))))


def _search(found: Element) -> tuple[tuple[str, ...], str]:
    prop, match = found.find(dav("prop")), found.find(dav("match"))
    if prop is None or match is None:
        raise bad_request("A property-search has a prop and a match.")
    return tuple(one.tag for one in prop), text_of(match).strip().casefold()


def _matches(principal: DavPrincipal, names: tuple[str, ...], text: str) -> bool:
    """Tell whether every property of one search holds the text: "caseless substring" (RFC 3744 9.4).

    A property that is not searched matches nothing.
    """
    values = {
        dav("displayname"): principal.name,
        caldav("calendar-user-address-set"): f"{principal.address} {principal_path(principal.code)}",
    }
    return bool(names) and all(name in values and text in values[name].casefold() for name in names)


def answer_search_properties(request: Request, view: AskerView, resource: Resource, body: Element) -> Response:
    """Answer with what can be searched."""
    del request, view, resource, body
    inner = "".join(
        f"<D:principal-search-property><D:prop>{element(name)}</D:prop>"
        f'<D:description xml:lang="en">{said}</D:description></D:principal-search-property>'
        for name, said in _SEARCHABLE.items()
    )
    return Response(200, (XML_TYPE,), document("D:principal-search-property-set", inner))
