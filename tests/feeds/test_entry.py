"""What a feed entry holds, and what it refuses to hold."""

from dataclasses import FrozenInstanceError, fields, replace
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from feeds.entry import FeedEntry, FeedHeader, Publisher

TIMES = ["starts", "ends", "created", "changed", "moved_from_starts", "moved_from_ends"]
TIMES += ["planned_ends", "closed_at", "reopened_at"]


def test_only_these_fields_can_be_disclosed():
    assert [field.name for field in fields(FeedEntry)] == [
        "reference",
        "user_code",
        "user_name",
        "gateway_code",
        "gateway_name",
        "starts",
        "ends",
        "withdrawn",
        "sequence",
        "created",
        "changed",
        "notice_days",
        "first_notice_days",
        "recommended_days",
        "band",
        "short_notice",
        "late_change",
        "moves",
        "moved_from_starts",
        "moved_from_ends",
        "planned_ends",
        "closed_at",
        "reopened_at",
        "is_watched",
        "difference",
        "provisional",
    ]


def test_uid_is_the_reference_in_lower_case_at_the_domain(planned):
    assert planned.uid("closures.example") == "cn-7f3k9qz0ab@closures.example"


def test_uid_stays_over_a_move(planned):
    later = timedelta(days=7)
    moved = replace(planned, starts=planned.starts + later, ends=planned.ends + later, sequence=2)
    assert moved.uid("closures.example") == planned.uid("closures.example")


def test_order_is_by_start_then_reference(planned):
    first = replace(planned, reference="CN-B")
    second = replace(planned, reference="CN-C")
    third = replace(planned, reference="CN-A", starts=planned.starts + timedelta(hours=1))
    assert sorted([third, second, first], key=lambda entry: entry.sort_key) == [first, second, third]
    assert first.sort_key == (datetime(2026, 12, 6, 2, tzinfo=UTC), "CN-B")


@pytest.mark.parametrize("name", TIMES)
@pytest.mark.parametrize("zone", [None, ZoneInfo("Europe/London"), timezone(timedelta(hours=1))])
def test_times_that_are_not_utc_are_refused(planned, name, zone):
    moved = replace(planned, moved_from_starts=planned.starts, moved_from_ends=planned.ends)
    with pytest.raises(ValueError, match=r"^A feed entry takes aware UTC times\.$"):
        replace(moved, **{name: (getattr(moved, name) or planned.starts).replace(tzinfo=zone)})


@pytest.mark.parametrize("hours", [0, -1])
def test_a_window_ends_after_it_starts(planned, hours):
    with pytest.raises(ValueError, match=r"^The window of a feed entry must end after it starts\.$"):
        replace(planned, ends=planned.starts + timedelta(hours=hours))


@pytest.mark.parametrize("name", ["moved_from_starts", "moved_from_ends"])
def test_a_move_has_both_times(planned, name):
    with pytest.raises(
        ValueError, match=r"^A feed entry takes both times of the window before the move, or neither\.$"
    ):
        replace(planned, **{name: planned.starts})


def test_values_are_frozen_and_named(planned, publisher):
    for value, name in [
        (planned, "starts"),
        (publisher, "base_url"),
        (FeedHeader("Closures", "All", "teal", None), "name"),
    ]:
        with pytest.raises(FrozenInstanceError):
            setattr(value, name, None)
        assert not hasattr(value, "__dict__")
    with pytest.raises(TypeError):
        FeedEntry(*(getattr(planned, field.name) for field in fields(FeedEntry)))
    assert [field.name for field in fields(Publisher)] == [
        "organizer_name",
        "organizer_email",
        "base_url",
        "uid_domain",
    ]
