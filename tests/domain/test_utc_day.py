"""The day of an instant in UTC, for what is stored by day alone."""

from datetime import UTC, datetime, timedelta

import pytest

from app.domain.utc_day import day_of


@pytest.mark.parametrize("within", [timedelta(), timedelta(microseconds=1), timedelta(days=1, microseconds=-1)])
def test_an_instant_belongs_to_the_day_that_began_last(within):
    midnight = datetime(2026, 6, 30, tzinfo=UTC)  # in London it is one o'clock by then
    assert day_of(midnight + within) == midnight
