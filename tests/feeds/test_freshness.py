"""Entity tags and the stated time of the last change."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feeds.freshness import FeedAge, etag_of

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
        # Another change may be stamped 02:00:07 until that second is over, and be committed up to two seconds later.
        (CHANGED, datetime(2026, 12, 6, 2, 0, 6, tzinfo=UTC)),
        (datetime(2026, 12, 6, 2, 0, 9, 999_999, tzinfo=UTC), datetime(2026, 12, 6, 2, 0, 6, tzinfo=UTC)),
        (datetime(2026, 12, 6, 2, 0, 10, tzinfo=UTC), datetime(2026, 12, 6, 2, 0, 8, tzinfo=UTC)),
        (datetime(2027, 1, 1, tzinfo=UTC), datetime(2026, 12, 6, 2, 0, 8, tzinfo=UTC)),
    ],
)
def test_last_modified_is_never_a_second_that_still_runs(now, stated):
    assert FeedAge(CHANGED, now).last_modified == stated


def test_a_client_without_a_date_knows_nothing():
    assert not FeedAge(CHANGED, CHANGED + timedelta(days=1)).is_known(None)


_instants = st.datetimes(datetime(2026, 1, 1), datetime(2026, 1, 1, 0, 0, 9), timezones=st.just(UTC))
_waits = st.timedeltas(timedelta(0), timedelta(seconds=9))


@given(first=_instants, asked=_waits, second=_waits, asked_again=_waits)
def test_a_later_change_is_never_hidden(first, asked, second, asked_again):
    """Whoever was told a date before a change is never told afterwards that this date still stands."""
    told = FeedAge(first, first + asked).last_modified
    changed = first + asked + second
    assert not FeedAge(changed, changed + asked_again).is_known(told)


@given(changed=_instants, wait=_waits)
def test_what_did_not_change_is_known_by_its_own_date(changed, wait):
    """Once settled, the date that was told is the date that is known, and one second less is not."""
    settled = FeedAge(changed, changed + timedelta(seconds=4) + wait)
    assert settled.is_known(settled.last_modified)
    assert not settled.is_known(settled.last_modified - timedelta(seconds=1))
