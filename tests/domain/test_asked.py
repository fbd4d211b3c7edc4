"""What is typed into the one box: words, instants and spans, in any order; nothing that is typed is refused."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.asked import Asked, read_asked
from app.domain.london import LONDON, london_text, whole_days
from app.domain.window import ClosureWindow

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)  # a Tuesday


def utc(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def days(first, after):
    return whole_days(date.fromisoformat(first), date.fromisoformat(after))


@pytest.mark.parametrize(
    ("text", "words", "at"),
    [
        ("", "", None),
        ("GW-A1", "gw-a1", None),
        ("Alpha  Energy", "alpha energy", None),
        ("GW-A1 now", "gw-a1", "2026-11-24T09:00"),
        ("GW-A1 02:10", "gw-a1", "2026-11-24T02:10"),
        ("GW-A1, at 02:10", "gw-a1", "2026-11-24T02:10"),
        ("GW-A1 20:59", "gw-a1", "2026-11-24T20:59"),
        ("GW-A1 21:01", "gw-a1", "2026-11-23T21:01"),  # the nearest such time
        ("2am gw-a1", "gw-a1", "2026-11-24T02:00"),
        ("12am", "", "2026-11-24T00:00"),
        ("12:30pm", "", "2026-11-24T12:30"),
        ("02:10 BST", "", "2026-11-24T01:10"),
        ("2026-06-06T02:10 GW", "gw", "2026-06-06T01:10"),
        ("2026-06-06 02:10 GW", "gw", "2026-06-06T01:10"),
        ("2026-06-06 02:10Z", "", "2026-06-06T02:10"),
        ("2026-12-06T02:10:00+02:00", "", "2026-12-06T00:10"),
        ("2026-12-06T02:10:00 02:00", "", "2026-12-06T00:10"),  # a plus sign that an address lost
        ("Sunday 6 December 2am", "", "2026-12-06T02:00"),
        ("GW-A1 tonight 02:10", "gw-a1", "2026-11-25T02:10"),
        ("tomorrow 02:10", "", "2026-11-25T02:10"),
        ("cn-0123456789@closures.example", "cn-0123456789", None),
        ('"March Energy" now', "march energy", "2026-11-24T09:00"),
        ('"now', "now", None),
        ("99/99 25:00 13pm", "99/99 25:00 13pm", None),
        ("GW-02:10", "gw-02:10", None),
        ("31 December 9999", "31 december 9999", None),
    ],
)
def test_words_and_an_instant(text, words, at):
    assert read_asked(text, NOW) == Asked(tuple(words.split()), utc(at) if at else None)


@pytest.mark.parametrize(
    ("text", "first", "after"),
    [
        ("today", "2026-11-24", "2026-11-25"),
        ("tomorrow", "2026-11-25", "2026-11-26"),
        ("yesterday", "2026-11-23", "2026-11-24"),
        ("2026-12-06", "2026-12-06", "2026-12-07"),
        ("06/12/2026", "2026-12-06", "2026-12-07"),
        ("6/12", "2026-12-06", "2026-12-07"),
        ("6 December", "2026-12-06", "2026-12-07"),
        ("on the 6th of Dec", None, None),
        ("on 6th of Dec", "2026-12-06", "2026-12-07"),
        ("Dec 6 2027", "2027-12-06", "2027-12-07"),
        ("3 June", "2026-06-03", "2026-06-04"),  # the nearest such day, which is over
        ("Thursday 3 June", "2027-06-03", "2027-06-04"),  # that which is a Thursday
        ("29 February", "2028-02-29", "2028-03-01"),
        ("Tuesday", "2026-11-24", "2026-11-25"),
        ("next Tuesday", "2026-12-01", "2026-12-02"),
        ("last Tue", "2026-11-17", "2026-11-18"),
        ("Thurs", "2026-11-26", "2026-11-27"),
        ("this weekend", "2026-11-28", "2026-11-30"),
        ("next weekend", "2026-12-05", "2026-12-07"),
        ("this week", "2026-11-23", "2026-11-30"),
        ("next 7 days", "2026-11-24", "2026-12-01"),
        ("last 2 weeks", "2026-11-10", "2026-11-24"),
        ("this month", "2026-11-01", "2026-12-01"),
        ("next month", "2026-12-01", "2027-01-01"),
        ("this quarter", "2026-10-01", "2027-01-01"),
        ("next quarter", "2027-01-01", "2027-04-01"),
        ("Q1 2027", "2027-01-01", "2027-04-01"),
        ("2027-Q1", "2027-01-01", "2027-04-01"),
        ("this year", "2026-01-01", "2027-01-01"),
        ("January", "2027-01-01", "2027-02-01"),
        ("January 2026", "2026-01-01", "2026-02-01"),
    ],
)
def test_days_in_words(text, first, after):
    read = read_asked(f"gw {text}", NOW)
    if first is None:
        assert read.words != ("gw",)
    else:
        assert read == Asked(("gw",), span=days(first, after))


def test_tonight_is_the_night_that_is_running_or_the_next():
    assert read_asked("tonight", NOW).span == ClosureWindow(utc("2026-11-24T18:00"), utc("2026-11-25T08:00"))
    for clock in ("2026-11-24T22:00", "2026-11-25T02:10"):
        assert read_asked("tonight", utc(clock)).span == ClosureWindow(utc("2026-11-24T18:00"), utc("2026-11-25T08:00"))


def test_a_time_without_a_day_just_after_midnight_is_that_of_the_evening_before():
    assert read_asked("gw 23:55", utc("2026-11-25T00:05")).at == utc("2026-11-24T23:55")


def test_each_word_is_to_be_in_what_is_looked_for():
    asked = read_asked("ALPHA gw-1", NOW)
    assert asked.meets("GW-12", "", "Alpha Energy")
    assert not asked.meets("GW-2", "Alpha Energy")
    assert Asked(()).meets("anything")


@given(st.text(max_size=100), st.datetimes(timezones=st.just(UTC)))
def test_nothing_that_is_typed_is_refused(text, now):
    asked = read_asked(text, now)
    assert asked.at is None or asked.span is None
    assert all(word and word == word.casefold() for word in asked.words)


_WORD = st.from_regex(r"\A(?:GW|CN|X)-[A-Z0-9]{1,8}\Z").filter(lambda word: word.isascii())
_INSTANTS = st.datetimes(datetime(2000, 1, 1), datetime(2099, 12, 31), timezones=st.just(UTC))


@given(st.lists(_WORD, max_size=3), st.lists(_WORD, max_size=3), _INSTANTS, _INSTANTS, st.sampled_from("T "))
def test_an_instant_is_read_wherever_it_stands_among_words(before, after, at, now, between):
    at = at.replace(second=0, microsecond=0)
    text = " ".join([*before, f"{at:%Y-%m-%d}{between}{at:%H:%M}Z", *after])
    assert read_asked(text, now) == Asked(tuple(word.casefold() for word in (*before, *after)), at)


@given(st.lists(_WORD, max_size=2), st.dates(date(2000, 1, 1), date(2099, 12, 30)), _INSTANTS)
def test_every_way_to_write_a_day_reads_the_same(words, day, now):
    span = whole_days(day, day + timedelta(days=1))
    for written in (
        f"{day}", f"{day.day}/{day.month}/{day.year}", f"{day.day} {day:%B} {day.year}", f"{day:%A} {day.day} {day:%b} {day.year}",
        f"{day:%b} {day.day} {day.year}",
    ):  # fmt: skip
        assert read_asked(" ".join([*words, written]), now) == Asked(tuple(one.casefold() for one in words), span=span)


@given(st.times(), _INSTANTS)
def test_a_time_alone_is_within_half_a_day_and_shows_on_the_clock(clock, now):
    at = read_asked(f"gw {clock:%H:%M}", now).at
    assert abs(at - now) <= timedelta(hours=13)
    shown = at.astimezone(LONDON)
    in_gap = clock.hour == 1 and shown.minute == 0 and shown.hour == 2
    assert london_text(at)[-9:-4] == f"{clock:%H:%M}" or in_gap


@pytest.mark.parametrize("text", ["next 0 days", "next 99999 weeks"])
def test_no_days_or_too_many_stay_words(text):
    asked = read_asked(text, datetime(2026, 12, 6, 2, tzinfo=UTC))
    assert (asked.words, asked.at, asked.span) == (tuple(text.split()), None, None)


def test_a_time_at_the_end_of_the_years_that_there_are_says_none():
    asked = read_asked("03:00", datetime(9999, 12, 31, 23, tzinfo=UTC))
    assert (asked.words, asked.at, asked.span) == ((), None, None)
