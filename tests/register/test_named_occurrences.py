"""An occurrence that is told of without its series: it is found among those that are held, or the sender hears of it."""

from datetime import UTC, datetime, timedelta

import pytest

from app.domain.notice import Channel, Notice
from app.register.give import NoticeOptions, find_sender, give_notice

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
BERLIN = ("DTSTART;TZID=Europe/Berlin:20270607T023000", "DTEND;TZID=Europe/Berlin:20270607T060000")
DAYS = ("DTSTART;VALUE=DATE:20270607", "DTEND;VALUE=DATE:20270608")


@pytest.fixture
def tell(register, alpha):
    """Return a function that gives a notice of these events, each the lines of one."""

    def give(*events, at=NOW, method="", **options):
        inner = ["\r\n".join(["BEGIN:VEVENT", "UID:u", *lines, "END:VEVENT"]) for lines in events]
        head = ["BEGIN:VCALENDAR", "VERSION:2.0", *([f"METHOD:{method}"] if method else [])]
        octets = "\r\n".join([*head, *inner, "END:VCALENDAR", ""]).encode()
        sender = find_sender(register, "ALPHA", "GW-A1")
        notice = Notice("ALPHA", Channel.API, at, "text/calendar", octets, "a test")
        return give_notice(register, sender, notice, NoticeOptions(gateway="GW-A1", **options)).outcome

    return give


def starts(acknowledged):
    return [f"{ack.closure.window.starts:%m-%d %H:%M}" for ack in acknowledged]


def count(outcome):
    return tuple(len(told) for told in (outcome.accepted, outcome.unchanged, outcome.withdrawn, outcome.problems))


@pytest.mark.parametrize("rule", ["FREQ=WEEKLY;COUNT=4", "FREQ=DAILY;COUNT=12"])
def test_a_cancellation_without_zone_finds_the_occurrence_by_the_clocks_of_its_series(tell, rule):
    tell((*BERLIN, f"RRULE:{rule}"))
    outcome = tell(("RECURRENCE-ID:20270614T023000", "SEQUENCE:1", "STATUS:CANCELLED"))
    assert (count(outcome), starts(outcome.withdrawn)) == ((0, 0, 1, 0), ["06-14 00:30"])
    assert outcome.withdrawn[0].remarks == (
        "It was read as the occurrence of Mon 14 Jun 2027 01:30 BST that we hold of its series.",
    )
    assert count(tell((*BERLIN, f"RRULE:{rule}", "EXDATE;TZID=Europe/Berlin:20270614T023000")))[2:] == (0, 0)


@pytest.mark.parametrize(
    "named",
    [
        "RECURRENCE-ID:20270614T000000Z",
        "RECURRENCE-ID:20270613T220000Z",
        "RECURRENCE-ID:20270613T230000Z",
        "RECURRENCE-ID;VALUE=DATE:20270614",
        "RECURRENCE-ID;TZID=America/New_York:20270614T000000",
        "RECURRENCE-ID:20270614T000000",
    ],
)
def test_a_day_of_a_series_of_days_is_found_however_it_is_written(tell, named):
    tell((*DAYS, "RRULE:FREQ=DAILY;COUNT=12"))
    moved = tell((named, "SEQUENCE:1", "DTSTART;VALUE=DATE:20270628"))
    assert (count(moved), starts(moved.accepted)) == ((1, 0, 0, 0), ["06-27 23:00"])
    assert moved.accepted[0].replaced is not None
    gone = tell((named, "SEQUENCE:2", "STATUS:CANCELLED"))
    assert (count(gone), gone.withdrawn[0].closure.id) == ((0, 0, 1, 0), moved.accepted[0].closure.id)


def test_an_occurrence_of_times_is_found_by_its_day_alone(tell):
    tell((*BERLIN, "RRULE:FREQ=WEEKLY;COUNT=4"))
    assert starts(tell(("RECURRENCE-ID;VALUE=DATE:20270614", "STATUS:CANCELLED")).withdrawn) == ["06-14 00:30"]


@pytest.mark.parametrize(
    "named",
    [
        "RECURRENCE-ID:20270614T013000Z",  # an exact time, an hour off: nobody can tell which is right
        "RECURRENCE-ID;TZID=Europe/Berlin:20270614T000000",
        "RECURRENCE-ID:20270614T023700",  # no zone is seven minutes off
        "RECURRENCE-ID:20270610T023000",
        "RECURRENCE-ID;VALUE=DATE:20270615",
    ],
)
def test_what_names_no_occurrence_is_told_of(tell, named):
    tell((*BERLIN, "RRULE:FREQ=WEEKLY;COUNT=4"))
    cancelled = tell((named, "STATUS:CANCELLED"))
    assert count(cancelled) == (0, 0, 0, 1)
    assert cancelled.problems[0].text.startswith("This withdraws an occurrence, that of ")
    changed = tell((named, "DTSTART:20270620T003000Z", "DTEND:20270620T040000Z"))
    assert count(changed) == (1, 0, 0, 0)
    assert changed.accepted[0].remarks == (
        ("We hold its series, but no occurrence that it names (RECURRENCE-ID): it was taken as one more. "
        "Send the whole series if it is a change of another."),
    )  # fmt: skip


def test_what_may_mean_two_occurrences_means_neither(tell):
    tell((*BERLIN, "RRULE:FREQ=DAILY;COUNT=12;BYHOUR=2,4"))
    assert count(tell(("RECURRENCE-ID;VALUE=DATE:20270614", "STATUS:CANCELLED"))) == (0, 0, 0, 1)


def test_an_occurrence_beyond_what_is_held_needs_no_word(tell):
    tell((*BERLIN, "RRULE:FREQ=WEEKLY"))
    named = ("RECURRENCE-ID:20280801T003000Z", "DTSTART:20280802T003000Z", "DTEND:20280802T040000Z")
    assert tell(named).accepted[0].remarks == ()


@pytest.mark.parametrize(
    "lines",
    [
        ("RRULE:FREQ=WEEKLY;COUNT=2", "EXDATE;TZID=Europe/Berlin:20270607T023000,20270614T023000"),
        ("RRULE:FREQ=YEARLY;BYMONTH=9;BYMONTHDAY=1;COUNT=3", "EXDATE:20270607T003000Z,20270901T003000Z"),
    ],
)
def test_a_series_without_any_occurrence_now_withdraws_those_held(tell, lines):
    tell((*BERLIN, "RRULE:FREQ=WEEKLY;COUNT=2"))
    outcome = tell((*BERLIN, *lines))
    assert (count(outcome), starts(outcome.withdrawn)) == ((0, 0, 2, 0), ["06-07 00:30", "06-14 00:30"])
    assert len(outcome.remarks) == 1


def test_a_series_without_occurrences_at_one_gateway_leaves_the_other_alone(tell, register):
    series = (*BERLIN, "RRULE:FREQ=WEEKLY;COUNT=2")
    tell(series)
    sender = find_sender(register, "ALPHA", "GW-A2")
    octets = "\r\n".join(["BEGIN:VCALENDAR", "BEGIN:VEVENT", "UID:u", *series, "END:VEVENT", "END:VCALENDAR", ""])
    there = Notice("ALPHA", Channel.API, NOW, "text/calendar", octets.encode(), "a test")
    give_notice(register, sender, there, NoticeOptions(gateway="GW-A2"))
    gone = tell((*series, "EXDATE;TZID=Europe/Berlin:20270607T023000,20270614T023000"))
    assert {ack.closure.gateway for ack in gone.withdrawn} == {"GW-A1"}


def test_a_series_cancelled_twice_is_told_as_it_stands(tell):
    tell((*BERLIN, "RRULE:FREQ=WEEKLY;COUNT=2"))
    assert count(tell(("SEQUENCE:1",), method="CANCEL")) == (0, 0, 2, 0)
    again = tell(("SEQUENCE:2",), method="CANCEL")
    assert (count(again), starts(again.unchanged)) == ((0, 2, 0, 0), ["06-07 00:30", "06-14 00:30"])


def test_a_series_that_is_over_is_told_as_it_stands_when_it_is_cancelled(tell):
    tell((*BERLIN, "RRULE:FREQ=WEEKLY;COUNT=2"))
    late = tell(("SEQUENCE:1",), method="CANCEL", at=NOW + timedelta(days=365))
    assert count(late) == (0, 2, 0, 0)


def test_of_two_that_name_one_occurrence_differently_each_is_told_of(tell):
    tell((*DAYS, "RRULE:FREQ=DAILY;COUNT=12"))
    both = tell(
        ("RECURRENCE-ID:20270614T000000Z", "STATUS:CANCELLED"),
        ("RECURRENCE-ID;VALUE=DATE:20270614", "STATUS:CANCELLED"),
        ("RECURRENCE-ID:20270613T220000Z", "STATUS:CANCELLED"),
    )
    assert (count(both), starts(both.withdrawn)) == ((0, 0, 1, 2), ["06-13 23:00"])
    again = tell(
        ("RECURRENCE-ID:20270615T000000Z", "STATUS:CANCELLED"), ("RECURRENCE-ID:20270614T220000Z", "STATUS:CANCELLED")
    )
    assert (count(again), starts(again.withdrawn)) == ((0, 0, 1, 1), ["06-14 23:00"])
