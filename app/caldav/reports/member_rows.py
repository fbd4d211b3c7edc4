"""Rows of members: everything that is the same for all of them is worked out once a report (docs/targets.md#speed)."""

from collections.abc import Callable
from functools import partial

from app.caldav.backend import Collection, Entry, Member
from app.caldav.hrefs import PRINCIPALS, Kind, principal_path, segment
from app.caldav.instants import http_date, iso
from app.caldav.markup import element, escape, href
from app.caldav.names import CALENDAR_DATA, RECEIPT, dav
from app.caldav.properties.live import View, supported_reports
from app.caldav.properties.privileges import RESTRICTIONS, SUPPORTED_PRIVILEGES, access_list, current_user_privileges
from app.caldav.reports.calendar_data import CalendarData, shown_text
from app.caldav.reports.requested_props import Asked, Form
from app.caldav.reports.rows import NOT_FOUND, OK, names_asked

MEMBER_TYPE = "text/calendar; component=VEVENT"
OfEntry = Callable[[Entry], str]
OfMember = Callable[[Member], str]
_OF_ENTRY: dict[str, OfEntry] = {
    dav("getetag"): lambda one: f'"{escape(one.etag)}"',
    dav("getcontentlength"): lambda one: str(one.length),
    dav("getlastmodified"): lambda one: http_date(one.changed_at),
    dav("creationdate"): lambda one: iso(one.created_at),
}
_WHOLE = CalendarData()


def _of_all(view: View, collection: Collection) -> dict[str, str]:
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
        dav("supported-report-set"): supported_reports(Kind.MEMBER),
    }


class MemberRows:
    """Writes the rows of one collection's members for one request.

    ``needs_members`` tells whether an entry alone is not enough for what is asked.
    """

    def __init__(self, view: View, collection: Collection, base: str, asked: Asked, *, minimal: bool = False) -> None:
        self._base = escape(base)
        shared = _of_all(view, collection)
        live = [*_OF_ENTRY, *shared]
        occurring = partial(view.backend.occurring, collection)
        of_member: dict[str, OfMember] = {
            RECEIPT: lambda one: escape(one.receipt),
            CALENDAR_DATA: lambda one: escape(shown_text(one, asked.data or _WHOLE, occurring)),
        }
        self._pieces: list[tuple[str, OfEntry | None, OfMember | None, str]] = []
        absent, constant = [], ""
        self.needs_members = False
        for name in names_asked(asked, live, ()):
            if asked.form is Form.NAMES_ONLY:
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

    def entry(self, entry: Entry, path: str = "") -> str:
        """Return the row of a member of which the listing is at hand; ``path`` is as the request had it, if it did."""
        inner = "".join([opened + of(entry) + closed for opened, of, _, closed in self._pieces if of is not None])
        where = escape(path) if path else self._base + segment(entry.name)
        return f"<D:response><D:href>{where}{self._head}{inner}{self._tail}"

    def member(self, member: Member, path: str = "") -> str:
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
