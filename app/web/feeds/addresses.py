"""Feed URLs: a credential or a secret URL opens one subscription's feed, and nothing else does (docs/feeds.md)."""

from collections.abc import Callable
from dataclasses import replace

from flask import Blueprint, Response, request
from werkzeug.datastructures import Authorization
from werkzeug.http import http_date

from app.domain.access import Action
from app.publishing import Publication
from app.security import tokens
from app.security.security_log import SecurityAction, security_event
from app.store import subscriptions
from app.store.engine import Head
from app.store.subscriptions import FeedRead, Subscription
from app.web.principal import digest_of
from app.web.site import site
from feeds.freshness import FeedAge, etag_of
from feeds.scope import FeedScope, parse_scope

blueprint = Blueprint("addresses", __name__)

_CHALLENGE = 'Basic realm="Planned gateway closures feed", charset="UTF-8"'
_ALLOW = "GET, HEAD, OPTIONS"
_CALENDAR = "text/calendar; charset=utf-8"
_JCAL = "application/calendar+json"
_JSON = "application/json"
# One report has Outlook break on a compressed feed; what asks under these names gets it plain. A secret address is
# always plain: it is for the servers of Outlook and others, whose names nobody knows.
_PLAIN_CLIENTS = ("microsoft office", "outlook")


@blueprint.route("/feeds/<subscription_id>.<any(ics, json):form>", methods=["GET", "OPTIONS"], action=Action.PUBLIC)
def by_credential(subscription_id: str, form: str) -> Response:
    """Serve a feed to whoever brings its token, by Basic (user name: the subscription's id) or Bearer."""
    if request.method == "OPTIONS":
        return _options()
    found = _credential(request.authorization, subscription_id.lower())
    if found is None:
        return _quiet(401, "This feed needs its subscription's id and token.", {"WWW-Authenticate": _CHALLENGE})
    return _serve(*found, form, may_compress=_may_compress())


@blueprint.route("/feeds/s/<token>/closures.ics", methods=["GET", "OPTIONS"], action=Action.PUBLIC)
def by_secret_url(token: str) -> Response:
    """Serve a feed whose whole secret is its address, for clients that can send no credential."""
    if request.method == "OPTIONS":
        return _options()
    store = site().store
    with store.reading() as connection:
        found = subscriptions.subscription_by_secret(store, connection, digest_of(token))
    if found is None:
        _note_refusal("secret-address", "unknown")
        return _quiet(404, "There is no such feed.", {})
    if not found[0].is_live(site().now()):
        _note_refusal("secret-address", "ended", found[0].id)
        return _quiet(410, "This feed has ended.", {})
    return _serve(*found, "ics", may_compress=False)


def scope_of(subscription: Subscription) -> FeedScope:
    """Return what a subscription takes."""
    return replace(
        parse_scope(subscription.scope), past_days=subscription.past_days, horizon_days=subscription.horizon_days
    )


def _credential(stated: Authorization | None, subscription_id: str) -> tuple[Subscription, Head] | None:
    if stated is None:
        return None
    if stated.type == "basic" and (stated.username or "").strip().lower() == subscription_id:
        token = stated.password
    elif stated.type == "bearer":
        token = stated.token
    else:
        return None
    if not token or tokens.kind_of(token) is not tokens.TokenKind.FEED:
        _note_refusal("feed", "no-token")
        return None
    store = site().store
    with store.reading() as connection:
        found = subscriptions.subscription_by_token(store, connection, digest_of(token))
    if found is None or found[0].id != subscription_id or not found[0].is_live(site().now()):
        _note_refusal("feed", "unknown" if found is None else "not-live-here", "" if found is None else found[0].id)
        return None
    return found


def _note_refusal(kind: str, reason: str, subscription_id: str = "") -> None:
    security_event(SecurityAction.TOKEN_REFUSED, failed=True, kind=kind, reason=reason, token=subscription_id)


def _serve(subscription: Subscription, head: Head, form: str, *, may_compress: bool) -> Response:
    now = site().now()
    publication = site().publishing.feed(scope_of(subscription), head, now)
    media_type = _JSON if form == "json" else _media_type()
    octets, etag, encoding = _representation(publication, media_type, may_compress=may_compress)
    headers = {
        "ETag": f'"{etag}"',
        "Cache-Control": "private, no-cache",
        "Vary": "Accept, Accept-Encoding, Authorization",
    }
    age = FeedAge(publication.changed_at, now)
    if media_type == _CALENDAR:
        headers["Last-Modified"] = http_date(age.last_modified)
    if request.if_match and not request.if_match.contains(etag):
        return _quiet(412, "The feed has another entity tag by now.", headers)
    # For JSON the tag alone counts: what is closed now changes with the clock as well as with the data.
    known = media_type == _CALENDAR and age.is_known(request.if_modified_since)
    # "A recipient MUST ignore If-Modified-Since if the request contains an If-None-Match" (RFC 9110 13.1.3).
    fresh = request.if_none_match.contains_weak(etag) if "If-None-Match" in request.headers else known
    client = (request.user_agent.string or "unnamed")[:120]
    if fresh:
        site().read_log.add(FeedRead(subscription.id, now, 304, 0, client))
        return Response(status=304, headers=headers)
    body = octets()
    site().read_log.add(FeedRead(subscription.id, now, 200, len(body), client))
    if encoding:
        headers["Content-Encoding"] = encoding
    response = Response(body, 200, headers, content_type=media_type)
    response.headers["Content-Length"] = str(len(body))
    return response


def _media_type() -> str:
    """Choose by Accept what is at an address that ends in .ics: the calendar, unless it is not taken.

    Programs that read JSON elsewhere say ``application/json, text/plain, */*`` here too, and mean the calendar. Where
    nothing that is there is taken, it is the calendar all the same: a feed is never refused.
    """
    accept = request.accept_mimetypes
    if not accept.provided or accept.quality("text/calendar") > 0:
        return _CALENDAR
    return accept.best_match([_JCAL, _JSON]) or _CALENDAR


def _representation(
    publication: Publication, media_type: str, *, may_compress: bool
) -> tuple[Callable[[], bytes], str, str]:
    """Return the body (made only if it is sent), its entity tag and its content encoding."""
    if media_type == _CALENDAR:
        if may_compress:
            return publication.gzipped, f"{publication.etag}-gzip", "gzip"
        return lambda: publication.calendar, publication.etag, ""
    jcal = media_type == _JCAL
    octets = site().publishing.jcal(publication) if jcal else publication.listing(site().now())
    return lambda: octets, etag_of(octets), ""


def _may_compress() -> bool:
    agent = request.user_agent.string.lower()
    return request.accept_encodings["gzip"] > 0 and not any(name in agent for name in _PLAIN_CLIENTS)


def _options() -> Response:
    return Response(status=204, headers={"Allow": _ALLOW})


def _quiet(status: int, text: str, headers: dict[str, str]) -> Response:
    """Answer in plain text: a calendar client shows it or drops it, and never takes it for a calendar."""
    return Response(text + "\n", status, headers, content_type="text/plain; charset=utf-8")
