import pytest

EXPAND = '<C:expand start="20261201T000000Z" end="20270101T000000Z"/>'
LIMIT = '<C:limit-recurrence-set start="20261213T000000Z" end="20261215T000000Z"/>'
MEMBER = "/dav/calendars/ALPHA/GW-1/a.ics"
ZONE = """\
BEGIN:VTIMEZONE
TZID:Europe/London
BEGIN:STANDARD
DTSTART:19961027T020000
RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU
TZOFFSETFROM:+0100
TZOFFSETTO:+0000
END:STANDARD
END:VTIMEZONE
""".replace("\n", "\r\n")


@pytest.fixture
def shown(client, calendar):
    """Put an object and show it in a way; returns its lines, unfolded."""

    def _shown(parts, inner):
        assert client.put("a.ics", calendar(*parts)).status in {201, 204}
        found = client.multiget(MEMBER, prop=f"<C:calendar-data>{inner}</C:calendar-data>")
        assert found.rows() == {MEMBER: "200"}
        text = found.value("C:calendar-data")
        assert text.endswith("\r\n")
        assert max(len(line.encode()) for line in text.split("\r\n")) <= 75
        return text.replace("\r\n ", "").split("\r\n")[:-1]

    return _shown


def london(name, stamp):
    return f"{name};TZID=Europe/London:{stamp}"


def test_expand_shows_each_instance_in_utc_without_rule_and_zone(shown, event):
    master = event(
        "RRULE:FREQ=WEEKLY;COUNT=4",
        london("EXDATE", "20261220T020000"),
        "SUMMARY:" + "long " * 30,
        starts=london("DTSTART", "20261206T020000"),
        ends="DURATION:PT4H",
    )
    moved = event(
        london("RECURRENCE-ID", "20261213T020000"),
        "SUMMARY:moved",
        starts=london("DTSTART", "20261214T030000"),
        ends=london("DTEND", "20261214T040000"),
    )
    assert shown([ZONE, master, moved], EXPAND) == [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//test//EN",
        "BEGIN:VEVENT",
        "DTSTART:20261206T020000Z",
        "DTEND:20261206T060000Z",
        "RECURRENCE-ID:20261206T020000Z",
        "UID:one@example.org",
        "DTSTAMP:20260901T090000Z",
        "SUMMARY:" + "long " * 30,
        "END:VEVENT",
        "BEGIN:VEVENT",
        "DTSTART:20261214T030000Z",
        "DTEND:20261214T040000Z",
        "RECURRENCE-ID:20261213T020000Z",
        "UID:one@example.org",
        "DTSTAMP:20260901T090000Z",
        "SUMMARY:moved",
        "END:VEVENT",
        "BEGIN:VEVENT",
        "DTSTART:20261227T020000Z",
        "DTEND:20261227T060000Z",
        "RECURRENCE-ID:20261227T020000Z",
        "UID:one@example.org",
        "DTSTAMP:20260901T090000Z",
        "SUMMARY:" + "long " * 30,
        "END:VEVENT",
        "END:VCALENDAR",
    ]


def test_expand_keeps_dates_dates_and_a_single_event_single(shown, event):
    days = event("RRULE:FREQ=WEEKLY;COUNT=2", starts="DTSTART;VALUE=DATE:20261206", ends="DTEND;VALUE=DATE:20261207")
    lines = shown([days], EXPAND)
    assert [line for line in lines if line.startswith(("DT", "REC")) and "STAMP" not in line] == [
        "DTSTART;VALUE=DATE:20261206",
        "DTEND;VALUE=DATE:20261207",
        "RECURRENCE-ID;VALUE=DATE:20261206",
        "DTSTART;VALUE=DATE:20261213",
        "DTEND;VALUE=DATE:20261214",
        "RECURRENCE-ID;VALUE=DATE:20261213",
    ]
    single = event(starts=london("DTSTART", "20270606T020000"), ends=london("DTEND", "20270606T060000"))
    june = '<C:expand start="20270606T000000Z" end="20270607T000000Z"/>'
    assert [line for line in shown([ZONE, single], june) if line.startswith(("DTSTART", "DTEND", "REC"))] == [
        "DTSTART:20270606T010000Z",
        "DTEND:20270606T050000Z",
    ]
    assert shown([single], EXPAND) == ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//test//EN", "END:VCALENDAR"]


def test_limit_leaves_out_overrides_that_a_span_does_not_concern(shown, event):
    def override(original, start):
        return event(
            f"RECURRENCE-ID:{original}", f"SUMMARY:{original}", starts=f"DTSTART:{start}", ends="DURATION:PT1H"
        )

    parts = [
        ZONE,
        event("RRULE:FREQ=WEEKLY;COUNT=5"),
        override("20261206T020000Z", "20261207T020000Z"),
        override("20261213T020000Z", "20261230T020000Z"),
        override("20261220T020000Z", "20261214T020000Z"),
    ]
    lines = shown(parts, LIMIT)
    assert [line for line in lines if line.startswith(("SUMMARY", "RRULE", "TZID"))] == [
        "TZID:Europe/London",
        "RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU",
        "RRULE:FREQ=WEEKLY;COUNT=5",
        "SUMMARY:20261213T020000Z",
        "SUMMARY:20261220T020000Z",
    ]


def test_some_components_and_properties_alone_are_shown(shown, event):
    alarm = "BEGIN:VALARM\r\nACTION:DISPLAY\r\nTRIGGER:-PT2H\r\nEND:VALARM"
    parts = [ZONE, event("SUMMARY;LANGUAGE=en:closed", "DESCRIPTION:secret", inner=alarm)]
    some = """<C:comp name="VCALENDAR"><C:prop name="VERSION"/><C:comp name="VEVENT"><C:prop name="UID"/>
        <C:prop name="SUMMARY"/><C:prop name="DESCRIPTION" novalue="yes"/></C:comp></C:comp>"""
    assert shown(parts, some) == [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "BEGIN:VEVENT",
        "UID:one@example.org",
        "SUMMARY;LANGUAGE=en:closed",
        "DESCRIPTION:",
        "END:VEVENT",
        "END:VCALENDAR",
    ]
    everything = '<C:comp name="VCALENDAR"><C:allprop/><C:allcomp/></C:comp>'
    assert len(shown(parts, everything)) == 25
    event_with_alarm = '<C:comp name="VEVENT"><C:allprop/><C:comp name="VALARM"/></C:comp>'
    for whole in (
        '<C:comp name="VCALENDAR"/>',
        '<C:comp name="vcalendar">\n</C:comp>',
        '<C:comp name="VCALENDAR"><x:new xmlns:x="urn:x"/></C:comp>',
        '<C:comp name="VCALENDAR"><C:allprop/><C:comp name="VTIMEZONE"/><C:comp name="VEVENT"/></C:comp>',
        '<C:comp name="VCALENDAR"><C:allprop/><C:allcomp/><C:prop name="VERSION"/></C:comp>',
        f'<C:comp name="VCALENDAR"><C:allprop/><C:comp name="VTIMEZONE"/>{event_with_alarm}</C:comp>',
    ):
        assert shown(parts, whole) == shown(parts, everything)
    expanded = f'<C:comp name="VCALENDAR"><C:comp name="VEVENT"><C:prop name="DTSTART"/></C:comp></C:comp>{EXPAND}'
    assert shown(parts, expanded) == [
        "BEGIN:VCALENDAR",
        "BEGIN:VEVENT",
        "DTSTART:20261206T020000Z",
        "END:VEVENT",
        "END:VCALENDAR",
    ]


@pytest.mark.parametrize(
    "inner",
    [
        EXPAND + LIMIT,
        "<C:expand/>",
        '<C:expand start="20261201T000000Z"/>',
        '<C:expand start="20270101T000000Z" end="20261201T000000Z"/>',
        '<C:limit-recurrence-set start="20261201" end="20270101"/>',
        '<C:comp name="VEVENT"/>',
        "<C:comp/>",
    ],
)
def test_what_cannot_be_meant_is_refused(client, held, inner):
    found = client.multiget(MEMBER, prop=f"<C:calendar-data>{inner}</C:calendar-data>")
    assert found.status == 400
