from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.closure import State
from app.domain.load import HourLoad, Stretch, free_slots, hourly_load, hours_around, peak_of, peaks_of, stretches
from app.domain.window import ClosureWindow

START = datetime(2026, 12, 6, tzinfo=UTC)
DAY = ClosureWindow(START, START + timedelta(hours=4))
DRAWN = st.lists(
    st.tuples(st.sampled_from(["G1", "G2", "G3"]), st.integers(-60, 260), st.integers(1, 150), st.sampled_from(State)),
    max_size=10,
)


def closed_at(closures, instant):
    """The gateways closed at an instant, by looking at every closure: the slow and obvious way."""
    return {one.gateway for one in closures if one.state is not State.WITHDRAWN and one.window.contains(instant)}


def minutes(first, after):
    return round((after - first) / timedelta(minutes=1))


def at(minute):
    return START + timedelta(minutes=minute)


def test_a_day_without_closures_is_one_stretch():
    assert list(stretches([], DAY)) == [Stretch(DAY.starts, DAY.ends, 0)]


def test_windows_of_one_gateway_that_overlap_count_once(line):
    closures = [line("A", "G1", 0, 60), line("B", "G1", 30, 60), line("C", "G2", 60, 60)]
    assert list(stretches(closures, DAY)) == [
        Stretch(at(0), at(60), 1), Stretch(at(60), at(90), 2), Stretch(at(90), at(120), 1), Stretch(at(120), at(240), 0),
    ]  # fmt: skip
    assert peak_of(closures, DAY) == Stretch(at(60), at(90), 2)


def test_of_several_peaks_the_first_is_the_peak(line):
    closures = [line("A", "G1", 10, 10), line("B", "G2", 40, 10)]
    assert peak_of(closures, DAY) == Stretch(at(10), at(20), 1)


@given(DRAWN)
def test_stretches_are_what_every_minute_says(line, drawn):
    closures = [line(f"CN-{n}", *facts) for n, facts in enumerate(drawn)]
    found = list(stretches(closures, DAY))
    by_minute = [len(closed_at(closures, at(minute))) for minute in range(240)]
    assert [count for one in found for count in [one.closed] * (minutes(one.starts, one.ends))] == by_minute
    assert (found[0].starts, found[-1].ends) == (DAY.starts, DAY.ends)
    assert all(one.ends == two.starts and one.closed != two.closed for one, two in pairwise(found))
    assert peak_of(closures, DAY).closed == max(by_minute)


@given(DRAWN, st.integers(1, 3), st.integers(1, 120))
def test_free_slots_are_the_long_runs_of_free_minutes(line, drawn, below, length):
    closures = [line(f"CN-{n}", *facts) for n, facts in enumerate(drawn)]
    free = [len(closed_at(closures, at(minute))) < below for minute in range(240)]
    runs, begun = [], None
    for minute, is_free in enumerate([*free, False]):
        if is_free and begun is None:
            begun = minute
        elif not is_free and begun is not None:
            if minute - begun >= length:
                runs.append(ClosureWindow(at(begun), at(minute)))
            begun = None
    assert list(free_slots(closures, DAY, timedelta(minutes=length), below)) == runs


@given(DRAWN)
def test_hours_are_what_every_minute_says(line, drawn):
    closures = [line(f"CN-{n}", *facts) for n, facts in enumerate(drawn)]
    categories = {"G1": frozenset({"Large"}), "G2": frozenset({"Large", "Small"}), "G3": frozenset({"Small"})}
    members = {"Large": {"G1", "G2"}, "Small": {"G2", "G3"}}
    expected = []
    for hour in range(4):
        instants = [at(60 * hour + minute) for minute in range(60)]
        closed = set().union(*(closed_at(closures, instant) for instant in instants))
        reopening = len(
            set().union(
                *(closed_at(closures, one - timedelta(minutes=1)) - closed_at(closures, one) for one in instants)
            )
        )
        shares = {name: len(closed & held) / 2 for name, held in members.items() if closed & held}
        if closed or reopening:
            expected.append(HourLoad(instants[0], len(closed), reopening, tuple(sorted(shares.items()))))
    assert hourly_load(closures, DAY, categories) == expected


@pytest.mark.parametrize(
    ("starts", "hours"),
    [
        # 25 Oct 2026 00:00-06:00 London is seven hours, 29 Mar 2026 five: the hours are those that pass.
        (datetime(2026, 10, 24, 23, tzinfo=UTC), 7),
        (datetime(2026, 3, 29, 0, tzinfo=UTC), 5),
    ],
)
def test_the_nights_of_the_clock_change(line, starts, hours):
    window = ClosureWindow(starts, starts + timedelta(hours=hours))
    shift = minutes(START, starts)
    found = hourly_load([line("A", "G1", shift, 60 * hours)], window, {"G1": frozenset({"Other"})})
    assert [(one.closed, one.reopening, one.shares) for one in found] == [(1, 0, (("Other", 1.0),))] * hours


def test_a_gateway_of_no_category_counts_and_has_no_share(line):
    (hour,) = hourly_load([line("A", "G9", 0, 60)], ClosureWindow(at(0), at(60)), {})
    assert hour == HourLoad(at(0), 1, 0)


def test_a_slot_exactly_as_long_as_asked_is_long_enough(line):
    closures = [line("A", "G1", 60, 60)]
    before, after = ClosureWindow(at(0), at(60)), ClosureWindow(at(120), at(240))
    found = [list(free_slots(closures, DAY, timedelta(minutes=length), 1)) for length in (60, 61, 120, 121)]
    assert found == [[before, after], [after], [after], []]


@given(DRAWN, st.lists(st.integers(1, 90), min_size=1, max_size=5))
def test_the_peaks_of_spans_in_a_row_are_those_of_each_by_itself(line, drawn, lengths):
    closures = [line(f"R{n}", *one) for n, one in enumerate(drawn)]
    edges = [0]
    for length in lengths:
        edges.append(edges[-1] + length)
    spans = [ClosureWindow(at(first), at(after)) for first, after in pairwise(edges)]
    assert peaks_of(closures, spans) == [peak_of(closures, span).closed for span in spans]


@pytest.mark.parametrize(
    ("starts", "ends", "first", "after"),
    [
        ("2027-01-03T04:00", "2027-01-03T04:30", "2027-01-03T03:59:59.999999", "2027-01-03T05:00"),
        ("2027-01-03T04:20", "2027-01-03T06:00", "2027-01-03T03:59:59.999999", "2027-01-03T06:00"),
        ("0001-01-01T00:00", "0001-01-01T02:00", "0001-01-01T00:59:59.999999", "0001-01-01T02:00"),
        ("9999-12-31T22:30", "9999-12-31T23:30", "9999-12-31T21:59:59.999999", "9999-12-31T23:00"),
    ],
)
def test_the_hours_around_a_span_are_whole_and_begin_an_instant_before(starts, ends, first, after):
    span, found = (
        ClosureWindow(*(datetime.fromisoformat(text).replace(tzinfo=UTC) for text in pair))
        for pair in ((starts, ends), (first, after))
    )
    assert hours_around(span) == found
