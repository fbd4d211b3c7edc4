"""Where things lie on the horizon: places, marks that a finger can press, columns, ticks."""

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from app.domain.closure import PlannedClosure, State
from app.domain.london import whole_days
from app.domain.notice_period import NoticePeriod
from app.domain.verdict import Verdict
from app.domain.window import ClosureWindow
from app.web.pages import timeline
from app.web.pages.timeline import (
    MOST_APART,
    STEP,
    WIDTH,
    ZOOMS,
    Column,
    Scale,
    blocks_of,
    by_user,
    columns_of,
    grid_of,
    lane_of,
    marks_of,
    ticks_of,
    zone_names,
)

STEPS = Path(timeline.__file__).parents[1] / "static" / "steps.css"
FIRST = date(2026, 11, 23)
LEAD = NoticePeriod(25, ">=20", short_notice=False, recommended_days=20, policy_version=1, holiday_version="t")


def scale(zoom):
    return Scale(whole_days(FIRST, FIRST + timedelta(days=ZOOMS[zoom].days)))


def line(hours, length, reference="A", user="ACME", state=State.PLANNED):
    starts = datetime(2026, 11, 23, tzinfo=UTC) + timedelta(hours=hours)
    window = ClosureWindow(starts, starts + timedelta(hours=length))
    return PlannedClosure(
        id=reference.encode(),
        reference=reference,
        user=user,
        gateway="GW",
        window=window,
        state=state,
        number=1,
        entries=1,
        first_received_at=starts,
        window_received_at=starts,
        changed_at=starts,
        verdict=Verdict(LEAD, LEAD, LEAD),
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
    found = by_user([line(0, 1, user="B"), line(1, 1, "B", user="A"), line(200, 1, "C", user="B")])
    assert [(user, [one.reference for one in lines]) for user, lines in found.items()] == [
        ("A", ["B"]),
        ("B", ["A", "C"]),
    ]


def joined(zoom):
    return grid_of(FIRST, ZOOMS[zoom].days, ZOOMS[zoom].join_days)


def test_a_lane_is_drawn_one_by_one_until_it_holds_too_many():
    lines = [line(90 * at, 4, str(at)) for at in range(MOST_APART + 1)]
    apart = lane_of("ACME", lines[:-1], scale("8w"), joined("8w"))
    assert [(len(mark.lines), len(mark.bars)) for mark in apart.marks] == [(1, 1)] * MOST_APART
    full = lane_of("ACME", lines, scale("8w"), joined("8w"))
    assert [(len(mark.lines), len(mark.bars)) for mark in full.marks] == [*[(2, 0)] * 7, (1, 1)]
    assert (full.marks[0].first_day, full.marks[0].last_day) == (date(2026, 11, 23), date(2026, 11, 29))
    assert full.lines == tuple(lines)


@given(
    st.lists(
        st.tuples(st.integers(-100, 5000), st.integers(1, 900), st.booleans(), st.sampled_from("GH")), max_size=60
    ),
    st.sampled_from(list(ZOOMS)),
)
def test_blocks_hold_what_touches_their_days_and_the_most_closed_at_once(drawn, zoom):
    lines = [
        replace(line(starts, length, f"{at}", state=State.WITHDRAWN if gone else State.PLANNED), gateway=gateway)
        for at, (starts, length, gone, gateway) in enumerate(drawn)
    ]
    lines = sorted((one for one in lines if one.window.overlaps(scale(zoom).span)), key=lambda one: one.window)
    blocks = {mark.first_day: mark for mark in blocks_of(lines, scale(zoom), joined(zoom))}
    for day in joined(zoom).days:
        span = whole_days(day, day + timedelta(days=ZOOMS[zoom].join_days))
        touching = [one for one in lines if one.window.overlaps(span)]
        assert (day in blocks) == bool(touching)
        if touching:
            standing = [one for one in touching if one.state is not State.WITHDRAWN]
            # The most at once are closed as one of them begins, or as the days do.
            instants = [max(one.window.starts, span.starts) for one in standing]
            closed = [{one.gateway for one in standing if one.window.contains(instant)} for instant in instants]
            assert list(blocks[day].lines) == touching
            assert blocks[day].peak == max(map(len, closed), default=0)
            assert blocks[day].withdrawn == len(touching) - len(standing)
            assert blocks[day].last_day == day + timedelta(days=ZOOMS[zoom].join_days - 1)


@given(st.lists(st.tuples(st.integers(-100, 5000), st.integers(1, 300)), max_size=40), st.sampled_from(list(ZOOMS)))
def test_no_two_links_of_a_lane_overlap_in_steps_and_each_is_wide_enough(drawn, zoom):
    shown = scale(zoom)
    lines = sorted((line(*one) for one in drawn), key=lambda one: one.window)
    lines = [one for one in lines if one.window.overlaps(shown.span)]
    marks = lane_of("ACME", lines, shown, joined(zoom)).marks
    links = [1 if len(mark.lines) == 1 else 1 + len(mark.bars) for mark in marks]
    assert sum(links) <= ZOOMS[zoom].most_links(len(lines))
    assert all(one.step + one.steps <= other.step for one, other in pairwise(marks))
    assert all(mark.steps >= 9 and mark.step >= 0 and mark.step + mark.steps <= WIDTH // STEP for mark in marks)


def test_a_lanes_bars_are_kept_by_what_they_look_like():
    lines = [line(0, 4), line(2, 9, "B", state=State.WITHDRAWN), line(200, 4, "C"), line(400, 4, "D")]
    lane = lane_of("ACME", lines, scale("8w"), joined("8w"))
    looks = lane.looks(lines[2].window.starts)
    assert {look: [bar.line.reference for bar in bars] for look, bars in looks.items()} == {
        "expired": ["A"], "withdrawn": ["B"], "open": ["C"], "planned": ["D"],
    }  # fmt: skip
    assert [mark.is_open(lines[2].window.starts) for mark in lane.marks] == [False, True, False]


def test_every_step_has_its_class():
    names = re.findall(r"\.([xw]\d+)\{--([xw]):(\d+)\}", STEPS.read_text(encoding="utf-8"))
    assert names == [(f"{side}{at}", side, str(at)) for side in "xw" for at in range(WIDTH // STEP + 1)]


def test_columns_hold_the_peak_of_their_day_and_nothing_withdrawn():
    lines = [line(0, 4), line(48, 4, "B"), line(48, 4, "C", state=State.WITHDRAWN)]
    columns = columns_of(lines, FIRST, ZOOMS["2w"], scale("2w"))
    assert [one.peak for one in columns] == [1, 0, 1, *[0] * 11]
    assert columns[0] == Column(0.0, round(WIDTH / 14, 1), FIRST, 1, 1.0, "1")
    assert len(columns_of(lines, FIRST, ZOOMS["6m"], scale("6m"))) == 26


def test_a_number_too_long_for_its_column_is_left_to_its_highest_neighbour():
    lines = [
        replace(line(24 * day, 4, f"{day}-{at}"), gateway=f"GW-{at}")
        for day, peak in enumerate((100, 102, 101, 99, 3))
        for at in range(peak)
    ]
    words = [one.words for one in columns_of(lines, FIRST, ZOOMS["8w"], scale("8w"))]
    assert words == ["", "102", "", "99", "3", *[""] * 51]


def test_ticks_are_days_mondays_or_months():
    words = {zoom: [tick.words for tick in ticks_of(FIRST, ZOOMS[zoom], scale(zoom))] for zoom in ZOOMS}
    assert words["2w"][:2] == ["Mon 23 Nov", "Tue 24"]
    assert words["8w"][:2] == ["23 Nov", "30 Nov"]
    assert words["6m"] == ["Dec 2026", "Jan 2027", "Feb 2027", "Mar 2027", "Apr 2027", "May 2027"]


def test_the_axis_names_its_zone_or_both():
    assert [zone_names(scale(zoom).span) for zoom in ("2w", "6m")] == ["GMT", "GMT and BST"]
