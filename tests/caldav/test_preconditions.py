"""Every precondition of RFC 4791 5.3.1, 5.3.2.1, 5.3.4, 7.x, RFC 6578 and what they build on: request and exact answer."""

import pytest
from lxml import etree

GATEWAY = "/dav/calendars/ALPHA/GW-1/"
LIST = "/dav/calendars/ALPHA/LIST/"
HELD = GATEWAY + "held.ics"
C, D = "{urn:ietf:params:xml:ns:caldav}", "{DAV:}"
HEAD = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//EN\r\n"
TIMES = "DTSTART:20261206T020000Z\r\nDTEND:20261206T060000Z\r\n"


# 401 starts ahead.
DATES = [
    f"RDATE:{','.join(f'20270{month}{day:02}T{hour:02}0000Z' for day in range(1, 21) for hour in range(10))}"
    for month in (1, 2)
]


def vevent(*lines, uid="new@example.org", times=TIMES):
    stated = f"UID:{uid}\r\n" if uid else ""
    more = "".join(one + "\r\n" for one in lines)
    return f"BEGIN:VEVENT\r\n{stated}DTSTAMP:20260901T090000Z\r\n{times}{more}END:VEVENT\r\n"


def ics(*parts, head=HEAD):
    return f"{head}{''.join(parts)}END:VCALENDAR\r\n"


def times(start, end):
    return f"DTSTART:{start}\r\nDTEND:{end}\r\n"


def declared(root, inner):
    return f'<{root} xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav">{inner}</{root}>'


def query(inner, prop="<D:getetag/>", more=""):
    return declared("C:calendar-query", f"<D:prop>{prop}</D:prop>{more}{inner}")


def vcalendar(inner):
    return f'<C:filter><C:comp-filter name="VCALENDAR">{inner}</C:comp-filter></C:filter>'


def in_event(inner):
    return query(vcalendar(f'<C:comp-filter name="VEVENT">{inner}</C:comp-filter>'))


def sync(token="", level="<D:sync-level>1</D:sync-level>", more=""):
    return declared(
        "D:sync-collection", f"<D:sync-token>{token}</D:sync-token>{level}{more}<D:prop><D:getetag/></D:prop>"
    )


TODO = "BEGIN:VTODO\r\nUID:t\r\nDTSTAMP:20260901T090000Z\r\nEND:VTODO\r\n"
JOURNAL = TODO.replace("VTODO", "VJOURNAL")
ZONE = (
    "BEGIN:VTIMEZONE\r\nTZID:Europe/Berlin\r\nBEGIN:STANDARD\r\nDTSTART:19701025T030000\r\n"
    "TZOFFSETFROM:+0200\r\nTZOFFSETTO:+0100\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n"
)
BUSY = TODO.replace("VTODO", "VFREEBUSY")
NEW = GATEWAY + "new.ics"
LONG_AGO = "Tue, 01 Sep 2020 11:00:00 GMT"
CALENDAR = {"content-type": "text/calendar; charset=utf-8"}

# (name, method, path, headers, body, status, element or None)
ROWS = [
    # RFC 4791 5.3.2.1, PUT: supported-calendar-data
    ("html", "PUT", NEW, {"content-type": "text/html"}, ics(vevent()), 403, C + "supported-calendar-data"),
    ("vcard", "PUT", NEW, {"content-type": "text/vcard"}, ics(vevent()), 403, C + "supported-calendar-data"),
    ("jcal", "PUT", NEW, {"content-type": "application/calendar+json"}, "[]", 403, C + "supported-calendar-data"),
    (
        "vcal 1.0 type",
        "PUT",
        NEW,
        {"content-type": "text/calendar; version=1.0"},
        ics(vevent()),
        403,
        C + "supported-calendar-data",
    ),
    (
        "vcal 1.0",
        "PUT",
        NEW,
        CALENDAR,
        ics(vevent(), head=HEAD.replace("2.0", "1.0")),
        403,
        C + "supported-calendar-data",
    ),
    (
        "utf-16 type",
        "PUT",
        NEW,
        {"content-type": "text/calendar; charset=utf-16"},
        ics(vevent()),
        403,
        C + "supported-calendar-data",
    ),
    # valid-calendar-data
    ("empty", "PUT", NEW, CALENDAR, "", 403, C + "valid-calendar-data"),
    ("not a calendar", "PUT", NEW, CALENDAR, "hello", 403, C + "valid-calendar-data"),
    ("no end", "PUT", NEW, CALENDAR, HEAD + vevent(), 403, C + "valid-calendar-data"),
    (
        "unbalanced",
        "PUT",
        NEW,
        CALENDAR,
        ics(vevent().replace("END:VEVENT", "END:VTODO")),
        403,
        C + "valid-calendar-data",
    ),
    (
        "more attendees than max-attendees-per-instance",
        "PUT",
        NEW,
        CALENDAR,
        ics(vevent(*(f"ATTENDEE:mailto:a{number}@example.org" for number in range(4)))),
        403,
        C + "max-attendees-per-instance",
    ),
    ("control character", "PUT", NEW, CALENDAR, ics(vevent("SUMMARY:a\x07b")), 403, C + "valid-calendar-data"),
    ("NUL", "PUT", NEW, CALENDAR, ics(vevent("SUMMARY:a\x00b")), 403, C + "valid-calendar-data"),
    (
        "not UTF-8",
        "PUT",
        NEW,
        CALENDAR,
        ics(vevent("SUMMARY:@")).encode().replace(b"@", b"\xff"),
        403,
        C + "valid-calendar-data",
    ),
    ("broken line", "PUT", NEW, CALENDAR, ics(vevent("no property")), 403, C + "valid-calendar-data"),
    ("no start", "PUT", NEW, CALENDAR, ics(vevent(times="")), 403, C + "valid-calendar-data"),
    (
        "no such day",
        "PUT",
        NEW,
        CALENDAR,
        ics(vevent(times=times("20260230T020000Z", "20260230T030000Z"))),
        403,
        C + "valid-calendar-data",
    ),
    (
        "end before start",
        "PUT",
        NEW,
        CALENDAR,
        ics(vevent(times=times("20261206T020000Z", "20261206T010000Z"))),
        403,
        C + "valid-calendar-data",
    ),
    ("secondly", "PUT", NEW, CALENDAR, ics(vevent("RRULE:FREQ=SECONDLY")), 403, C + "valid-calendar-data"),
    (
        "unknown zone",
        "PUT",
        NEW,
        CALENDAR,
        ics(vevent(times="DTSTART;TZID=Nowhere:20261206T020000\r\nDURATION:PT1H\r\n")),
        403,
        C + "valid-calendar-data",
    ),
    # valid-calendar-object-resource
    ("two UIDs", "PUT", NEW, CALENDAR, ics(vevent(), vevent(uid="b")), 403, C + "valid-calendar-object-resource"),
    (
        "METHOD",
        "PUT",
        NEW,
        CALENDAR,
        ics(vevent(), head=HEAD + "METHOD:PUBLISH\r\n"),
        403,
        C + "valid-calendar-object-resource",
    ),
    ("no UID", "PUT", NEW, CALENDAR, ics(vevent(uid="")), 403, C + "valid-calendar-object-resource"),
    ("nothing inside", "PUT", NEW, CALENDAR, ics(), 403, C + "valid-calendar-object-resource"),
    ("two masters", "PUT", NEW, CALENDAR, ics(vevent(), vevent()), 403, C + "valid-calendar-object-resource"),
    (
        "two of one recurrence",
        "PUT",
        NEW,
        CALENDAR,
        ics(vevent("RECURRENCE-ID:20261206T020000Z"), vevent("RECURRENCE-ID:20261206T020000Z")),
        403,
        C + "valid-calendar-object-resource",
    ),
    # supported-calendar-component
    ("VTODO", "PUT", NEW, CALENDAR, ics(TODO), 403, C + "supported-calendar-component"),
    ("VJOURNAL", "PUT", NEW, CALENDAR, ics(JOURNAL), 403, C + "supported-calendar-component"),
    ("VFREEBUSY", "PUT", NEW, CALENDAR, ics(BUSY), 403, C + "supported-calendar-component"),
    ("VEVENT and VTODO", "PUT", NEW, CALENDAR, ics(vevent(), TODO), 403, C + "supported-calendar-component"),
    # no-uid-conflict
    ("UID taken", "PUT", NEW, CALENDAR, ics(vevent(uid="held@example.org")), 403, C + "no-uid-conflict"),
    ("UID changed", "PUT", HELD, CALENDAR, ics(vevent(uid="other@example.org")), 403, C + "no-uid-conflict"),
    ("copied beside itself", "COPY", HELD, {"destination": NEW}, "", 403, C + "no-uid-conflict"),
    # calendar-collection-location-ok
    (
        "move a calendar",
        "MOVE",
        GATEWAY,
        {"destination": GATEWAY + "GW-3/"},
        "",
        403,
        C + "calendar-collection-location-ok",
    ),
    (
        "copy a calendar",
        "COPY",
        GATEWAY,
        {"destination": "/dav/calendars/ALPHA/GW-3/"},
        "",
        403,
        C + "calendar-collection-location-ok",
    ),
    # max-resource-size, min-date-time, max-date-time, max-instances
    ("too large", "PUT", NEW, CALENDAR, ics(vevent("SUMMARY:" + "x" * 20_000)), 403, C + "max-resource-size"),
    (
        "long ago",
        "PUT",
        NEW,
        CALENDAR,
        ics(vevent(times=times("20100101T000000Z", "20100101T010000Z"))),
        403,
        C + "min-date-time",
    ),
    (
        "far ahead",
        "PUT",
        NEW,
        CALENDAR,
        ics(vevent(times=times("20400101T000000Z", "20400101T010000Z"))),
        403,
        C + "max-date-time",
    ),
    ("too many", "PUT", NEW, CALENDAR, ics(vevent(*DATES)), 403, C + "max-instances"),
    # RFC 4791 5.3.1.1, MKCALENDAR
    ("make what is there", "MKCALENDAR", GATEWAY, {}, "", 403, D + "resource-must-be-null"),
    (
        "make a calendar inside one",
        "MKCALENDAR",
        GATEWAY + "inner/",
        {},
        "",
        403,
        C + "calendar-collection-location-ok",
    ),
    ("make one elsewhere", "MKCALENDAR", "/dav/principals/x/", {}, "", 403, C + "calendar-collection-location-ok"),
    ("make one in the home", "MKCALENDAR", "/dav/calendars/ALPHA/GW-3/", {}, "", 403, D + "need-privileges"),
    ("extended MKCOL", "MKCOL", "/dav/calendars/ALPHA/GW-3/", {}, declared("D:mkcol", ""), 403, D + "need-privileges"),
    ("MKCOL on what is there", "MKCOL", GATEWAY, {}, "", 405, D + "resource-must-be-null"),
    # RFC 4791 7.8, calendar-query
    ("no filter", "REPORT", GATEWAY, {}, query(""), 403, C + "valid-filter"),
    ("empty filter", "REPORT", GATEWAY, {}, query("<C:filter/>"), 403, C + "valid-filter"),
    (
        "not VCALENDAR",
        "REPORT",
        GATEWAY,
        {},
        query('<C:filter><C:comp-filter name="VEVENT"/></C:filter>'),
        403,
        C + "valid-filter",
    ),
    (
        "VCALENDAR inside",
        "REPORT",
        GATEWAY,
        {},
        query(vcalendar('<C:comp-filter name="VCALENDAR"/>')),
        403,
        C + "valid-filter",
    ),
    ("local time", "REPORT", GATEWAY, {}, in_event('<C:time-range start="20261206T000000"/>'), 403, C + "valid-filter"),
    ("date", "REPORT", GATEWAY, {}, in_event('<C:time-range start="20261206"/>'), 403, C + "valid-filter"),
    ("no ends", "REPORT", GATEWAY, {}, in_event("<C:time-range/>"), 403, C + "valid-filter"),
    (
        "reversed",
        "REPORT",
        GATEWAY,
        {},
        in_event('<C:time-range start="20261207T000000Z" end="20261206T000000Z"/>'),
        403,
        C + "valid-filter",
    ),
    (
        "absent and more",
        "REPORT",
        GATEWAY,
        {},
        in_event('<C:is-not-defined/><C:prop-filter name="UID"/>'),
        403,
        C + "valid-filter",
    ),
    ("nameless", "REPORT", GATEWAY, {}, in_event("<C:prop-filter/>"), 403, C + "valid-filter"),
    (
        "unknown component",
        "REPORT",
        GATEWAY,
        {},
        query(vcalendar('<C:comp-filter name="VPOLL"/>')),
        403,
        C + "supported-filter",
    ),
    (
        "time of a text",
        "REPORT",
        GATEWAY,
        {},
        in_event('<C:prop-filter name="SUMMARY"><C:time-range start="20261206T000000Z"/></C:prop-filter>'),
        403,
        C + "valid-filter",
    ),
    *(
        (
            f"time of {name}",
            "REPORT",
            GATEWAY,
            {},
            in_event(f'<C:prop-filter name="{name}"><C:time-range start="20261206T000000Z"/></C:prop-filter>'),
            403,
            C + element,
        )
        for name, element in (
            ("DESCRIPTION", "valid-filter"),
            ("uid", "valid-filter"),
            ("STATUS", "valid-filter"),
            ("RDATE", "supported-filter"),
            ("RECURRENCE-ID", "supported-filter"),
            ("X-DUE", "supported-filter"),
        )
    ),
    *(
        (
            f"zone {name}",
            "REPORT",
            GATEWAY,
            {},
            query(vcalendar(""), more=f"<C:timezone>{ics(*parts)}</C:timezone>"),
            403,
            C + "valid-calendar-data",
        )
        for name, parts in (
            ("with an event", (ZONE, vevent())),
            ("before a task", (ZONE, TODO)),
            ("twice", (ZONE, ZONE)),
            ("without a name", (ZONE.replace("TZID:Europe/Berlin\r\n", ""),)),
            ("of an event", (vevent(),)),
            ("of nothing", ()),
        )
    ),
    (
        "time of a zone",
        "REPORT",
        GATEWAY,
        {},
        query(vcalendar('<C:comp-filter name="VTIMEZONE"><C:time-range start="20261206T000000Z"/></C:comp-filter>')),
        403,
        C + "supported-filter",
    ),
    (
        "unknown collation",
        "REPORT",
        GATEWAY,
        {},
        in_event('<C:prop-filter name="UID"><C:text-match collation="i;klingon">a</C:text-match></C:prop-filter>'),
        403,
        C + "supported-collation",
    ),
    (
        "other calendar data",
        "REPORT",
        GATEWAY,
        {},
        query(vcalendar(""), '<C:calendar-data content-type="application/calendar+json"/>'),
        403,
        C + "supported-calendar-data",
    ),
    (
        "calendar data 3.0",
        "REPORT",
        GATEWAY,
        {},
        query(vcalendar(""), '<C:calendar-data content-type="text/calendar" version="3.0"/>'),
        403,
        C + "supported-calendar-data",
    ),
    (
        "broken zone",
        "REPORT",
        GATEWAY,
        {},
        query(vcalendar(""), more="<C:timezone>x</C:timezone>"),
        403,
        C + "valid-calendar-data",
    ),
    (
        "unknown zone name",
        "REPORT",
        GATEWAY,
        {},
        query(vcalendar(""), more="<C:timezone-id>Mars/Base</C:timezone-id>"),
        403,
        C + "valid-timezone",
    ),
    # RFC 4791 7.9 and what all reports share (RFC 3253 3.6)
    (
        "multiget calendar data",
        "REPORT",
        GATEWAY,
        {},
        declared("C:calendar-multiget", '<D:prop><C:calendar-data content-type="x/y"/></D:prop><D:href>a</D:href>'),
        403,
        C + "supported-calendar-data",
    ),
    (
        "multiget of a home",
        "REPORT",
        "/dav/calendars/ALPHA/",
        {},
        declared("C:calendar-multiget", "<D:href>a</D:href>"),
        403,
        D + "supported-report",
    ),
    ("unknown report", "REPORT", GATEWAY, {}, declared("C:calendar-guess", ""), 403, D + "supported-report"),
    ("sync of a home", "REPORT", "/dav/calendars/ALPHA/", {}, sync(), 403, D + "supported-report"),
    ("busy at the root", "REPORT", "/dav/", {}, declared("C:free-busy-query", ""), 403, D + "supported-report"),
    # RFC 6578 3.2 to 3.8
    ("foreign token", "REPORT", GATEWAY, {}, sync("http://example.org/1"), 403, D + "valid-sync-token"),
    ("garbled token", "REPORT", GATEWAY, {}, sync("data:,x"), 403, D + "valid-sync-token"),
    ("token to come", "REPORT", GATEWAY, {}, sync("data:,99"), 403, D + "valid-sync-token"),
    ("token without a number", "REPORT", GATEWAY, {}, sync("data:,"), 403, D + "valid-sync-token"),
    (
        "infinite level",
        "REPORT",
        GATEWAY,
        {},
        sync(level="<D:sync-level>infinite</D:sync-level>"),
        403,
        D + "sync-traversal-supported",
    ),
    (
        "limit of nothing",
        "REPORT",
        GATEWAY,
        {},
        sync(more="<D:limit><D:nresults>0</D:nresults></D:limit>"),
        403,
        D + "number-of-matches-within-limits",
    ),
    # RFC 3744 7.1.1, RFC 4918 9.1, 9.2, 9.6, 9.7
    ("put where one reads", "PUT", LIST + "new.ics", CALENDAR, ics(vevent()), 403, D + "need-privileges"),
    ("copy where one reads", "COPY", HELD, {"destination": LIST + "new.ics"}, "", 403, D + "need-privileges"),
    ("post where one reads", "POST", LIST, CALENDAR, ics(vevent()), 403, D + "need-privileges"),
    ("delete a calendar", "DELETE", GATEWAY, {}, "", 403, D + "need-privileges"),
    ("delete the home", "DELETE", "/dav/calendars/ALPHA/", {}, "", 403, D + "need-privileges"),
    # RFC 4918 16, no-external-entities, and what has no element
    *(
        (f"{name} of {method}", method, GATEWAY, {"depth": "0"}, declaration + body, 403, D + "no-external-entities")
        for method, body in (
            ("PROPFIND", declared("D:propfind", "<D:allprop/>")),
            ("REPORT", query(vcalendar(""))),
            ("PROPPATCH", declared("D:propertyupdate", "")),
            ("MKCALENDAR", declared("C:mkcalendar", "")),
        )
        for name, declaration in (
            ("entity", '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>'),
            ("document type", '<!DOCTYPE x PUBLIC "-//x//EN" "http://127.0.0.1:1/x.dtd">'),
        )
    ),
    ("entity of its own", "PROPFIND", GATEWAY, {"depth": "0"}, '<!DOCTYPE x [<!ENTITY e "e">]><x/>', 400, None),
    ("propfind of nothing", "PROPFIND", GATEWAY, {"depth": "0"}, declared("D:propfind", ""), 400, None),
    ("include alone", "PROPFIND", HELD, {"depth": "0"}, declared("D:propfind", "<D:include/>"), 400, None),
    ("unknown form", "PROPFIND", HELD, {"depth": "0"}, declared("D:propfind", "<D:expired-props/>"), 400, None),
    *(
        (f"large {method}", method, GATEWAY, {"depth": "0"}, body + " " * 1_000_000, 413, None)
        for method, body in (
            ("PROPFIND", declared("D:propfind", "<D:allprop/>")),
            ("PROPPATCH", declared("D:propertyupdate", "")),
            ("REPORT", query(vcalendar(""))),
            ("MKCALENDAR", declared("C:mkcalendar", "")),
        )
    ),
    (
        "large multiget",
        "REPORT",
        GATEWAY,
        {},
        declared("C:calendar-multiget", "<D:href>a</D:href>") + " " * 4_000_000,
        413,
        None,
    ),
    (
        "multiget of too many",
        "REPORT",
        GATEWAY,
        {},
        declared("C:calendar-multiget", "<D:href>a</D:href>" * 20_001),
        507,
        D + "number-of-matches-within-limits",
    ),
    ("destination elsewhere", "MOVE", HELD, {"destination": "http://elsewhere.example" + NEW}, "", 502, None),
    ("destination without a calendar", "COPY", HELD, {"destination": "/dav/calendars/ALPHA/GW-7/a.ics"}, "", 409, None),
    ("move to itself", "MOVE", HELD, {"destination": HELD}, "", 403, None),
    ("move where one reads", "MOVE", HELD, {"destination": LIST + "new.ics"}, "", 403, D + "need-privileges"),
    ("move a stale one", "MOVE", HELD, {"destination": NEW, "if": '(["old"])'}, "", 412, None),
    ("put by a stale If", "PUT", HELD, {**CALENDAR, "if": '(["old"])'}, ics(vevent(uid="held@example.org")), 412, None),
    ("delete by a stale If", "DELETE", HELD, {"if": '(["old"])'}, "", 412, None),
    ("delete by an older time", "DELETE", HELD, {"if-unmodified-since": LONG_AGO}, "", 412, None),
    (
        "put by an older time",
        "PUT",
        HELD,
        {**CALENDAR, "if-unmodified-since": LONG_AGO},
        ics(vevent(uid="held@example.org")),
        412,
        None,
    ),
    ("search", "SEARCH", GATEWAY, {}, declared("D:searchrequest", ""), 405, None),
    ("depth infinity", "PROPFIND", GATEWAY, {"depth": "infinity"}, "", 403, D + "propfind-finite-depth"),
    ("stale", "PUT", HELD, {**CALENDAR, "if-match": '"old"'}, ics(vevent(uid="held@example.org")), 412, None),
    ("exists", "PUT", HELD, {**CALENDAR, "if-none-match": "*"}, ics(vevent(uid="held@example.org")), 412, None),
    ("gone", "PUT", NEW, {**CALENDAR, "if-match": "*"}, ics(vevent()), 412, None),
    ("delete stale", "DELETE", HELD, {"if-match": '"old"'}, "", 412, None),
    ("no such calendar", "PUT", "/dav/calendars/ALPHA/GW-7/new.ics", CALENDAR, ics(vevent()), 409, None),
    ("foreign calendar", "PUT", "/dav/calendars/BETA/GW-9/new.ics", CALENDAR, ics(vevent()), 409, None),
    ("put on a calendar", "PUT", GATEWAY, CALENDAR, ics(vevent()), 405, None),
    ("put into the home", "PUT", "/dav/calendars/ALPHA/new.ics", CALENDAR, ics(vevent()), 403, None),
    ("range", "PUT", NEW, {**CALENDAR, "content-range": "bytes 0-1/2"}, ics(vevent()), 400, None),
    ("compressed", "PUT", NEW, {**CALENDAR, "content-encoding": "gzip"}, ics(vevent()), 415, None),
    ("lock", "LOCK", HELD, {}, "", 405, None),
    ("access list", "ACL", GATEWAY, {}, "", 405, None),
]


def test_the_table_is_long_enough():
    assert len({row[0] for row in ROWS}) == len(ROWS) >= 132


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_each_precondition_is_answered_exactly(client, row):
    _, method, path, headers, body, status, named = row
    before = ics(vevent(uid="held@example.org"))
    assert client.put("held.ics", before).status == 201
    found = client.ask(method, path, body, **{name.replace("-", "_"): value for name, value in headers.items()})
    assert found.status == status
    assert found.headers["Content-Type"] == "application/xml; charset=utf-8"
    assert found.xml.tag == D + "error"
    elements = [one.tag for one in found.xml]
    assert elements == [named or D + "responsedescription"]
    said = found.xml[0].find(D + "responsedescription") if named else found.xml[0]
    assert len(said.text) > 10
    assert "".join(found.xml.itertext()).endswith(said.text)  # what Evolution shows of it ends in the sentence
    assert client.ask("GET", HELD).body == before.encode()
    assert client.propfind(GATEWAY, "D:getetag", depth="1").hrefs() == [GATEWAY, HELD]


def test_a_conflict_of_uids_names_the_member_in_the_way(client):
    client.put("held ü.ics", ics(vevent()))
    found = client.put("new.ics", ics(vevent()))
    assert found.xml.find(f"{C}no-uid-conflict/{D}href").text == GATEWAY + "held%20%C3%BC.ics"


def test_missing_privileges_are_named_with_their_resource(client):
    found = client.put("new.ics", ics(vevent()), collection=LIST)
    resource = found.xml.find(f"{D}need-privileges/{D}resource")
    assert resource.findtext(D + "href") == LIST + "new.ics"
    assert resource.find(D + "privilege")[0].tag == D + "write-content"


def test_an_unsupported_filter_is_named(client):
    found = client.report(query(vcalendar('<C:comp-filter name="VPOLL"/>')))
    assert etree.tostring(found.xml[0][0]).startswith(b"<C:comp-filter ")
    assert found.xml[0][0].get("name") == "VPOLL"


def test_octets_that_give_no_notice_are_kept(client, backend):
    for octets in (b"hello", ics(TODO).encode(), ics(vevent(), vevent()).encode()):
        assert client.put("new.ics", octets).status == 403
    assert backend.refused == [b"hello", ics(TODO).encode(), ics(vevent(), vevent()).encode()]
