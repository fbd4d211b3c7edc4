"""Rows of a multistatus (RFC 4918 13): what was found, and what is not there."""

from collections.abc import Iterable, Iterator

from app.caldav.conditions import XML_TYPE
from app.caldav.exchange import Response
from app.caldav.markup import document, element, escape, href
from app.caldav.properties.live import LIVE, OF_ALLPROP, SETTABLE, AskerView, live_of
from app.caldav.reports.requested_props import PropsForm, RequestedProps
from app.caldav.resources import Resource

OK = "<D:status>HTTP/1.1 200 OK</D:status>"
NOT_FOUND = "<D:status>HTTP/1.1 404 Not Found</D:status>"


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
