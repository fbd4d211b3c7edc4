from dataclasses import replace

import pytest

from app.domain.window import ClosureWindow

SERIES = ("DTSTART;TZID=Europe/London:20261206T020000", "DTEND;TZID=Europe/London:20261206T060000")


@pytest.mark.parametrize("method", [None, "PUBLISH", "request", "REQUEST"])
def test_a_notice(read, event, windows, method):
    reading = read(event(), method=method)
    assert windows(reading) == ["20261206T020000/20261206T060000"]
    assert [(one.recurrence_id, one.withdrawn, one.position) for one in reading.announcements] == [("", False, None)]
    assert reading.whole_uids == {"one@example.org"}


@pytest.mark.parametrize(
    ("method", "lines"), [("CANCEL", []), (None, ["STATUS:CANCELLED"]), ("REQUEST", ["STATUS:cancelled"])]
)
def test_a_withdrawal(read, event, windows, method, lines):
    reading = read(event(*lines), method=method)
    assert [(one.uid, one.recurrence_id, one.withdrawn) for one in reading.announcements] == [
        ("one@example.org", "", True)
    ]
    assert windows(reading) == ["20261206T020000/20261206T060000"]
    assert reading.problems == ()


def test_a_withdrawal_needs_no_time_and_no_gateway(read, event, asking):
    two = replace(asking, gateways=("GW-1", "GW-2"))
    reading = read(event(starts="", ends=""), method="CANCEL", asking=two)
    assert [(one.gateway, one.window, one.withdrawn) for one in reading.announcements] == [("", None, True)]
    reading = read(event(starts="DTSTART;TZID=Nowhere:20261206T020000", ends=""), method="CANCEL")
    assert [(one.window, one.remarks) for one in reading.announcements] == [
        (None, ("The time of this withdrawal could not be read; it was taken by its UID.",))
    ]


def test_the_withdrawal_of_a_series_is_one_announcement_and_states_the_uid_whole(read, event):
    reading = read(event("RRULE:FREQ=WEEKLY;COUNT=3", starts=SERIES[0], ends=SERIES[1]), method="CANCEL")
    assert [(one.recurrence_id, one.withdrawn, one.window) for one in reading.announcements] == [("", True, None)]
    assert reading.whole_uids == {"one@example.org"}


def test_the_withdrawal_of_one_occurrence_leaves_the_others_alone(read, event, windows):
    reading = read(event("RECURRENCE-ID:20261213T020000Z", starts="", ends=""), method="CANCEL")
    assert [(one.recurrence_id, one.withdrawn) for one in reading.announcements] == [("20261213T020000Z", True)]
    assert reading.whole_uids == frozenset()


def test_an_addition_is_keyed_by_its_start_and_does_not_state_the_uid_whole(read, event):
    reading = read(event(), method="ADD")
    assert [(one.recurrence_id, one.position, one.withdrawn) for one in reading.announcements] == [
        ("20261206T020000Z", None, False)
    ]
    assert reading.whole_uids == frozenset()
    reading = read(event("RRULE:FREQ=WEEKLY;COUNT=2"), method="ADD")
    assert [(one.recurrence_id, one.position) for one in reading.announcements] == [
        ("20261206T020000Z", None),
        ("20261213T020000Z", None),
    ]
    assert reading.whole_uids == frozenset()


@pytest.mark.parametrize(
    ("method", "text"),
    [
        ("REPLY", "METHOD:REPLY is an attendee's answer; it gives no notice of a closure."),
        ("COUNTER", "METHOD:COUNTER is an attendee's counter-proposal; it gives no notice of a closure."),
        ("DECLINECOUNTER", "METHOD:DECLINECOUNTER declines a counter-proposal; it gives no notice of a closure."),
        ("refresh", "METHOD:REFRESH asks for the latest version of an event; it gives no notice of a closure."),
        ("X-SECRET", "This METHOD is not known; it gives no notice of a closure."),
    ],
)
def test_other_methods_are_refused_with_a_reason(read, event, method, text):
    reading = read(event(), method=method)
    assert reading.announcements == ()
    assert [(one.line, one.property, one.code, one.text) for one in reading.problems] == [(4, "METHOD", "method", text)]
    assert reading.events == 1


@pytest.mark.parametrize(
    ("first", "second", "kept"),
    [
        (("SEQUENCE:2", "02"), ("SEQUENCE:1", "03"), "02"),
        (("SEQUENCE:1", "02"), ("SEQUENCE:2", "03"), "03"),
        (("SEQUENCE:1", "02"), ("SEQUENCE:1", "03"), "03"),
    ],
)
def test_of_two_in_one_notice_the_newer_is_read_and_the_other_named(read, event, codes, first, second, kept):
    events = [
        event(sequence, starts=f"DTSTART:20261206T{hour}0000Z").replace(
            "DTSTAMP:20260901T09", f"DTSTAMP:20260901T{hour}"
        )
        for sequence, hour in (first, second)
    ]
    reading = read(*events)
    assert [f"{one.window.starts:%H}" for one in reading.announcements] == [kept]
    assert codes(reading) == [(11 if kept == "02" else 4, "UID", "duplicate")]
    assert reading.whole_uids == {"one@example.org"}


def test_dtstamp_decides_between_equal_sequences_in_whatever_order(read, event):
    older = event(starts="DTSTART:20261206T030000Z").replace("DTSTAMP:20260901", "DTSTAMP:20260801")
    reading = read(event(), older)
    assert [one.window for one in reading.announcements] == [read(event()).announcements[0].window]
    assert isinstance(reading.announcements[0].window, ClosureWindow)
