from datetime import UTC, datetime

import pytest

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
        (datetime(2026, 3, 29, 1, 30), datetime(2026, 3, 29, 1, 30, tzinfo=UTC), Reading.OFFSET_BEFORE_GAP),
        (datetime(2026, 7, 1, 1, 30), datetime(2026, 7, 1, 0, 30, tzinfo=UTC), Reading.EXACT),
    ],
)
def test_a_windows_name_reads_the_clock_changes_as_london_does(naive, instant, how):
    assert named_zone("GMT Standard Time").read(naive) == (instant, how)
