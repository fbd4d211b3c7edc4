"""Entity tags and the stated time of the last change."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feeds.freshness import etag_of, stated_last_modified

# SHA-256 of "abc", from FIPS 180-2, appendix B.1.
ABC = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
CHANGED = datetime(2026, 12, 6, 2, 0, 7, 500_000, tzinfo=UTC)


def test_etag_is_the_digest_of_the_octets():
    assert etag_of(b"abc") == ABC


def test_each_encoding_has_its_own():
    assert etag_of(b"abc", "gzip") == f"{ABC}-gzip"


@pytest.mark.parametrize(
    ("now", "stated"),
    [
        (datetime(2026, 12, 6, 2, 0, 8, tzinfo=UTC), datetime(2026, 12, 6, 2, 0, 7, tzinfo=UTC)),
        (datetime(2027, 1, 1, tzinfo=UTC), datetime(2026, 12, 6, 2, 0, 7, tzinfo=UTC)),
        (datetime(2026, 12, 6, 2, 0, 7, 999_999, tzinfo=UTC), datetime(2026, 12, 6, 2, 0, 6, tzinfo=UTC)),
        (CHANGED, datetime(2026, 12, 6, 2, 0, 6, tzinfo=UTC)),
        (datetime(2026, 12, 6, 2, 0, 7, tzinfo=UTC), datetime(2026, 12, 6, 2, 0, 6, tzinfo=UTC)),
        (datetime(2026, 12, 6, 1, 0, 0, 5, tzinfo=UTC), datetime(2026, 12, 6, 0, 59, 59, tzinfo=UTC)),
    ],
)
def test_stated_last_modified(now, stated):
    assert stated_last_modified(CHANGED, now) == stated


_instants = st.datetimes(datetime(2026, 1, 1), datetime(2026, 1, 1, 0, 0, 9), timezones=st.just(UTC))


@given(first=_instants, now=_instants, wait=st.timedeltas(timedelta(0), timedelta(seconds=5)), later=_instants)
def test_a_later_change_is_never_hidden(first, now, wait, later):
    """Whoever was told a time at ``now`` hears, from the next second on, of every change made after ``now``."""
    told = stated_last_modified(first, now)
    second = now + wait
    assert told <= min(first, now)
    if later >= second > first:
        assert stated_last_modified(second, later + timedelta(seconds=1)) > told
