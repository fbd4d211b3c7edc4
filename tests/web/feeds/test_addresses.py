"""Feeds over HTTP, as real clients ask for them (docs/feeds.md)."""

import gzip
import json
import threading
import time
from base64 import b64encode
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import icalendar
import pytest
import sqlalchemy as sa

from app.jobs.sweep import sweep
from app.security import tokens
from app.store import subscriptions, tables
from app.store.subscriptions import FeedRead, Subscription

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)


@pytest.fixture
def subscribe(store):
    """Return a function that makes a subscription: its id, token and secret."""

    def make(scope="all", *, secret=False, expires=NOW + timedelta(days=400), past=30, horizon=548):
        new = Subscription(tokens.new_subscription_id(), "test", scope, past, horizon, NOW, expires)
        pepper = store.keyring.derived("token")[0]
        token, hidden = tokens.mint(tokens.TokenKind.FEED), tokens.mint(tokens.TokenKind.FEED)
        with store.writing() as connection:
            subscriptions.insert_subscription(
                store, connection, new, tokens.digest(pepper, token), tokens.digest(pepper, hidden) if secret else None
            )
        return new.id, token, hidden

    return make


def basic(name, token):
    return {"Authorization": "Basic " + b64encode(f"{name}:{token}".encode()).decode()}


@pytest.fixture
def client(web):
    return web.test_client()


@pytest.fixture
def fetch(client, subscribe):
    """Fetch one feed of everything with its credential; more headers may be given."""
    feed_id, token, _ = subscribe()
    return lambda **headers: client.get(
        f"/feeds/{feed_id}.ics",
        headers=basic(feed_id, token) | {name.replace("_", "-"): v for name, v in headers.items()},
    )


def events(response):
    return icalendar.Calendar.from_ical(response.data).walk("VEVENT")


def test_a_subscriber_sees_a_closure_its_move_and_its_withdrawal(fetch, alpha, announce, give, clock):
    (ack,) = give(alpha, announce("u1", "2027-02-07T02:00")).accepted
    (first,) = events(fetch())
    give(alpha, announce("u1", "2027-02-08T02:00", sender_sequence=1), at=clock.forward(days=70))
    (moved,) = events(fetch())
    give(
        alpha, replace(announce("u1", "2027-02-08T02:00", sender_sequence=2), withdrawn=True), at=clock.forward(hours=1)
    )
    (gone,) = events(fetch())
    assert {one["UID"] for one in (first, moved, gone)} == {f"{ack.closure.reference.lower()}@gateway-closures"}
    assert [(one["SEQUENCE"], one["STATUS"], one.start.day) for one in (first, moved, gone)] == [
        (1, "CONFIRMED", 7), (2, "CONFIRMED", 8), (3, "CANCELLED", 8),
    ]  # fmt: skip
    assert gone["SUMMARY"].startswith("CANCELLED: ")
    assert ("short notice" in first["DESCRIPTION"].lower(), "short notice" in moved["DESCRIPTION"].lower()) == (
        False,
        True,
    )
    assert first["DTSTAMP"].dt < moved["DTSTAMP"].dt < gone["DTSTAMP"].dt


def test_the_answer_of_a_get(fetch, alpha, announce, give):
    give(alpha, announce("u1", "2027-02-07T02:00"))
    response = fetch()
    assert response.status_code == 200
    assert {
        name: response.headers.get(name)
        for name in (
            "Content-Type", "Cache-Control", "Referrer-Policy", "X-Robots-Tag", "X-Content-Type-Options", "Set-Cookie",
            "Vary", "Content-Length",
        )
    } == {
        "Content-Type": "text/calendar; charset=utf-8",
        "Cache-Control": "private, no-cache",
        "Referrer-Policy": "no-referrer",
        "X-Robots-Tag": "noindex",
        "X-Content-Type-Options": "nosniff",
        "Set-Cookie": None,
        "Vary": "Accept, Accept-Encoding, Authorization",
        "Content-Length": str(len(response.data)),
    }  # fmt: skip


def test_head_says_the_same_without_the_body(client, subscribe, alpha, announce, give):
    give(alpha, announce("u1", "2027-02-07T02:00"))
    feed_id, token, _ = subscribe()
    got = client.get(f"/feeds/{feed_id}.ics", headers=basic(feed_id, token))
    head = client.head(f"/feeds/{feed_id}.ics", headers=basic(feed_id, token))
    for answer in (got, head):
        del answer.headers["X-Request-Id"]  # of each request its own
    assert (dict(head.headers), head.data) == (dict(got.headers), b"")


def test_an_unchanged_feed_is_not_sent_again(fetch, alpha, announce, give, clock):
    give(alpha, announce("u1", "2027-02-07T02:00"))
    clock.forward(minutes=5)
    first = fetch()
    tag, date = first.headers["ETag"], first.headers["Last-Modified"]
    again = fetch(If_None_Match=tag)
    assert (again.status_code, again.data, again.headers["ETag"], again.headers["Cache-Control"]) == (
        304,
        b"",
        tag,
        "private, no-cache",
    )
    assert fetch(If_Modified_Since=date).status_code == 304
    assert fetch(If_Modified_Since="Mon, 01 Jan 2024 00:00:00 GMT").status_code == 200
    assert fetch(If_None_Match='"other"', If_Modified_Since=date).status_code == 200
    give(alpha, announce("u2", "2027-02-08T02:00"), at=clock.forward(seconds=5))
    assert (fetch(If_None_Match=tag).status_code, fetch(If_Modified_Since=date).status_code) == (200, 200)


def test_the_second_change_within_a_second_reaches_a_client_that_asks_by_date(fetch, alpha, announce, give, clock):
    give(alpha, announce("u1", "2027-02-07T02:00"), at=clock.now)
    date = fetch().headers["Last-Modified"]
    give(alpha, announce("u2", "2027-02-08T02:00"), at=clock.now + timedelta(milliseconds=300))
    clock.forward(minutes=1)
    assert fetch(If_Modified_Since=date).status_code == 200


def test_octets_are_the_same_on_every_worker_and_after_a_restart(fetch, web, settings, alpha, announce, give, clock):
    from app.factory import create_app

    give(alpha, *(announce(f"u{n}", f"2027-02-0{n}T02:00") for n in range(1, 8)))
    give(alpha, announce("u3", "2027-03-03T02:00"), at=clock.forward(days=1))
    first = fetch()
    other = create_app(settings, now=clock)
    head = subscriptions_head(other)
    from feeds.scope import FeedScope, ScopeKind

    publication = other.extensions["closures"].publishing.feed(FeedScope(ScopeKind.ALL), head, clock.now)
    assert (publication.calendar, f'"{publication.etag}"') == (first.data, first.headers["ETag"])
    other.extensions["closures"].store.close()


def subscriptions_head(app):
    from app.store.engine import read_head

    with app.extensions["closures"].store.reading() as connection:
        return read_head(connection)


def test_expiry_changes_no_octet(fetch, register, alpha, announce, give, clock):
    give(alpha, announce("u1", "2026-11-25T02:00"))
    clock.forward(minutes=1)
    before = fetch()
    assert sweep(register, clock.forward(days=2)).expired == 1
    assert fetch().data == before.data
    clock.forward(days=40)
    assert events(fetch()) == []


@pytest.mark.parametrize(
    "header",
    [
        None, "", "Basic", "Basic !!!", "Basic Og==", "Bearer", "Bearer garbage", "Bearer gwff_0", "NTLM TlRMTVNTUAAB",
        "Negotiate YII", "Digest username=x", "Basic " + b64encode(b"x:y").decode(), "\xff", "Token token=1", "Basic \xe9", "Basic " + b64encode(b"\xff\xfe:\xff").decode(), "Basic /w==", "Bearer \xff", "Bearer a b c", "Bearer ,",
        "Digest ", 'Digest username="x', "X a*=x''%zz", "Basic\t" + b64encode(b"x:y").decode(), "Basic " + "a" * 6000, "Bearer " + "x" * 6000,
    ],
)  # fmt: skip
def test_no_or_a_strange_credential_is_asked_for_basic(client, subscribe, header):
    feed_id, _, _ = subscribe()
    response = client.get(f"/feeds/{feed_id}.ics", headers={} if header is None else {"Authorization": header})
    assert (response.status_code, response.headers["WWW-Authenticate"], response.mimetype) == (
        401, 'Basic realm="Planned gateway closures feed", charset="UTF-8"', "text/plain",
    )  # fmt: skip


def test_a_credential_opens_its_own_feed_only(client, subscribe):
    one, token, _ = subscribe()
    other, other_token, _ = subscribe()
    statuses = [
        client.get(f"/feeds/{path}.ics", headers=headers).status_code
        for path, headers in (
            (one, basic(one, token)),
            (one, basic(one.upper(), token.lower())),
            (one, {"Authorization": f"Bearer {token}"}),
            (one, basic(other, other_token)),
            (one, basic(one, other_token)),
            (one, {"Authorization": f"Bearer {other_token}"}),
            ("nothing", basic("nothing", token)),
        )
    ]
    assert statuses == [200, 200, 200, 401, 401, 401, 401]


def test_revoked_and_expired(client, subscribe, store):
    feed_id, token, hidden = subscribe(secret=True)
    old_id, old_token, old_hidden = subscribe(secret=True, expires=NOW)
    with store.writing() as connection:
        subscriptions.revoke_subscription(store, connection, feed_id, NOW)
    assert [
        client.get(f"/feeds/{feed_id}.ics", headers=basic(feed_id, token)).status_code,
        client.get(f"/feeds/{old_id}.ics", headers=basic(old_id, old_token)).status_code,
        client.get(f"/feeds/s/{hidden}/closures.ics").status_code,
        client.get(f"/feeds/s/{old_hidden}/closures.ics").status_code,
        client.get(f"/feeds/s/{tokens.mint(tokens.TokenKind.FEED)}/closures.ics").status_code,
        client.get("/feeds/s/nothing/closures.ics").status_code,
    ] == [401, 401, 410, 410, 404, 404]


def test_a_secret_url_needs_no_credential_and_exists_only_where_switched_on(client, subscribe, alpha, announce, give):
    give(alpha, announce("u1", "2027-02-07T02:00"))
    _, token, hidden = subscribe(secret=True)
    _, plain, unused = subscribe()
    assert len(events(client.get(f"/feeds/s/{hidden}/closures.ics"))) == 1
    assert [client.get(f"/feeds/s/{one}/closures.ics").status_code for one in (token, plain, unused)] == [404, 404, 404]


@pytest.mark.parametrize("method", ["PROPFIND", "PUT", "POST", "DELETE", "REPORT", "PATCH"])
def test_what_a_calendar_client_probes_with_is_not_allowed(client, subscribe, method):
    feed_id, token, hidden = subscribe(secret=True)
    for path in (f"/feeds/{feed_id}.ics", f"/feeds/s/{hidden}/closures.ics"):
        response = client.open(path, method=method, headers=basic(feed_id, token) | {"If-Match": "nothing"})
        assert (response.status_code, set(response.headers["Allow"].split(", "))) == (405, {"GET", "HEAD", "OPTIONS"})


def test_options(client, subscribe):
    feed_id, _, _ = subscribe()
    response = client.options(f"/feeds/{feed_id}.ics")
    assert (response.status_code, response.headers["Allow"], response.data) == (204, "GET, HEAD, OPTIONS", b"")
    assert "Content-Type" not in response.headers


def test_options_of_a_secret_address_state_no_content_either(client, subscribe):
    _, _, hidden = subscribe(secret=True)
    for address in (f"/feeds/s/{hidden}/closures.ics", "/feeds/s/nothing/closures.ics", "/feeds/nothing.json"):
        response = client.options(address)
        assert (response.status_code, "Content-Type" in response.headers, response.data) == (204, False, b"")


@pytest.mark.parametrize(
    "accept",
    [
        *(None, "*/*", "text/html", "image/png", "text/*", "nonsense", "", "*/*;q=0", "text/calendar;q=0"),
        *("text/calendar;q=0.1, application/json", "application/json, text/*;q=0.2", "text/plain, application/xml"),
        # What axios, Angular and jQuery say of themselves.
        *("application/json, text/plain, */*", "application/json, text/javascript, */*; q=0.01"),
        "application/calendar+json, */*;q=0.1",
    ],
)
def test_whatever_is_accepted_a_calendar_is_given(fetch, accept):
    response = fetch() if accept is None else fetch(Accept=accept)
    assert (response.status_code, response.mimetype) == (200, "text/calendar")


@pytest.mark.parametrize(
    ("accept", "given"),
    [
        ("application/json", "application/json"),
        ("application/json, text/plain", "application/json"),
        ("application/json;q=0.5, application/calendar+json", "application/calendar+json"),
        ("text/calendar;q=0, application/json, */*", "application/json"),
        ("text/*;q=0, application/calendar+json, */*;q=0.1", "application/calendar+json"),
    ],
)
def test_who_does_not_take_a_calendar_is_given_what_it_takes(fetch, accept, given):
    response = fetch(Accept=accept)
    assert (response.status_code, response.mimetype) == (200, given)


def test_an_address_of_json_gives_json_whatever_is_accepted(client, subscribe):
    feed_id, token, _ = subscribe()
    for accept in ("text/calendar", "text/html", "*/*", "application/json;q=0"):
        response = client.get(f"/feeds/{feed_id}.json", headers=basic(feed_id, token) | {"Accept": accept})
        assert (response.status_code, response.mimetype) == (200, "application/json")


def test_jcal_and_json_of_the_same_entries(client, subscribe, alpha, announce, give, clock):
    (ack,) = give(alpha, announce("u1", "2026-11-24T08:00")).accepted
    (soon,) = give(alpha, announce("u2", "2026-11-25T02:00")).accepted
    feed_id, token, _ = subscribe()
    auth = basic(feed_id, token)
    jcal = client.get(f"/feeds/{feed_id}.ics", headers=auth | {"Accept": "application/calendar+json"})
    listing = client.get(f"/feeds/{feed_id}.json", headers=auth)
    accepted = client.get(f"/feeds/{feed_id}.ics", headers=auth | {"Accept": "application/json"})
    assert [response.mimetype for response in (jcal, listing, accepted)] == [
        "application/calendar+json", "application/json", "application/json",
    ]  # fmt: skip
    assert len(json.loads(jcal.data)[2]) == 2
    facts = json.loads(listing.data)
    assert [one["reference"] for one in facts["closed_now"]] == [ack.closure.reference]
    assert [one["reference"] for one in facts["next_24_hours"]] == [soon.closure.reference]
    assert (
        client.get(f"/feeds/{feed_id}.json", headers=auth | {"If-None-Match": listing.headers["ETag"]}).status_code
        == 304
    )
    clock.forward(hours=4)
    assert (
        client.get(f"/feeds/{feed_id}.json", headers=auth | {"If-None-Match": listing.headers["ETag"]}).status_code
        == 200
    )


def test_gzip_only_when_asked_and_not_for_outlook(fetch, alpha, announce, give):
    give(alpha, announce("u1", "2027-02-07T02:00"))
    plain, zipped = fetch(), fetch(Accept_Encoding="gzip")
    outlook = fetch(Accept_Encoding="gzip", User_Agent="Microsoft Office/16.0 (Microsoft Outlook 16.0)")
    refused = fetch(Accept_Encoding="gzip;q=0")
    assert [one.headers.get("Content-Encoding") for one in (plain, zipped, outlook, refused)] == [
        None,
        "gzip",
        None,
        None,
    ]
    assert gzip.decompress(zipped.data) == plain.data == outlook.data
    assert zipped.headers["ETag"] == plain.headers["ETag"][:-1] + '-gzip"'
    assert fetch(Accept_Encoding="gzip", If_None_Match=zipped.headers["ETag"]).status_code == 304


@pytest.mark.parametrize(
    "agent", ["", "Exchange/15.20 (OWA)", "Google-Calendar-Importer", "Mozilla/5.0", "curl/8", "Microsoft Office/16.0"]
)
def test_a_secret_address_is_never_compressed(client, subscribe, alpha, announce, give, agent):
    give(alpha, announce("u1", "2027-02-07T02:00"))
    _, _, hidden = subscribe(secret=True)
    headers = {"Accept-Encoding": "gzip, br", "User-Agent": agent}
    response = client.get(f"/feeds/s/{hidden}/closures.ics", headers=headers)
    assert (response.status_code, "Content-Encoding" in response.headers) == (200, False)
    assert response.data.startswith(b"BEGIN:VCALENDAR\r\n")
    assert not response.headers["ETag"].endswith('-gzip"')


@pytest.mark.parametrize(
    ("scope", "expected"),
    [
        ("all", {"A1", "A2", "B1"}),
        ("full", {"A1", "A2", "B1"}),
        ("user:ALPHA", {"A1", "A2"}),
        ("gateway:GW-A2", {"A2"}),
        ("late", {"B1"}),
    ],
)
def test_scopes(client, subscribe, alpha, enrolled, announce, give, scope, expected):
    beta = enrolled("BETA", "GW-B1")
    give(alpha, announce("u1", "2027-02-07T02:00"), announce("u2", "2027-02-07T02:00", gateway="GW-A2"))
    give(beta, announce("u1", "2026-12-01T02:00", gateway="GW-B1"))
    feed_id, token, _ = subscribe(scope)
    found = events(client.get(f"/feeds/{feed_id}.ics", headers=basic(feed_id, token)))
    assert {one["X-MAINTNOTE-OBJECT-ID"].removeprefix("GW-") for one in found} == expected


def test_another_users_change_leaves_no_trace_in_a_users_feed(
    client, subscribe, alpha, enrolled, announce, give, clock
):
    beta = enrolled("BETA", "GW-B1")
    give(alpha, announce("u1", "2027-02-07T02:00"))
    feed_id, token, _ = subscribe("user:ALPHA")
    clock.forward(minutes=1)
    before = client.get(f"/feeds/{feed_id}.ics", headers=basic(feed_id, token))
    give(beta, announce("u1", "2027-02-07T02:00", gateway="GW-B1"), at=clock.now)
    clock.forward(minutes=1)
    after = client.get(f"/feeds/{feed_id}.ics", headers=basic(feed_id, token))
    for answer in (before, after):
        del answer.headers["X-Request-Id"]  # of each request its own
    assert (after.data, dict(after.headers)) == (before.data, dict(before.headers))


def test_an_empty_feed_is_a_calendar(fetch):
    assert (fetch().status_code, events(fetch())) == (200, [])


def test_a_failure_is_503_and_never_an_empty_calendar(web, subscribe, alpha, announce, give, store):
    give(alpha, announce("u1", "2027-02-07T02:00"))
    feed_id, token, _ = subscribe()
    with store.writing() as connection:
        connection.execute(sa.update(tables.closures).values(sealed=b"\x01" + bytes(60)))
    response = web.test_client().get(f"/feeds/{feed_id}.ics", headers=basic(feed_id, token))
    assert (response.status_code, response.headers["Retry-After"], b"VCALENDAR" in response.data) == (503, "10", False)


def test_whoever_ends_the_process_waits_for_the_reads_that_are_being_written(fetch, web, store):
    """The timer took them; a database that waits for another writer has not got them yet."""
    fetch()
    log, ends = web.extensions["closures"].read_log, threading.Event()
    with web.extensions["closures"].store.writing():
        timer = threading.Thread(target=log.flush)
        timer.start()
        until = time.monotonic() + 10
        while log._waiting and time.monotonic() < until:
            time.sleep(0.01)
        last = threading.Thread(target=lambda: (log.flush(), ends.set()))
        last.start()
        assert not ends.wait(0.3)
    last.join(10)
    with store.reading() as connection:
        (only,) = subscriptions.list_subscriptions(store, connection).whole
        assert len(subscriptions.last_reads(connection, only.id)) == 1
    timer.join(10)


def test_a_read_waits_for_a_database_that_is_away(fetch, web, store, settings):
    fetch()
    log, file = web.extensions["closures"].read_log, Path(settings.database.removeprefix("sqlite:///"))
    away = file.rename(file.with_name("away"))
    log.flush()
    away.rename(file)
    log.flush()
    with store.reading() as connection:
        (only,) = subscriptions.list_subscriptions(store, connection).whole
        assert len(subscriptions.last_reads(connection, only.id)) == 1


def test_every_read_is_logged(fetch, web, store, alpha, announce, give):
    give(alpha, announce("u1", "2027-02-07T02:00"))
    first = fetch(User_Agent="curl/8")
    fetch(User_Agent="curl/8", If_None_Match=first.headers["ETag"])
    web.extensions["closures"].read_log.flush()
    with store.reading() as connection:
        (only,) = subscriptions.list_subscriptions(store, connection).whole
        assert list(subscriptions.last_reads(connection, only.id)) == [
            FeedRead(only.id, NOW, 304, 0, "curl/8"), FeedRead(only.id, NOW, 200, len(first.data), "curl/8"),
        ]  # fmt: skip
