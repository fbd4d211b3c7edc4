"""Short words: days, time left, and what a move changed, by London's clock."""

from datetime import UTC, date, datetime, timedelta

import pytest

from app.domain.window import ClosureWindow
from app.web.pages.shorthand import (
    day_month_words,
    days_words,
    left_words,
    long_day_words,
    shift_words,
    stretch_words,
    weekday_words,
)

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)


def window(starts, ends):
    return ClosureWindow(*(datetime.fromisoformat(text).replace(tzinfo=UTC) for text in (starts, ends)))


def test_days():
    day = date(2026, 12, 6)
    assert (weekday_words(day), day_month_words(day)) == ("Sun", "6 Dec")
    assert long_day_words(day) == "Sunday 6 December 2026"
    lasts = (day, date(2026, 12, 13), date(2027, 1, 2), date(2027, 12, 7))
    assert [days_words(day, last) for last in lasts] == ["6 Dec", "6 to 13 Dec", "6 Dec to 2 Jan", "6 Dec to 7 Dec"]


@pytest.mark.parametrize(
    ("starts", "ends", "words"),
    [
        ("2026-12-06T00:00", "2026-12-07T00:00", "Sun 6 Dec 2026"),
        ("2026-06-06T23:00", "2026-06-07T23:00", "Sun 7 Jun 2026"),
        ("2026-11-30T00:00", "2026-12-07T00:00", "30 Nov to 6 Dec 2026"),
        ("2026-12-06T18:00", "2026-12-07T08:00", "Sun 6 Dec 2026 18:00 GMT to Mon 7 Dec 2026 08:00 GMT"),
    ],
)
def test_a_span_is_worded_in_days_where_it_is_of_whole_ones(starts, ends, words):
    assert stretch_words(window(starts, ends)) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(1, "1 min"), (60, "1 min"), (61, "2 min"), (7800, "2 h 10 min"), (172_799, "2 days"), (172_800, "2 days")],
)
def test_time_left_is_in_minutes_that_have_begun(seconds, words):
    assert left_words(NOW + timedelta(seconds=seconds), NOW) == words


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        # Over the night on which the clocks change, the same hour of London's clock is another hour of UTC.
        (("2026-10-18T01:00", "2026-10-18T05:00"), ("2026-11-01T02:00", "2026-11-01T06:00"),
         "14 days later, for as long as before"),
        (("2026-12-06T02:00", "2026-12-06T06:00"), ("2026-12-06T02:00", "2026-12-06T08:00"), "ends 2 h later"),
        (("2026-12-06T02:00", "2026-12-06T06:00"), ("2026-12-06T01:00", "2026-12-06T08:00"),
         "starts 1 h earlier, ends 2 h later"),
    ],
)  # fmt: skip
def test_a_move_is_worded_by_what_it_changed(before, after, words):
    assert shift_words(window(*after), window(*before)) == words
