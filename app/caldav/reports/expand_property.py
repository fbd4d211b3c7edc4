"""The expand-property report (RFC 3253 3.8): properties that are hrefs, followed to what they point to."""

from app.caldav.conditions import bad_request
from app.caldav.exchange import Request, Response
from app.caldav.hrefs import PathKind
from app.caldav.markup import element
from app.caldav.names import DAV, dav
from app.caldav.properties.live import HREFS, LIVE, AskerView
from app.caldav.reports.member_rows import MemberRows
from app.caldav.reports.requested_props import PropsForm, RequestedProps
from app.caldav.reports.rows import missing_row, multistatus, propstats, resource_row, row
from app.caldav.resources import Resource, find
from app.caldav.xml import Element

_DEEPEST = 4
_MOST = 200  # properties asked for, on all levels


def answer_expand_property(request: Request, view: AskerView, resource: Resource, body: Element) -> Response:
    """Answer an expand-property, of the resource alone."""
    del request
    if sum(1 for _ in body.iter(dav("property"))) > _MOST:
        raise bad_request(f"At most {_MOST} properties are expanded in one request.")
    return multistatus([_row(view, resource, body, 0)])


def _row(view: AskerView, resource: Resource, wanted: Element, depth: int) -> str:
    """Return the row of a resource: a property that is hrefs and has properties inside becomes rows of its own."""
    if depth > _DEEPEST:
        raise bad_request("The properties nest too deep.")
    asked = list(wanted.findall(dav("property")))
    names = tuple(dict.fromkeys(_name(one) for one in asked))
    nested = {_name(one): one for one in asked if len(one) and _name(one) in HREFS}
    if resource.kind is PathKind.MEMBER:
        return _member_row(view, resource, names)
    inner = {
        name: "".join(_followed(view, path, one, depth) for path in HREFS[name](view, resource))
        for name, one in nested.items()
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
    return _row(view, found, wanted, depth + 1) if found is not None else missing_row(path)


def _name(wanted: Element) -> str:
    """Return the Clark name of a DAV:property; "namespace ... defaults to DAV:" (RFC 3253 3.8)."""
    name = wanted.get("name", "")
    if not name.replace("-", "").replace("_", "").replace(".", "").isalnum() or not name[0].isalpha():
        raise bad_request("Each property has a name.")
    return f"{{{wanted.get('namespace', DAV)}}}{name}"
