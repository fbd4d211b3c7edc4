"""The notice that a revision gave: of the closure, of the times that stand, and of the change itself."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.notice_period import reckon_notice
from app.domain.notice_policy import FIRST_POLICY
from app.domain.verdict import Receipts, Verdict, judge
from app.domain.window import ClosureWindow
from app.domain.working_days import WorkingDayCalendar

CALENDAR = WorkingDayCalendar("england-and-wales", "table 7", (), datetime(2028, 12, 31).date())


def night(month, day, hours=4):
    starts = datetime(2026, month, day, 2, tzinfo=UTC)
    return ClosureWindow(starts, starts + timedelta(hours=hours))


def on(month, day):
    return datetime(2026, month, day, 9, tzinfo=UTC)


FIRST_HEARD, STOOD = on(8, 3), night(9, 21)


def first(received_at):
    return judge(Receipts(received_at, received_at, received_at), STOOD, None, FIRST_POLICY, CALENDAR)


def change(window, received_at, replaced=STOOD):
    """The verdict on a revision that sets ``window``."""
    return judge(Receipts(FIRST_HEARD, received_at, received_at), window, replaced, FIRST_POLICY, CALENDAR)


def withdrawal(received_at):
    return judge(Receipts(FIRST_HEARD, FIRST_HEARD, received_at), STOOD, STOOD, FIRST_POLICY, CALENDAR)


def days(verdict):
    return (
        verdict.first_notice.working_days,
        verdict.current_date.working_days,
        verdict.change.working_days,
        verdict.late_change,
    )


def test_a_first_notice_in_time():
    period = reckon_notice(on(8, 3), STOOD, FIRST_POLICY, CALENDAR)
    assert first(on(8, 3)) == Verdict(period, period, period)
    assert days(first(on(8, 3))) == (34, 34, 34, False)


@pytest.mark.parametrize(("received_at", "count", "late"), [(on(8, 23), 20, False), (on(8, 24), 19, True)])
def test_a_first_notice_at_the_edge(received_at, count, late):
    verdict = first(received_at)
    assert days(verdict) == (count, count, count, late)
    assert (verdict.working_days_notice, verdict.short_notice) == (count, late)


def test_pushing_a_closure_back_with_three_days_to_go_is_late_though_the_first_notice_was_early():
    verdict = change(night(10, 19), on(9, 15))
    # To the new start there are 23 Working Days; to the old one, which concerns those who counted on it, three.
    assert days(verdict) == (54, 23, 3, True)
    assert verdict.change.band == "2-4"
    # A late change; yet the times that stand are known in time.
    assert (verdict.working_days_notice, verdict.short_notice) == (23, False)


def test_bringing_a_closure_forward_is_measured_to_the_new_start():
    verdict = change(night(9, 7), on(8, 31))
    assert days(verdict) == (24, 4, 4, True)
    assert (verdict.working_days_notice, verdict.short_notice) == (4, True)


@pytest.mark.parametrize(
    ("received_at", "count", "late"), [(on(8, 23), 20, False), (on(8, 24), 19, True), (on(9, 22), 0, True)]
)
@pytest.mark.parametrize("window", [night(9, 21, hours=6), night(9, 21, hours=2), night(9, 21), night(10, 19)])
def test_every_kind_of_change_is_measured_to_the_start_that_stood(window, received_at, count, late):
    verdict = change(window, received_at)
    assert (verdict.change.working_days, verdict.late_change) == (count, late)


def test_a_withdrawal_keeps_the_lead_of_the_date_that_it_withdraws():
    verdict = withdrawal(on(9, 15))
    assert days(verdict) == (34, 34, 3, True)
    assert (verdict.working_days_notice, verdict.short_notice) == (34, False)


def test_planned_again_is_measured_to_the_new_start_only():
    assert days(change(night(10, 19), on(9, 15), replaced=None)) == (54, 23, 23, False)


@pytest.mark.parametrize(
    ("replaced", "window", "concerned"),
    [
        (None, night(9, 21), night(9, 21)),
        (night(9, 21), night(9, 7), night(9, 7)),
        (night(9, 21), night(10, 19), night(9, 21)),
        (None, night(10, 19), night(10, 19)),
    ],
)
def test_the_window_concerned(replaced, window, concerned):
    received_at = on(8, 31)
    assert change(window, received_at, replaced).change == reckon_notice(received_at, concerned, FIRST_POLICY, CALENDAR)


@given(st.integers(1, 28), st.integers(1, 28), st.integers(-40, 20))
def test_a_move_is_late_when_either_start_is_too_near(old, new, received):
    received_at = on(9, 1) + timedelta(days=received)
    before, now = night(9, old), night(9, new)
    nearer = min(before.starts, now.starts)
    leads = [reckon_notice(received_at, window, FIRST_POLICY, CALENDAR).working_days for window in (before, now)]
    verdict = change(now, received_at, before)
    assert verdict.change.working_days == min(leads)
    assert verdict.late_change is (min(leads) < 20)
    assert (verdict.change.band in {"after start", "after end"}) is (received_at >= nearer)
    assert (verdict.working_days_notice, verdict.short_notice) == (leads[1], leads[1] < 20)


def test_a_verdict_says_what_was_judged_whatever_the_days_would_give_by_another_rule():
    period = replace(reckon_notice(on(9, 15), STOOD, FIRST_POLICY, CALENDAR), short_notice=False)
    plain = Verdict(period, period, period)
    assert (plain.working_days_notice, plain.short_notice, plain.late_change) == (3, False, False)
    told_late = replace(plain, change=replace(period, short_notice=True))
    assert (told_late.short_notice, told_late.late_change) == (False, True)
