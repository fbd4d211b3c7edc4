"""PROPFIND and PROPPATCH (RFC 4918 9.1, 9.2): properties read, and those that a principal keeps for itself."""

from app.caldav.exchange import Element, Refused, Request, Response, bad_request, kept, lacking, parse, text_of
from app.caldav.notation import caldav, dav, element, escape
from app.caldav.properties.live import LIVE, SETTABLE, AskerView
from app.caldav.properties.rows import ALL, MemberRows, RequestedProps, multistatus, read_asked, resource_row, row
from app.caldav.request_headers import read_preferences
from app.caldav.resources import PathKind, Resource, inside, required
from app.caldav.stated_zone import zone_name

_MOST = 100  # properties in one request
_LARGEST = 65_536  # characters of one value
_TOO_LARGE = "507 Insufficient Storage"
_FORBIDDEN = "403 Forbidden"
# Live elsewhere, or of the protocol as a whole: never to be set by anyone.
_PROTECTED = frozenset(
    {name for live in LIVE.values() for name in live} - SETTABLE
    | {dav(name) for name in ("getetag", "getcontentlength", "getcontenttype", "lockdiscovery", "supportedlock")}
)
Fault = tuple[str, str, str]
"""Status, precondition and sentence."""


def answer_propfind(request: Request, view: AskerView) -> Response:
    """Answer a PROPFIND. An empty body "MUST be treated as if it were an 'allprop' request" (RFC 4918 9.1)."""
    resource = required(view.backend, request)
    deep = _goes_deep(request, resource)
    asked = _asked(request.body) if request.body.strip() else ALL
    wants = read_preferences(request.headers)
    rows: list[str] = []
    if resource.kind is PathKind.MEMBER:
        assert resource.collection is not None
        assert resource.entry is not None
        writer = MemberRows(view, resource.collection, "", asked, minimal=wants.minimal)
        if writer.needs_members:
            found = view.backend.members(resource.collection, [resource.entry.name])
            rows += [writer.member(member, resource.href) for member in found.values()]
        else:
            rows.append(writer.entry(resource.entry, resource.href))
    else:
        if not (deep and wants.noroot):
            rows.append(resource_row(view, resource, asked, minimal=wants.minimal))
        if deep:
            rows += [
                resource_row(view, inner, asked, minimal=wants.minimal) for inner in inside(view.backend, resource)
            ]
            if resource.collection is not None:
                writer = MemberRows(view, resource.collection, resource.href, asked, minimal=wants.minimal)
                if writer.needs_members:
                    rows += map(writer.member, view.backend.every_member(resource.collection))
                else:
                    rows += map(writer.entry, view.backend.entries(resource.collection))
    return multistatus(rows, headers=wants.applied("minimal", "noroot"))


def _asked(body: bytes) -> RequestedProps:
    """Return what a body asks for. One that asks for nothing known is no request (RFC 4918 14.20, and appendix A)."""
    root = parse(body, dav("propfind"))
    if not any(root.find(dav(form)) is not None for form in ("prop", "allprop", "propname")):
        raise bad_request("A propfind asks for prop, allprop or propname.")
    return read_asked(root)


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


def answer_proppatch(request: Request, view: AskerView) -> Response:
    """Answer a PROPPATCH: "either all be executed or none executed" (RFC 4918 9.2)."""
    resource = required(view.backend, request)
    if resource.principal is not None and resource.principal.code != view.asker.code:
        raise lacking(request.path, "write-properties", "These properties are somebody else's.")
    instructions = _instructions(parse(request.body, dav("propertyupdate")))
    faults = {name: fault for name, value in instructions if (fault := _fault(resource, name, value)) is not None}
    wants = read_preferences(request.headers)
    if not faults:
        changes = {name: None if value is None else kept(value) for name, value in instructions}
        view.backend.set_properties(resource.path, changes)
        if wants.minimal:
            # "a successful PROPPATCH ... no body" (RFC 8144 2.2).
            return Response(200, wants.applied("minimal"))
    names = [name for name, _ in instructions]
    return multistatus([row(resource.href, _propstats(names, faults))], headers=wants.applied("minimal"))


def _instructions(root: Element) -> list[tuple[str, Element | None]]:
    """Return what to set and what to remove (None), "in document order" (RFC 4918 9.2)."""
    found: list[tuple[str, Element | None]] = []
    for step in root:
        if step.tag not in {dav("set"), dav("remove")}:
            continue
        prop = step.find(dav("prop"))
        if prop is None:
            raise bad_request("Each set and remove holds a prop.")
        found += [(named.tag, named if step.tag == dav("set") else None) for named in prop]
    if not found or len(found) > _MOST:
        raise bad_request(f"A propertyupdate names 1 to {_MOST} properties.")
    return found


def _fault(resource: Resource, name: str, value: Element | None) -> Fault | None:
    """Return why an instruction cannot be followed, None if it can."""
    if resource.kind is PathKind.MEMBER:
        return _FORBIDDEN, dav("cannot-modify-protected-property"), "Nothing is kept beside a member."
    if name not in SETTABLE and (name in LIVE[resource.kind] or name in _PROTECTED):
        return _FORBIDDEN, dav("cannot-modify-protected-property"), "This property is the service's own."
    if value is None:
        return None
    if len(kept(value)) > _LARGEST:
        return _TOO_LARGE, "", f"A property holds at most {_LARGEST:,} characters."
    if name == caldav("calendar-timezone"):
        try:
            zone_name(text_of(value))
        except Refused as refused:
            return _FORBIDDEN, refused.precondition, refused.text
    return None


def _propstats(names: list[str], faults: dict[str, Fault]) -> str:
    """Return how it went with each property; "424 (Failed Dependency)" where another one was at fault."""
    rest: Fault = ("424 Failed Dependency" if faults else "200 OK", "", "")
    outcomes: dict[Fault, list[str]] = {}
    for name in dict.fromkeys(names):
        outcomes.setdefault(faults.get(name, rest), []).append(name)
    return "".join(_propstat(outcome, several) for outcome, several in outcomes.items())


def _propstat(outcome: Fault, names: list[str]) -> str:
    status, condition, text = outcome
    why = f"<D:error>{element(condition)}</D:error>" if condition else ""
    said = f"<D:responsedescription>{escape(text)}</D:responsedescription>" if text else ""
    prop = f"<D:prop>{''.join(map(element, names))}</D:prop>"
    return f"<D:propstat>{prop}<D:status>HTTP/1.1 {status}</D:status>{why}{said}</D:propstat>"
