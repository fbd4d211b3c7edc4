"""Several events of one UID: the newer counts where one is marked so, else none; each gateway has its own."""

from dataclasses import replace

import pytest


def on(day, *, hours=4):
    return {"starts": f"DTSTART:202612{day}T020000Z", "ends": f"DURATION:PT{hours}H"}


def test_one_uid_for_all_slots_is_a_problem_for_each_and_none_is_taken(read, event, codes):
    reading = read(event(**on("06")), event(**on("13")), event(**on("20")), event(uid="two", **on("27")))
    assert [told.uid for told in reading.announcements] == ["two"]
    assert codes(reading) == [
        (4, "UID", "several-events"),
        (10, "UID", "several-events"),
        (16, "UID", "several-events"),
    ]
    assert {problem.text for problem in reading.problems} == {
        "3 events here have one UID and say different things, none of them marked as newer. None was taken."
    }
    assert reading.whole_uids == {"two"}


@pytest.mark.parametrize(
    ("lines", "times"),
    [
        ((), on("06", hours=5)),
        (("RRULE:FREQ=WEEKLY;COUNT=2",), on("06")),
        (("RDATE:20261208T020000Z",), on("06")),
        (("STATUS:CANCELLED",), on("06")),
        ((), {"starts": "DTSTART;VALUE=DATE:20261206", "ends": ""}),
    ],
)
def test_whatever_they_say_differently(read, event, lines, times):
    reading = read(event(**on("06")), event(*lines, **times))
    assert (reading.announcements, len(reading.problems)) == ((), 2)


def test_two_series_that_differ_in_what_they_leave_out(read, event):
    rule = "RRULE:FREQ=WEEKLY;COUNT=3"
    reading = read(event(rule, **on("06")), event(rule, "EXDATE:20261213T020000Z", **on("06")))
    assert (reading.announcements, len(reading.problems)) == ((), 2)


def test_the_same_twice_is_taken_once_and_named(read, event, codes):
    reading = read(event("SUMMARY:a", **on("06")), event("SUMMARY:b", **on("06")))
    assert len(reading.announcements) == 1
    assert [code for _, _, code in codes(reading)] == ["duplicate"]


def test_two_newest_above_an_older_one_are_named(read, event, codes):
    reading = read(event("SEQUENCE:2", **on("06")), event("SEQUENCE:1", **on("13")), event("SEQUENCE:2", **on("20")))
    assert reading.announcements == ()
    assert codes(reading) == [(4, "UID", "several-events"), (18, "UID", "several-events")]


def test_a_newer_one_is_read_alone(read, event, codes):
    reading = read(event("SEQUENCE:1", **on("06")), event("SEQUENCE:2", **on("13")))
    assert [f"{told.window.starts:%d}" for told in reading.announcements] == ["13"]
    assert codes(reading) == [(4, "UID", "duplicate")]


def test_one_event_for_each_of_two_gateways_is_two(read, event, asking):
    both = replace(asking, gateways=("GW-1", "GW-2"))
    reading = read(event("LOCATION:GW-1", **on("06")), event("LOCATION:GW-2", **on("13")), asking=both)
    assert [(told.gateway, f"{told.window.starts:%d}") for told in reading.announcements] == [
        ("GW-1", "06"),
        ("GW-2", "13"),
    ]
    assert (reading.problems, reading.whole_uids) == ((), {"one@example.org"})
    chosen = read(
        event("LOCATION:GW-1", **on("06")), event("LOCATION:GW-2", **on("13")), asking=replace(both, gateway="GW-1")
    )
    assert (chosen.announcements, len(chosen.problems)) == ((), 2)


def test_an_occurrence_at_another_gateway_goes_with_its_series(read, event, asking):
    both = replace(asking, gateways=("GW-1", "GW-2"))
    series = event("RRULE:FREQ=WEEKLY;COUNT=2", "LOCATION:GW-1", **on("06"))
    there = event("RECURRENCE-ID:20261213T020000Z", "LOCATION:GW-2", **on("13"))
    reading = read(series, there, asking=both)
    assert [(told.gateway, told.position) for told in reading.announcements] == [("GW-1", 0), ("GW-2", 1)]


def test_a_trouble_at_one_gateway_leaves_the_uid_unstated(read, event, asking):
    both = replace(asking, gateways=("GW-1", "GW-2"))
    reading = read(event("LOCATION:GW-1", **on("06")), event("LOCATION:GW-2", **on("06", hours=800)), asking=both)
    assert ([told.gateway for told in reading.announcements], reading.whole_uids) == (["GW-1"], frozenset())
