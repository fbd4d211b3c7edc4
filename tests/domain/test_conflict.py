"""What a closure meets, and the next slot in which it meets nothing: examples, and the definition over any closures."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from app.domain.closure import State
from app.domain.conflict import (
    SLOT_AHEAD,
    Conflict,
    ConflictKind,
    FreeSlots,
    find_conflicts,
    find_crowds,
    slot_span,
)
from app.domain.load import peak_of
from app.domain.london import LONDON
from app.domain.maintenance import Maintenance, MaintenanceKind
from app.domain.thresholds import Thresholds
from app.domain.window import ClosureWindow
from tests.domain.conftest import START

DAY, TWO = 1440, Thresholds(1, closed=2, reopening=2, release_days=1)


def dcc(first, length, kind=MaintenanceKind.MAINTENANCE, *, withdrawn=False):
    starts = START + timedelta(minutes=first)
    window = ClosureWindow(starts, starts + timedelta(minutes=length))
    return Maintenance(
        id=b"m", reference=f"DM-{first}", kind=kind, uid="m", recurrence_id="", window=window, withdrawn=withdrawn,
        number=1, first_received_at=starts, received_at=starts,
    )  # fmt: skip


def met(subjects, others=(), dates=()):
    return {reference: sorted(found) for reference, found in _names(find_conflicts(subjects, others, dates, 1)).items()}


def _names(found):
    return {reference: [(one.kind.value, one.reference) for one in entries] for reference, entries in found.items()}


def test_the_same_times_at_the_same_gateway_are_told_from_others_that_overlap(line):
    own = line("OWN", "G1", 60, 60)
    others = [
        line("TWIN", "G1", 60, 60),
        line("OVER", "G1", 100, 60),
        line("TOUCH", "G1", 120, 60),
        line("OTHER", "G2", 60, 60),
        line("GONE", "G1", 60, 60, State.WITHDRAWN),
    ]
    assert met([own], others) == {"OWN": [("same-gateway", "OVER"), ("same-times", "TWIN")]}


def test_closures_of_one_notice_meet_each_other(line):
    assert met([line("A", "G1", 0, 60), line("B", "G1", 30, 60)]) == {
        "A": [("same-gateway", "B")],
        "B": [("same-gateway", "A")],
    }


def test_dccs_dates_and_the_days_around_a_release_are_met(line):
    dates = [
        dcc(90, 60),
        dcc(120, 60),
        dcc(DAY + 600, 60, MaintenanceKind.RELEASE),
        dcc(2 * DAY + 600, 60, MaintenanceKind.RELEASE),
        dcc(60, 60, withdrawn=True),
    ]
    found = find_conflicts([line("OWN", "G1", 60, 60)], [], dates, 1)
    kind = ConflictKind.DCC_DATE
    assert found == {
        "OWN": [
            Conflict(kind, dates[2].window, dates[2].reference, MaintenanceKind.RELEASE),
            Conflict(kind, dates[0].window, dates[0].reference, MaintenanceKind.MAINTENANCE),
        ]
    }


def test_as_many_as_the_threshold_are_no_crowd_and_one_more_is(line):
    own, second = line("OWN", "G1", 60, 60), line("B", "G2", 90, 60)
    assert find_crowds([own], [second], slot_span([own]), TWO) == {}
    third = line("C", "G3", 100, 10)
    shared = ClosureWindow(third.window.starts, third.window.ends)
    assert find_crowds([own], [second, third], slot_span([own]), TWO) == {
        "OWN": [Conflict(ConflictKind.CROWDED, shared, gateways=3)]
    }


def test_re_opening_together_is_counted_by_the_hour_in_which_the_closure_ends(line):
    own, others = line("OWN", "G1", 60, 65), [line("B", "G2", 0, 130), line("C", "G3", 140, 39)]
    hour = ClosureWindow(START + timedelta(hours=2), START + timedelta(hours=3))
    assert find_crowds([own], others, slot_span([own]), TWO) == {
        "OWN": [Conflict(ConflictKind.REOPENING, hour, gateways=3)]
    }


def test_ten_thousand_of_the_same_times_name_eight_each(line):
    many = [line(f"R{n:05}", "G1", 0, 60) for n in range(10_000)]
    found = find_conflicts(many, [], [], 1)
    assert {len(entries) for entries in found.values()} == {8}
    assert len(found) > 9_900


def slot(closure, others=(), dates=(), limits=TWO):
    everything = [closure, *others]
    return FreeSlots(everything, dates, slot_span([closure]), limits).after(closure)


def test_the_next_free_slot_has_the_same_hours_on_londons_clocks(line):
    own = line("OWN", "G1", 120, 240)
    assert slot(own) == ClosureWindow(own.window.starts + timedelta(days=1), own.window.ends + timedelta(days=1))
    autumn = line("OWN", "G1", -43 * DAY + 60, 240)  # Saturday 24 October 2026 02:00 in summer time: 01:00 UTC
    assert slot(autumn) == ClosureWindow(datetime(2026, 10, 25, 2, tzinfo=UTC), datetime(2026, 10, 25, 6, tzinfo=UTC))


def test_a_slot_passes_over_dates_own_closures_and_full_nights(line):
    own = line("OWN", "G1", 120, 240)
    full = [line("F1", "G2", 3 * DAY + 200, 10), line("F2", "G3", 3 * DAY + 150, 100)]
    others = [line("SAME", "G1", 2 * DAY + 100, 60), *full]
    found = slot(own, others, [dcc(DAY + 300, 60)])
    assert found == ClosureWindow(own.window.starts + timedelta(days=4), own.window.ends + timedelta(days=4))
    assert slot(own, others, [dcc(0, 70 * DAY)]) is None


def test_at_the_end_of_time_there_is_no_slot(line):
    last = datetime.max.replace(tzinfo=UTC, microsecond=0)
    own = line("OWN", "G1", (last - START) // timedelta(minutes=1) - 60, 30)
    assert slot(own) is None


lines = st.lists(
    st.tuples(st.sampled_from(["G1", "G2", "G3", "G4"]), st.integers(-600, 4 * DAY), st.integers(1, 900)), max_size=12
)
dates_of_dcc = st.lists(
    st.tuples(st.integers(-600, 5 * DAY), st.integers(1, 900), st.sampled_from(MaintenanceKind)), max_size=3
)


few_lines = st.lists(st.tuples(st.sampled_from(["G1", "G2"]), st.integers(-600, DAY), st.integers(1, 900)), max_size=4)


@given(few_lines, few_lines, dates_of_dcc)
def test_pair_by_pair_the_same_is_met(line, drawn, known, dates):
    subjects = [line(f"S{n:02}", *one) for n, one in enumerate(drawn)]
    others = [line(f"O{n:02}", *one) for n, one in enumerate(known)]
    planned = [dcc(*one) for one in dates]
    expected = {}
    for one in subjects:
        found = [
            ("same-times" if one.window == other.window else "same-gateway", other.reference)
            for other in [*subjects, *others]
            if other is not one and other.gateway == one.gateway and one.window.overlaps(other.window)
        ]
        found += [("dcc-date", entry.reference) for entry in planned if entry.reach(1).overlaps(one.window)]
        if found:
            expected[one.reference] = sorted(found)
    assert met(subjects, others, planned) == expected


@given(lines, lines, st.integers(1, 3))
def test_a_crowd_is_the_peak_of_the_closure(line, drawn, known, closed):
    limits = Thresholds(1, closed=closed, reopening=100)
    subjects = [line(f"S{n:02}", *one) for n, one in enumerate(drawn)]
    others = [line(f"O{n:02}", *one) for n, one in enumerate(known)]
    found = find_crowds(subjects, others, slot_span(subjects), limits) if subjects else {}
    peaks = {one.reference: peak_of([*subjects, *others], one.window).closed for one in subjects}
    assert {reference: entries[0].gateways for reference, entries in found.items()} == {
        reference: peak for reference, peak in peaks.items() if peak > closed
    }


@given(lines, dates_of_dcc, st.integers(1, 2), st.integers(1, 2))
def test_in_its_free_slot_a_closure_meets_nothing_and_on_no_earlier_day_would_it(line, known, dates, closed, reopening):
    limits = Thresholds(1, closed=closed, reopening=reopening, release_days=1)
    own = line("OWN", "G1", 120, 240)
    others = [line(f"O{n:02}", *one) for n, one in enumerate(known)]
    planned = [dcc(*one) for one in dates]
    found = slot(own, others, planned, limits)
    assert found is not None
    local = own.window.starts.astimezone(LONDON)
    days = (found.starts.astimezone(LONDON).date() - local.date()).days
    assert 0 < days < SLOT_AHEAD.days
    for day in range(1, days + 1):
        moved = line("MOVED", "G1", 120 + day * DAY, 240)
        meets = find_conflicts([moved], others, planned, 1) | find_crowds([moved], others, slot_span([moved]), limits)
        assert bool(meets) is (day < days)


def test_where_no_day_is_free_there_is_no_slot(line):
    own = line("OWN", "G1", 120, 240)
    assert slot(own, [line("LONG", "G1", 500, 60 * DAY)]) is None


def test_a_slot_passes_over_an_hour_in_which_as_many_re_open(line):
    own, other = line("OWN", "G1", 120, 240), line("R", "G2", DAY + 300, 60)
    one = Thresholds(1, closed=9, reopening=1, release_days=1)
    assert slot(own, [other], limits=one) == ClosureWindow(
        own.window.starts + timedelta(days=2), own.window.ends + timedelta(days=2)
    )
