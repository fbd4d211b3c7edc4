"""The sync-collection report (RFC 6578): what changed since a token, and the token of what is now known."""

from itertools import accumulate

from app.caldav.backend import CollectionChanges, TokenUnknown
from app.caldav.exchange import Element, Refused, Request, Response, bad_request, text_of
from app.caldav.notation import dav, escape
from app.caldav.properties.live import SYNC_TOKEN, AskerView
from app.caldav.properties.rows import MemberRows, missing_row, multistatus, read_asked, refused_row
from app.caldav.request_headers import read_preferences
from app.caldav.resources import Resource, segment

_LONGEST_TOKEN = 200


def answer_sync(request: Request, view: AskerView, resource: Resource, body: Element) -> Response:
    """Answer a sync-collection."""
    assert resource.collection is not None
    _check_depth(request, body)
    most = _limit(body)
    token = _token(body)
    asked = read_asked(body)
    wants = read_preferences(request.headers)
    writer = MemberRows(view, resource.collection, resource.href, asked, minimal=wants.minimal)
    try:
        changes = view.backend.changes(resource.collection, token, most)
        if writer.needs_members and (fitting := _fitting(changes, view.cost.limits.octets)) < len(changes.changed):
            # "A server MAY limit the number of member URLs in a response" (RFC 6578 3.6): the rest is the next page's.
            changes = view.backend.changes(resource.collection, token, fitting)
    except TokenUnknown as unknown:
        raise _bad_token() from unknown
    if writer.needs_members:
        names = [entry.name for entry in changes.changed]
        found = view.backend.members(resource.collection, names)
        # One that went between the two look-ups is in the next answer as gone.
        rows = [writer.member(found[name]) for name in names if name in found]
    else:
        rows = [writer.entry(entry) for entry in changes.changed]
    rows += _end(resource, changes, first=not token)
    more = f"<D:sync-token>{escape(SYNC_TOKEN + changes.token)}</D:sync-token>"
    return multistatus(rows, more, wants.applied("minimal"))


def _end(resource: Resource, changes: CollectionChanges, *, first: bool) -> list[str]:
    """Return the rows of what is gone, and the one that says that more is to come.

    An initial sync "MUST NOT" list removed members (RFC 6578 3.4); later a row of a removed one holds "a 404 ... and
    MUST NOT contain any DAV:propstat" (3.5.2); where cut, "a DAV:response ... for the request-URI with ... 507" (3.6).
    """
    rows = [] if first else [missing_row(resource.href + segment(name)) for name in changes.gone]
    if changes.is_cut:
        text = "There is more: ask again with this token."
        rows.append(
            refused_row(resource.href, "507 Insufficient Storage", dav("number-of-matches-within-limits"), text)
        )
    return rows


def _fitting(changes: CollectionChanges, octets: int) -> int:
    """Return how many of the changed members, from the first, one answer can show whole; at least one."""
    sizes = accumulate(entry.length for entry in changes.changed)
    return max(1, sum(size <= octets for size in sizes))


def _check_depth(request: Request, body: Element) -> None:
    """Hold a request to one level. Older drafts, and the clients that follow them, say so by Depth: 1."""
    if request.headers.get("depth", "0").strip() not in {"0", "1"}:
        raise bad_request("A sync-collection has Depth: 0.")
    level = text_of(body.find(dav("sync-level"))).strip()
    if level == "infinite":
        raise Refused(403, dav("sync-traversal-supported"), "A calendar holds no collections: use sync-level 1.")
    if level not in {"", "1"}:
        raise bad_request("sync-level is 1.")


def _limit(body: Element) -> int | None:
    limit = body.find(dav("limit"))
    if limit is None:
        return None
    text = text_of(limit.find(dav("nresults"))).strip()
    if not text.isascii() or not text.isdigit() or len(text) > 9:  # noqa: PLR2004 - beyond it no limit is meant
        raise bad_request("nresults is a whole number.")
    if int(text) == 0:
        text = "With a limit of 0 nothing can be told."
        raise Refused(403, dav("number-of-matches-within-limits"), text)
    return int(text)


def _token(body: Element) -> str:
    """Return what the backend gave of a token, "" for an initial sync. Raise ``Refused`` (valid-sync-token)."""
    found = body.find(dav("sync-token"))
    if found is None:
        raise bad_request("A sync-collection has a sync-token, empty at first.")
    text = text_of(found).strip()
    if text and (not text.startswith(SYNC_TOKEN) or not len(SYNC_TOKEN) < len(text) <= _LONGEST_TOKEN):
        raise _bad_token()
    return text.removeprefix(SYNC_TOKEN)


def _bad_token() -> Refused:
    return Refused(403, dav("valid-sync-token"), "This token is not known here: sync again from an empty one.")
