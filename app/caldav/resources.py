"""What is at a place, as the asker may see it."""

from dataclasses import dataclass

from app.caldav.backend import Backend, CalendarCollection, DavPrincipal, MemberEntry
from app.caldav.conditions import missing
from app.caldav.exchange import Request
from app.caldav.hrefs import (
    HOMES,
    PRINCIPALS,
    ROOT,
    DavPath,
    PathKind,
    collection_path,
    home_path,
    principal_path,
    read_path,
    segment,
)


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


_FIXED = {PathKind.ROOT: ROOT, PathKind.PRINCIPALS: PRINCIPALS, PathKind.HOMES: HOMES}


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
            Resource(inner, href + segment(one.code) + "/", path_to(one.code), principal=one)
            for one in backend.principals()
        ]
    if kind is PathKind.HOME and container.principal is not None:
        return [
            Resource(
                PathKind.COLLECTION,
                href + segment(one.name) + "/",
                collection_path(one.owner, one.name),
                collection=one,
            )
            for one in backend.collections(container.principal.code)
        ]
    return []


def with_slash(path: str) -> str:
    """Return the path of a collection with the slash that ends it."""
    return path if path.endswith("/") else path + "/"
