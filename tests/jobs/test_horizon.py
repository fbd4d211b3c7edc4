"""A later occurrence counts its first notice from the receipt of the rule that states it."""

from datetime import UTC, datetime, timedelta

import pytest

from app.domain.notice import Channel, Notice
from app.domain.window import ClosureWindow
from app.jobs.horizon import extend_horizon
from app.register.give import NoticeOptions, find_sender, give_notice
from app.register.reading import Question, read_schedule

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def tell(register, alpha):
    def give(*lines, at=NOW, starts="20261206T020000Z"):
        event = ["BEGIN:VEVENT", "UID:u", f"DTSTART:{starts}", "DURATION:PT4H", *lines, "END:VEVENT"]
        octets = "\r\n".join(["BEGIN:VCALENDAR", "VERSION:2.0", *event, "END:VCALENDAR", ""]).encode()
        notice = Notice("ALPHA", Channel.API, at, "text/calendar", octets, "a test")
        return give_notice(register, find_sender(register, "ALPHA", None), notice, NoticeOptions("GW-A1")).outcome

    return give


@pytest.fixture
def heard(register, dcc):
    """When we first heard of what starts after an instant, one entry for each day."""

    def read(since):
        held = read_schedule(register, dcc, Question(ClosureWindow(since, since + 3_000 * DAY)))
        return {closure.first_received_at for closure in held}

    return read


def test_a_series_that_began_beyond_the_horizon_was_heard_of_with_its_rule(register, tell, heard, dcc):
    outcome = tell("RRULE:FREQ=YEARLY;COUNT=3", starts="20280903T020000Z")
    assert (outcome.accepted, len(outcome.remarks)) == ((), 1)
    assert extend_horizon(register, NOW + 300 * DAY) == 1
    (found,) = read_schedule(register, dcc, Question(ClosureWindow(NOW, NOW + 3_000 * DAY)))
    assert (found.first_received_at, found.verdict.current_date.working_days) == (NOW, 447)


def test_an_event_that_became_a_series_later_was_heard_of_as_a_series_then(register, tell, heard):
    tell()
    tell("RRULE:FREQ=WEEKLY", at=NOW + 30 * DAY)
    extend_horizon(register, NOW + 100 * DAY)
    assert heard(NOW + 580 * DAY) == {NOW + 30 * DAY}


@pytest.mark.parametrize(
    "again",
    [
        ("RRULE:FREQ=WEEKLY",),
        ("DTSTAMP:20261220T000000Z", "SEQUENCE:1", "RRULE:FREQ=WEEKLY"),
        ("RRULE:FREQ=WEEKLY", "EXDATE:20270117T020000Z"),
    ],
)
def test_a_rule_that_is_sent_again_was_heard_of_the_first_time(register, tell, heard, again):
    tell("RRULE:FREQ=WEEKLY")
    tell(*again, at=NOW + 30 * DAY)
    extend_horizon(register, NOW + 100 * DAY)
    extend_horizon(register, NOW + 200 * DAY)
    assert heard(NOW + 580 * DAY) == {NOW}


def test_a_rule_that_changed_was_heard_of_when_it_did(register, tell, heard):
    tell("RRULE:FREQ=WEEKLY")
    tell("RRULE:FREQ=WEEKLY", starts="20261206T030000Z", at=NOW + 30 * DAY)
    extend_horizon(register, NOW + 100 * DAY)
    assert heard(NOW + 580 * DAY) == {NOW + 30 * DAY}


def test_a_series_of_which_nothing_is_left_does_not_go_on(register, tell):
    tell("RRULE:FREQ=WEEKLY")
    tell("RRULE:FREQ=WEEKLY;COUNT=1", "EXDATE:20261206T020000Z", at=NOW + DAY)
    assert extend_horizon(register, NOW + 300 * DAY) == 0
