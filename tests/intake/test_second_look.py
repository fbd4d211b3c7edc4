"""What is believed to be gone: worked examples of the rule, and the laws that hold whatever a source shows."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.pulling.disappearance import Looked, look_again

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
BEFORE = NOW - timedelta(minutes=15)
DAY_AGO = NOW - timedelta(hours=24)


def named(count):
    return {f"u{number}" for number in range(count)}


@pytest.mark.parametrize(
    ("known", "absent", "since", "gone", "doubted"),
    [
        (1, 1, None, 0, False),
        (1, 1, BEFORE, 1, False),
        (2, 2, BEFORE, 2, False),
        (5, 2, BEFORE, 2, False),
        (6, 3, BEFORE, 3, False),
        (5, 3, None, 0, True),
        (5, 3, BEFORE, 0, True),
        (5, 3, DAY_AGO + timedelta(seconds=1), 0, True),
        (5, 3, DAY_AGO, 3, True),
        (3, 3, DAY_AGO, 0, True),
        (100, 100, NOW - timedelta(days=365), 0, True),
        (5, 0, None, 0, False),
        (0, 0, None, 0, False),
    ],
)
def test_the_rule(known, absent, since, gone, doubted):
    all_known, away = named(known), named(absent)
    looked = look_again(all_known, all_known - away, {} if since is None else dict.fromkeys(away, since), NOW)
    left = {} if gone else dict.fromkeys(sorted(away), since or NOW)
    assert looked == Looked(left, frozenset(away if gone else ()), doubted)


def test_what_was_missed_and_is_there_again_is_forgotten():
    assert look_again({"a", "b"}, {"a", "b"}, {"a": DAY_AGO}, NOW) == Looked({}, frozenset(), doubted=False)


def test_what_is_seen_but_was_not_known_says_nothing():
    assert look_again({"a"}, {"a", "b"}, {}, NOW) == Looked({}, frozenset(), doubted=False)


uids = st.frozensets(st.sampled_from([f"u{number}" for number in range(9)]))


@given(
    uids, uids, st.dictionaries(st.sampled_from([f"u{n}" for n in range(9)]), st.timedeltas(timedelta(), timedelta(9)))
)
def test_nothing_seen_or_first_missed_is_ever_gone(known, seen, ages):
    missing = {uid: NOW - age for uid, age in ages.items()}
    looked = look_again(known, seen, missing, NOW)
    assert looked.gone <= (known - seen) & missing.keys()
    assert looked.missing.keys() | looked.gone == known - seen
    assert not looked.gone & looked.missing.keys()


@given(st.lists(uids, min_size=1, max_size=8), st.integers(1, 600))
def test_a_source_that_shows_everything_at_every_other_look_loses_nothing(looks, minutes):
    known, missing, now = frozenset(named(9)), {}, NOW
    for seen in looks:
        for shown in (seen, known):
            now += timedelta(minutes=minutes)
            looked = look_again(known, shown, missing, now)
            missing = looked.missing
            assert looked.gone == frozenset()
