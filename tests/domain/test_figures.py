"""What many closures show together, against sums made plainly."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from statistics import median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.closure import PlannedClosure, State
from app.domain.figures import (
    Churn,
    QuarterFigures,
    churn_by_user,
    figures_by_quarter,
    is_counted,
    notice_given,
    quarter_of,
    reopenings_by_hour,
)
from app.domain.notice_period import AFTER_END, AFTER_START, NoticePeriod
from app.domain.notice_policy import FIRST_POLICY
from app.domain.verdict import Verdict
from app.domain.window import ClosureWindow

FIRST = datetime(2026, 1, 1, tzinfo=UTC)


def closure(user="A", gateway="G", hours=0, length=4, days=25, band="", moves=0):
    notice = NoticePeriod(days, band or FIRST_POLICY.band(days), days < 20, 20, 1, "t")
    starts = FIRST + timedelta(hours=hours)
    return PlannedClosure(
        id=b"", reference="", user=user, gateway=gateway, window=ClosureWindow(starts, starts + timedelta(hours=length)),
        state=State.PLANNED, number=1, entries=1, first_received_at=FIRST, window_received_at=FIRST, changed_at=FIRST,
        verdict=Verdict(notice, notice, notice), moves=moves,
    )  # fmt: skip


CLOSURES = st.lists(
    st.builds(
        closure,
        user=st.sampled_from("ABC"),
        gateway=st.sampled_from("GH"),
        hours=st.integers(0, 9000),
        length=st.integers(1, 100),
        days=st.integers(0, 60),
        band=st.sampled_from(["", "", AFTER_START, AFTER_END]),
        moves=st.integers(0, 5),
    ),
    max_size=40,
)


@given(CLOSURES)
def test_every_closure_is_counted_once_in_each_figure(closures):
    assert sum(notice_given(closures, FIRST_POLICY).values()) == len(closures)
    by_quarter = figures_by_quarter(closures, FIRST)
    assert sum(one.closures for one in by_quarter) == len(closures)
    assert sum(one.short_notice for one in by_quarter) == sum(one.verdict.short_notice for one in closures)
    assert all(0 <= one.short_notice <= one.closures for one in by_quarter)
    churn = churn_by_user(closures)
    assert sum(one.closures for one in churn) == len(closures)
    assert sum(one.moves for one in churn) == sum(one.moves for one in closures)
    assert {one.user: one.first_notice_days for one in churn} == {
        user: median(one.verdict.first_notice.working_days for one in closures if one.user == user)
        for user in {one.user for one in closures}
    }


@given(CLOSURES)
def test_a_gateway_re_opens_where_no_minute_after_is_closed(closures):
    ends = {(one.gateway, one.window.ends) for one in closures}
    opened = [
        end.astimezone(UTC)
        for gateway, end in ends
        if not any(one.gateway == gateway and one.window.contains(end) for one in closures)
    ]
    assert sum(reopenings_by_hour(closures).values()) == len(opened)


def test_an_hour_of_the_week_is_of_londons_clocks():
    winter, summer = closure(hours=2), replace(closure(), gateway="H", window=ClosureWindow(*(
        datetime(2026, 7, 2, hour, 30, tzinfo=UTC) for hour in (1, 5)
    )))  # fmt: skip
    assert reopenings_by_hour([winter, summer]) == Counter({(3, 6): 2})


def test_bands_stand_in_order_and_empty_ones_too():
    told = [closure(days=days) for days in (40, 20, 19, 10, 4, 0)] + [closure(days=0, band=AFTER_END)]
    assert list(notice_given(told, FIRST_POLICY).items()) == [
        (">=20", 2), ("10-19", 2), ("5-9", 0), ("2-4", 1), ("<2", 1), (AFTER_START, 0), (AFTER_END, 1),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("day", "quarter"), [("2026-01-01", "2026-Q1"), ("2026-03-31", "2026-Q1"), ("2026-12-31", "2026-Q4")]
)
def test_a_quarter_has_three_months(day, quarter):
    assert quarter_of(date.fromisoformat(day)) == quarter


def test_a_closure_belongs_to_the_quarter_of_its_london_day():
    late_evening = replace(closure(days=1), window=ClosureWindow(*(
        datetime(2026, 6, 30, 23, minute, tzinfo=UTC) for minute in (10, 50)
    )))  # fmt: skip
    assert figures_by_quarter([late_evening, closure()], FIRST) == [
        QuarterFigures("A", "2026-Q1", 1, 0, 0, 0, 0), QuarterFigures("A", "2026-Q3", 1, 1, 0, 0, 0),
    ]  # fmt: skip


def test_a_closure_that_ends_in_the_next_quarter_belongs_to_that_of_its_planned_start():
    planned = ClosureWindow(datetime(2026, 3, 31, 12, tzinfo=UTC), datetime(2026, 3, 31, 20, tzinfo=UTC))
    over = replace(closure(), plan=planned, window=ClosureWindow(planned.starts, datetime(2026, 4, 2, tzinfo=UTC)))
    assert [one.quarter for one in figures_by_quarter([over], FIRST)] == ["2026-Q1"]


def test_how_closures_went_stands_beside_lateness():
    on_plan, over, early, gone = (closure(hours=24 * at) for at in range(4))
    over = replace(
        over, plan=over.window, window=ClosureWindow(over.window.starts, over.window.ends + timedelta(hours=1))
    )
    early = replace(
        early, plan=early.window, window=ClosureWindow(early.window.starts, early.window.ends - timedelta(hours=1))
    )
    gone = replace(gone, state=State.WITHDRAWN, changed_at=gone.window.starts)
    only_a_plan = replace(gone, changed_at=FIRST)
    assert [is_counted(one) for one in (on_plan, over, early, gone, only_a_plan)] == [True, True, True, True, False]
    assert figures_by_quarter([on_plan, over, early, gone], FIRST) == [QuarterFigures("A", "2026-Q1", 4, 0, 1, 1, 1)]
    assert sum(reopenings_by_hour([on_plan, over, early, gone]).values()) == 3


def test_most_moves_for_a_closure_come_first():
    found = churn_by_user([closure(moves=1, days=10), closure(days=21), closure("B", moves=3), closure("C")])
    assert found == [Churn("B", 1, 3, 25.0), Churn("A", 2, 1, 15.5), Churn("C", 1, 0, 25.0)]
    assert [one.moves_per_closure for one in found] == [3.0, 0.5, 0.0]
