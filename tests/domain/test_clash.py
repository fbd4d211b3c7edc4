from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.clash import Clash, find_clashes
from app.domain.closure import PlannedClosure, State
from app.domain.window import ClosureWindow

START = datetime(2026, 12, 6, tzinfo=UTC)


def span(first, after):
    return ClosureWindow(START + timedelta(hours=first), START + timedelta(hours=after))


def closure(reference, gateway, first, after, state=State.PLANNED):
    return PlannedClosure(
        id=reference.encode(),
        reference=reference,
        user="ACME",
        gateway=gateway,
        uid=reference,
        recurrence_id="",
        position=None,
        window=span(first, after),
        state=state,
        number=1,
        entries=1,
        first_received_at=START,
        window_received_at=START,
        sender_sequence=0,
        sender_dtstamp=None,
    )


def test_two_gateways_closed_at_once_clash():
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
def test_the_span_in_which_both_are_closed(other, overlap):
    first, second = closure("A", "GW1", 0, 4), closure("B", "GW2", *other)
    found = [clash.overlap for clash in find_clashes([first, second])]
    assert found == ([] if overlap is None else [span(*overlap)])


def test_closures_of_one_gateway_do_not_clash():
    assert list(find_clashes([closure("A", "GW1", 0, 4), closure("B", "GW1", 2, 6)])) == []


def test_a_withdrawn_closure_clashes_with_nothing_and_an_expired_one_did():
    standing = closure("A", "GW1", 0, 4)
    withdrawn = closure("B", "GW2", 0, 4, State.WITHDRAWN)
    expired = closure("C", "GW3", 0, 4, State.EXPIRED)
    assert list(find_clashes([withdrawn, standing, expired])) == [Clash(standing, expired, span(0, 4))]


def test_clashes_come_in_order_of_start_end_and_reference():
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


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["GW1", "GW2", "GW3"]), st.integers(0, 20), st.integers(1, 6), st.sampled_from(State)
        ),
        max_size=12,
    )
)
def test_the_sweep_finds_what_comparing_every_pair_finds(drawn):
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
