"""Where things lie on the horizon: places, marks that a finger can press, columns, ticks."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from app.domain.closure import State
from app.domain.late_change import Assessment
from app.domain.london import whole_days
from app.domain.notice_period import NoticePeriod
from app.domain.schedule import ScheduledClosure
from app.domain.window import ClosureWindow
from app.web.timeline import WIDTH, ZOOMS, Column, Scale, columns_of, lanes_of, marks_of, ticks_of, zone_names

FIRST = date(2026, 11, 23)
LEAD = NoticePeriod(25, ">=20", short_notice=False, recommended_days=20, policy_version=1, holiday_version="t")


def scale(zoom):
    return Scale(whole_days(FIRST, FIRST + timedelta(days=ZOOMS[zoom].days)))


def line(hours, length, reference="A", user="ACME", state=State.PLANNED):
    starts = datetime(2026, 11, 23, tzinfo=UTC) + timedelta(hours=hours)
    window = ClosureWindow(starts, starts + timedelta(hours=length))
    return ScheduledClosure(
        reference, user, "GW", window, state, 1, starts, starts, 0, None, Assessment(LEAD, LEAD, LEAD)
    )


def test_the_span_fills_the_picture_and_what_is_outside_lies_on_its_edge():
    two_weeks = scale("2w")
    assert [two_weeks.place(datetime(2026, 11, day, tzinfo=UTC)) for day in (22, 23, 30)] == [0, 0, WIDTH / 2]
    assert two_weeks.place(datetime(2027, 1, 1, tzinfo=UTC)) == WIDTH


def test_closures_too_close_to_tell_apart_share_a_mark_with_the_days_that_it_reaches_over():
    apart = marks_of([line(0, 4), line(120, 4, "B")], scale("8w"))
    assert [len(mark.bars) for mark in apart] == [1, 1]
    (mark,) = marks_of([line(0, 4), line(20, 10, "B")], scale("8w"))
    assert (len(mark.bars), mark.first_day, mark.last_day) == (2, date(2026, 11, 23), date(2026, 11, 24))


# Judged by results, not by the clock of a busy machine.
@given(st.lists(st.tuples(st.integers(-100, 1500), st.integers(1, 300)), max_size=20), st.sampled_from(list(ZOOMS)))
def test_marks_lie_inside_hold_every_closure_and_never_overlap(drawn, zoom):
    shown = scale(zoom)
    lines = sorted((line(*one) for one in drawn), key=lambda one: one.window)
    lines = [one for one in lines if one.window.overlaps(shown.span)]
    marks = marks_of(lines, shown)
    assert [bar.line for mark in marks for bar in mark.bars] == lines
    assert all(mark.x >= 0 and mark.x + mark.width <= WIDTH + 0.11 and mark.width >= 34 for mark in marks)
    assert all(one.x + one.width <= other.x + 0.11 for one, other in pairwise(marks))


def test_a_lane_for_each_user_by_code():
    found = lanes_of([line(0, 1, user="B"), line(1, 1, "B", user="A"), line(200, 1, "C", user="B")], scale("2w"))
    assert [(lane.user, len(lane.lines)) for lane in found] == [("A", 1), ("B", 2)]


def test_columns_hold_the_peak_of_their_day_and_nothing_withdrawn():
    lines = [line(0, 4), line(48, 4, "B"), line(48, 4, "C", state=State.WITHDRAWN)]
    columns = columns_of(lines, FIRST, ZOOMS["2w"], scale("2w"))
    assert [one.peak for one in columns] == [1, 0, 1, *[0] * 11]
    assert columns[0] == Column(0.0, round(WIDTH / 14, 1), FIRST, 1, 1.0)
    assert len(columns_of(lines, FIRST, ZOOMS["6m"], scale("6m"))) == 26


def test_ticks_are_days_mondays_or_months():
    words = {zoom: [tick.words for tick in ticks_of(FIRST, ZOOMS[zoom], scale(zoom))] for zoom in ZOOMS}
    assert words["2w"][:2] == ["Mon 23 Nov", "Tue 24 Nov"]
    assert words["8w"][:2] == ["23 Nov", "30 Nov"]
    assert words["6m"] == ["Dec 2026", "Jan 2027", "Feb 2027", "Mar 2027", "Apr 2027", "May 2027"]


def test_the_axis_names_its_zone_or_both():
    assert [zone_names(scale(zoom).span) for zoom in ("2w", "6m")] == ["GMT", "GMT and BST"]
