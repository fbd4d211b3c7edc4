from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.ical.components import read_calendars
from app.ical.custom_zone import read_custom_zone
from app.ical.limits import Allowance, Limits
from app.ical.named_zone import LONDON_ZONE
from app.ical.unread import Unread

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
LAST_WEEK = BRITISH.replace("BYDAY=-1SU;", "BYDAY=SU;BYMONTHDAY=25,26,27,28,29,30,31;")


def definition(text):
    return read_calendars(f"BEGIN:VCALENDAR\n{text}END:VCALENDAR\n".encode()).calendars[0].parts[0]


def zone(text, years=(2021, 2031)):
    return read_custom_zone("Ours", 0, definition(text), years, Allowance(Limits()))


@pytest.mark.parametrize("text", [BRITISH, OUTLOOK, LAST_WEEK], ids=["plain", "outlook", "days of month"])
@given(naive=st.datetimes(datetime(2022, 1, 1), datetime(2031, 1, 1)).map(lambda one: one.replace(microsecond=0)))
def test_the_british_rules_read_every_wall_clock_as_the_iana_zone(text, naive):
    assert zone(text).read(naive) == LONDON_ZONE.read(naive)


@pytest.mark.parametrize("text", [BRITISH, OUTLOOK, LAST_WEEK], ids=["plain", "outlook", "days of month"])
@pytest.mark.parametrize("night", [datetime(2026, 3, 29), datetime(2026, 10, 25)], ids=["spring", "autumn"])
def test_every_minute_of_the_nights_on_which_the_clocks_change(text, night):
    ours = zone(text)
    for minute in range(5 * 60):
        naive = night + timedelta(minutes=minute)
        assert ours.read(naive) == LONDON_ZONE.read(naive)


def test_plain_onsets_and_an_until_are_kept():
    ours = zone(
        BRITISH.replace("BYMONTH=10", "BYMONTH=10;UNTIL=20261025T010000Z").replace(
            "RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3", "RDATE:20260329T010000,20270328T010000"
        )
    )
    read = {
        naive: ours.read(naive)[0].hour
        for naive in (datetime(2026, 7, 1, 12), datetime(2026, 12, 1, 12), datetime(2029, 1, 1, 12))
    }
    assert read == {datetime(2026, 7, 1, 12): 11, datetime(2026, 12, 1, 12): 12, datetime(2029, 1, 1, 12): 11}


def test_a_rule_without_month_or_day_means_those_of_its_onset():
    ours = zone(BRITISH.replace("16010101T020000", "20201025T020000").replace(";BYDAY=-1SU;BYMONTH=10", ""))
    assert ours.read(datetime(2026, 10, 24, 12))[0].hour == 11
    assert ours.read(datetime(2026, 10, 26, 12))[0].hour == 12


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        ("FREQ=YEARLY", "FREQ=SECONDLY", "has a rule that is not yearly in one month, the only kind accepted."),
        ("FREQ=YEARLY", "FREQ=MONTHLY", "has a rule that is not yearly in one month, the only kind accepted."),
        (
            "FREQ=YEARLY",
            "FREQ=YEARLY;INTERVAL=2",
            "has a rule that is not yearly in one month, the only kind accepted.",
        ),
        ("BYMONTH=3", "BYMONTH=3,4", "has a rule that is not yearly in one month, the only kind accepted."),
        (";BYMONTH=3", "", "has a rule that is not yearly in one month, the only kind accepted."),
        ("BYMONTH=3", "BYMONTH=3;COUNT=9", "has a rule that is not yearly in one month, the only kind accepted."),
        ("BYMONTH=3", "BYMONTH=3;BYHOUR=1,2,3", "has a rule at another time of day than its onset."),
        ("BYMONTH=3", "BYMONTH=13", "has a part that cannot be read."),
        ("BYDAY=-1SU;BYMONTH=3", "BYDAY=99XX;BYMONTH=3", "has a part that cannot be read."),
        ("RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3", "RRULE:\x00", "has a rule that cannot be read."),
        ("TZOFFSETTO:+0100", "TZOFFSETTO:+01", "has an offset that is not +HHMM or -HHMM."),
        ("TZOFFSETTO:+0100", "TZOFFSETTO:+9900", "has a part that cannot be read."),
        ("TZOFFSETTO:+0100", "", "has a part without exactly one DTSTART, TZOFFSETFROM and TZOFFSETTO."),
        ("DTSTART:16010101T010000", "DTSTART:20200230T010000", "has a part that cannot be read."),
        ("DTSTART:16010101T010000", "DTSTART:20200101", "has an onset that is not a local time."),
        (
            "BYDAY=-1SU;BYMONTH=3",
            "BYDAY=-1SU;BYMONTH=3\nRRULE:FREQ=YEARLY;BYMONTH=4",
            "has a part with more than one rule.",
        ),
        (
            "RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3",
            "RDATE:" + ",".join(["20260101T000000"] * 1001),
            "has more than 1000 onsets.",
        ),
    ],
)
def test_any_other_shape_is_refused(old, new, text):
    assert old in BRITISH
    with pytest.raises(Unread) as refused:
        zone(BRITISH.replace(old, new))
    assert refused.value.text == text
    assert refused.value.code == "custom-zone"


def test_a_zone_without_parts_or_with_more_than_a_hundred_is_refused():
    with pytest.raises(Unread, match="defines no offset"):
        zone("BEGIN:VTIMEZONE\nTZID:Ours\nEND:VTIMEZONE\n")
    part = BRITISH[BRITISH.index("BEGIN:STANDARD") : BRITISH.index("BEGIN:DAYLIGHT")]
    with pytest.raises(Unread, match="has more than 100 parts"):
        zone("BEGIN:VTIMEZONE\nTZID:Ours\n" + part * 101 + "END:VTIMEZONE\n")


def test_zones_share_the_allowance_of_their_notice():
    allowance = Allowance(Limits())
    several = [definition(BRITISH.replace("T020000", f"T02{n // 60:02}{n % 60:02}")) for n in range(251)]
    for lines in several[:250] * 2:  # a definition that is met again is not taken from it again
        read_custom_zone("Ours", 0, lines, (2021, 2031), allowance)
    with pytest.raises(Unread, match="is more than is evaluated in one notice"):
        read_custom_zone("Ours", 0, several[250], (2021, 2031), allowance)
