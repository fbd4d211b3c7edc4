"""The door over HTTP: who is let in, how paths and bodies get through, and what no credential opens."""

import json
from datetime import datetime
from urllib.parse import quote

import pytest
from lxml.etree import fromstring

from app.domain.access import Role
from app.register.people import enrolment
from app.register.verification import verify_record

HOME = "/dav/calendars/ALPHA/GW-A1/"
SYNC = '<D:sync-collection xmlns:D="DAV:"><D:sync-token/><D:sync-level>1</D:sync-level><D:prop><D:getetag/></D:prop></D:sync-collection>'
MULTIGET = '<C:calendar-multiget xmlns:C="urn:ietf:params:xml:ns:caldav" xmlns:D="DAV:"><D:prop><D:getetag/><C:calendar-data/></D:prop><D:href>{}</D:href></C:calendar-multiget>'


def test_discovery_comes_before_any_credential(ask):
    for method in ("GET", "PROPFIND", "OPTIONS"):
        answer = ask(method, "/.well-known/caldav")
        assert (answer.status_code, answer.headers["Location"]) == (301, "/dav/")


@pytest.mark.parametrize("path", ["/dav", "/dav/", HOME, "/dav//x", "/dav/nothing", "/principals/", "/"])
@pytest.mark.parametrize("method", ["PROPFIND", "REPORT", "PROPPATCH"])
def test_nobody_gets_a_challenge_for_basic_and_nothing_else(ask, path, method):
    answer = ask(method, path)
    assert (answer.status_code, answer.headers.getlist("WWW-Authenticate")) == (
        401, ['Basic realm="Planned gateway closures calendars", charset="UTF-8"'],
    )  # fmt: skip
    assert (answer.headers["Cache-Control"], "Set-Cookie" in answer.headers) == ("private, no-cache", False)


@pytest.mark.parametrize(
    "method", ["GET", "PUT", "DELETE", "OPTIONS", "MKCALENDAR", "MKCOL", "LOCK", "MOVE", "POST", "ACL"]
)
def test_every_method_is_answered_by_the_door(ask, alpha, token, method):
    assert ask(method, HOME + "a.ics").status_code == 401
    answer = ask(method, HOME + "a.ics", "alpha", token("ALPHA"))
    assert (answer.status_code != 401, answer.status_code < 500, "calendar-access" in answer.headers["DAV"]) == (
        True, True, True,
    )  # fmt: skip


def test_a_put_comes_back_as_it_was_sent_and_says_what_it_means(ask, alpha, token, event):
    password, path, octets = token("ALPHA"), HOME + quote("Zählerschließung 50%?.ics"), event("u1")
    stored = ask("PUT", path, "ALPHA", password, octets, Content_Type="text/calendar", If_None_Match="*")
    got = ask("GET", path, "ALPHA", password)
    assert (stored.status_code, got.status_code, got.data) == (201, 200, octets)
    assert stored.headers["ETag"] == got.headers["ETag"]
    assert json.loads(stored.headers["X-Closure-Receipt"])["short_notice"] is False
    assert "Authorization" in got.headers["Vary"]
    assert ask("HEAD", path, "ALPHA", password).headers["Content-Length"] == str(len(octets))
    assert (
        ask("PUT", path, "ALPHA", password, octets, Content_Type="text/calendar", If_None_Match="*").status_code == 412
    )
    assert ask("DELETE", path, "ALPHA", password).status_code == 204
    assert ask("GET", path, "ALPHA", password).status_code == 404


def test_a_calendar_seen_empty_is_a_place_to_go_on_from(ask, alpha, token, event):
    """Who saw it empty may hold since then, by its own PUT, what another client has deleted meanwhile (RFC 6578 3.5.2)."""
    password = token("ALPHA")
    seen = fromstring(ask("REPORT", HOME, "ALPHA", password, SYNC, Depth="0").data).findtext("{DAV:}sync-token")
    ask("PUT", HOME + "a.ics", "ALPHA", password, event("u1"), Content_Type="text/calendar")
    ask("DELETE", HOME + "a.ics", "ALPHA", password)
    since = SYNC.replace("<D:sync-token/>", f"<D:sync-token>{seen}</D:sync-token>")
    answer = fromstring(ask("REPORT", HOME, "ALPHA", password, since, Depth="0").data)
    assert [
        (row.findtext("{DAV:}href"), row.findtext("{DAV:}status")) for row in answer.iter("{DAV:}response")
    ] == [(HOME + "a.ics", "HTTP/1.1 404 Not Found")]  # fmt: skip
    # Who starts with nothing is told of nothing that is gone.
    assert list(fromstring(ask("REPORT", HOME, "ALPHA", password, SYNC, Depth="0").data).iter("{DAV:}response")) == []


def test_a_body_too_large_is_refused_in_the_protocols_words(ask, alpha, token):
    answer = ask("PUT", HOME + "a.ics", "ALPHA", token("ALPHA"), b"x" * 3_000_000, Content_Type="text/calendar")
    assert (answer.status_code, b"max-resource-size" in answer.data) == (403, True)


def test_a_stale_password_that_hammers_waits_and_others_do_not(ask, alpha, token, clock):
    good = token("ALPHA")
    for _ in range(20):
        assert ask("PROPFIND", HOME).status_code == 401  # a first request without a credential is no failure
    assert [ask("PROPFIND", HOME, "ALPHA", "stale").status_code for _ in range(12)] == [401] * 10 + [429] * 2
    assert int(ask("PROPFIND", HOME, "alpha ", "stale").headers["Retry-After"]) > 0
    assert ask("PROPFIND", HOME, "ALPHA", good, Depth="0").status_code == 207
    for number in range(60):
        ask("PROPFIND", HOME, "ALPHA", f"guess {number}")
    assert ask("PROPFIND", HOME, "ALPHA", "another guess").status_code == 429
    clock.forward(minutes=2)
    assert ask("PROPFIND", HOME, "ALPHA", "stale").status_code == 401


def test_revoked_foreign_and_other_roles_tokens_open_nothing(service, ask, alpha, enrolled, token, clock):
    enrolled("BETA", "GW-B1")
    ended = token("ALPHA")
    for issued in enrolment.list_tokens(service.store):
        enrolment.revoke_token(service.store, issued.token.id.hex(), clock())
    beta = token("BETA")
    for name, password in (("ALPHA", ended), ("ALPHA", beta), ("ops", token(role=Role.OPS)), ("", ""), ("ALPHA", "")):
        assert ask("PROPFIND", HOME, name, password).status_code == 401
    assert (
        ask("PROPFIND", HOME.replace("ALPHA", "BETA").replace("A1", "B1"), "beta", beta, Depth="0").status_code == 207
    )


SPELLINGS = ["ALPHA", "alpha", "%41LPHA", "BETA/../ALPHA", "./ALPHA", "%2e%2e/calendars/ALPHA", "ALPHA%2f"]
METHODS = [
    "GET",
    "HEAD",
    "PUT",
    "DELETE",
    "PROPFIND",
    "PROPPATCH",
    "REPORT",
    "MOVE",
    "COPY",
    "POST",
    "MKCALENDAR",
    "MKCOL",
    "LOCK",
    "ACL",
]


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("who", ["BETA", "dcc"])
def test_nobody_reaches_into_another_users_calendars(register, ask, alpha, enrolled, token, event, method, who):
    enrolled("BETA", "GW-A1", "GW-B1")
    octets = event("u1", "20270207T020000Z", "20270207T060000Z", "SUMMARY:Secret")
    ask("PUT", HOME + "a.ics", "ALPHA", token("ALPHA"), octets, Content_Type="text/calendar")
    password = token("BETA") if who == "BETA" else token(role=Role.DCC)
    before = verify_record(register).size
    for spelling in SPELLINGS:
        for member in ("GW-A1/a.ics", "GW-A1/missing.ics", "GW-A1/", "GW-A2/", ""):
            path = f"/dav/calendars/{spelling}/{member}"
            body = {"PUT": event("u2"), "REPORT": SYNC.encode()}.get(method, b"")
            answer = ask(
                method, path, who, password, body, Content_Type="text/calendar", Depth="1",
                Destination=f"/dav/calendars/{who}/GW-B1/stolen.ics",
            )  # fmt: skip
            assert answer.status_code in {400, 403, 404, 405, 409, 415}, (path, answer.status_code)
            assert b"Secret" not in answer.data
    assert verify_record(register).size == before
    assert ask("GET", HOME + "a.ics", "ALPHA", token("ALPHA")).data == octets


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_a_multiget_of_anothers_member_is_as_of_a_missing_one(ask, alpha, enrolled, token, event, spelling):
    enrolled("BETA", "GW-B1")
    octets = event("u1", "20270207T020000Z", "20270207T060000Z", "SUMMARY:Secret")
    ask("PUT", HOME + "a.ics", "ALPHA", token("ALPHA"), octets, Content_Type="text/calendar")
    for name in ("a.ics", "missing.ics"):
        body = MULTIGET.format(f"/dav/calendars/{spelling}/GW-A1/{name}").encode()
        answer = ask("REPORT", "/dav/calendars/BETA/GW-B1/", "BETA", token("BETA"), body, Depth="1")
        assert (answer.status_code, b"Secret" in answer.data, b"404" in answer.data) == (207, False, True)


def test_dcc_reads_what_users_told_and_changes_nothing(ask, alpha, token, event):
    ask("PUT", HOME + "a.ics", "ALPHA", token("ALPHA"), event("u1"), Content_Type="text/calendar")
    password = token(role=Role.DCC)
    listed = ask("PROPFIND", "/dav/calendars/dcc/all/", "dcc", password, Depth="1")
    name = listed.text.partition("/dav/calendars/dcc/all/CN-")[2][:10]
    path = f"/dav/calendars/dcc/all/CN-{name}.ics"
    got = ask("GET", path, "dcc", password)
    assert (listed.status_code, got.status_code, b"GW-A1" in got.data) == (207, 200, True)
    for method in ("PUT", "DELETE", "MOVE"):
        answer = ask(
            method,
            path,
            "dcc",
            password,
            event("u1"),
            Content_Type="text/calendar",
            Destination="/dav/calendars/dcc/all/x.ics",
        )
        assert answer.status_code in {403, 405}
    assert ask("GET", path, "dcc", password).data == got.data


def test_the_register_and_the_phone_agree_over_http(ask, alpha, token, event, clock):
    password = token("ALPHA")
    ask("PUT", HOME + "a.ics", "ALPHA", password, event("u1"), Content_Type="text/calendar")
    clock.now = datetime(2027, 2, 1, tzinfo=clock.now.tzinfo)
    moved = ask(
        "PUT",
        HOME + "a.ics",
        "ALPHA",
        password,
        event("u1", "20270214T020000Z", "20270214T060000Z"),
        Content_Type="text/calendar",
    )
    line = json.loads(moved.headers["X-Closure-Receipt"])
    api = ask("GET", f"/api/v1/closures/{line['reference']}", "ALPHA", password).json
    assert (api["starts"], api["revision"], api["short_notice"], line["short_notice"]) == (
        "2027-02-14T02:00:00Z",
        2,
        True,
        True,
    )
