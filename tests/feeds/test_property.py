"""One property, spelt for iCalendar and for jCal."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from icalendar import vDatetime, vText
from icalendar.parser import Contentline, Contentlines

from feeds.property import Property, content_line, escape, jcal_array, plain, utc_basic, utc_extended


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Alpha Energy", "Alpha Energy"),
        ("  Alpha  Energy ", "Alpha  Energy"),
        ("XaX", "XaX"),
        ("a\r\nb", "a b"),
        ("a\n\r\tb", "a b"),
        ("a\vb\fc\x1cd\x1de\x1ef\x85g\u2028h\u2029i", "a b c d e f g h i"),
        ("a\x00b\x1fc\x7fd\x80e\x9ff", "abcdef"),
        ("a\ud800b\udfffc", "abc"),
        ("\x00\r\n\x07", ""),
        ("\x1fa \x00", "a"),
        ("x ~\xa0\ud7ff\ue000\U0001f50c\u202e\u05e9", "x ~\xa0\ud7ff\ue000\U0001f50c\u202e\u05e9"),
    ],
)
def test_plain_is_one_line_without_control_characters(text, expected):
    assert plain(text) == expected


@given(st.text(st.characters()))
def test_plain_leaves_one_line_for_every_program(text):
    cleaned = plain(text)
    assert cleaned.splitlines() in ([], [cleaned])
    assert cleaned.encode().decode() == plain(cleaned) == cleaned


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Alpha Energy: a^n \"b\" 'c'", "Alpha Energy: a^n \"b\" 'c'"),
        ("a;b", r"a\;b"),
        ("a,b", r"a\,b"),
        ("a\nb", r"a\nb"),
        ("a\\b", r"a\\b"),
        (r"C:\New \n \, \;", r"C:\\New \\n \\\, \\\;"),
        ("\\", r"\\"),
        ("\\\\", r"\\\\"),
    ],
)
def test_escape(text, expected):
    assert escape(text) == expected


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r")))
def test_escape_is_undone_by_icalendar(text):
    line = Contentline(f"SUMMARY:{escape(text)}")
    assert line.parts() == ("SUMMARY", {}, text)


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\\")))
def test_escape_is_icalendars_own_where_that_is_right(text):
    assert escape(text).encode() == vText(text).to_ical()


@given(st.datetimes(datetime(1, 1, 1), timezones=st.just(UTC)))
def test_times_are_spelt_as_icalendar_spells_them(instant):
    assert utc_basic(instant).encode() == vDatetime(instant).to_ical()


def test_times_are_spelt_to_the_second():
    instant = datetime(2026, 1, 2, 3, 4, 5, 999_999, tzinfo=UTC)
    assert utc_basic(instant) == "20260102T030405Z"
    assert utc_extended(instant) == "2026-01-02T03:04:05Z"


LINES = [
    (Property("SUMMARY", "text", "a;b,c"), b"SUMMARY:a\\;b\\,c\r\n"),
    (Property("CATEGORIES", "text", ("a,b", "c")), b"CATEGORIES:a\\,b,c\r\n"),
    (Property("SEQUENCE", "integer", 12), b"SEQUENCE:12\r\n"),
    (Property("DTSTART", "date-time", datetime(2026, 12, 6, 2, tzinfo=UTC)), b"DTSTART:20261206T020000Z\r\n"),
    (Property("URL", "uri", "https://a.example/b;c,d"), b"URL:https://a.example/b;c,d\r\n"),
    (
        Property("ORGANIZER", "cal-address", "mailto:a@b.example", (("CN", 'A "b"; c:d'),)),
        b"ORGANIZER;CN=\"A ^'b^'; c:d\":mailto:a@b.example\r\n",
    ),
    (
        Property("REFRESH-INTERVAL", "duration", "PT1H", (("VALUE", "DURATION"),)),
        b"REFRESH-INTERVAL;VALUE=DURATION:PT1H\r\n",
    ),
]


@pytest.mark.parametrize(("stated", "expected"), LINES, ids=lambda value: getattr(value, "name", ""))
def test_content_line(stated, expected):
    assert content_line(stated) == expected


# ASCII, two octets, three and four: the fold must fall between characters, whatever their length.
@pytest.mark.parametrize("character", ["x", "é", "€", "\U0001f50c", "\\", "^"])
def test_fold_at_every_length(character):
    for count in range(1, 200):
        line = content_line(Property("SUMMARY", "text", character * count))
        unfolded = "SUMMARY:" + escape(character) * count
        assert line == Contentline(unfolded).to_ical() + b"\r\n"
        assert line.decode().replace("\r\n ", "") == unfolded + "\r\n"
        for physical in line.split(b"\r\n"):
            assert len(physical) <= 75
            physical.decode()


def test_line_of_74_octets_is_whole_and_of_75_is_folded():
    assert content_line(Property("SUMMARY", "text", "x" * 66)) == b"SUMMARY:" + b"x" * 66 + b"\r\n"
    assert content_line(Property("SUMMARY", "text", "x" * 67)) == b"SUMMARY:" + b"x" * 66 + b"\r\n x\r\n"


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r"), min_size=1))
def test_one_property_is_one_line_to_icalendar(text):
    line = content_line(Property("SUMMARY", "text", text))
    assert Contentlines.from_ical(line) == [f"SUMMARY:{escape(text)}", ""]


ARRAYS = [
    (Property("SUMMARY", "text", "a;b,c"), ["summary", {}, "text", "a;b,c"]),
    (Property("CATEGORIES", "text", ("a,b", "c")), ["categories", {}, "text", "a,b", "c"]),
    (Property("SEQUENCE", "integer", 12), ["sequence", {}, "integer", 12]),
    (
        Property("DTSTART", "date-time", datetime(2026, 12, 6, 2, tzinfo=UTC)),
        ["dtstart", {}, "date-time", "2026-12-06T02:00:00Z"],
    ),
    (
        Property("ORGANIZER", "cal-address", "mailto:a@b.example", (("CN", 'A "b"'),)),
        ["organizer", {"cn": 'A "b"'}, "cal-address", "mailto:a@b.example"],
    ),
    (
        Property("REFRESH-INTERVAL", "duration", "PT1H", (("VALUE", "DURATION"),)),
        ["refresh-interval", {}, "duration", "PT1H"],
    ),
]


@pytest.mark.parametrize(("stated", "expected"), ARRAYS, ids=lambda value: getattr(value, "name", ""))
def test_jcal_array(stated, expected):
    assert jcal_array(stated) == expected
