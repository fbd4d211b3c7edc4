"""The live properties of principals, homes and collections, by kind of place and Clark name, and one's privileges."""

from collections.abc import Callable
from dataclasses import dataclass, field

from app.caldav.backend import Backend, Bounds, CalendarCollection, DavPrincipal, Reached
from app.caldav.filters.filter_xml import COLLATIONS
from app.caldav.notation import apple, caldav, calendarserver, dav, escape, href, http_date, iso, utc
from app.caldav.report_cost import ReportCost
from app.caldav.resources import PRINCIPALS, PathKind, Resource, collection_path, home_path, principal_path

SYNC_TOKEN = "data:,"  # noqa: S105 - the scheme of a URI, which a token must be (RFC 6578 4); no secret
# What a principal may set of a place although this service gives it a value of its own.
SETTABLE = frozenset(
    {
        dav("displayname"),
        caldav("calendar-description"),
        caldav("calendar-timezone"),
        apple("calendar-color"),
        apple("calendar-order"),
    }
)
# allprop names "the live properties defined in" RFC 4918 (its 9.1); those of CalDAV "SHOULD NOT" (RFC 4791 5.2).
OF_ALLPROP = tuple(
    dav(name)
    for name in (
        "creationdate",
        "displayname",
        "getcontentlength",
        "getcontenttype",
        "getetag",
        "getlastmodified",
        "resourcetype",
    )
)
COMPONENT_SET = '<C:comp name="VEVENT"/>'
CALENDAR_DATA_TYPES = '<C:calendar-data content-type="text/calendar" version="2.0"/>'
_ANYWHERE = ("D:expand-property", "D:principal-match", "D:acl-principal-prop-set")
_SEARCH = ("D:principal-property-search", "D:principal-search-property-set")
_QUERIES = ("C:calendar-query", "C:calendar-multiget")
REPORTS: dict[PathKind, tuple[str, ...]] = {
    PathKind.ROOT: (*_ANYWHERE, *_SEARCH),
    PathKind.PRINCIPALS: (*_ANYWHERE, *_SEARCH),
    PathKind.PRINCIPAL: _ANYWHERE,
    PathKind.HOMES: _ANYWHERE,
    PathKind.HOME: _ANYWHERE,
    PathKind.COLLECTION: (*_QUERIES, "C:free-busy-query", "D:sync-collection", *_ANYWHERE),
    PathKind.MEMBER: (*_QUERIES, *_ANYWHERE),
}
_TITLES = {PathKind.ROOT: "Closure notices", PathKind.PRINCIPALS: "Principals", PathKind.HOMES: "Calendars"}
# Outlook CalDav Synchronizer reads write, or write-content with bind and unbind; "all" alone it takes for no rights.
_WRITING = (
    "D:read",
    "D:write",
    "D:write-properties",
    "D:write-content",
    "D:bind",
    "D:unbind",
    "D:all",
    "D:read-current-user-privilege-set",
    "C:read-free-busy",
)
# Thunderbird takes write-properties alone for the right to write, so it is not named where members cannot be changed.
_READING = ("D:read", "D:read-current-user-privilege-set", "C:read-free-busy")


# CALDAV:calendar-timezone holds a whole VTIMEZONE (RFC 4791 5.2.2).
_LONDON_LINES = """\
BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//closure-notices//caldav//EN
BEGIN:VTIMEZONE
TZID:Europe/London
BEGIN:DAYLIGHT
DTSTART:19810329T010000
RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU
TZNAME:BST
TZOFFSETFROM:+0000
TZOFFSETTO:+0100
END:DAYLIGHT
BEGIN:STANDARD
DTSTART:19961027T020000
RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU
TZNAME:GMT
TZOFFSETFROM:+0100
TZOFFSETTO:+0000
END:STANDARD
END:VTIMEZONE
END:VCALENDAR
"""
LONDON_TIMEZONE = _LONDON_LINES.replace("\n", "\r\n")


@dataclass(frozen=True, slots=True)
class AskerView:
    """Who looks, through which backend, what it lets members hold, and what the request's report comes to."""

    backend: Backend
    asker: DavPrincipal
    bounds: Bounds
    cost: ReportCost
    _reached: dict[str, Reached] = field(default_factory=dict)

    def reached(self, collection: CalendarCollection) -> Reached:
        """Return how far a collection had come when this request first asked: its properties say one thing."""
        path = collection_path(collection.owner, collection.name)
        if path not in self._reached:
            self._reached[path] = self.backend.reached(collection)
        return self._reached[path]


def view_of(backend: Backend, cost: ReportCost) -> AskerView:
    """Return the view of whoever a backend was made for."""
    return AskerView(backend, backend.asker(), backend.bounds(), cost)


def _each(names: tuple[str, ...]) -> str:
    return "".join(f"<D:privilege><{name}/></D:privilege>" for name in names)


_LISTS = {True: _each(_WRITING), False: _each(_READING)}


def current_user_privileges(*, writable: bool) -> str:
    """Return the content of DAV:current-user-privilege-set."""
    return _LISTS[writable]


def access_list(code: str, *, writable: bool) -> str:
    """Return the content of DAV:acl: one entry, of the asker, that nobody changes here."""
    who = f"<D:principal>{href(principal_path(code))}</D:principal>"
    return f"<D:ace>{who}<D:grant>{_LISTS[writable]}</D:grant><D:protected/></D:ace>"


def _supported(name: str, description: str, *inner: str) -> str:
    return (
        f"<D:supported-privilege><D:privilege><{name}/></D:privilege>"
        f'<D:description xml:lang="en">{description}</D:description>{"".join(inner)}</D:supported-privilege>'
    )


SUPPORTED_PRIVILEGES = _supported(
    "D:all",
    "Everything",
    _supported(
        "D:read",
        "See",
        _supported("D:read-current-user-privilege-set", "See what one may do"),
        _supported("C:read-free-busy", "See when it is busy"),
    ),
    _supported(
        "D:write",
        "Change",
        _supported("D:write-properties", "Change properties"),
        _supported("D:write-content", "Change a notice"),
        _supported("D:bind", "Give notice"),
        _supported("D:unbind", "Withdraw"),
    ),
)
RESTRICTIONS = "<D:grant-only/><D:no-invert/>"
Value = Callable[[AskerView, Resource], str]


def is_writable(resource: Resource) -> bool:
    """Tell whether the asker may change what is directly inside, or the member itself."""
    return resource.collection is not None and resource.collection.writable


def supported_reports(kind: PathKind) -> str:
    """Return the content of DAV:supported-report-set (RFC 3253 3.1.5)."""
    return "".join(f"<D:supported-report><D:report><{name}/></D:report></D:supported-report>" for name in REPORTS[kind])


def _owner(_view: AskerView, resource: Resource) -> list[str]:
    if resource.collection is not None:
        return [principal_path(resource.collection.owner)]
    return [principal_path(resource.principal.code)] if resource.principal is not None else []


def _addresses(view: AskerView, resource: Resource) -> list[str]:
    whose = resource.principal or view.asker
    return [address for address in (whose.address, principal_path(whose.code)) if address]


# Properties that are hrefs: expand-property follows them (RFC 3253 3.8).
HREFS: dict[str, Callable[[AskerView, Resource], list[str]]] = {
    dav("owner"): _owner,
    dav("current-user-principal"): lambda view, _: [principal_path(view.asker.code)],
    dav("principal-collection-set"): lambda _view, _: [PRINCIPALS],
    dav("principal-URL"): lambda view, resource: [principal_path((resource.principal or view.asker).code)],
    caldav("calendar-home-set"): lambda view, resource: [home_path((resource.principal or view.asker).code)],
    caldav("calendar-user-address-set"): _addresses,
}


def _hrefs(name: str) -> Value:
    return lambda view, resource: "".join(map(href, HREFS[name](view, resource)))


def _fixed(inner: str) -> Value:
    return lambda _view, _: inner


def _title(_view: AskerView, resource: Resource) -> str:
    if resource.collection is not None:
        return escape(resource.collection.title)
    return escape(resource.principal.name if resource.principal is not None else _TITLES[resource.kind])


def _of(write: Callable[[CalendarCollection], str]) -> Value:
    """Return what writes a property of a collection."""

    def value(_view: AskerView, resource: Resource) -> str:
        assert resource.collection is not None
        return write(resource.collection)

    return value


def _as_reached(write: Callable[[Reached], str]) -> Value:
    """Return what writes a property that changes with a collection's members."""

    def value(view: AskerView, resource: Resource) -> str:
        assert resource.collection is not None
        return write(view.reached(resource.collection))

    return value


def _bound(write: Callable[[Bounds], str]) -> Value:
    return lambda view, _: write(view.bounds)


_COMMON: dict[str, Value] = {
    dav("displayname"): _title,
    **{dav(name): _hrefs(dav(name)) for name in ("owner", "current-user-principal", "principal-collection-set")},
    dav("current-user-privilege-set"): lambda _, resource: current_user_privileges(writable=is_writable(resource)),
    dav("supported-privilege-set"): _fixed(SUPPORTED_PRIVILEGES),
    dav("acl"): lambda view, resource: access_list(view.asker.code, writable=is_writable(resource)),
    dav("acl-restrictions"): _fixed(RESTRICTIONS),
    dav("inherited-acl-set"): _fixed(""),
    dav("supported-report-set"): lambda _, resource: supported_reports(resource.kind),
    dav("resourcetype"): _fixed("<D:collection/>"),
}
# Some clients look for these on the root rather than on the principal that it points to.
_OF_SOMEBODY: dict[str, Value] = {
    name: _hrefs(name)
    for name in (dav("principal-URL"), caldav("calendar-home-set"), caldav("calendar-user-address-set"))
}
_OF_PRINCIPAL: dict[str, Value] = {
    **_OF_SOMEBODY,
    dav("alternate-URI-set"): _fixed(""),
    dav("group-member-set"): _fixed(""),
    dav("group-membership"): _fixed(""),
    caldav("calendar-user-type"): _fixed("INDIVIDUAL"),
    dav("resourcetype"): _fixed("<D:collection/><D:principal/>"),
}
_OF_COLLECTION: dict[str, Value] = {
    dav("resourcetype"): _fixed("<D:collection/><C:calendar/>"),
    dav("creationdate"): _of(
        lambda collection: iso(collection.created_at) if collection.created_at is not None else ""
    ),
    dav("getlastmodified"): _as_reached(lambda reached: http_date(reached.changed_at)),
    dav("sync-token"): _as_reached(lambda reached: SYNC_TOKEN + reached.token),
    calendarserver("getctag"): _as_reached(lambda reached: reached.token),
    dav("resource-id"): _of(lambda collection: href(f"urn:uuid:{collection.resource_id}")),
    # A POST to the collection adds a member whose name the service chooses (RFC 5995 3).
    dav("add-member"): lambda _, resource: href(resource.path),
    caldav("calendar-description"): _of(lambda collection: escape(collection.description)),
    caldav("supported-calendar-component-set"): _fixed(COMPONENT_SET),
    caldav("supported-calendar-data"): _fixed(CALENDAR_DATA_TYPES),
    caldav("supported-collation-set"): _fixed(
        "".join(f"<C:supported-collation>{name}</C:supported-collation>" for name in COLLATIONS)
    ),
    caldav("max-resource-size"): _bound(lambda bounds: str(bounds.octets)),
    caldav("min-date-time"): _bound(lambda bounds: utc(bounds.earliest)),
    caldav("max-date-time"): _bound(lambda bounds: utc(bounds.latest)),
    caldav("max-instances"): _bound(lambda bounds: str(bounds.instances)),
    caldav("max-attendees-per-instance"): _bound(lambda bounds: str(bounds.attendees)),
    caldav("calendar-timezone"): _fixed(escape(LONDON_TIMEZONE)),
    caldav("calendar-timezone-id"): _fixed("Europe/London"),
    caldav("schedule-calendar-transp"): _fixed("<C:transparent/>"),
}
LIVE: dict[PathKind, dict[str, Value]] = {
    PathKind.ROOT: {**_COMMON, **_OF_SOMEBODY},
    PathKind.PRINCIPALS: _COMMON,
    PathKind.PRINCIPAL: {**_COMMON, **_OF_PRINCIPAL},
    PathKind.HOMES: _COMMON,
    PathKind.HOME: {**_COMMON, **_OF_SOMEBODY},
    PathKind.COLLECTION: {**_COMMON, **_OF_COLLECTION},
}


def live_of(resource: Resource) -> dict[str, Value]:
    """Return the live properties of a place: no creationdate where it is not known, rather than a wrong one."""
    live = LIVE[resource.kind]
    if resource.collection is not None and resource.collection.created_at is None:
        return {name: value for name, value in live.items() if name != dav("creationdate")}
    return live
