import contextlib
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.domain.london import (
    LONDON,
    Reading,
    london_date,
    london_midnight,
    london_text,
    read_day,
    read_instant,
    read_wall_clock,
    utc_text,
    whole_days,
)
from app.domain.refusal import TimeRefused
from app.domain.window import ClosureWindow

REMEDY = "Write ISO 8601, such as 2026-12-06T02:00 (London time) or 2026-12-06T02:00:00Z."
MINUTE = timedelta(minutes=1)


def utc(*parts):
    return datetime(*parts, tzinfo=UTC)


def by_search(naive, zone, step):
    """What the clocks on the wall showed, looked up instant by instant around the time asked for."""
    around = naive.replace(tzinfo=UTC) - timedelta(hours=30)
    shown = [(around + n * step, (around + n * step).astimezone(zone).replace(tzinfo=None)) for n in range(60 * 60)]
    matching = [instant for instant, wall in shown if wall == naive]
    if matching:
        return matching[0], Reading.EXACT if len(matching) == 1 else Reading.FIRST_OF_TWO
    return next(instant for instant, wall in shown if wall > naive), Reading.AFTER_GAP


QUARTERS = [
    night + n * 15 * MINUTE for night in (datetime(2026, 3, 28, 22), datetime(2026, 10, 24, 22)) for n in range(32)
]


@pytest.mark.parametrize("naive", QUARTERS, ids=str)
def test_every_quarter_of_an_hour_in_both_nights_of_2026(naive):
    assert read_wall_clock(naive) == by_search(naive, LONDON, MINUTE)


def test_the_second_of_an_ambiguous_pair_is_never_meant():
    read = {read_wall_clock(quarter)[0] for quarter in QUARTERS}
    second_hour = {utc(2026, 10, 25, 1) + n * 15 * MINUTE for n in range(4)}
    assert read & second_hour == set()
    assert read_wall_clock(datetime(2026, 10, 25, 1, 30, fold=1)) == read_wall_clock(datetime(2026, 10, 25, 1, 30))


@pytest.mark.parametrize(
    ("naive", "zone", "expected"),
    [
        (datetime(2026, 10, 25, 0, 59, 59), "Europe/London", (utc(2026, 10, 24, 23, 59, 59), Reading.EXACT)),
        (datetime(2026, 10, 25, 1, 0), "Europe/London", (utc(2026, 10, 25, 0, 0), Reading.FIRST_OF_TWO)),
        (datetime(2026, 10, 25, 1, 30), "Europe/London", (utc(2026, 10, 25, 0, 30), Reading.FIRST_OF_TWO)),
        (datetime(2026, 10, 25, 1, 59, 59), "Europe/London", (utc(2026, 10, 25, 0, 59, 59), Reading.FIRST_OF_TWO)),
        (datetime(2026, 10, 25, 2, 0), "Europe/London", (utc(2026, 10, 25, 2, 0), Reading.EXACT)),
        (datetime(2026, 3, 29, 0, 59, 59), "Europe/London", (utc(2026, 3, 29, 0, 59, 59), Reading.EXACT)),
        (datetime(2026, 3, 29, 1, 0), "Europe/London", (utc(2026, 3, 29, 1, 0), Reading.AFTER_GAP)),
        (datetime(2026, 3, 29, 1, 30), "Europe/London", (utc(2026, 3, 29, 1, 0), Reading.AFTER_GAP)),
        (datetime(2026, 3, 29, 1, 59, 59, 999999), "Europe/London", (utc(2026, 3, 29, 1, 0), Reading.AFTER_GAP)),
        (datetime(2026, 3, 29, 2, 0), "Europe/London", (utc(2026, 3, 29, 1, 0), Reading.EXACT)),
        (datetime(2026, 3, 29, 2, 30), "Europe/Berlin", (utc(2026, 3, 29, 1, 0), Reading.AFTER_GAP)),
        (datetime(2026, 3, 8, 2, 30), "America/New_York", (utc(2026, 3, 8, 7, 0), Reading.AFTER_GAP)),
        # Half an hour only, and a whole day left out.
        (datetime(2026, 10, 4, 2, 10), "Australia/Lord_Howe", (utc(2026, 10, 3, 15, 30), Reading.AFTER_GAP)),
        (datetime(2011, 12, 30, 12, 0), "Pacific/Apia", (utc(2011, 12, 30, 10, 0), Reading.AFTER_GAP)),
    ],
)
def test_wall_clocks_at_the_edges_of_a_change(naive, zone, expected):
    assert read_wall_clock(naive, ZoneInfo(zone)) == expected


# A fraction of a second right after the gap began once kept the search for its end going for ever.
@example(500_000)
@example(1)
@example(3_599_999_999)
@given(st.integers(0, 3_599_999_999))
def test_the_gap_ends_at_one_instant_for_every_time_in_it(microseconds):
    missing = datetime(2026, 3, 29, 1) + timedelta(microseconds=microseconds)
    assert read_wall_clock(missing) == (utc(2026, 3, 29, 1), Reading.AFTER_GAP)


@given(st.datetimes(datetime(1972, 1, 1), datetime(2060, 1, 1)))
def test_a_time_that_is_on_the_clock_is_read_as_an_instant_that_shows_it(naive):
    instant, reading = read_wall_clock(naive)
    assert instant.tzinfo is UTC
    assert (instant.astimezone(LONDON).replace(tzinfo=None) == naive) is (reading is not Reading.AFTER_GAP)


@pytest.mark.parametrize(
    ("naive", "zone"), [(datetime(1, 1, 1), "Asia/Tokyo"), (datetime(9999, 12, 31, 23), "America/New_York")]
)
def test_a_wall_clock_beyond_the_years_of_utc_is_refused(naive, zone):
    with pytest.raises(TimeRefused) as refused:
        read_wall_clock(naive, ZoneInfo(zone))
    assert (refused.value.text, refused.value.remedy) == ("That time is out of range.", REMEDY)


def test_the_words_for_how_a_time_was_read():
    assert [str(reading) for reading in Reading] == [
        "exact",
        "first of two",
        "after the gap",
        "with the offset before the gap",
    ]


@pytest.mark.parametrize(("day", "hours"), [((2026, 10, 25), 7), ((2026, 3, 29), 5), ((2026, 12, 6), 6)])
def test_midnight_to_six_on_the_nights_the_clocks_change(day, hours):
    window = ClosureWindow(read_wall_clock(datetime(*day, 0))[0], read_wall_clock(datetime(*day, 6))[0])
    assert window.duration == timedelta(hours=hours)


@pytest.mark.parametrize(
    ("instant", "day"),
    [
        (utc(2026, 7, 6, 22, 59, 59), date(2026, 7, 6)),
        (utc(2026, 7, 6, 23), date(2026, 7, 7)),
        (utc(2026, 12, 6, 23, 59), date(2026, 12, 6)),
        (utc(2026, 12, 7), date(2026, 12, 7)),
        (datetime(2026, 12, 6, 20, tzinfo=ZoneInfo("America/New_York")), date(2026, 12, 7)),
    ],
)
def test_the_london_date_of_an_instant(instant, day):
    assert london_date(instant) == day


@given(st.dates(date(1972, 1, 1), date(2060, 1, 1)))
def test_a_london_day_begins_at_its_midnight(day):
    midnight = london_midnight(day)
    assert midnight.tzinfo is UTC
    assert london_date(midnight) == day
    assert london_date(midnight - timedelta(microseconds=1)) == day - timedelta(days=1)


@pytest.mark.parametrize(
    ("first", "after", "starts", "ends"),
    [
        (date(2026, 12, 6), date(2026, 12, 7), utc(2026, 12, 6), utc(2026, 12, 7)),
        (date(2026, 10, 25), date(2026, 10, 26), utc(2026, 10, 24, 23), utc(2026, 10, 26)),
        (date(2026, 3, 29), date(2026, 3, 31), utc(2026, 3, 29), utc(2026, 3, 30, 23)),
    ],
)
def test_whole_days_run_from_london_midnight_to_london_midnight(first, after, starts, ends):
    assert whole_days(first, after) == ClosureWindow(starts, ends)


@pytest.mark.parametrize(
    ("instant", "london", "in_utc"),
    [
        (utc(2026, 12, 6, 2), "Sun 6 Dec 2026 02:00 GMT", "2026-12-06T02:00:00Z"),
        (utc(2026, 7, 6, 23, 5, 9), "Tue 7 Jul 2026 00:05 BST", "2026-07-06T23:05:09Z"),
        (utc(2026, 10, 25, 0, 30), "Sun 25 Oct 2026 01:30 BST", "2026-10-25T00:30:00Z"),
        (utc(2026, 10, 25, 1, 30), "Sun 25 Oct 2026 01:30 GMT", "2026-10-25T01:30:00Z"),
        (
            datetime(2026, 12, 6, 21, tzinfo=ZoneInfo("America/New_York")),
            "Mon 7 Dec 2026 02:00 GMT",
            "2026-12-07T02:00:00Z",
        ),
    ],
)
def test_wording_of_an_instant(instant, london, in_utc):
    assert london_text(instant) == london
    assert utc_text(instant) == in_utc


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-12-06T02:00", (utc(2026, 12, 6, 2), Reading.EXACT)),
        ("2026-07-06T02:00", (utc(2026, 7, 6, 1), Reading.EXACT)),
        ("  2026-12-06T02:00:00Z\n", (utc(2026, 12, 6, 2), Reading.EXACT)),
        ("2026-07-06T02:00:00+01:00", (utc(2026, 7, 6, 1), Reading.EXACT)),
        ("20261206T020000Z", (utc(2026, 12, 6, 2), Reading.EXACT)),
        ("2026-12-06", (utc(2026, 12, 6), Reading.EXACT)),
        ("2026-10-25T01:30", (utc(2026, 10, 25, 0, 30), Reading.FIRST_OF_TWO)),
        ("2026-10-25T01:30Z", (utc(2026, 10, 25, 1, 30), Reading.EXACT)),
        ("2026-03-29T01:00:00.5", (utc(2026, 3, 29, 1), Reading.AFTER_GAP)),
    ],
)
def test_reading_an_instant(text, expected):
    instant, reading = read_instant(text)
    assert (instant, reading) == expected
    assert instant.tzinfo is UTC


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "That is not a time."),
        ("soon", "That is not a time."),
        ("2026-13-06T02:00", "That is not a time."),
        ("2026-12-06T24:00", "That is not a time."),
        ("06/12/2026 02:00", "That is not a time."),
        ("２０２６-12-06T02:00", "A time may hold only ASCII characters."),
        ("2026-12-06\u00a002:00", "A time may hold only ASCII characters."),
        ("\ud800", "A time may hold only ASCII characters."),
        ("0001-01-01T00:00:00+01:00", "That time is out of range."),
        ("9999-12-31T23:59:59-01:00", "That time is out of range."),
    ],
)
def test_what_is_no_instant_is_refused(text, why):
    with pytest.raises(TimeRefused) as refused:
        read_instant(text)
    assert (refused.value.text, refused.value.remedy) == (why, REMEDY)


@given(st.text(max_size=30))
def test_any_text_is_read_or_refused(text):
    for read in (read_instant, read_day):
        with contextlib.suppress(TimeRefused):
            read(text)


def test_reading_a_day():
    assert read_day(" 2026-12-06 ") == date(2026, 12, 6)
    assert read_day("20261206") == date(2026, 12, 6)


@pytest.mark.parametrize("text", ["", "today", "2026-02-29", "2026-12-06T02:00", "２０２６-12-06", "\ud800"])
def test_what_is_no_day_is_refused(text):
    with pytest.raises(TimeRefused) as refused:
        read_day(text)
    assert (refused.value.text, refused.value.remedy) == ("That is not a date.", "Write ISO 8601, such as 2026-12-06.")
