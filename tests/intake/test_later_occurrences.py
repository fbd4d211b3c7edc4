"""RECURRENCE-ID;RANGE=THISANDFUTURE: all later occurrences move and last with the changed one, or nothing is told."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from app.domain.notice import Channel, Notice
from app.ical.patch import ObjectPatch
from app.intake.media import read_notice
from app.intake.minimise import minimised
from app.intake.occurrences import allowance_of_span, instances_within

WEEKLY = ("RRULE:FREQ=WEEKLY;COUNT=4",)
LONDON = {"starts": "DTSTART;TZID=Europe/London:20261011T020000", "ends": "DTEND;TZID=Europe/London:20261011T060000"}


def from_second(*lines, starts, ends="DURATION:PT1H", named=";TZID=Europe/London:20261018T020000"):
    return (f"RECURRENCE-ID;RANGE=THISANDFUTURE{named}", *lines), {"starts": starts, "ends": ends}


def told(reading):
    return [
        (said.recurrence_id[4:8], said.position, f"{said.window.starts:%m%d %H%M}-{said.window.ends:%d %H%M}")
        + (("gone",) if said.withdrawn else ())
        for said in reading.announcements
    ]


def test_later_occurrences_are_moved_and_lengthened_on_the_wall_clock(read, event):
    lines, times = from_second(starts="DTSTART;TZID=Europe/London:20261019T033000")
    reading = read(event(*WEEKLY, **LONDON), event(*lines, **times))
    assert told(reading) == [
        ("1011", 0, "1011 0100-11 0500"),
        ("1018", 1, "1019 0230-19 0330"),
        ("1025", 2, "1026 0330-26 0430"),  # winter time by then
        ("1101", 3, "1102 0330-02 0430"),
    ]
    assert (reading.problems, reading.remarks, reading.whole_uids) == ((), (), {"one@example.org"})


def test_a_change_of_its_own_and_an_exclusion_come_first(read, event):
    lines, times = from_second(starts="DTSTART;TZID=Europe/London:20261018T040000")
    own = event(
        "RECURRENCE-ID;TZID=Europe/London:20261025T020000", starts="DTSTART:20261027T000000Z", ends="DURATION:PT2H"
    )
    series = event(*WEEKLY, "EXDATE;TZID=Europe/London:20261101T020000", **LONDON)
    assert told(read(series, own, event(*lines, **times))) == [
        ("1011", 0, "1011 0100-11 0500"),
        ("1018", 1, "1018 0300-18 0400"),
        ("1025", 2, "1027 0000-27 0200"),
    ]


def test_a_second_change_of_all_later_ones_takes_over(read, event):
    first, times = from_second(starts="DTSTART;TZID=Europe/London:20261018T040000")
    second = event(
        "RECURRENCE-ID;TZID=Europe/London;RANGE=THISANDFUTURE:20261101T020000",
        starts="DTSTART;TZID=Europe/London:20261101T010000",
        ends="DURATION:PT30M",
    )
    reading = read(event("RRULE:FREQ=WEEKLY;COUNT=5", **LONDON), second, event(*first, **times))
    assert [window for _, _, window in told(reading)] == [
        "1011 0100-11 0500", "1018 0300-18 0400", "1025 0400-25 0500", "1101 0100-01 0130", "1108 0100-08 0130",
    ]  # fmt: skip


def test_a_change_on_other_clocks_moves_the_later_ones_on_those(read, event):
    lines, times = from_second(starts="DTSTART;TZID=America/New_York:20261018T000000")
    reading = read(event(*WEEKLY, **LONDON), event(*lines, **times))
    # 02:00 in London is 21:00 of the day before in New York, for the week between the two changes of clocks 22:00.
    assert [window for _, _, window in told(reading)] == [
        "1011 0100-11 0500", "1018 0400-18 0500", "1025 0500-25 0600", "1101 0500-01 0600",
    ]  # fmt: skip


def test_whole_days_move_by_days_and_become_days(read, event):
    series = event("RRULE:FREQ=WEEKLY;COUNT=3", starts="DTSTART;VALUE=DATE:20261011", ends="")
    later = event(
        "RECURRENCE-ID;RANGE=THISANDFUTURE;VALUE=DATE:20261018",
        starts="DTSTART;VALUE=DATE:20261020",
        ends="DURATION:P2D",
    )
    assert [window for _, _, window in told(read(series, later))] == [
        "1010 2300-11 2300", "1019 2300-21 2300", "1027 0000-29 0000",
    ]  # fmt: skip
    becoming = event(
        "RECURRENCE-ID;RANGE=THISANDFUTURE:20261018T010000Z", starts="DTSTART;VALUE=DATE:20261019", ends=""
    )
    assert [window for _, _, window in told(read(event(*WEEKLY, **LONDON), becoming))] == [
        "1011 0100-11 0500", "1018 2300-19 2300", "1026 0000-27 0000", "1102 0000-03 0000",
    ]  # fmt: skip


@pytest.mark.parametrize("with_times", [True, False])
def test_all_later_ones_are_cancelled(read, event, with_times):
    lines, times = from_second(
        "STATUS:CANCELLED", starts=LONDON["starts"].replace("1011T", "1018T") if with_times else ""
    )
    if not with_times:
        times["ends"] = ""
    reading = read(event(*WEEKLY, **LONDON), event(*lines, **times))
    assert [(said.position, said.withdrawn) for said in reading.announcements] == [
        (0, False), (1, True), (2, True), (3, True),
    ]  # fmt: skip
    assert reading.problems == ()


def test_what_begins_at_no_occurrence_is_a_problem_and_tells_nothing_of_the_later_ones(read, event, codes):
    lines, times = from_second(starts="DTSTART:20261019T033000Z", named=":20261018T020000Z")
    reading = read(event(*WEEKLY, **LONDON), event(*lines, **times))
    assert told(reading) == [("1011", 0, "1011 0100-11 0500")]
    assert codes(reading) == [(16, "RECURRENCE-ID", "range")]
    assert reading.whole_uids == frozenset()


@pytest.mark.parametrize("series", [(), ((), LONDON), (("STATUS:CANCELLED", *WEEKLY), LONDON)])
@pytest.mark.parametrize("status", ["STATUS:CONFIRMED", "STATUS:CANCELLED"])
def test_without_its_series_it_is_a_problem(read, event, series, status):
    lines, times = from_second(status, starts="DTSTART:20261019T033000Z")
    stated = [event(*series[0], **series[1])] if series else []
    reading = read(*stated, event(*lines, **times))
    assert [problem.code for problem in reading.problems] == ["range"]
    assert len(reading.announcements) == len(stated)


def test_a_change_of_all_earlier_ones_is_a_problem(read, event, codes):
    reading = read(
        event(*WEEKLY, **LONDON),
        event("RECURRENCE-ID;RANGE=THISANDPRIOR:20261018T010000Z", **LONDON),
    )
    assert codes(reading) == [(16, "RECURRENCE-ID", "range")]


def test_it_holds_for_what_is_added_later_and_in_what_is_kept(read, event, asking, calendar):
    lines, times = from_second("SUMMARY:Secret", starts="DTSTART;TZID=Europe/London:20261018T040000")
    octets = calendar(event("RRULE:FREQ=WEEKLY", **LONDON), event(*lines, **times))
    reading = read_notice(octets, "text/calendar", asking)
    later = read_notice(
        reading.series[0].octets, "text/calendar", replace(asking, now=asking.now + timedelta(days=300))
    )
    assert told(later)[: len(reading.announcements)] == told(reading)
    assert {window.split("-")[0][-4:] for _, place, window in told(later) if place} == {"0300", "0400"}
    kept = minimised(Notice("ALPHA", Channel.API, asking.now, "text/calendar", octets, ""), reading)
    assert b"Secret" not in kept.octets
    assert told(read_notice(kept.octets, "text/calendar", asking)) == told(reading)


def test_a_span_far_off_holds_what_was_moved_into_it(calendar, event):
    lines, times = from_second(starts="DTSTART;TZID=Europe/London:20261118T020000")
    octets = calendar(
        event(
            "RRULE:FREQ=MONTHLY;BYMONTHDAY=18",
            starts="DTSTART;TZID=Europe/London:20260918T020000",
            ends=LONDON["ends"].replace("1011", "0918"),
        ),
        event(*lines, **times),
    )
    span = datetime(2040, 6, 10, tzinfo=UTC), datetime(2040, 6, 25, tzinfo=UTC)
    found = instances_within(octets, "GW-1", span, allowance_of_span())
    assert [f"{when.starts:%m%d %H%M}" for when in found if span[0] <= when.starts < span[1]] == ["0618 0100"]


def test_no_line_of_it_is_patched_for_one_occurrence(calendar, event):
    lines, times = from_second(starts="DTSTART;TZID=Europe/London:20261018T040000")
    patch = ObjectPatch(calendar(event(*WEEKLY, **LONDON), event(*lines, **times)))
    assert not patch.can_state(datetime(2026, 10, 18, 1, tzinfo=UTC))
    assert ObjectPatch(calendar(event(*WEEKLY, **LONDON))).can_state(datetime(2026, 10, 18, 1, tzinfo=UTC))
