"""Exceptions of a series: days are compared as their sender wrote them, and what fits no occurrence is named."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.london import london_date
from app.ical.patch import EventChanges, ObjectPatch
from app.intake.media import read_notice
from app.intake.read_request import ReadRequest

DAYS = {"starts": "DTSTART;VALUE=DATE:20270614", "ends": "DTEND;VALUE=DATE:20270615"}
NIGHTS = {"starts": "DTSTART;TZID=Europe/London:20270603T023000", "ends": "DTEND;TZID=Europe/London:20270603T060000"}
TOKYO = (
    "BEGIN:VTIMEZONE\r\nTZID:Ours\r\nBEGIN:STANDARD\r\nDTSTART:20200101T000000\r\nTZOFFSETFROM:+0900\r\n"
    "TZOFFSETTO:+0900\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n"
)


def days(reading):
    """The London days on which what is not withdrawn begins."""
    return [f"{london_date(told.window.starts):%d}" for told in reading.announcements if not told.withdrawn]


@pytest.mark.parametrize(
    "exdate",
    [
        "EXDATE;VALUE=DATE:20270616",
        "EXDATE:20270616T000000",
        "EXDATE:20270616T000000Z",
        "EXDATE;TZID=Europe/London:20270616T000000",
        "EXDATE;TZID=W. Europe Standard Time:20270616T000000",
        "EXDATE;TZID=America/Los_Angeles:20270616T000000",
        "EXDATE;TZID=Pacific/Kiritimati:20270616T000000",
        "EXDATE;TZID=Ours:20270616T000000",
        "EXDATE:20270615T230000Z",  # midnight in London
        "EXDATE:20270615T220000Z",  # in Berlin
        "EXDATE:20270615T210000Z",  # in Helsinki
        "EXDATE:20270615T183000Z",  # in Delhi
        "EXDATE:20270615T150000Z",  # in Tokyo
        "EXDATE:20270615T140000Z",  # in Sydney
        "EXDATE:20270616T040000Z",  # in New York
        "EXDATE:20270616T070000Z",  # in Los Angeles
        "EXDATE:20270616T120000Z",  # noon, which is safe from any zone
        "EXDATE:20270616T235959Z",  # nobody's midnight: the end of that day
        "EXDATE:20270616T093000",
    ],
)
def test_an_excluded_day_is_the_day_that_its_sender_wrote(read, event, exdate):
    reading = read(TOKYO, event("RRULE:FREQ=DAILY;COUNT=5", exdate, **DAYS))
    assert days(reading) == ["14", "15", "17", "18"]
    assert [told.position for told in reading.announcements] == [0, 1, 3, 4]
    assert reading.problems == ()


def test_how_a_time_was_read_as_a_day_is_said(read, event):
    reading = read(event("RRULE:FREQ=DAILY;UNTIL=20270618T000000", "EXDATE:20270615T220000Z,20270617T000000Z", **DAYS))
    assert days(reading) == ["14", "15", "18"]
    (remark,) = reading.remarks
    assert remark == (
        "Times in the series at line 4 (from 14 Jun 2027) were read as the days that they name: "
        "EXDATE 15 Jun 2027 22:00 UTC (line 10) as 16 Jun 2027, EXDATE 17 Jun 2027 00:00 UTC (line 10) as 17 Jun 2027, "
        "UNTIL 18 Jun 2027 00:00 (line 4) as 18 Jun 2027."
    )
    plain = read(event("RRULE:FREQ=DAILY;UNTIL=20270618", "EXDATE;VALUE=DATE:20270616", **DAYS))
    assert (days(plain), plain.remarks) == (["14", "15", "17", "18"], ())


@pytest.mark.parametrize(
    ("until", "last"),
    [
        ("20270617", "17"),
        ("20270617T000000", "17"),
        ("20270617T000000Z", "17"),
        ("20270616T230000Z", "17"),
        ("20270616T220000Z", "17"),
        ("20270617T040000Z", "17"),
        ("20270617T235959Z", "17"),
        ("20270617T235959", "17"),
    ],
)
def test_the_last_day_of_a_series_of_days_is_not_lost(read, event, until, last):
    assert days(read(event(f"RRULE:FREQ=DAILY;UNTIL={until}", **DAYS)))[-1] == last


@pytest.mark.parametrize(
    "named",
    [
        "RECURRENCE-ID;VALUE=DATE:20270616",
        "RECURRENCE-ID:20270616T000000Z",
        "RECURRENCE-ID:20270615T220000Z",
        "RECURRENCE-ID;TZID=America/New_York:20270616T000000",
        "RECURRENCE-ID:20270616T000000",
    ],
)
def test_a_changed_or_cancelled_day_is_found(read, event, named):
    series = event("RRULE:FREQ=DAILY;COUNT=4", **DAYS)
    moved = read(series, event(named, starts="DTSTART;VALUE=DATE:20270625", ends="DTEND;VALUE=DATE:20270626"))
    assert days(moved) == ["14", "15", "25", "17"]
    timed = read(series, event(named, starts="DTSTART:20270625T020000Z", ends="DTEND:20270625T030000Z"))
    assert days(timed) == ["14", "15", "25", "17"]
    cancelled = read(series, event(named, "STATUS:CANCELLED", starts="", ends=""))
    assert days(cancelled) == ["14", "15", "17"]
    assert [told.recurrence_id for told in cancelled.announcements if told.withdrawn] == ["20270615T230000Z"]
    assert [told.position for told in cancelled.announcements] == [0, 1, 2, 3]


def test_a_day_alone_that_is_the_london_midnight_of_an_occurrence_in_utc_is_taken_and_named(read, event):
    series = event("RRULE:FREQ=DAILY;COUNT=3", starts="DTSTART:20270614T230000Z", ends="DTEND:20270615T010000Z")
    named = "RECURRENCE-ID;VALUE=DATE:20270615"
    reading = read(series, event(named, "STATUS:CANCELLED", starts="", ends=""))
    assert [told.recurrence_id for told in reading.announcements if told.withdrawn] == ["20270615T230000Z"]
    alone = event(named, "STATUS:CANCELLED", starts="", ends="")
    once = event("RRULE:FREQ=WEEKLY;COUNT=3", starts="DTSTART:20270614T230000Z", ends="DTEND:20270615T010000Z")
    reading = read(once, alone)
    assert [told.recurrence_id for told in reading.announcements if told.withdrawn] == ["20270614T230000Z"]
    assert list(reading.remarks) == [
        "The event at line 11 names an occurrence of the series at line 4 (from 14 Jun 2027 23:00 UTC) by its day alone: that of 14 Jun 2027 23:00 UTC was taken."
    ]


def test_two_changes_of_one_day_written_differently_are_one_and_the_newer_counts(read, event, codes):
    series = event("RRULE:FREQ=DAILY;COUNT=3", **DAYS)
    reading = read(
        series,
        event("RECURRENCE-ID:20270615T000000Z", "SEQUENCE:2", starts="DTSTART;VALUE=DATE:20270625", ends=""),
        event("RECURRENCE-ID;VALUE=DATE:20270615", "SEQUENCE:1", starts="DTSTART;VALUE=DATE:20270628", ends=""),
    )
    assert days(reading) == ["14", "25", "16"]
    assert codes(reading) == [(18, "UID", "duplicate")]


def test_a_day_that_rdate_adds_to_a_series_of_days_is_a_day(read, event, windows):
    reading = read(event("RDATE:20270619T220000Z,20270622T000000Z", **DAYS))
    assert days(reading) == ["14", "20", "22"]
    assert windows(reading)[1] == "20270619T230000/20270620T230000"


def test_a_cancelled_occurrence_named_without_zone_and_start_is_on_the_clocks_of_its_series(read, event):
    berlin = {
        "starts": "DTSTART;TZID=Europe/Berlin:20270603T023000",
        "ends": "DTEND;TZID=Europe/Berlin:20270603T060000",
    }
    reading = read(
        event("RRULE:FREQ=WEEKLY;COUNT=3", **berlin),
        event("RECURRENCE-ID:20270610T023000", "STATUS:CANCELLED", starts="", ends=""),
    )
    assert [(told.recurrence_id, told.withdrawn) for told in reading.announcements] == [
        ("20270603T003000Z", False), ("20270610T003000Z", True), ("20270617T003000Z", False),
    ]  # fmt: skip
    assert reading.remarks == ()


@pytest.mark.parametrize(
    ("exdate", "named"),
    [
        ("EXDATE;TZID=Europe/London:20270610T020000", "10 Jun 2027 02:00 (line 10; that day it starts 02:30)"),
        ("EXDATE:20270610T023000Z", "10 Jun 2027 02:30 UTC (line 10; that day it starts 02:30)"),
        ("EXDATE;TZID=Europe/London:20270610T000000", "10 Jun 2027 00:00 (line 10; that day it starts 02:30)"),
        ("EXDATE;TZID=Europe/London:20270611T023000", "11 Jun 2027 02:30 (line 10)"),
        ("EXDATE;VALUE=DATE:20270611", "11 Jun 2027 (line 10)"),
        ("EXDATE;TZID=Europe/London:20270801T023000", "1 Aug 2027 02:30 (line 10)"),
    ],
)
def test_an_exclusion_that_fits_no_occurrence_is_named(read, event, exdate, named):
    reading = read(event("RRULE:FREQ=WEEKLY;COUNT=4", exdate, **NIGHTS))
    assert len(reading.announcements) == 4
    (remark,) = reading.remarks
    assert remark == (
        "EXDATE names what is no occurrence of the series at line 4 (from 3 Jun 2027 02:30); nothing was left out for "
        f"it: {named}. To leave one out, give the start that it has in the series."
    )


def test_exclusions_that_fit_and_such_as_lie_beyond_what_is_read_are_not_named(read, event):
    fits = read(event("RRULE:FREQ=WEEKLY;COUNT=4", "EXDATE:20270610T013000Z", "EXDATE;VALUE=DATE:20270617", **NIGHTS))
    assert (len(fits.announcements), fits.remarks) == (2, ())
    beyond = read(event("RRULE:FREQ=WEEKLY", "EXDATE:20290610T013000Z", "EXDATE;VALUE=DATE:20290618", **NIGHTS))
    assert [remark for remark in beyond.remarks if "EXDATE" in remark] == []


def test_of_many_exclusions_that_fit_nothing_the_first_are_named_and_the_rest_counted(read, event):
    dates = ",".join(f"202706{day:02}T000000Z" for day in range(1, 15))
    (remark,) = read(event("RRULE:FREQ=WEEKLY;COUNT=4", f"EXDATE:{dates}", **NIGHTS)).remarks
    assert remark.endswith(
        "10 Jun 2027 00:00 UTC (line 10; that day it starts 02:30), and 4 more. "
        "To leave one out, give the start that it has in the series."
    )


@pytest.mark.parametrize(
    "named", ["RECURRENCE-ID:20270610T010000Z", "RECURRENCE-ID;TZID=Europe/London:20270610T000000"]
)
@pytest.mark.parametrize("status", ["STATUS:CONFIRMED", "STATUS:CANCELLED"])
def test_a_change_of_what_is_no_occurrence_is_named(read, event, named, status):
    reading = read(
        event("RRULE:FREQ=WEEKLY;COUNT=2", **NIGHTS),
        event(named, status, starts="DTSTART:20270611T013000Z", ends="DTEND:20270611T050000Z"),
    )
    said = {"RECURRENCE-ID:20270610T010000Z": "10 Jun 2027 01:00 UTC"}.get(named, "10 Jun 2027 00:00")
    assert len(reading.announcements) == 3
    (remark,) = reading.remarks
    assert remark == (
        "RECURRENCE-ID names what is no occurrence of the series at line 4 (from 3 Jun 2027 02:30): "
        f"{said} (line 11). The change was taken for itself, and the series as it stands: check that both are meant."
    )


def test_a_change_of_an_event_that_does_not_repeat_is_named(read, event):
    reading = read(event(**NIGHTS), event("RECURRENCE-ID:20270610T013000Z", **NIGHTS))
    assert len(reading.announcements) == 2
    assert reading.remarks[0].startswith("RECURRENCE-ID names what is no occurrence of the series at line 4")


@pytest.mark.parametrize("exdate", ["EXDATE:20270610T013000Z", "EXDATE;VALUE=DATE:20270610"])
def test_a_moved_occurrence_that_is_excluded_too_is_taken_and_named(read, event, exdate):
    reading = read(
        event("RRULE:FREQ=WEEKLY;COUNT=2", exdate, **NIGHTS),
        event("RECURRENCE-ID:20270610T013000Z", starts="DTSTART:20270612T013000Z", ends="DTEND:20270612T050000Z"),
    )
    assert days(reading) == ["03", "12"]
    (remark,) = reading.remarks
    assert remark == (
        "EXDATE leaves out what another event of the series at line 4 (from 3 Jun 2027 02:30) changes; the change was "
        "taken: 10 Jun 2027 01:30 UTC (line 12). If it does not take place, cancel it or remove that event."
    )


def test_a_patch_finds_a_day_that_is_named_as_a_time(calendar, event):
    octets = calendar(
        event("RRULE:FREQ=DAILY;COUNT=3", "EXDATE:20270615T220000Z", **DAYS),
        event("RECURRENCE-ID:20270615T000000Z", starts="DTSTART;VALUE=DATE:20270625", ends=""),
    )
    patch = ObjectPatch(octets)
    assert patch.place_of(datetime(2027, 6, 14, 23, tzinfo=UTC)) == 1
    patch.change(1, EventChanges(status="CANCELLED"))
    reading = read_notice(patch.octets(), "text/calendar", ReadRequest(datetime(2027, 6, 1, tzinfo=UTC), ("GW-1",)))
    assert days(reading) == ["14"]


@given(offset=st.integers(-48, 56), day=st.integers(0, 6))
def test_the_midnight_of_any_zone_in_utc_names_its_day(offset, day):
    """Offsets from -12:00 to +14:00 but for those at which noon in UTC lies between two days."""
    minutes = offset * 15
    if not -12 * 60 <= minutes < 12 * 60:
        return
    at = datetime(2027, 6, 14 + day, tzinfo=UTC) - timedelta(minutes=minutes)
    lines = f"""BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:u\nDTSTART;VALUE=DATE:20270614\nRRULE:FREQ=DAILY;COUNT=7
EXDATE:{at:%Y%m%dT%H%M%S}Z\nEND:VEVENT\nEND:VCALENDAR\n"""
    reading = read_notice(lines.encode(), "text/calendar", ReadRequest(datetime(2027, 1, 1, tzinfo=UTC), ("GW-1",)))
    assert [told.position for told in reading.announcements] == [place for place in range(7) if place != day]
