"""A look at a User's own calendar: a CalDAV collection by its sync token or ETags, or an .ics address by its ETag."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote, unquote, urlsplit

from app.domain.refusal import IntakeProblem
from app.pulling.fetch_failure import SourceUnread
from app.pulling.http_client import Asker, HttpAnswer
from app.pulling.split_by_uid import Filter, Piece, take_apart

if TYPE_CHECKING:
    from caldav.davclient import DAVClient

_T = TypeVar("_T")

COLLECTION, FILE = "collection", "file"
_MOST_MEMBERS = 20_000
_MOST_PAGES = 50
_BATCH = 50  # members fetched in one request
_CALENDAR = "{urn:ietf:params:xml:ns:caldav}calendar"
_FACTS = (
    '<?xml version="1.0" encoding="utf-8"?><D:propfind xmlns:D="DAV:" xmlns:S="http://calendarserver.org/ns/">'
    "<D:prop><D:resourcetype/><D:sync-token/><S:getctag/></D:prop></D:propfind>"
)
_IN_HREF = "/%:@!$&'()*+,;=~-._"
_MULTISTATUS = 207
_OK, _NOT_MODIFIED, _MISSING = 200, 304, 404
_NO_SIGN_IN = 401
# Some that publish files have no better answer to a PROPFIND; so may a collection, where nobody is let in.
_PERHAPS_A_FILE = frozenset({"answer 403", "answer 500"})
# A server answers these to a PROPFIND where it serves plain files, or to a sync token that it has forgotten.
_NO_COLLECTION = frozenset({200, 400, 404, 405, 409, 415, 501})
_NO_SYNC = frozenset({400, 403, 404, 405, 409, 410, 412, 415, 501})


@dataclass(frozen=True, slots=True)
class KnownMember:
    """A member of a collection that we took: its ETag and the UIDs in it."""

    etag: str
    uids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Bookmark:
    """Where the last look ended. ``mark`` is a sync token, a ctag or an ETag, ``modified`` a file's Last-Modified.

    ``kind`` is ``COLLECTION``, ``FILE``, or "" before the first look. ``members`` are those taken, by href; nothing is
    kept of those that the filter leaves out.
    """

    kind: str = ""
    mark: str = ""
    modified: str = ""
    members: Mapping[str, KnownMember] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Look:
    """What a look found. ``read`` is what was fetched and is wanted; ``present`` are all UIDs wanted that are there.

    ``changed`` is false where the source itself says that nothing did; then the rest says nothing. Where ``whole`` is
    false, what is not present may have been cut off. ``unwanted`` counts the events that the filter leaves out; None
    where not all were fetched.
    """

    bookmark: Bookmark
    changed: bool = True
    read: tuple[Piece, ...] = ()
    present: frozenset[str] = frozenset()
    problems: tuple[IntakeProblem, ...] = ()
    whole: bool = True
    unwanted: int | None = None


def look_at(asker: Asker, url: str, bookmark: Bookmark, wanted: Filter, *, whole: bool) -> Look:
    """Look at a source, from where the last look ended; with ``whole``, at all that it holds.

    Raise ``SourceUnread`` where the source could not be read for certain.
    """
    if bookmark.kind == FILE:
        return _look_at_file(asker, url, bookmark, wanted, whole=whole)
    try:
        look = _Collection(asker, url, wanted).look(bookmark, whole=whole)
    except SourceUnread as unread:
        if bookmark.kind == COLLECTION or unread.outcome not in _PERHAPS_A_FILE:
            raise
        try:
            return _look_at_file(asker, url, bookmark, wanted, whole=True)
        except SourceUnread:
            raise unread from None
    if look is not None:
        return look
    if bookmark.kind == COLLECTION:
        raise SourceUnread("not-calendar")
    return _look_at_file(asker, url, bookmark, wanted, whole=True)


def _look_at_file(asker: Asker, url: str, bookmark: Bookmark, wanted: Filter, *, whole: bool) -> Look:
    asked = {"If-None-Match": bookmark.mark, "If-Modified-Since": bookmark.modified}
    conditions = {} if whole else {name: value for name, value in asked.items() if value}
    answer = asker.ask("GET", url, {"Accept": "text/calendar", **conditions})
    if answer.status == _NOT_MODIFIED and conditions:
        return Look(bookmark, changed=False)
    if answer.status != _OK:
        raise _refused(answer)
    apart = take_apart(answer.body, wanted)
    if not apart.held:
        raise SourceUnread("no-events")
    # Of a file that breaks off the rest is wanted, whatever the source says of its changes.
    mark, modified = (answer.headers.get(name, "") if apart.whole else "" for name in ("etag", "last-modified"))
    return Look(
        Bookmark(FILE, mark, modified),
        read=apart.pieces,
        present=frozenset(piece.uid for piece in apart.pieces),
        problems=() if apart.whole else (_NO_END,),
        whole=apart.whole,
        unwanted=apart.unwanted,
    )


def _refused(answer: HttpAnswer) -> SourceUnread:
    return SourceUnread("sign-in") if answer.status == _NO_SIGN_IN else SourceUnread("answer", str(answer.status))


class _Refused(Exception):  # noqa: N818 - the domain's word; caught below, never seen outside
    """An answer that is no multistatus; it passes through the client library as it is."""

    def __init__(self, answer: HttpAnswer) -> None:
        super().__init__(answer.status)
        self.answer = answer


class _Session:
    """What the client library takes for its HTTP session: every request goes through the checked connection."""

    def __init__(self, asker: Asker) -> None:
        self._asker = asker

    def request(self, method: str, url: str, *, data: bytes, headers: Mapping[str, str], **_ends: Any) -> "_Response":
        """Ask; only a sound multistatus goes on to the library, which never sees credentials, HTML or a DOCTYPE."""
        answer = self._asker.ask(method, url, dict(headers), data or b"")
        if answer.status != _MULTISTATUS:
            raise _Refused(answer)
        kind, sound = answer.headers.get("content-type", ""), bool(answer.body) and b"<!DOCTYPE" not in answer.body
        # UTF-16 could hide a DOCTYPE; it is full of NULs.
        if not sound or b"\0" in answer.body or not kind.startswith(("application/xml", "text/xml")):
            raise SourceUnread("not-calendar")
        return _Response(answer.status, {"Content-Type": kind}, answer.body)

    def close(self) -> None:
        """Nothing stays open between requests."""


@dataclass(frozen=True, slots=True)
class _Response:
    """What the library reads of an answer."""

    status_code: int
    headers: Mapping[str, str]
    content: bytes
    reason: str = ""

    @property
    def text(self) -> str:
        return self.content.decode(errors="replace")


def _client(asker: Asker, url: str) -> "DAVClient":
    # Loaded here alone: it brings an HTTP library that replaces another for the whole interpreter.
    from caldav.davclient import DAVClient  # noqa: PLC0415 - see above

    # It would write what it finds odd in an answer to our log, the answer included.
    logging.getLogger("caldav").setLevel(logging.CRITICAL + 1)
    client = DAVClient(url, enable_rfc6764=False, rate_limit_handle=False)
    client.session.close()
    client.session = _Session(asker)  # type: ignore[assignment]  # the two methods that the client calls
    return client


class _Collection:
    """One look at a CalDAV collection (RFC 4791), by RFC 6578 where it is offered."""

    def __init__(self, asker: Asker, url: str, wanted: Filter) -> None:
        self._client = _client(asker, url)
        self._url = url
        self._path = _path(urlsplit(url).path)
        self._wanted = wanted

    def look(self, bookmark: Bookmark, *, whole: bool) -> Look | None:
        """Look; None where this is no calendar collection."""
        # The mark is read before the members: what changes in between is seen again, never skipped.
        facts = self._facts()
        if facts is None:
            return None
        token, mark = facts
        if mark and mark == bookmark.mark and not whole:
            return Look(bookmark, changed=False)
        found = None if whole or not token or not bookmark.mark else self._changes(bookmark.mark)
        if found is None:
            listed = self._listing()
            changed = [href for href, etag in listed.items() if _is_other(bookmark.members.get(href), etag)]
            gone = bookmark.members.keys() - listed.keys()
        else:
            changed, gone, mark = found
        return self._fetch(replace(bookmark, kind=COLLECTION, mark=mark), changed, gone)

    def _facts(self) -> tuple[str, str] | None:
        """Return the sync token, or "", and the mark of the collection's state: that token, or the ctag, or ""."""
        try:
            results = self._ask("PROPFIND", _FACTS, 0, _propfound)
        except _Refused as refused:
            if refused.answer.status in _NO_COLLECTION:
                return None
            raise _refused(refused.answer) from refused
        for result in results:
            if _CALENDAR in (result.properties.get("{DAV:}resourcetype") or ()):
                token = _text(result.properties.get("{DAV:}sync-token"))
                return token, token or _text(result.properties.get("{http://calendarserver.org/ns/}getctag"))
        return None

    def _changes(self, token: str) -> tuple[list[str], set[str], str] | None:
        """Return changed and deleted hrefs since ``token``, and the new one; None where the token says nothing."""
        from caldav.elements import dav  # noqa: PLC0415 - loaded with the client

        changed: dict[str, None] = {}
        gone: set[str] = set()
        for _ in range(_MOST_PAGES):
            level, wanted = dav.SyncLevel(value="1"), _around(dav.Prop(), dav.GetEtag())
            asked = _around(dav.SyncCollection(), dav.SyncToken(value=token), level, wanted)
            try:
                found = self._ask("REPORT", str(asked), 0, lambda response: response.parse_sync_collection())
            except _Refused as refused:
                if refused.answer.status in _NO_SYNC:
                    return None
                raise _refused(refused.answer) from refused
            for result in found.changed:
                if self._is_member(result.href):
                    changed[result.href] = None
                    gone.discard(result.href)
            for href in found.deleted:
                changed.pop(href, None)
                gone.add(href)
            if not found.sync_token:
                return None
            # "The server MUST use the status code 507 for the request-URI": there is more under the new token.
            if not found.truncated:
                return list(changed), gone, found.sync_token
            token = found.sync_token
        raise SourceUnread("too-large")

    def _listing(self) -> dict[str, str]:
        """Return the ETag of each member, by href."""
        from caldav.elements import dav  # noqa: PLC0415 - loaded with the client

        asked = _around(dav.Propfind(), _around(dav.Prop(), dav.GetEtag()))
        try:
            found = self._ask("PROPFIND", str(asked), 1, _propfound)
        except _Refused as refused:
            raise _refused(refused.answer) from refused
        if not any(_path(entry.href) == self._path for entry in found):
            # A list of depth 1 names the collection itself too (RFC 4918 9.1): one that does not is not the whole list.
            raise SourceUnread("broken-off")
        results = [entry for entry in found if self._is_member(entry.href) and entry.status == _OK]
        if len(results) > _MOST_MEMBERS:
            raise SourceUnread("too-large")
        return {result.href: _text(result.properties.get("{DAV:}getetag")) for result in results}

    def _fetch(self, bookmark: Bookmark, hrefs: Sequence[str], gone: set[str]) -> Look:
        """Fetch what changed; return the whole look. One odd member is a problem, and leaves the others alone."""
        members = {href: member for href, member in bookmark.members.items() if href not in gone}
        read: dict[str, Piece] = {}
        problems = []
        for start in range(0, len(hrefs), _BATCH):
            batch = hrefs[start : start + _BATCH]
            answers = {result.href: result for result in self._multiget(batch)}
            for href in batch:
                result = answers.get(href)
                if result is None or (result.status == _OK and result.calendar_data is None):
                    raise SourceUnread("broken-off")
                if result.calendar_data is None:
                    members.pop(href, None)
                    continue
                try:
                    pieces = take_apart(result.calendar_data.encode(), self._wanted).pieces
                except SourceUnread:
                    problems.append(_ODD_MEMBER)
                    continue
                members.pop(href, None)
                if pieces:
                    members[href] = KnownMember(result.etag or "", tuple(piece.uid for piece in pieces))
                    read |= {piece.uid: piece for piece in pieces}
        present = frozenset(uid for member in members.values() for uid in member.uids)
        return Look(
            replace(bookmark, members=members), read=tuple(read.values()), present=present, problems=tuple(problems)
        )

    def _multiget(self, hrefs: Sequence[str]) -> Sequence[Any]:
        from caldav.elements import cdav, dav  # noqa: PLC0415 - loaded with the client

        wanted = _around(dav.Prop(), dav.GetEtag(), cdav.CalendarData())
        named = [dav.Href(value=quote(href, safe=_IN_HREF)) for href in hrefs]
        asked = _around(cdav.CalendarMultiGet(), wanted, *named)
        try:
            return self._ask("REPORT", str(asked), None, lambda response: response.parse_calendar_query())
        except _Refused as refused:
            raise _refused(refused.answer) from refused

    def _ask(self, method: str, body: str, depth: int | None, parse: Callable[[Any], _T]) -> _T:
        """Ask through the library, which raises what it likes on a hostile answer."""
        headers = {} if depth is None else {"Depth": str(depth)}
        try:
            return parse(self._client.request(self._url, method, body, headers))
        except (SourceUnread, _Refused):
            raise
        except Exception as problem:
            raise SourceUnread("not-calendar") from problem

    def _is_member(self, href: str) -> bool:
        """Tell whether an href names something inside the collection; some servers list the collection too."""
        return _path(href).startswith(self._path + "/") and not href.endswith("/")


def _around(outer: Any, *inner: Any) -> Any:
    """Put elements into another; the library's own types say that an element holds only its like."""
    return outer.append(inner)


def _propfound(response: Any) -> Sequence[Any]:
    found: Sequence[Any] = response.parse_propfind()
    return found


def _is_other(member: KnownMember | None, etag: str) -> bool:
    """Tell whether a member listed is new to us or changed; one without an ETag always may be."""
    return member is None or not etag or member.etag != etag


def _path(path: str) -> str:
    """Return a path in the one spelling that hrefs are compared in."""
    return unquote(urlsplit(path).path).rstrip("/")


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


_ODD_MEMBER = IntakeProblem(
    text="A member of the collection is not a whole calendar; it was left as it was.",
    remedy="Open the event in your calendar program, change it and save it again.",
    code="odd-member",
)
_NO_END = IntakeProblem(
    text="The calendar has no END; what it does not show was left as it was.",
    remedy="Nothing is needed if the next look finds it whole; else ask whoever keeps the source.",
    code="no-end-of-calendar",
)
