import icalendar
from icalendar.timezone import tzp

BRITISH = """\
BEGIN:VTIMEZONE
TZID:Ours
BEGIN:STANDARD
DTSTART:16010101T020000
TZOFFSETFROM:+0100
TZOFFSETTO:+0000
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:16010101T010000
TZOFFSETFROM:+0000
TZOFFSETTO:+0100
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3
END:DAYLIGHT
END:VTIMEZONE
"""
OUTLOOK = BRITISH.replace("Ours", "Customized Time Zone").replace("FREQ=YEARLY;", "FREQ=YEARLY;INTERVAL=1;")


def test_an_unknown_zone_is_a_problem_that_names_it_if_it_is_plain(read, event):
    reading = read(
        event(starts="DTSTART;TZID=Atlantis:20261206T020000"),
        event(uid="two", starts='DTSTART;TZID="<b>{%s}":20261206T020000'),
        event(uid="three", starts="DTSTART;TZID=" + "A" * 65 + ":20261206T020000"),
    )
    assert reading.announcements == ()
    assert [(one.line, one.property, one.code, one.text) for one in reading.problems] == [
        (7, "DTSTART", "unknown-zone", "The time zone Atlantis is neither known nor defined in the notice."),
        (13, "DTSTART", "unknown-zone", "The time zone is neither known nor defined in the notice."),
        (19, "DTSTART", "unknown-zone", "The time zone is neither known nor defined in the notice."),
    ]
    assert {one.remedy for one in reading.problems} == {
        "Export with an IANA zone such as Europe/London, or give the times in UTC."
    }


def _zone(offset):
    return (
        "BEGIN:VTIMEZONE\r\nTZID:Customized Time Zone\r\nBEGIN:STANDARD\r\nDTSTART:16010101T000000\r\n"
        f"TZOFFSETFROM:{offset}\r\nTZOFFSETTO:{offset}\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n"
    )


def test_two_senders_zones_of_one_name_do_not_meet(read, event, windows):
    """icalendar itself would read the second file with the first one's zone."""
    starts = "DTSTART;TZID=Customized Time Zone:20261206T020000"
    ends = "DTEND;TZID=Customized Time Zone:20261206T060000"
    first = read(_zone("+0300"), event(starts=starts, ends=ends))
    second = read(_zone("-0200"), event(starts=starts, ends=ends))
    again = read(_zone("+0300"), event(starts=starts, ends=ends))
    assert windows(first) == windows(again) == ["20261205T230000/20261206T030000"]
    assert windows(second) == ["20261206T040000/20261206T080000"]
    undefined = read(event(starts=starts, ends=ends))
    assert [one.code for one in undefined.problems] == ["unknown-zone", "unknown-zone"]


def test_nothing_of_a_senders_zone_reaches_icalendars_cache(read, event):
    read(
        _zone("+0300").replace("Customized Time Zone", "Only Here"),
        event(starts="DTSTART;TZID=Only Here:20261206T020000"),
    )
    assert tzp.timezone("Only Here") is None
    assert icalendar.vDatetime.from_ical("20261206T020000", "Only Here").tzinfo is None


def test_a_problem_with_a_senders_zone_names_its_place(read, event, calendar):
    bad = BRITISH.replace("FREQ=YEARLY", "FREQ=SECONDLY").replace("\n", "\r\n")
    reading = read(bad, event(starts="DTSTART;TZID=Ours:20261206T020000"))
    assert [(one.line, one.property, one.text) for one in reading.problems] == [
        (
            22,
            "DTSTART",
            "The time zone Ours, defined from line 4, has a rule that is not yearly in one month, the only kind accepted.",
        )
    ]


def test_an_outlook_export_with_its_own_zone(read, event, windows):
    reading = read(
        OUTLOOK.replace("\n", "\r\n"),
        event(
            "X-MICROSOFT-CDO-BUSYSTATUS:OOF",
            "SUMMARY:Head-end release",
            "RRULE:FREQ=WEEKLY;COUNT=2;BYDAY=SU",
            starts="DTSTART;TZID=Customized Time Zone:20261018T000000",
            ends="DTEND;TZID=Customized Time Zone:20261018T060000",
        ),
    )
    assert windows(reading) == ["20261017T230000/20261018T050000", "20261024T230000/20261025T060000"]
    assert {one.left_out for one in reading.announcements} == {("SUMMARY",)}
    assert reading.problems == ()


def test_an_outlook_export_with_a_windows_name_needs_no_definition(read, event, windows):
    reading = read(
        event(
            starts="DTSTART;TZID=GMT Standard Time:20260705T020000", ends="DTEND;TZID=GMT Standard Time:20260705T060000"
        )
    )
    assert windows(reading) == ["20260705T010000/20260705T050000"]
