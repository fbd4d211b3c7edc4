from datetime import UTC, datetime

import icalendar
import pytest
from icalendar.timezone import tzp

from app.domain.london import Reading
from app.ical.zones import named_zone

LONDON = "Europe/London"


@pytest.mark.parametrize(
    ("tzid", "name"),
    [
        ("Europe/London", LONDON),
        ("europe/london", LONDON),
        ('"Europe/London"', LONDON),
        ("GMT Standard Time", LONDON),
        ("gmt standard time", LONDON),
        ("W. Europe Standard Time", "Europe/Berlin"),
        ("(UTC+00:00) Dublin, Edinburgh, Lisbon, London", LONDON),
        ("(GMT) Greenwich Mean Time : Dublin, Edinburgh, Lisbon, London", LONDON),
        ("(GMT+00:00) Greenwich Mean Time: Dublin, Edinburgh, Lisbon, London", LONDON),
        ("(UTC) Dublin, Edinburgh, Lisbon, London", LONDON),
        ("(UTC+01:00) Amsterdam, Berlin, Bern, Rome, Stockholm, Vienna", "Europe/Amsterdam"),
        ("(UTC) Coordinated Universal Time", "UTC"),
        ("/mozilla.org/20050126_1/Europe/London", LONDON),
        ("/freeassociation.sourceforge.net/Tzfile/Europe/London", LONDON),
        ("/freeassociation.sourceforge.net/Europe/Berlin", "Europe/Berlin"),
        ("/softwarestudio.org/Olson_20011030_5/America/Argentina/Buenos_Aires", "America/Argentina/Buenos_Aires"),
        ("/Europe/Stockholm", "Europe/Stockholm"),
        ("posix/Europe/Vaduz", "Europe/Vaduz"),
        ("tzone://Microsoft/Utc", "UTC"),
        ("UTC", "UTC"),
    ],
)
def test_names_that_senders_use(tzid, name):
    found = named_zone(tzid)
    assert found is not None
    assert found.name == name


@pytest.mark.parametrize(
    "tzid",
    [
        "",
        "Nowhere/London",
        "Customized Time Zone",
        "(UTC+05:00) Dublin, Edinburgh, Lisbon, London",
        "(UTC+00:00) London, Reykjavik",
        "(UTC+01:00) Atlantis",
        "../../etc/passwd",
        "/etc/localtime",
        "localtime",
        "Factory",
        "E" * 201,
        "Europe/London\x00",
        "tzone://Microsoft/Custom",
    ],
)
def test_names_that_mean_nothing_are_not_guessed(tzid):
    assert named_zone(tzid) is None


@pytest.mark.parametrize(
    ("naive", "instant", "how"),
    [
        (datetime(2026, 10, 25, 1, 30), datetime(2026, 10, 25, 0, 30, tzinfo=UTC), Reading.FIRST_OF_TWO),
        (datetime(2026, 3, 29, 1, 30), datetime(2026, 3, 29, 1, 0, tzinfo=UTC), Reading.AFTER_GAP),
        (datetime(2026, 7, 1, 1, 30), datetime(2026, 7, 1, 0, 30, tzinfo=UTC), Reading.EXACT),
    ],
)
def test_a_windows_name_reads_the_clock_changes_as_london_does(naive, instant, how):
    assert named_zone("GMT Standard Time").read(naive) == (instant, how)


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
