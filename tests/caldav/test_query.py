from urllib.parse import quote

import pytest

GATEWAY = "/dav/calendars/ALPHA/GW-1/"


def prop(name, inner=""):
    return f'<C:prop-filter name="{name}">{inner}</C:prop-filter>'


def text(value, collation=None, negate=None):
    stated = f' collation="{collation}"' if collation else ""
    stated += f' negate-condition="{negate}"' if negate else ""
    return f"<C:text-match{stated}>{value}</C:text-match>"


def param(name, inner=""):
    return f'<C:param-filter name="{name}">{inner}</C:param-filter>'


ABSENT = "<C:is-not-defined/>"


@pytest.fixture
def shelf(client, calendar, event):
    alarm = "BEGIN:VALARM\r\nACTION:DISPLAY\r\nTRIGGER:-PT2H\r\nREPEAT:2\r\nDURATION:PT30M\r\nEND:VALARM"
    zone = "BEGIN:VTIMEZONE\r\nTZID:X\r\nBEGIN:STANDARD\r\nDTSTART:19700101T000000\r\nTZOFFSETFROM:+0000\r\nTZOFFSETTO:+0000\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n"
    client.put("plain.ics", calendar(event("SUMMARY:Straße Größe", uid="plain")))
    client.put(
        "rich.ics",
        calendar(
            zone,
            event(
                "SUMMARY;LANGUAGE=en-GB:Moving\\, slowly",
                "CATEGORIES:A,B",
                "STATUS:CANCELLED",
                "CREATED:20260801T000000Z",
                uid="rich",
                starts="DTSTART:20270110T020000Z",
                ends="DURATION:PT4H",
                inner=alarm,
            ),
        ),
    )
    return client


@pytest.mark.parametrize(
    ("inner", "names"),
    [
        ("", ["plain", "rich"]),
        (prop("UID", text("RICH")), ["rich"]),
        (prop("UID", text("RICH", "i;octet")), []),
        (prop("UID", text("ric", "i;octet")), ["rich"]),
        (prop("SUMMARY", text("STRASSE", "i;unicode-casemap")), []),
        (prop("SUMMARY", text("stra\u00dfe GR\u00d6", "i;unicode-casemap")), ["plain"]),
        (prop("SUMMARY", text("GR\u00d6", "i;ascii-casemap")), []),
        (prop("SUMMARY", text("moving, slow")), ["rich"]),
        (prop("SUMMARY", text("moving", negate="yes")), ["plain"]),
        (prop("SUMMARY", text("", negate="no")), ["plain", "rich"]),
        (prop("CATEGORIES"), ["rich"]),
        (prop("CATEGORIES", ABSENT), ["plain"]),
        (prop("CATEGORIES", text("b")), ["rich"]),
        (prop("SUMMARY", param("LANGUAGE")), ["rich"]),
        (prop("SUMMARY", param("LANGUAGE", ABSENT)), ["plain"]),
        (prop("SUMMARY", param("LANGUAGE", text("EN"))), ["rich"]),
        (prop("SUMMARY", param("LANGUAGE", text("EN", negate="yes"))), []),
        (prop("SUMMARY", text("slowly") + param("LANGUAGE", text("fr"))), []),
        (prop("UID", text("plain")) + prop("SUMMARY", text("moving")), []),
        (prop("STATUS", text("CANCELLED", negate="yes")), []),
        (prop("CREATED", '<C:time-range start="20260801T000000Z" end="20260801T000001Z"/>'), ["rich"]),
        (prop("CREATED", '<C:time-range start="20260801T000001Z"/>'), []),
        (prop("DTSTART", '<C:time-range end="20270101T000000Z"/>'), ["plain"]),
        ('<C:comp-filter name="VALARM"/>', ["rich"]),
        (f'<C:comp-filter name="VALARM">{ABSENT}</C:comp-filter>', ["plain"]),
        (
            '<C:comp-filter name="VALARM"><C:time-range start="20270110T000000Z" end="20270110T000001Z"/></C:comp-filter>',
            ["rich"],
        ),
        (
            '<C:comp-filter name="VALARM"><C:time-range start="20270110T010000Z" end="20270110T013000Z"/></C:comp-filter>',
            ["rich"],
        ),
        ('<C:comp-filter name="VALARM"><C:time-range start="20270110T010001Z"/></C:comp-filter>', []),
        (f'<C:comp-filter name="VALARM">{prop("ACTION", text("display"))}</C:comp-filter>', ["rich"]),
        (ABSENT, []),
        ('<C:time-range start="20270110T055959Z"/>' + prop("STATUS"), ["rich"]),
        ('<C:time-range start="20270110T060000Z"/>' + prop("STATUS"), []),
    ],
)
def test_each_condition_finds_what_it_says(shelf, say, inner, names):
    assert shelf.query(say.comp("VEVENT", inner)).names() == [f"{name}.ics" for name in names]


@pytest.mark.parametrize(
    ("inner", "names"),
    [
        ('<C:comp-filter name="VTIMEZONE"/>', ["rich"]),
        (f'<C:comp-filter name="VTIMEZONE">{ABSENT}</C:comp-filter>', ["plain"]),
        ('<C:comp-filter name="VTIMEZONE"><C:comp-filter name="STANDARD"/></C:comp-filter>', ["rich"]),
        ('<C:comp-filter name="VTODO"/>', []),
        (f'<C:comp-filter name="VTODO">{ABSENT}</C:comp-filter>', ["plain", "rich"]),
        ('<C:comp-filter name="VTODO"><C:time-range start="20200101T000000Z"/></C:comp-filter>', []),
        (prop("VERSION", text("2.0")), ["plain", "rich"]),
        (prop("X-WR-CALNAME"), []),
        ("", ["plain", "rich"]),
        (ABSENT, []),
        ('<C:comp-filter name="X-OURS"/>', []),
        (
            '<C:comp-filter name="VEVENT"><C:time-range start="20270101T000000Z"/></C:comp-filter><C:comp-filter name="VTIMEZONE"/>',
            ["rich"],
        ),
    ],
)
def test_each_condition_on_the_calendar_finds_what_it_says(shelf, say, inner, names):
    assert shelf.query(inner).names() == [f"{name}.ics" for name in names]


def test_one_component_must_meet_all_conditions(client, calendar, event, say):
    master = event("RRULE:FREQ=WEEKLY;COUNT=3", "SUMMARY:weekly")
    moved = event(
        "RECURRENCE-ID:20261213T020000Z", "SUMMARY:moved", starts="DTSTART:20261230T020000Z", ends="DURATION:PT1H"
    )
    client.put("a.ics", calendar(master, moved))
    when = '<C:time-range start="20261230T000000Z" end="20261231T000000Z"/>'
    assert client.query(say.comp("VEVENT", when + prop("SUMMARY", text("moved")))).names() == ["a.ics"]
    assert client.query(say.comp("VEVENT", when + prop("SUMMARY", text("weekly")))).names() == []


def test_a_rule_that_goes_on_is_found_beyond_what_is_expanded(client, calendar, event, say):
    client.put("endless.ics", calendar(event("RRULE:FREQ=WEEKLY", uid="a")))
    client.put("ending.ics", calendar(event("RRULE:FREQ=WEEKLY;COUNT=3", uid="b")))
    far = say.span("20300101T000000Z", "20300201T000000Z")
    assert client.query(say.comp("VEVENT", far)).names() == ["endless.ics"]
    assert client.query(say.comp("VEVENT", far + prop("UID"))).names() == ["endless.ics"]
    assert client.query(say.comp("VEVENT", say.span("20270901T000000Z"))).names() == ["endless.ics"]


SERIES = {
    "over": ("RRULE:FREQ=WEEKLY;COUNT=5", "20260106T020000Z"),
    "until": ("rrule:freq=weekly;until=20260301T000000Z", "20260106T020000Z"),
    "long ago": ("RRULE:FREQ=WEEKLY;UNTIL=20230301T000000Z", "20210105T020000Z"),
    "beyond": ("RRULE:FREQ=MONTHLY;UNTIL=20290101T000000Z", "20260906T020000Z"),
    "counted": ("RRULE:FREQ=MONTHLY;COUNT=30", "20260906T020000Z"),
    "listed": ("RDATE:20280101T020000Z", "20260906T020000Z"),
    "goes on": ("RRULE:FREQ=MONTHLY", "20260906T020000Z"),
    "goes on since long": ("RRULE:FREQ=WEEKLY;INTERVAL=2", "20210105T020000Z"),
    "once": ("SUMMARY:Until=2030;Count=9", "20260106T020000Z"),
}
ENDLESS = ["goes on", "goes on since long"]


@pytest.mark.parametrize(
    ("span", "names"),
    [
        (("20260130T000000Z", None), ["over", "until", "beyond", "counted", "listed", *ENDLESS]),
        (("20260203T060000Z", None), ["until", "beyond", "counted", "listed", *ENDLESS]),
        (("20261201T000000Z", None), ["beyond", "counted", "listed", *ENDLESS]),
        (("20280601T000000Z", None), ["beyond", "counted", *ENDLESS]),
        (("20281207T000000Z", None), ["counted", *ENDLESS]),
        (("20290206T060000Z", None), ENDLESS),
        (("20990101T000000Z", None), ENDLESS),
        ((None, "20210105T020000Z"), []),
        ((None, "20210105T020001Z"), ["long ago", "goes on since long"]),
        ((None, "20260106T020001Z"), ["over", "until", "long ago", "goes on since long", "once"]),
    ],
)
def test_a_span_with_an_open_end_finds_no_series_that_is_over(client, calendar, event, say, span, names):
    for name, (rule, starts) in SERIES.items():
        octets = calendar(event(rule, uid=name, starts=f"DTSTART:{starts}", ends="DURATION:PT4H"))
        assert client.put(f"{name}.ics", octets).status == 201
    expected = [quote(f"{name}.ics") for name in SERIES if name in names]
    assert client.query(say.comp("VEVENT", say.span(*span))).names() == expected
    assert client.query(say.comp("VEVENT", say.span(*span) + prop("UID"))).names() == expected


def test_times_without_a_zone_are_read_in_the_zone_of_the_query(client, calendar, event, say):
    client.put(
        "day.ics", calendar(event(uid="day", starts="DTSTART;VALUE=DATE:20261206", ends="DTEND;VALUE=DATE:20261207"))
    )
    client.put("utc.ics", calendar(event(uid="utc", starts="DTSTART:20261206T000000Z", ends="DTEND:20261206T233000Z")))
    early = say.comp("VEVENT", say.span("20261205T150000Z", "20261205T160000Z"))
    late = say.comp("VEVENT", say.span("20261206T150000Z", "20261206T160000Z"))
    tokyo = "<C:timezone-id>Asia/Tokyo</C:timezone-id>"
    assert client.query(early).names() == []
    assert client.query(early, more=tokyo).names() == ["day.ics"]
    assert client.query(late, more=tokyo).names() == ["utc.ics"]
    assert client.query(late, more="<C:timezone-id>Europe/London</C:timezone-id>").names() == ["day.ics", "utc.ics"]
    zone = "<C:timezone>BEGIN:VCALENDAR\nVERSION:2.0\nBEGIN:VTIMEZONE\nTZID:Asia/Tokyo\nEND:VTIMEZONE\nEND:VCALENDAR\n</C:timezone>"
    assert client.query(early, more=zone).names() == ["day.ics"]
    assert client.query(early, more=zone.replace("Asia/Tokyo", "My own")).names() == []


def test_depth_0_is_the_collection_which_is_no_event(shelf, say):
    assert shelf.query(say.comp("VEVENT"), depth="0").names() == []
    body = say.xml("C:calendar-query", f"<D:prop/><C:filter>{say.comp('VCALENDAR')}</C:filter>")
    assert shelf.ask("REPORT", GATEWAY, body).names() == ["plain.ics", "rich.ics"]


def test_a_query_of_one_member_concerns_that_member(shelf, say):
    one = shelf.query(say.comp("VEVENT"), path=GATEWAY + "rich.ics", depth="0")
    assert one.rows() == {GATEWAY + "rich.ics": "200"}
    assert shelf.query(say.comp("VTODO"), path=GATEWAY + "rich.ics", depth="0").rows() == {}


def test_one_odd_object_never_fails_a_report(shelf, backend, say):
    from dataclasses import replace

    members = backend.shelves["ALPHA", "GW-1"].members
    members["plain.ics"] = replace(members["plain.ics"], octets=b"odd \xff\x00")
    assert shelf.query(say.comp("VEVENT", prop("UID"))).names() == ["rich.ics"]
    for shown in ("", '<C:expand start="20261201T000000Z" end="20270201T000000Z"/>'):
        found = shelf.query(say.comp("VEVENT"), prop=f"<C:calendar-data>{shown}</C:calendar-data>")
        assert found.names() == ["plain.ics", "rich.ics"]
        assert found.value("C:calendar-data") == "odd \ufffd\ufffd"
    busy = say.xml("C:free-busy-query", say.span("20261201T000000Z", "20270201T000000Z"))
    assert shelf.report(busy).status == 200
