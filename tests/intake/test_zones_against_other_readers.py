"""Names, definitions and times that agree or not: we read what dateutil reads of the one or the other, and tell."""

from datetime import UTC, datetime, timedelta
from io import StringIO
from zoneinfo import ZoneInfo

import icalendar
from dateutil import tz
from hypothesis import assume, given
from hypothesis import strategies as st

from app.intake.ical import read_ical
from tests.intake.zone_definitions import fixed, ruled

# What each name means by itself, and whether that counts where the file says something else.
NAMES = {
    "GMT": ("Etc/GMT", False),
    "UTC": ("Etc/UTC", False),
    "EST": ("Etc/GMT+5", False),
    "Etc/GMT-1": ("Etc/GMT-1", False),
    "GMT Standard Time": ("Europe/London", False),
    "W. Europe Standard Time": ("Europe/Berlin", False),
    "Eastern Standard Time": ("America/New_York", False),
    "Europe/London": ("Europe/London", True),
    "Europe/Berlin": ("Europe/Berlin", True),
    "America/New_York": ("America/New_York", True),
    "/freeassociation.sourceforge.net/Europe/London": ("Europe/London", True),
    "Ours": (None, False),
}
OFFSETS = st.sampled_from(["+0000", "+0100", "-0500", "+0530", "-0330", "+1200"])
# Half of the times lie about the nights on which clocks change.
NIGHTS = [datetime(2027, 3, 13, 22), datetime(2027, 3, 27, 22), datetime(2026, 10, 24, 22), datetime(2027, 11, 6, 22)]
TIMES = st.one_of(
    st.datetimes(datetime(2026, 9, 2), datetime(2028, 6, 1)),
    st.builds(
        lambda night, minutes: night + timedelta(minutes=minutes), st.sampled_from(NIGHTS), st.integers(0, 10 * 60)
    ),
).map(lambda naive: naive.replace(minute=naive.minute // 15 * 15, second=0, microsecond=0))
LENGTHS = st.integers(1, 4 * 24).map(lambda quarters: timedelta(minutes=15 * quarters))


@st.composite
def definitions(draw, tzid):
    offset = draw(OFFSETS)
    where = draw(st.sampled_from(["nowhere", "eu", "us"]))
    return (
        fixed(tzid, offset)
        if where == "nowhere"
        else ruled(tzid, offset, where, draw(st.sampled_from(["1971", "2025"])))
    )


def clocks(definition):
    """Return a definition as icalendar parses it and dateutil evaluates it."""
    text = icalendar.Component.from_ical(definition).to_ical().decode()
    return tz.tzical(StringIO(text)).get()


def in_utc(naive, zone):
    aware = naive.replace(tzinfo=zone)
    assume(tz.datetime_exists(aware))  # of what does not exist dateutil makes something else than RFC 5545 3.3.5
    return aware.astimezone(UTC)


def sent(tzid, starts, ends, *definitions):
    lines = [f"DTSTART;TZID={tzid}:{starts:%Y%m%dT%H%M%S}", f"DTEND;TZID={tzid}:{ends:%Y%m%dT%H%M%S}"]
    event = "\r\n".join(["BEGIN:VEVENT", "UID:one@example.org", "DTSTAMP:20260901T090000Z", *lines, "END:VEVENT", ""])
    return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\n{''.join(definitions)}{event}END:VCALENDAR\r\n".encode()


def told(announcement):
    return [remark for remark in announcement.remarks if remark.startswith("The notice defines the time zone")]


@given(data=st.data(), tzid=st.sampled_from(sorted(NAMES)), starts=TIMES, length=LENGTHS)
def test_a_name_and_a_definition_agree_or_the_difference_is_told(asking, data, tzid, starts, length):
    definition = data.draw(definitions(tzid))
    ends = starts + length
    name, is_place = NAMES[tzid]
    defined = tuple(in_utc(naive, clocks(definition)) for naive in (starts, ends))
    named = defined if name is None else tuple(in_utc(naive, ZoneInfo(name)) for naive in (starts, ends))
    taken = named if is_place else defined
    reading = read_ical(sent(tzid, starts, ends, definition), asking)
    if taken[0] >= taken[1]:
        assert [problem.code for problem in reading.problems] == ["end-not-after-start"]
        return
    (announced,) = reading.announcements
    assert (announced.window.starts, announced.window.ends) == taken
    assert len(told(announced)) == (defined != named)


@given(data=st.data(), tzid=st.sampled_from(sorted(NAMES)), starts=TIMES, length=LENGTHS)
def test_two_definitions_agree_or_are_a_question(asking, data, tzid, starts, length):
    both = [data.draw(definitions(tzid)) for _ in range(2)]
    ends = starts + length
    one, two = (tuple(in_utc(naive, clocks(definition)) for naive in (starts, ends)) for definition in both)
    name, is_place = NAMES[tzid]
    reading = read_ical(sent(tzid, starts, ends, *both), asking)
    if is_place:
        named = tuple(in_utc(naive, ZoneInfo(name)) for naive in (starts, ends))
        for announced in reading.announcements:
            assert (announced.window.starts, announced.window.ends) == named
            assert len(told(announced)) == (not one == two == named)
    elif one != two:
        assert [problem.code for problem in reading.problems] == ["two-definitions"]
    else:
        for announced in reading.announcements:
            assert (announced.window.starts, announced.window.ends) == one
    assert len(reading.announcements) + len(reading.problems) == 1
