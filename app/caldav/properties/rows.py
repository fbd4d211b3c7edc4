"""Which properties a request asks for, and the rows of a multistatus (RFC 4918 13) that answer it."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import Enum, auto
from functools import partial

from app.caldav.backend import CalendarCollection, CalendarMember, MemberEntry
from app.caldav.exchange import XML_TYPE, Element, Response, bad_request
from app.caldav.notation import CALENDAR_DATA, RECEIPT, dav, document, element, escape, href, http_date, iso
from app.caldav.properties.calendar_data import CalendarData, read_calendar_data, shown_text
from app.caldav.properties.live import (
    LIVE,
    OF_ALLPROP,
    RESTRICTIONS,
    SETTABLE,
    SUPPORTED_PRIVILEGES,
    AskerView,
    access_list,
    current_user_privileges,
    live_of,
    supported_reports,
)
from app.caldav.resources import PRINCIPALS, PathKind, Resource, principal_path, segment

_MOST = 500  # properties in one request; nobody asks for more
MEMBER_TYPE = "text/calendar; component=VEVENT"
OK = "<D:status>HTTP/1.1 200 OK</D:status>"
NOT_FOUND = "<D:status>HTTP/1.1 404 Not Found</D:status>"

OfEntry = Callable[[MemberEntry], str]
OfMember = Callable[[CalendarMember], str]
_OF_ENTRY: dict[str, OfEntry] = {
    dav("getetag"): lambda entry: f'"{escape(entry.etag)}"',
    dav("getcontentlength"): lambda entry: str(entry.length),
    dav("getlastmodified"): lambda entry: http_date(entry.changed_at),
    dav("creationdate"): lambda entry: iso(entry.created_at),
}


class PropsForm(Enum):
    """How they are asked for."""

    NAMED = auto()
    ALL = auto()
    NAMES_ONLY = auto()


@dataclass(frozen=True, slots=True)
class RequestedProps:
    """``names`` are Clark names, for allprop those of its include. ``data`` says how members are to be shown."""

    form: PropsForm
    names: tuple[str, ...] = ()
    data: CalendarData | None = None


ALL = RequestedProps(PropsForm.ALL)


def read_asked(container: Element) -> RequestedProps:
    """Read prop, allprop (with include) or propname from inside a body's root; none of them means allprop.

    Raise ``Refused``.
    """
    forms = [child for child in container if child.tag in {dav("prop"), dav("allprop"), dav("propname")}]
    if len(forms) > 1:
        raise bad_request("A request asks for prop, allprop or propname, and for one of them only.")
    if not forms or forms[0].tag == dav("allprop"):
        include = container.find(dav("include"))
        return RequestedProps(PropsForm.ALL, *_named(include)) if include is not None else ALL
    if forms[0].tag == dav("propname"):
        return RequestedProps(PropsForm.NAMES_ONLY)
    return RequestedProps(PropsForm.NAMED, *_named(forms[0]))


def _named(prop: Element) -> tuple[tuple[str, ...], CalendarData | None]:
    names = tuple(dict.fromkeys(wanted.tag for wanted in prop))
    if len(names) > _MOST:
        raise bad_request(f"At most {_MOST} properties are looked up in one request.")
    data = prop.find(CALENDAR_DATA)
    return names, None if data is None else read_calendar_data(data)


def multistatus(rows: Iterable[str], more: str = "", headers: tuple[tuple[str, str], ...] = ()) -> Response:
    """Return a 207; ``more`` is XML that follows the rows."""
    return Response(207, (XML_TYPE, *headers), document("D:multistatus", "".join(rows) + more))


def propstats(found: str, absent: str) -> str:
    """Return the propstats of a row: the second only where something is absent, the first also where nothing is."""
    shown = f"<D:propstat><D:prop>{found}</D:prop>{OK}</D:propstat>" if found or not absent else ""
    return shown + (f"<D:propstat><D:prop>{absent}</D:prop>{NOT_FOUND}</D:propstat>" if absent else "")


def row(path: str, inner: str) -> str:
    """Return one response element."""
    return f"<D:response>{href(path)}{inner}</D:response>"


def missing_row(path: str) -> str:
    """Return the row of what is not there, or not for the asker."""
    return row(path, NOT_FOUND)


def refused_row(path: str, status: str, condition: str, text: str) -> str:
    """Return the row of something that was not done, with the element and the sentence that say why."""
    said = f"<D:responsedescription>{escape(text)}</D:responsedescription>"
    return row(path, f"<D:status>HTTP/1.1 {status}</D:status><D:error>{element(condition)}</D:error>{said}")


def resource_row(view: AskerView, resource: Resource, asked: RequestedProps, *, minimal: bool) -> str:
    """Return the row of anything but a member."""
    found, absent = [], []
    kept: dict[str, str] | None = None
    live = live_of(resource)
    if asked.form is not PropsForm.NAMED or any(_may_be_kept(name, resource) for name in asked.names):
        kept = dict(view.backend.properties(resource.path))
    for name in names_asked(asked, live, kept or {}):
        if asked.form is PropsForm.NAMES_ONLY:
            found.append(element(name))
        elif kept is not None and name in kept:
            found.append(kept[name])
        elif name in live:
            found.append(element(name, live[name](view, resource)))
        elif not minimal:
            absent.append(element(name))
    return row(resource.href, propstats("".join(found), "".join(absent)))


def names_asked(asked: RequestedProps, live: Iterable[str], kept: Iterable[str]) -> Iterator[str]:
    """Yield the names that a request comes to where these properties are live and those are kept."""
    if asked.form is PropsForm.NAMED:
        yield from asked.names
    elif asked.form is PropsForm.NAMES_ONLY:
        yield from dict.fromkeys((*live, *kept))
    else:
        there = set(live)
        yield from dict.fromkeys((*(name for name in OF_ALLPROP if name in there), *kept, *asked.names))


def _may_be_kept(name: str, resource: Resource) -> bool:
    """Tell whether a property may be one that the asker set, so that the backend need not be asked for others."""
    return name in SETTABLE or name not in LIVE[resource.kind]


_WHOLE = CalendarData()


def _of_all(view: AskerView, collection: CalendarCollection) -> dict[str, str]:
    """Return the properties that all members of a collection share."""
    return {
        dav("resourcetype"): "",
        # vdirsyncer passes over members whose type does not name their component.
        dav("getcontenttype"): MEMBER_TYPE,
        dav("owner"): href(principal_path(collection.owner)),
        dav("current-user-principal"): href(principal_path(view.asker.code)),
        dav("principal-collection-set"): href(PRINCIPALS),
        dav("current-user-privilege-set"): current_user_privileges(writable=collection.writable),
        dav("supported-privilege-set"): SUPPORTED_PRIVILEGES,
        dav("acl"): access_list(view.asker.code, writable=collection.writable),
        dav("acl-restrictions"): RESTRICTIONS,
        dav("inherited-acl-set"): "",
        dav("supported-report-set"): supported_reports(PathKind.MEMBER),
    }


class MemberRows:
    """Writes the rows of one collection's members for one request.

    ``needs_members`` tells whether an entry alone is not enough for what is asked.
    """

    def __init__(
        self,
        view: AskerView,
        collection: CalendarCollection,
        base: str,
        asked: RequestedProps,
        *,
        minimal: bool = False,
    ) -> None:
        self._base = escape(base)
        shared = _of_all(view, collection)
        live = [*_OF_ENTRY, *shared]
        occurring = partial(view.backend.occurring, collection)
        of_member: dict[str, OfMember] = {
            RECEIPT: lambda member: escape(member.receipt),
            CALENDAR_DATA: lambda member: escape(shown_text(member, asked.data or _WHOLE, occurring, view.cost)),
        }
        self._pieces: list[tuple[str, OfEntry | None, OfMember | None, str]] = []
        absent, constant = [], ""
        self.needs_members = False
        for name in names_asked(asked, live, ()):
            if asked.form is PropsForm.NAMES_ONLY:
                constant += element(name)
            elif name in shared:
                constant += element(name, shared[name])
            elif name in _OF_ENTRY or name in of_member:
                opened, closed = element(name, "\0").split("\0")
                self._pieces.append((constant + opened, _OF_ENTRY.get(name), of_member.get(name), closed))
                self.needs_members = self.needs_members or name in of_member
                constant = ""
            elif not minimal:
                absent.append(element(name))
        missing = f"<D:propstat><D:prop>{''.join(absent)}</D:prop>{NOT_FOUND}</D:propstat>" if absent else ""
        self._nothing = bool(absent) and not self._pieces and not constant
        found = "" if self._nothing else f"{constant}</D:prop>{OK}</D:propstat>"
        self._head = "</D:href>" + ("" if self._nothing else "<D:propstat><D:prop>")
        self._tail = f"{found}{missing}</D:response>"

    def entry(self, entry: MemberEntry, path: str = "") -> str:
        """Return the row of a member of which the listing is at hand; ``path`` is as the request had it, if it did."""
        inner = "".join([opened + of(entry) + closed for opened, of, _, closed in self._pieces if of is not None])
        where = escape(path) if path else self._base + segment(entry.name)
        return f"<D:response><D:href>{where}{self._head}{inner}{self._tail}"

    def member(self, member: CalendarMember, path: str = "") -> str:
        """Return the row of a member that is at hand whole."""
        entry = member.entry
        inner = "".join(
            [
                opened + (of(entry) if of is not None else of_member(member) if of_member is not None else "") + closed
                for opened, of, of_member, closed in self._pieces
            ]
        )
        where = escape(path) if path else self._base + segment(entry.name)
        return f"<D:response><D:href>{where}{self._head}{inner}{self._tail}"
