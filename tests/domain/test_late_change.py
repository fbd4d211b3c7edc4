from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from app.domain.late_change import Assessment, LateChange, assess, window_concerned
from hypothesis import given
from hypothesis import strategies as st

from app.domain.closure import State, Step, apply_step, expired, first_heard, step_of
from app.domain.notice import Announcement
from app.domain.notice_period import reckon_notice
from app.domain.notice_policy import FIRST_POLICY
from app.domain.window import ClosureWindow
from app.domain.working_days import WorkingDayCalendar

CALENDAR = WorkingDayCalendar("england-and-wales", "table 7", (), datetime(2028, 12, 31).date())


def night(month, day, hours=4):
    starts = datetime(2026, month, day, 2, tzinfo=UTC)
    return ClosureWindow(starts, starts + timedelta(hours=hours))


def on(month, day):
    return datetime(2026, month, day, 9, tzinfo=UTC)


SAID = Announcement("uid@acme", "GW1", night(9, 21))
CLOSURE = first_heard(SAID, closure_id=b"1", reference="CN-ABC", user="ACME", received_at=on(8, 3))


def change(said, received_at, before=CLOSURE):
    step = step_of(before, said)
    after = apply_step(before, said, step, received_at)
    return step, assess(before, after, received_at, FIRST_POLICY, CALENDAR)


def days(assessment):
    return (
        assessment.first_notice.working_days,
        assessment.current_date.working_days,
        assessment.change.working_days,
        assessment.is_late_change,
    )


def test_a_first_notice_in_time():
    assessment = assess(None, CLOSURE, on(8, 3), FIRST_POLICY, CALENDAR)
    period = reckon_notice(on(8, 3), night(9, 21), FIRST_POLICY, CALENDAR)
    assert assessment == Assessment(period, period, period)
    assert days(assessment) == (34, 34, 34, False)


@pytest.mark.parametrize(("received_at", "count", "late"), [(on(8, 23), 20, False), (on(8, 24), 19, True)])
def test_a_first_notice_at_the_edge(received_at, count, late):
    heard = first_heard(SAID, closure_id=b"1", reference="CN-ABC", user="ACME", received_at=received_at)
    assert days(assess(None, heard, received_at, FIRST_POLICY, CALENDAR)) == (count, count, count, late)


def test_pushing_a_closure_back_with_three_days_to_go_is_late_though_the_first_notice_was_early():
    step, assessment = change(replace(SAID, window=night(10, 19)), on(9, 15))
    assert step is Step.MOVED
    # To the new start there are 23 Working Days; to the old one, which concerns those who counted on it, three.
    assert days(assessment) == (54, 23, 3, True)
    assert assessment.change.band == "2-4"


def test_bringing_a_closure_forward_is_measured_to_the_new_start():
    step, assessment = change(replace(SAID, window=night(9, 7)), on(8, 31))
    assert step is Step.MOVED
    assert days(assessment) == (24, 4, 4, True)


@pytest.mark.parametrize(
    ("received_at", "count", "late"), [(on(8, 23), 20, False), (on(8, 24), 19, True), (on(9, 22), 0, True)]
)
@pytest.mark.parametrize(
    ("said", "step"),
    [
        (replace(SAID, window=night(9, 21, hours=6)), Step.LENGTHENED),
        (replace(SAID, window=night(9, 21, hours=2)), Step.SHORTENED),
        (replace(SAID, gateway="GW2"), Step.GATEWAY_CHANGED),
        (replace(SAID, withdrawn=True), Step.WITHDRAWN),
        (replace(SAID, window=night(10, 19)), Step.MOVED),
    ],
)
def test_every_kind_of_change_is_measured_to_the_start_that_stood(said, step, received_at, count, late):
    seen, assessment = change(said, received_at)
    assert seen is step
    assert (assessment.change.working_days, assessment.is_late_change) == (count, late)


def test_a_withdrawal_keeps_the_lead_of_the_date_that_it_withdraws():
    _, assessment = change(replace(SAID, withdrawn=True), on(9, 15))
    assert days(assessment) == (34, 34, 3, True)


def test_planned_again_is_measured_to_the_new_start_only():
    withdrawn = apply_step(CLOSURE, replace(SAID, withdrawn=True), Step.WITHDRAWN, on(8, 10))
    step, assessment = change(replace(SAID, window=night(10, 19)), on(9, 15), before=withdrawn)
    assert step is Step.PLANNED_AGAIN
    assert days(assessment) == (54, 23, 23, False)


@pytest.mark.parametrize(
    ("before", "after", "window"),
    [
        (None, CLOSURE, night(9, 21)),
        (CLOSURE, replace(CLOSURE, window=night(9, 7)), night(9, 7)),
        (CLOSURE, replace(CLOSURE, window=night(10, 19)), night(9, 21)),
        (expired(CLOSURE), replace(CLOSURE, window=night(10, 19)), night(9, 21)),
        (replace(CLOSURE, state=State.WITHDRAWN), replace(CLOSURE, window=night(10, 19)), night(10, 19)),
        (replace(CLOSURE, state=State.WITHDRAWN), replace(CLOSURE, window=night(9, 7)), night(9, 7)),
    ],
)
def test_the_window_concerned(before, after, window):
    assert window_concerned(before, after) == window


@given(st.integers(1, 28), st.integers(1, 28), st.integers(-40, 20))
def test_a_move_is_late_when_either_start_is_too_near(old, new, received):
    received_at = on(9, 1) + timedelta(days=received)
    before = replace(CLOSURE, window=night(9, old))
    after = replace(CLOSURE, window=night(9, new))
    nearer = min(before.window.starts, after.window.starts)
    leads = [
        reckon_notice(received_at, window, FIRST_POLICY, CALENDAR).working_days
        for window in (before.window, after.window)
    ]
    assessment = assess(before, after, received_at, FIRST_POLICY, CALENDAR)
    assert assessment.change.working_days == min(leads)
    assert assessment.is_late_change is (min(leads) < 20)
    assert (assessment.change.band in {"after start", "after end"}) is (received_at >= nearer)


def test_a_late_change_is_a_line_of_facts():
    _, assessment = change(replace(SAID, withdrawn=True), on(9, 15))
    line = LateChange("CN-ABC", "ACME", "GW1", 2, Step.WITHDRAWN, on(9, 15), night(9, 21), assessment)
    assert (line.reference, line.number, str(line.step), line.assessment.change.working_days) == (
        "CN-ABC",
        2,
        "withdrawn",
        3,
    )
