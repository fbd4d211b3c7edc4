"""What nobody means well: answered in time, with a 4xx or a row, and never by an exception."""

from random import Random

import pytest

GATEWAY = "/dav/calendars/ALPHA/GW-1/"
LAUGHS = (
    '<!DOCTYPE l [<!ENTITY a "ha">'
    + "".join(f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefghi", "bcdefghij", strict=True))
    + "]><D:propfind xmlns:D='DAV:'><D:prop><D:x>&j;</D:x></D:prop></D:propfind>"
)
DEEP = "<D:propfind xmlns:D='DAV:'>" + "<D:a>" * 100_000 + "</D:a>" * 100_000 + "</D:propfind>"
BODIES = {
    "laughs": LAUGHS,
    "laughs in UTF-16": LAUGHS.encode("utf-16"),
    "external entity": '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><D:propfind xmlns:D="DAV:"><D:prop>&e;</D:prop></D:propfind>',
    "external DTD": '<!DOCTYPE x SYSTEM "http://127.0.0.1:1/x.dtd"><D:propfind xmlns:D="DAV:"/>',
    "deep": DEEP,
    "huge name": f"<D:propfind xmlns:D='DAV:'><D:prop><D:{'x' * 3_000_000}/></D:prop></D:propfind>",
    "many names": "<D:propfind xmlns:D='DAV:'><D:prop>"
    + "".join(f"<D:p{n}/>" for n in range(50_000))
    + "</D:prop></D:propfind>",
    "many attributes": "<D:propfind xmlns:D='DAV:' "
    + " ".join(f"a{n}='x'" for n in range(50_000))
    + "><D:prop/><D:prop/></D:propfind>",
    "many namespaces": "<D:propfind xmlns:D='DAV:'><D:prop>"
    + "".join(f"<x:p xmlns:x='urn:{n}'/>" for n in range(20_000))
    + "</D:prop></D:propfind>",
    "invalid UTF-8": b"<D:propfind xmlns:D='DAV:'>\xff\xfe</D:propfind>",
    "wrong encoding": b"<?xml version='1.0' encoding='utf-32'?><D:propfind xmlns:D='DAV:'/>",
    "unknown encoding": b"<?xml version='1.0' encoding='x-nothing'?><D:propfind xmlns:D='DAV:'/>",
    "undefined entity": "<D:propfind xmlns:D='DAV:'>&nothing;</D:propfind>",
    "NUL": b"<D:propfind xmlns:D='DAV:'>\x00</D:propfind>",
    "wrong root": "<D:nothing xmlns:D='DAV:'/>",
    "no namespace": "<propfind/>",
    "not XML": "hello",
    "cut off": "<D:propfind xmlns:D='DAV:'><D:prop>",
    "two forms": "<D:propfind xmlns:D='DAV:'><D:prop/><D:allprop/></D:propfind>",
    "too large": b"<D:propfind xmlns:D='DAV:'>" + b" " * 5_000_000 + b"</D:propfind>",
}


@pytest.mark.parametrize("method", ["PROPFIND", "PROPPATCH", "REPORT", "MKCALENDAR"])
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_hostile_xml_is_refused_in_time(client, method, body, no_blow_up):
    found = client.ask(method, GATEWAY, body, depth="0")
    assert 400 <= found.status < 500


@pytest.mark.parametrize("method", ["PROPPATCH", "REPORT"])
def test_an_empty_body_is_refused_where_one_is_needed(client, method):
    assert client.ask(method, GATEWAY, b"").status == 400


HREFS = [
    "https://evil.example" + GATEWAY + "a%20b.ics",
    "//evil.example" + GATEWAY + "a%20b.ics",
    "file:///dav/calendars/ALPHA/GW-1/a%20b.ics",
    GATEWAY + "../GW-1/a%20b.ics",
    GATEWAY + "%2e%2e/GW-1/a%20b.ics",
    GATEWAY + "%2E%2E%2FGW-1%2Fa%20b.ics",
    GATEWAY + "./a%20b.ics",
    GATEWAY + "a%2520b.ics",
    GATEWAY + "a%00b.ics",
    GATEWAY + "a%FFb.ics",
    GATEWAY + "a%0d%0ab.ics",
    GATEWAY + "x" * 5_000,
    GATEWAY + "%",
    GATEWAY + "%zz",
    GATEWAY.replace("GW-1/", "GW-1//") + "a%20b.ics",
    "/dav//calendars/ALPHA/GW-1/a%20b.ics",
    "//dav/calendars/ALPHA/GW-1/a%20b.ics",
    "/DAV/calendars/ALPHA/GW-1/a%20b.ics",
    "/dav/calendars/ALPHA/GW-1%2Fa%20b.ics",
    "/dav/calendars/BETA/../ALPHA/GW-1/a%20b.ics",
    "/dav/calendars/BETA/GW-9/a%20b.ics",
    "http://[::1",
    "",
    " ",
    "?",
    "#",
]


@pytest.mark.parametrize("href", HREFS)
def test_hostile_hrefs_lead_nowhere(client, held, backend, href):
    backend.shelves["BETA", "GW-9"].members["a b.ics"] = backend.shelves["ALPHA", "GW-1"].members["a b.ics"]
    escaped = href.replace("&", "&amp;")
    if not href.startswith("file:"):
        assert set(client.multiget(escaped or "x", host="closures.example").rows().values()) == {"404"}
    if not href.startswith(("http", "//evil", "file", "", "?")) or href.startswith("/dav"):
        for method in ("GET", "DELETE", "PROPFIND", "PROPPATCH", "REPORT"):
            body = "<D:propertyupdate xmlns:D='DAV:'/>" if method == "PROPPATCH" else ""
            assert client.ask(method, href, body, depth="0").status == 404
    assert client.ask("MOVE", GATEWAY + "a%20b.ics", destination=href, host="closures.example").status in {
        400,
        403,
        409,
        502,
    } or href.startswith(("file", GATEWAY + "a%2520b", GATEWAY + "%"))


@pytest.mark.parametrize("name", ["a%00b", "a%FF", "%2e%2e", ".", "a%2Fb", "x" * 600, "a%0Db"])
def test_hostile_names_are_not_put(client, calendar, event, name):
    assert client.ask("PUT", GATEWAY + name, calendar(event()), content_type="text/calendar").status == 403
    assert client.propfind(GATEWAY, "D:getetag", depth="1").hrefs() == [GATEWAY]


OBJECTS = {
    "deep": b"BEGIN:VCALENDAR\r\n" + b"BEGIN:X-A\r\n" * 5_000 + b"END:X-A\r\n" * 5_000 + b"END:VCALENDAR\r\n",
    "many lines": b"BEGIN:VCALENDAR\r\n" + b"A:\r\n" * 4_000 + b"END:VCALENDAR\r\n",
    "folds": b"BEGIN:VCALENDAR\r\n" + b"X-A:" + b"a\r\n " * 4_000 + b"\r\nEND:VCALENDAR\r\n",
    "blank": b"\r\n" * 9_000,
    "long name": b"BEGIN:VCALENDAR\r\n" + b"X" * 19_000 + b":\r\nEND:VCALENDAR\r\n",
    "parameters": b"BEGIN:VCALENDAR\r\nX-A" + b';P="' * 4_000 + b":\r\nEND:VCALENDAR\r\n",
}


@pytest.mark.parametrize("octets", OBJECTS.values(), ids=OBJECTS)
def test_hostile_objects_are_refused_in_time(client, octets, no_blow_up):
    assert client.put("a.ics", octets).status == 403


METHODS = [
    "OPTIONS",
    "GET",
    "HEAD",
    "PUT",
    "POST",
    "DELETE",
    "COPY",
    "MOVE",
    "PROPFIND",
    "PROPPATCH",
    "REPORT",
    "MKCALENDAR",
    "MKCOL",
    "LOCK",
    "ACL",
    "X",
]
PATHS = [
    "/",
    "/dav/",
    "/dav/principals/",
    "/dav/principals/ALPHA/",
    "/dav/calendars/ALPHA/",
    GATEWAY,
    GATEWAY + "a",
    GATEWAY + "b",
    "",
    "x",
    "*",
]
ROOTS = [
    "D:propfind",
    "D:propertyupdate",
    "C:calendar-query",
    "C:calendar-multiget",
    "C:free-busy-query",
    "D:sync-collection",
    "D:expand-property",
    "D:principal-property-search",
    "D:principal-match",
    "D:acl-principal-prop-set",
]
INNER = [
    "D:prop",
    "D:allprop",
    "D:propname",
    "D:include",
    "C:filter",
    "C:comp-filter",
    "C:prop-filter",
    "C:param-filter",
    "C:time-range",
    "C:text-match",
    "C:is-not-defined",
    "C:calendar-data",
    "C:expand",
    "C:limit-recurrence-set",
    "C:comp",
    "D:href",
    "D:sync-token",
    "D:sync-level",
    "D:limit",
    "D:nresults",
    "D:property",
    "D:set",
    "D:remove",
    "D:property-search",
    "D:match",
    "D:self",
    "D:principal-property",
    "C:timezone",
    "C:timezone-id",
    "D:displayname",
    "D:getetag",
    "D:owner",
    "C:calendar-timezone",
]
VALUES = [
    "",
    "VCALENDAR",
    "VEVENT",
    "VALARM",
    "20261206T020000Z",
    "20271206T020000Z",
    "owner",
    "DAV:",
    "i;octet",
    "x y",
    "UID",
]
HEADERS = [
    "if_match",
    "if_none_match",
    "prefer",
    "destination",
    "content_type",
    "overwrite",
    "if_modified_since",
    "host",
]
TEXTS = [
    "",
    "x",
    "data:,0",
    GATEWAY + "a",
    "*",
    '"',
    ",;=",
    "\u0661",
    "Tue, 99 Foo",
    "text/calendar; charset=\xff",
    "http://[",
]


def tree(random, name, depth=0):
    attributes = "".join(
        f' {key}="{random.choice(VALUES)}"'
        for key in ("name", "start", "end", "collation", "namespace", "negate-condition")
        if random.random() < 0.4
    )
    inner = [tree(random, random.choice(INNER), depth + 1) for _ in range(random.randrange(4))] if depth < 5 else []
    return f"<{name}{attributes}>{''.join(inner) or random.choice(TEXTS[:6])}</{name}>"


@pytest.mark.parametrize("seed", range(8))
def test_nothing_makes_the_protocol_raise(seed, client, calendar, event, say):
    random = Random(seed)
    client.put("a", calendar(event()))
    for _ in range(400):
        root = random.choice(ROOTS)
        body = say.xml(root, "".join(tree(random, random.choice(INNER)) for _ in range(random.randrange(5))))
        headers = {name: random.choice(TEXTS) for name in HEADERS if random.random() < 0.2}
        depth = random.choice(["0", "0", "1", "1", "infinity", "x", ""])
        found = client.ask(
            random.choice([*METHODS, *["REPORT"] * 20]), random.choice(PATHS), body, depth=depth, **headers
        )
        assert found.status in {200, 201, 204, 207, 304, 400, 403, 404, 405, 409, 412, 415, 502, 507}
        if found.body and found.headers.get("Content-Type", "").startswith("application/xml"):
            assert found.xml is not None
