from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from app.ical.named_zone import LONDON_ZONE, NamedZone
from app.ical.offsets import Offsets

NONE, HOUR = timedelta(), timedelta(hours=1)
SUMMERS = Offsets(
    (
        datetime(2026, 3, 29, 1, tzinfo=UTC),
        datetime(2026, 10, 25, 1, tzinfo=UTC),
        datetime(2027, 3, 28, 1, tzinfo=UTC),
        datetime(2027, 10, 31, 1, tzinfo=UTC),
    ),
    (NONE, HOUR, NONE, HOUR, NONE),
)


@pytest.mark.parametrize(
    ("other", "years"),
    [
        (SUMMERS, set()),
        (Offsets((), (NONE,)), {2026, 2027}),
        (Offsets(SUMMERS.onsets[:2], SUMMERS.values[:3]), {2027}),
        (Offsets(SUMMERS.onsets[2:], SUMMERS.values[2:]), {2026}),
        # An onset that changes nothing is no difference; one at the turn of a year counts for both years.
        (Offsets((datetime(2025, 1, 1, tzinfo=UTC), *SUMMERS.onsets), (NONE, *SUMMERS.values)), set()),
        (
            Offsets((datetime(2027, 12, 31, 23, tzinfo=UTC), datetime(2028, 1, 1, tzinfo=UTC)), (NONE, HOUR, NONE)),
            {2026, 2027, 2028},
        ),
    ],
)
def test_two_differ_in_the_years_in_which_they_ever_do(other, years):
    assert SUMMERS.differing_years(other, (2024, 2029)) == years
    assert other.differing_years(SUMMERS, (2024, 2029)) == years


def test_only_the_years_asked_for_are_compared():
    assert SUMMERS.differing_years(Offsets((), (NONE,)), (2028, 2029)) == frozenset()


def test_a_place_has_the_onsets_at_which_its_clocks_change():
    assert LONDON_ZONE.offsets((2026, 2027)) == SUMMERS
    assert NamedZone("Asia/Tokyo", ZoneInfo("Asia/Tokyo")).offsets((2026, 2027)) == Offsets((), (9 * HOUR,))
