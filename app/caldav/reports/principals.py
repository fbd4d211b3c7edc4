"""Reports on who is who: search and match of principals (RFC 3744 9), and hrefs followed (RFC 3253 3.8)."""

from app.caldav.backend import DavPrincipal
from app.caldav.exchange import XML_TYPE, Element, Request, Response, bad_request, text_of
from app.caldav.notation import DAV, caldav, dav, document, element
from app.caldav.properties.live import HREFS, LIVE, AskerView
from app.caldav.properties.rows import (
    MemberRows,
    PropsForm,
    RequestedProps,
    missing_row,
    multistatus,
    propstats,
    read_asked,
    resource_row,
    row,
)
from app.caldav.request_headers import read_preferences
from app.caldav.resources import PathKind, Resource, find, inside, principal_path

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
    searches = [_search(found) for found in body.findall(dav("property-search"))]
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
    inside = [named.tag for prop in body.findall(dav("prop")) for named in prop]
    return tuple(dict.fromkeys((*inside, *(named.tag for named in body if named.tag not in _OWN))))


def _search(found: Element) -> tuple[tuple[str, ...], str]:
    prop, match = found.find(dav("prop")), found.find(dav("match"))
    if prop is None or match is None:
        raise bad_request("A property-search has a prop and a match.")
    return tuple(named.tag for named in prop), text_of(match).strip().casefold()


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


def answer_principal_match(request: Request, view: AskerView, resource: Resource, body: Element) -> Response:
    """Answer with what is inside the collection and is the asker (self), or points to the asker by a property."""
    if request.headers.get("depth", "0").strip() != "0":
        raise bad_request("A principal-match has Depth: 0.")
    pointing = body.find(dav("principal-property"))
    if (pointing is None) is (body.find(dav("self")) is None) or (pointing is not None and len(pointing) != 1):
        raise bad_request("A principal-match has self, or a principal-property that names one property.")
    own = principal_path(view.asker.code)
    found = [
        place
        for place in (resource, *inside(view.backend, resource))
        if (
            place.kind is PathKind.PRINCIPAL and place.path == own
            if pointing is None
            else pointing[0].tag in HREFS and own in HREFS[pointing[0].tag](view, place)
        )
    ]
    return _principal_rows(request, view, found, body)


def answer_access_principals(request: Request, view: AskerView, resource: Resource, body: Element) -> Response:
    """Answer with the principals that the resource's DAV:acl names: the asker alone."""
    del resource
    path = principal_path(view.asker.code)
    return _principal_rows(request, view, [Resource(PathKind.PRINCIPAL, path, path, principal=view.asker)], body)


def _principal_rows(request: Request, view: AskerView, found: list[Resource], body: Element) -> Response:
    asked = read_asked(body) if body.find(dav("prop")) is not None else RequestedProps(PropsForm.NAMED)
    wants = read_preferences(request.headers)
    return multistatus(
        [
            resource_row(view, place, asked, minimal=wants.minimal)
            for place in found
            if place.kind is not PathKind.MEMBER
        ],
        headers=wants.applied("minimal"),
    )


_DEEPEST = 4
_MOST_EXPANDED = 200  # properties asked for, on all levels


def answer_expand_property(request: Request, view: AskerView, resource: Resource, body: Element) -> Response:
    """Answer an expand-property, of the resource alone."""
    del request
    if sum(1 for _ in body.iter(dav("property"))) > _MOST_EXPANDED:
        raise bad_request(f"At most {_MOST_EXPANDED} properties are expanded in one request.")
    return multistatus([_expanded_row(view, resource, body, 0)])


def _expanded_row(view: AskerView, resource: Resource, wanted: Element, depth: int) -> str:
    """Return the row of a resource: a property that is hrefs and has properties inside becomes rows of its own."""
    if depth > _DEEPEST:
        raise bad_request("The properties nest too deep.")
    asked = list(wanted.findall(dav("property")))
    names = tuple(dict.fromkeys(_property_name(prop) for prop in asked))
    nested = {_property_name(prop): prop for prop in asked if len(prop) and _property_name(prop) in HREFS}
    if resource.kind is PathKind.MEMBER:
        return _member_row(view, resource, names)
    inner = {
        name: "".join(_followed(view, path, entry, depth) for path in HREFS[name](view, resource))
        for name, entry in nested.items()
        if name in LIVE[resource.kind]
    }
    if not inner:
        return resource_row(view, resource, RequestedProps(PropsForm.NAMED, names), minimal=False)
    others = RequestedProps(PropsForm.NAMED, tuple(name for name in names if name not in inner))
    rest = resource_row(view, resource, others, minimal=False)
    own = row(resource.href, propstats("".join(element(name, inside) for name, inside in inner.items()), ""))
    return own.removesuffix("</D:response>") + rest.partition("</D:href>")[2]


def _member_row(view: AskerView, resource: Resource, names: tuple[str, ...]) -> str:
    assert resource.collection is not None
    assert resource.entry is not None
    writer = MemberRows(view, resource.collection, "", RequestedProps(PropsForm.NAMED, names))
    if not writer.needs_members:
        return writer.entry(resource.entry, resource.href)
    found = view.backend.members(resource.collection, [resource.entry.name]).get(resource.entry.name)
    return writer.member(found, resource.href) if found is not None else missing_row(resource.href)


def _followed(view: AskerView, path: str, wanted: Element, depth: int) -> str:
    found = find(view.backend, path)
    return _expanded_row(view, found, wanted, depth + 1) if found is not None else missing_row(path)


def _property_name(wanted: Element) -> str:
    """Return the Clark name of a DAV:property; "namespace ... defaults to DAV:" (RFC 3253 3.8)."""
    name = wanted.get("name", "")
    if not name.replace("-", "").replace("_", "").replace(".", "").isalnum() or not name[0].isalpha():
        raise bad_request("Each property has a name.")
    return f"{{{wanted.get('namespace', DAV)}}}{name}"
