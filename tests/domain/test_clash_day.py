"""Clashes by London day: who overlaps whom, under the day on which the overlap begins."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from app.domain.clash import find_clashes
from app.domain.clash_day import ClashDay, clash_days
from app.domain.closure import State
from app.domain.london import london_date

SUNDAY = date(2026, 12, 6)
DAY = 1440


def test_closures_of_different_gateways_are_named_with_their_day(line):
    a, b, c = line("A", "G1", 60, 120), line("B", "G2", 120, 120), line("C", "G3", 300, 60)
    assert list(clash_days([c, b, a])) == [ClashDay(SUNDAY, (a, b))]


def test_one_gateway_does_not_clash_with_itself_nor_what_is_withdrawn_with_anything(line):
    closures = [line("A", "G1", 0, 120), line("B", "G1", 60, 120), line("C", "G2", 60, 120, State.WITHDRAWN)]
    assert list(clash_days(closures)) == []


def test_a_night_belongs_to_the_day_on_which_the_second_gateway_closes(line):
    before, after = line("A", "G1", -60, 180), line("B", "G2", 30, 60)
    assert list(clash_days([before, after])) == [ClashDay(SUNDAY, (before, after))]


def test_a_long_closure_is_named_on_each_day_on_which_another_joins_it(line):
    long, first, second = line("A", "G1", 0, 3 * DAY), line("B", "G2", 60, 60), line("C", "G3", DAY + 60, 60)
    assert list(clash_days([long, first, second])) == [
        ClashDay(SUNDAY, (long, first)),
        ClashDay(SUNDAY + timedelta(days=1), (long, second)),
    ]


def test_the_gateways_of_a_day_are_each_named_once(line):
    found = next(clash_days([line("A", "G2", 0, 60), line("B", "G1", 10, 60), line("C", "G2", 20, 60)]))
    assert found.gateways == ("G1", "G2")


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["G1", "G2", "G3"]), st.integers(-900, 3 * DAY), st.integers(1, 900), st.sampled_from(State)
        ),
        max_size=12,
    )
)
def test_the_days_hold_what_the_pairs_hold(line, drawn):
    closures = [line(f"R{n:02}", *one) for n, one in enumerate(drawn)]
    expected = {}
    for pair in find_clashes(closures):
        expected.setdefault(london_date(pair.second.window.starts), set()).update(
            (pair.first.reference, pair.second.reference)
        )
    assert {one.day: {line.reference for line in one.closures} for one in clash_days(closures)} == expected
