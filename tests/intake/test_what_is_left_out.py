"""A notice that holds an event never comes to nothing without a word: what of it is not taken is named."""

import pytest

NIGHT = {"starts": "DTSTART;TZID=Europe/London:20261018T000000", "ends": "DTEND;TZID=Europe/London:20261018T060000"}


def on(day):
    return {"starts": f"DTSTART:{day}T020000Z", "ends": f"DTEND:{day}T060000Z"}


def test_a_series_that_is_excluded_whole(read, event):
    reading = read(event("RRULE:FREQ=WEEKLY;COUNT=2", "EXDATE:20261017T230000Z,20261024T230000Z", **NIGHT))
    assert (reading.announcements, reading.problems) == ((), ())
    assert reading.whole_uids == {"one@example.org"}
    assert reading.remarks == (
        "EXDATE leaves out every occurrence of the series at line 4 (from 18 Oct 2026 00:00): nothing of it takes place.",
    )


@pytest.mark.parametrize("rule", ["FREQ=WEEKLY", "FREQ=WEEKLY;COUNT=10", "FREQ=DAILY;UNTIL=20290701"])
def test_a_series_that_begins_beyond_the_horizon(read, event, rule):
    reading = read(event(f"RRULE:{rule}", **on("20290603")))
    assert (reading.announcements, reading.problems) == ((), ())
    assert len(reading.series) == 1
    assert reading.remarks == (
        (
            "No occurrences of the series at line 4 (from 3 Jun 2029 02:00 UTC) were taken now; those from "
            "Thu 2 Mar 2028 12:00 GMT on are added by themselves as they come nearer."
        ),
    )


@pytest.mark.parametrize(
    ("lines", "counted", "edge"),
    [
        (("RRULE:FREQ=MONTHLY;COUNT=10",), "3 occurrences", "Thu 2 Mar 2028 12:00 GMT"),
        (("RRULE:FREQ=MONTHLY;COUNT=10", "EXDATE:20271215T020000Z"), "2 occurrences", "Thu 2 Mar 2028 12:00 GMT"),
        (("RRULE:FREQ=YEARLY",), "1 occurrence", "Thu 2 Mar 2028 12:00 GMT"),
        (("RRULE:FREQ=DAILY",), "79 occurrences", "Thu 2 Mar 2028 12:00 GMT"),
    ],
)
def test_a_series_of_which_a_part_is_taken(read, event, lines, counted, edge):
    reading = read(event(*lines, **on("20271215")))
    number = int(counted.split()[0])
    assert len(reading.announcements) == number
    assert reading.remarks == (
        (
            f"{counted} of the series at line 4 (from 15 Dec 2027 02:00 UTC) {'was' if number == 1 else 'were'} taken now; "
            f"those from {edge} on are added by themselves as they come nearer."
        ),
    )


def test_four_hundred_of_a_series_without_end(read, event):
    reading = read(event("RRULE:FREQ=DAILY", **NIGHT))
    assert len(reading.announcements) == 400
    assert reading.remarks == (
        (
            "400 occurrences of the series at line 4 (from 18 Oct 2026 00:00) were taken now; those from "
            "Mon 22 Nov 2027 00:00 GMT on are added by themselves as they come nearer."
        ),
    )


def test_a_series_that_began_before_what_is_taken(read, event):
    reading = read(event("RRULE:FREQ=YEARLY;COUNT=12", **on("20160301")))
    assert [told.position for told in reading.announcements] == [6, 7, 8, 9, 10, 11]
    assert reading.remarks == (
        (
            "What lies before Sat 28 Aug 2021 13:00 BST of the series at line 4 (from 1 Mar 2016 02:00 UTC) was left out: "
            "it is long past."
        ),
    )


def test_a_change_of_years_ago(read, event):
    changed = event("RECURRENCE-ID:20100203T020000Z", **on("20100204"))
    alone = read(changed)
    assert (alone.announcements, alone.problems) == ((), ())
    assert alone.remarks == ("Changed occurrences that are long past were left out: 3 Feb 2010 02:00 UTC (line 4).",)
    with_series = read(event("RRULE:FREQ=YEARLY", **on("20260203")), changed)
    assert with_series.remarks[-1] == (
        "Changed occurrences that are long past were left out: 3 Feb 2010 02:00 UTC (line 11)."
    )


def test_a_series_that_is_taken_whole_needs_no_word(read, event):
    assert read(event("RRULE:FREQ=WEEKLY;COUNT=4", "EXDATE:20261024T230000Z", **NIGHT)).remarks == ()
    assert read(event(**NIGHT), event(uid="two", **on("20261118"))).remarks == ()


def test_what_an_addition_leaves_out_is_named(read, event):
    reading = read(event("RRULE:FREQ=WEEKLY", **on("20290603")), method="ADD")
    assert (reading.announcements, reading.series) == ((), ())
    assert reading.remarks == (
        (
            "No occurrences of the series at line 5 (from 3 Jun 2029 02:00 UTC) were taken; those from "
            "Thu 2 Mar 2028 12:00 GMT on are not added by themselves: send them again when they are nearer."
        ),
    )
