"""The examples of RFC 4791 7.8 to 7.10, on the calendar of its Appendix B, as far as a VEVENT calendar can hold it."""

from datetime import UTC, datetime

import pytest

GATEWAY = "/dav/calendars/ALPHA/GW-1/"
ZONE = """\
BEGIN:VTIMEZONE
LAST-MODIFIED:20040110T032845Z
TZID:US/Eastern
BEGIN:DAYLIGHT
DTSTART:20000404T020000
RRULE:FREQ=YEARLY;BYDAY=1SU;BYMONTH=4
TZNAME:EDT
TZOFFSETFROM:-0500
TZOFFSETTO:-0400
END:DAYLIGHT
BEGIN:STANDARD
DTSTART:20001026T020000
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10
TZNAME:EST
TZOFFSETFROM:-0400
TZOFFSETTO:-0500
END:STANDARD
END:VTIMEZONE
"""
ABCD1 = """\
BEGIN:VEVENT
DTSTAMP:20060206T001102Z
DTSTART;TZID=US/Eastern:20060102T100000
DURATION:PT1H
SUMMARY:Event #1
UID:74855313FA803DA593CD579A@example.com
END:VEVENT
"""
ABCD2 = """\
BEGIN:VEVENT
DTSTAMP:20060206T001121Z
DTSTART;TZID=US/Eastern:20060102T120000
DURATION:PT1H
RRULE:FREQ=DAILY;COUNT=5
SUMMARY:Event #2
UID:00959BC664CA650E933C892C@example.com
END:VEVENT
BEGIN:VEVENT
DTSTAMP:20060206T001121Z
DTSTART;TZID=US/Eastern:20060104T140000
DURATION:PT1H
RECURRENCE-ID;TZID=US/Eastern:20060104T120000
SUMMARY:Event #2 bis
UID:00959BC664CA650E933C892C@example.com
END:VEVENT
BEGIN:VEVENT
DTSTAMP:20060206T001121Z
DTSTART;TZID=US/Eastern:20060106T140000
DURATION:PT1H
RECURRENCE-ID;TZID=US/Eastern:20060106T120000
SUMMARY:Event #2 bis bis
UID:00959BC664CA650E933C892C@example.com
END:VEVENT
"""
ABCD3 = """\
BEGIN:VEVENT
ATTENDEE;PARTSTAT=ACCEPTED;ROLE=CHAIR:mailto:cyrus@example.com
ATTENDEE;PARTSTAT=NEEDS-ACTION:mailto:lisa@example.com
DTSTAMP:20060206T001220Z
DTSTART;TZID=US/Eastern:20060104T100000
DURATION:PT1H
LAST-MODIFIED:20060206T001330Z
ORGANIZER:mailto:cyrus@example.com
SEQUENCE:1
STATUS:TENTATIVE
SUMMARY:Event #3
UID:DC6C50A017428C5216A2F1CD@example.com
X-ABC-GUID:E1CX5Dr-0007ym-Hz@example.com
END:VEVENT
"""
PARTIAL = """<C:comp name="VCALENDAR"><C:prop name="VERSION"/><C:comp name="VEVENT"><C:prop name="SUMMARY"/>
    <C:prop name="UID"/><C:prop name="DTSTART"/><C:prop name="DTEND"/><C:prop name="DURATION"/><C:prop name="RRULE"/>
    <C:prop name="RDATE"/><C:prop name="EXRULE"/><C:prop name="EXDATE"/><C:prop name="RECURRENCE-ID"/></C:comp>
    <C:comp name="VTIMEZONE"/></C:comp>"""


def octets(*parts):
    text = (
        "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//Example Corp.//CalDAV Client//EN\n"
        + "".join(parts)
        + "END:VCALENDAR\n"
    )
    return text.replace("\n", "\r\n").encode()


@pytest.fixture
def bernard(client, backend):
    """The calendar in February 2006."""
    backend.now = datetime(2006, 2, 6, tzinfo=UTC)
    assert client.put("abcd1.ics", octets(ZONE, ABCD1)).status == 201
    assert client.put("abcd2.ics", octets(ZONE, ABCD2)).status == 201
    assert client.put("abcd3.ics", octets(ZONE, ABCD3)).status == 201
    return client


def during(say, starts, ends):
    return say.comp("VEVENT", say.span(starts, ends))


def data(found):
    """Each name with the lines of its calendar-data, unfolded."""
    return {
        name: found.value("C:calendar-data", row).replace("\r\n ", "").split("\r\n")
        for row, name in enumerate(found.names())
    }


def only(lines, *names):
    return [line for line in lines if line.partition(":")[0].partition(";")[0] in names]


def test_7_8_1_partial_retrieval_of_events_by_time_range(bernard, say):
    prop = f"<D:getetag/><C:calendar-data>{PARTIAL}</C:calendar-data>"
    found = data(bernard.query(during(say, "20060104T000000Z", "20060105T000000Z"), prop))
    assert list(found) == ["abcd2.ics", "abcd3.ics"]
    assert only(found["abcd2.ics"], "SUMMARY", "BEGIN", "DTSTAMP", "TZID") == [
        "BEGIN:VCALENDAR",
        "BEGIN:VTIMEZONE",
        "TZID:US/Eastern",
        "BEGIN:DAYLIGHT",
        "BEGIN:STANDARD",
        "BEGIN:VEVENT",
        "SUMMARY:Event #2",
        "BEGIN:VEVENT",
        "SUMMARY:Event #2 bis",
        "BEGIN:VEVENT",
        "SUMMARY:Event #2 bis bis",
    ]
    # "<C:comp name="VTIMEZONE"/>" is the whole component.
    assert found["abcd3.ics"] == [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        *ZONE.splitlines(),
        "BEGIN:VEVENT",
        "DTSTART;TZID=US/Eastern:20060104T100000",
        "DURATION:PT1H",
        "SUMMARY:Event #3",
        "UID:DC6C50A017428C5216A2F1CD@example.com",
        "END:VEVENT",
        "END:VCALENDAR",
        "",
    ]


def test_7_8_2_partial_retrieval_of_recurring_events(bernard, say):
    limit = (
        '<C:calendar-data><C:limit-recurrence-set start="20060103T000000Z" end="20060105T000000Z"/></C:calendar-data>'
    )
    found = data(bernard.query(during(say, "20060103T000000Z", "20060105T000000Z"), limit))
    assert list(found) == ["abcd2.ics", "abcd3.ics"]
    assert only(found["abcd2.ics"], "SUMMARY") == ["SUMMARY:Event #2", "SUMMARY:Event #2 bis"]


def test_7_8_3_expanded_retrieval_of_recurring_events(bernard, say):
    expand = '<C:calendar-data><C:expand start="20060103T000000Z" end="20060105T000000Z"/></C:calendar-data>'
    found = data(bernard.query(during(say, "20060103T000000Z", "20060105T000000Z"), expand))
    assert list(found) == ["abcd2.ics", "abcd3.ics"]
    assert only(found["abcd2.ics"], "DTSTART", "RECURRENCE-ID", "SUMMARY", "TZID", "RRULE") == [
        "DTSTART:20060103T170000Z",
        "RECURRENCE-ID:20060103T170000Z",
        "SUMMARY:Event #2",
        "DTSTART:20060104T190000Z",
        "RECURRENCE-ID:20060104T170000Z",
        "SUMMARY:Event #2 bis",
    ]
    assert only(found["abcd3.ics"], "DTSTART", "RECURRENCE-ID") == ["DTSTART:20060104T150000Z"]


def test_7_8_4_to_5_tasks_are_not_here(bernard, say):
    assert (
        bernard.query(say.comp("VTODO", '<C:prop-filter name="COMPLETED"><C:is-not-defined/></C:prop-filter>')).rows()
        == {}
    )
    alarm = say.comp("VTODO", say.comp("VALARM", say.span("20060106T100000Z", "20060107T100000Z")))
    assert bernard.query(alarm).rows() == {}


def test_7_8_6_retrieval_of_event_by_uid(bernard, say):
    match = '<C:text-match collation="i;octet">DC6C50A017428C5216A2F1CD@example.com</C:text-match>'
    found = bernard.query(say.comp("VEVENT", f'<C:prop-filter name="UID">{match}</C:prop-filter>'))
    assert found.names() == ["abcd3.ics"]


def test_7_8_7_retrieval_of_events_by_partstat(bernard, say):
    def by(status):
        return f"""<C:prop-filter name="ATTENDEE"><C:text-match collation="i;ascii-casemap">mailto:lisa@example.com</C:text-match>
            <C:param-filter name="PARTSTAT"><C:text-match collation="i;ascii-casemap">{status}</C:text-match></C:param-filter>
            </C:prop-filter>"""

    assert bernard.query(say.comp("VEVENT", by("NEEDS-ACTION"))).names() == ["abcd3.ics"]
    # Both conditions concern one and the same ATTENDEE.
    assert bernard.query(say.comp("VEVENT", by("ACCEPTED"))).names() == []


def test_7_8_8_retrieval_of_events_only(bernard, say):
    assert bernard.query(say.comp("VEVENT")).names() == ["abcd1.ics", "abcd2.ics", "abcd3.ics"]


def test_7_8_9_retrieval_of_all_pending_tasks_is_empty(bernard, say):
    status = (
        '<C:prop-filter name="STATUS"><C:text-match negate-condition="yes">CANCELLED</C:text-match></C:prop-filter>'
    )
    assert bernard.query(say.comp("VTODO", status)).rows() == {}


def test_7_8_10_attempt_to_query_an_unsupported_property(bernard, say):
    found = bernard.query(
        say.comp("VEVENT", '<C:prop-filter name="X-ABC-GUID"><C:text-match>ABC</C:text-match></C:prop-filter>')
    )
    # Every property is supported here; that of abcd3 does not hold this text.
    assert found.rows() == {}


def test_7_9_1_successful_and_missing_multiget(bernard):
    found = bernard.multiget(GATEWAY + "abcd1.ics", GATEWAY + "mtg1.ics")
    assert found.rows() == {GATEWAY + "abcd1.ics": "200", GATEWAY + "mtg1.ics": "404"}
    assert found.value("C:calendar-data").encode() == octets(ZONE, ABCD1)


def test_7_10_1_successful_free_busy(bernard, say):
    found = bernard.report(say.xml("C:free-busy-query", say.span("20060104T140000Z", "20060105T220000Z")))
    assert (found.status, found.headers["Content-Type"]) == (200, "text/calendar; charset=utf-8")
    lines = found.body.decode().replace("\r\n ", "").split("\r\n")
    assert [line for line in lines if not line.startswith(("UID", "DTSTAMP"))] == [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//closure-notices//caldav//EN",
        "BEGIN:VFREEBUSY",
        "DTSTART:20060104T140000Z",
        "DTEND:20060105T220000Z",
        "FREEBUSY;FBTYPE=BUSY:20060104T190000Z/20060104T200000Z,20060105T170000Z/20060105T180000Z",
        "FREEBUSY;FBTYPE=BUSY-TENTATIVE:20060104T150000Z/20060104T160000Z",
        "END:VFREEBUSY",
        "END:VCALENDAR",
        "",
    ]


@pytest.mark.parametrize(
    "inner", ["", '<C:time-range start="20060104T140000Z"/>', '<C:time-range end="20060104T140000Z"/>']
)
def test_free_busy_needs_both_ends(bernard, say, inner):
    assert bernard.report(say.xml("C:free-busy-query", inner)).status == 400
