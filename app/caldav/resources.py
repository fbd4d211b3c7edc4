"""Paths, from what a request has, percent-encoded, to what is there as the asker may see it, and back."""

import re
from dataclasses import dataclass
from enum import Enum, auto
from functools import lru_cache
from urllib.parse import quote, unquote_to_bytes, urlsplit

from app.caldav.backend import Backend, CalendarCollection, DavPrincipal, MemberEntry
from app.caldav.exchange import Request, missing

ROOT = "/dav/"
PRINCIPALS = "/dav/principals/"
HOMES = "/dav/calendars/"
_LONGEST = 4_096  # characters of a path
_LONGEST_NAME = 512  # octets of one decoded segment
# A line feed is let in: synchronisers name a member by its UID, and some UIDs hold one.
_CONTROLS = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\ufffe\uffff]")
# Of what RFC 3986 3.3 lets stand in a segment, all that XML lets stand too.
_SAFE = "@:!$()*,;=+~"


class PathKind(Enum):
    """What a place is."""

    ROOT = auto()
    PRINCIPALS = auto()
    PRINCIPAL = auto()
    HOMES = auto()
    HOME = auto()
    COLLECTION = auto()
    MEMBER = auto()


@dataclass(frozen=True, slots=True)
class DavPath:
    """Where a path leads, decoded; whether anything is there is another question."""

    kind: PathKind
    owner: str = ""
    collection: str = ""
    member: str = ""


# By the first segment under the root, what each further one leads to.
_KINDS: dict[tuple[str, ...], tuple[PathKind, ...]] = {
    (): (PathKind.ROOT,),
    ("principals",): (PathKind.PRINCIPALS, PathKind.PRINCIPAL),
    ("calendars",): (PathKind.HOMES, PathKind.HOME, PathKind.COLLECTION, PathKind.MEMBER),
}
_FIXED = {PathKind.ROOT: ROOT, PathKind.PRINCIPALS: PRINCIPALS, PathKind.HOMES: HOMES}
_MEMBER = 4  # segments


@lru_cache(maxsize=256)  # asked twice in a request, and for the member that was changed last again
def read_path(path: str) -> DavPath | None:
    """Return the place of a percent-encoded path; None where nothing can be.

    Each segment is decoded once, so a double encoding names a member that merely looks odd. Dot segments, NUL and most
    controls, an encoded slash, and octets that are not UTF-8 lead nowhere. Apple's clients ask ``/`` and
    ``/principals/`` before they look further.
    """
    if len(path) > _LONGEST or not path.startswith("/"):
        return None
    if path in {"/", "/principals", "/principals/"}:
        return DavPath(PathKind.ROOT if path == "/" else PathKind.PRINCIPALS)
    slash = path.endswith("/")
    segments = [_decoded(segment) for segment in path.strip("/").split("/")]
    if path.startswith("//") or path.endswith("//") or segments[0] != "dav" or None in segments:
        return None
    return _place([segment for segment in segments[1:] if segment is not None], slash=slash)


def _decoded(segment: str) -> str | None:
    try:
        name = unquote_to_bytes(segment).decode("utf-8")
    except UnicodeError:
        return None
    if name in {"", ".", ".."} or "/" in name or len(name.encode()) > _LONGEST_NAME or _CONTROLS.search(name):
        return None
    return name


def _place(segments: list[str], *, slash: bool) -> DavPath | None:
    kinds = _KINDS.get(tuple(segments[:1]), ())
    if not kinds or len(segments) > len(kinds) or (len(segments) == _MEMBER and slash):
        return None
    return DavPath(kinds[max(len(segments) - 1, 0)], *segments[1:])


def is_same(path: str, other: str) -> bool:
    """Tell whether two paths lead to one place: codes are the same in any case, names of members are not."""
    places = [read_path(spelt) for spelt in (path, other)]
    codes = [place and (place.kind, place.owner.upper(), place.collection.upper(), place.member) for place in places]
    return codes[0] is not None and codes[0] == codes[1]


def path_of(href: str, request: Request) -> str | None:
    """Return the path of an absolute or relative href ("Simple-ref", RFC 4918 8.3); None for another host's.

    Ours are the host that the request itself names and that of our own address; which scheme is spoken, and so which
    port goes without saying, is the proxy's to know.
    """
    try:
        parts = urlsplit(href.strip())
    except ValueError:
        return None
    return parts.path if not parts.netloc or _is_own(parts.netloc, request) else None


def _is_own(authority: str, request: Request) -> bool:
    named = _plain(authority.rpartition("@")[2])
    return named in {_plain(request.headers.get("host", "")), _plain(request.served_at)}


def _plain(host: str) -> str:
    return host.strip().lower().removesuffix(":80").removesuffix(":443")


def segment(name: str) -> str:
    """Return a name as a segment of a path."""
    return quote(name, safe=_SAFE)


def principal_path(code: str) -> str:
    """Return the path of a principal."""
    return f"{PRINCIPALS}{segment(code)}/"


def home_path(code: str) -> str:
    """Return the path of a calendar home."""
    return f"{HOMES}{segment(code)}/"


def collection_path(owner: str, name: str) -> str:
    """Return the path of a collection."""
    return f"{HOMES}{segment(owner)}/{segment(name)}/"


@dataclass(frozen=True, slots=True)
class Resource:
    """Something that is there.

    ``href`` is its path as the request had it, with the slash that ends a collection's; ``path`` is the canonical one.
    ``principal`` is that of a principal or a home, ``collection`` that of a collection or a member.
    """

    kind: PathKind
    href: str
    path: str
    principal: DavPrincipal | None = None
    collection: CalendarCollection | None = None
    entry: MemberEntry | None = None


def find(backend: Backend, path: str) -> Resource | None:
    """Return what is at a percent-encoded path, None where nothing is to be seen."""
    place = read_path(path)
    return find_place(backend, place, path) if place else None


def find_place(backend: Backend, place: DavPath, path: str) -> Resource | None:
    """Return what is at a place that ``path`` leads to."""
    href = path if place.kind is PathKind.MEMBER else with_slash(path)
    if place.kind in _FIXED:
        return Resource(place.kind, href, _FIXED[place.kind])
    if place.kind in {PathKind.PRINCIPAL, PathKind.HOME}:
        principal = backend.principal(place.owner)
        path_to = principal_path if place.kind is PathKind.PRINCIPAL else home_path
        return Resource(place.kind, href, path_to(principal.code), principal=principal) if principal else None
    collection = backend.collection(place.owner, place.collection)
    if collection is None:
        return None
    canonical = collection_path(collection.owner, collection.name)
    if place.kind is PathKind.COLLECTION:
        return Resource(place.kind, href, canonical, collection=collection)
    entry = backend.entry(collection, place.member)
    return Resource(place.kind, href, canonical + segment(entry.name), None, collection, entry) if entry else None


def required(backend: Backend, request: Request) -> Resource:
    """Return what a request is about. Raise ``Refused`` (404)."""
    found = find(backend, request.path)
    if found is None:
        raise missing()
    return found


def inside(backend: Backend, container: Resource) -> list[Resource]:
    """Return what a container holds, members of a collection apart: those have rows of their own."""
    kind, href = container.kind, container.href
    if kind is PathKind.ROOT:
        return [Resource(PathKind.PRINCIPALS, PRINCIPALS, PRINCIPALS), Resource(PathKind.HOMES, HOMES, HOMES)]
    if kind in {PathKind.PRINCIPALS, PathKind.HOMES}:
        inner, path_to = (
            (PathKind.PRINCIPAL, principal_path) if kind is PathKind.PRINCIPALS else (PathKind.HOME, home_path)
        )
        return [
            Resource(inner, href + segment(principal.code) + "/", path_to(principal.code), principal=principal)
            for principal in backend.principals()
        ]
    if kind is PathKind.HOME and container.principal is not None:
        return [
            Resource(
                PathKind.COLLECTION,
                href + segment(collection.name) + "/",
                collection_path(collection.owner, collection.name),
                collection=collection,
            )
            for collection in backend.collections(container.principal.code)
        ]
    return []


def with_slash(path: str) -> str:
    """Return the path of a collection with the slash that ends it."""
    return path if path.endswith("/") else path + "/"
