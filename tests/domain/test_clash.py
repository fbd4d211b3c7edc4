from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.clash import (
    Clash,
    MaintenanceClash,
    find_clashes,
    find_clashing,
    find_maintenance_clashes,
    find_overlapping,
)
from app.domain.closure import State
from app.domain.maintenance import Maintenance, MaintenanceKind
from app.domain.window import ClosureWindow

START = datetime(2026, 12, 6, tzinfo=UTC)
DRAWN = st.lists(
    st.tuples(st.sampled_from(["GW1", "GW2", "GW3"]), st.integers(0, 20), st.integers(1, 6), st.sampled_from(State)),
    max_size=12,
)


def span(first, after):
    return ClosureWindow(START + timedelta(hours=first), START + timedelta(hours=after))


@pytest.fixture(scope="session")
def closure(line):
    """Return a function that makes a closure by hours: ``closure("A", "GW1", first, after)``."""

    def make(reference, gateway, first, after, state=State.PLANNED):
        return line(reference, gateway, 60 * first, 60 * (after - first), state)

    return make


def test_two_gateways_closed_at_once_clash(closure):
    early, late = closure("A", "GW1", 0, 4), closure("B", "GW2", 2, 6)
    assert list(find_clashes([late, early])) == [Clash(early, late, span(2, 4))]


@pytest.mark.parametrize(
    ("other", "overlap"),
    [
        ((4, 6), None),  # one ends as the other begins
        ((3, 6), (3, 4)),
        ((1, 2), (1, 2)),  # one within the other
        ((0, 9), (0, 4)),
        ((0, 4), (0, 4)),
        ((-3, 0), None),
        ((-3, 1), (0, 1)),
    ],
)
def test_the_span_in_which_both_are_closed(closure, other, overlap):
    first, second = closure("A", "GW1", 0, 4), closure("B", "GW2", *other)
    found = [clash.overlap for clash in find_clashes([first, second])]
    assert found == ([] if overlap is None else [span(*overlap)])


def test_closures_of_one_gateway_do_not_clash(closure):
    assert list(find_clashes([closure("A", "GW1", 0, 4), closure("B", "GW1", 2, 6)])) == []


def test_a_withdrawn_closure_clashes_with_nothing_and_an_expired_one_did(closure):
    standing = closure("A", "GW1", 0, 4)
    withdrawn = closure("B", "GW2", 0, 4, State.WITHDRAWN)
    expired = closure("C", "GW3", 0, 4, State.EXPIRED)
    assert list(find_clashes([withdrawn, standing, expired])) == [Clash(standing, expired, span(0, 4))]


def test_clashes_come_in_order_of_start_end_and_reference(closure):
    closures = [
        closure("C", "GW3", 0, 4),
        closure("B", "GW2", 0, 4),
        closure("A", "GW1", 0, 5),
        closure("D", "GW4", 4, 6),
    ]
    found = [(clash.first.reference, clash.second.reference) for clash in find_clashes(closures)]
    assert found == [("B", "C"), ("B", "A"), ("C", "A"), ("A", "D")]


def test_nothing_clashes_with_nothing():
    assert list(find_clashes([])) == []


@given(DRAWN)
def test_the_sweep_finds_what_comparing_every_pair_finds(closure, drawn):
    closures = [
        closure(f"CN-{n:02}", gateway, first, first + length, state)
        for n, (gateway, first, length, state) in enumerate(drawn)
    ]
    pairs = {
        frozenset({one.reference, two.reference}): ClosureWindow(
            max(one.window.starts, two.window.starts), min(one.window.ends, two.window.ends)
        )
        for one in closures
        for two in closures
        if one.gateway != two.gateway
        and one.window.overlaps(two.window)
        and State.WITHDRAWN not in {one.state, two.state}
    }
    found = list(find_clashes(closures))
    assert {frozenset({clash.first.reference, clash.second.reference}): clash.overlap for clash in found} == pairs
    assert len(found) == len(pairs)
    assert all(clash.first.window <= clash.second.window for clash in found)
    assert find_clashing(closures) == set().union(*pairs)


@given(DRAWN, st.integers(1, 4), st.data())
def test_beside_each_subject_as_many_are_named_as_it_clashes_with_and_no_more_than_asked(closure, drawn, most, data):
    closures = [
        closure(f"CN-{n:02}", gateway, first, first + length, state)
        for n, (gateway, first, length, state) in enumerate(drawn)
    ]
    told = data.draw(st.sets(st.sampled_from([one.reference for one in closures]))) if closures else set()
    subjects = [one for one in closures if one.reference in told]
    others = [one for one in closures if one.reference not in told]
    order = [one.reference for one in sorted(closures, key=lambda one: (one.window, one.reference))]
    every = {reference: [] for reference in told}
    for clash in find_clashes(closures):
        for one, other in ((clash.first, clash.second), (clash.second, clash.first)):
            if one.reference in told:
                every[one.reference].append(other.reference)
    found = find_overlapping(subjects, others, most)
    assert {reference: len(named) for reference, named in found.items()} == {
        reference: min(most, len(clashing)) for reference, clashing in every.items()
    }
    assert all(set(named) <= set(every[reference]) for reference, named in found.items())
    assert all(named == sorted(named, key=order.index) for named in found.values())


def test_two_windows_of_one_gateway_both_clash_with_another_gateways(closure):
    closures = [
        closure("A", "GW1", 0, 9),
        closure("B", "GW1", 1, 5),
        closure("C", "GW2", 2, 3),
        closure("D", "GW1", 6, 8),
    ]
    assert find_clashing(closures) == {"A", "B", "C"}
    assert find_clashing(closures[:2]) == set()


def maintenance(reference, first, after, kind=MaintenanceKind.MAINTENANCE, *, withdrawn=False):
    return Maintenance(
        id=reference.encode(),
        reference=reference,
        kind=kind,
        uid=reference,
        recurrence_id="",
        window=span(first, after),
        withdrawn=withdrawn,
        number=1,
        first_received_at=START,
        received_at=START,
    )


def test_a_closure_on_maintenance_is_found_from_either_side(closure):
    running, later, apart = closure("A", "GW1", 0, 4), closure("B", "GW2", 5, 8), closure("C", "GW1", 9, 10)
    band = maintenance("M", 3, 6)
    assert list(find_maintenance_clashes([apart, later, running], [band])) == [
        MaintenanceClash(running, band, span(3, 4)),
        MaintenanceClash(later, band, span(5, 6)),
    ]


def test_what_is_withdrawn_on_either_side_does_not_clash(closure):
    gone = closure("A", "GW1", 0, 4, State.WITHDRAWN)
    standing = closure("B", "GW1", 0, 4)
    assert list(find_maintenance_clashes([gone], [maintenance("M", 0, 4)])) == []
    assert list(find_maintenance_clashes([standing], [maintenance("M", 0, 4, withdrawn=True)])) == []


def test_a_release_is_near_for_days_around_it(closure):
    # START is a London midnight; the release is in the day after next.
    release = maintenance("R", 56, 58, MaintenanceKind.RELEASE)
    early, near = closure("A", "GW1", 0, 24), closure("B", "GW1", 30, 32)
    assert list(find_maintenance_clashes([early, near], [release])) == []
    assert list(find_maintenance_clashes([early, near], [release], 1)) == [
        MaintenanceClash(near, release, span(30, 32))
    ]
    found = list(find_maintenance_clashes([early, near], [release], 2))
    assert found == [MaintenanceClash(early, release, span(0, 24)), MaintenanceClash(near, release, span(30, 32))]


SPANS = st.lists(st.tuples(st.integers(0, 60), st.integers(1, 12)), max_size=8)


@given(SPANS, SPANS, st.integers(0, 2), st.sampled_from(MaintenanceKind))
def test_the_sweep_over_maintenance_finds_what_every_pair_finds(closure, closing, bands, days, kind):
    closures = [closure(f"C{n}", "GW1", first, first + length) for n, (first, length) in enumerate(closing)]
    planned = [maintenance(f"M{n}", first, first + length, kind) for n, (first, length) in enumerate(bands)]
    pairs = {
        (one.reference, band.reference): ClosureWindow(
            max(one.window.starts, band.reach(days).starts), min(one.window.ends, band.reach(days).ends)
        )
        for one in closures
        for band in planned
        if one.window.overlaps(band.reach(days))
    }
    found = list(find_maintenance_clashes(closures, planned, days))
    assert {(one.closure.reference, one.maintenance.reference): one.overlap for one in found} == pairs
    assert len(found) == len(pairs)
