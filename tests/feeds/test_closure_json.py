"""The one JSON of a closure: every name, every value, and the state that the clock tells."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from feeds.closure_json import ClosureJson, closure_json, recorded_json

INSTANT = timedelta(microseconds=1)
STARTS, ENDS = datetime(2026, 12, 6, 2, tzinfo=UTC), datetime(2026, 12, 6, 6, tzinfo=UTC)
FACTS = {
    "reference": "CN-7F3K9QZ0AB",
    "user": "ALPHA",
    "user_name": "Alpha Energy",
    "gateway": "GW-ALPHA-1",
    "gateway_name": "Main gateway",
    "starts": "2026-12-06T02:00:00Z",
    "ends": "2026-12-06T06:00:00Z",
    "starts_london": "Sun 6 Dec 2026 02:00 GMT",
    "ends_london": "Sun 6 Dec 2026 06:00 GMT",
    "state": "planned",
    "closed_now": True,
    "revision": 1,
    "moves": 0,
    "moved_from": None,
    "first_received_at": "2026-10-27T09:30:15Z",
    "changed_at": "2026-10-28T10:31:16Z",
    "working_days_notice": 27,
    "first_notice_days": 27,
    "recommended": 20,
    "band": ">=20",
    "short_notice": False,
    "late_change": False,
    "provisional": False,
    "plan": {
        "starts": "2026-12-06T02:00:00Z",
        "ends": "2026-12-06T06:00:00Z",
        "starts_london": "Sun 6 Dec 2026 02:00 GMT",
        "ends_london": "Sun 6 Dec 2026 06:00 GMT",
    },
    "fact": None,
    "difference": None,
}


def test_a_closure_in_full(planned):
    assert closure_json(planned, STARTS) == FACTS
    assert set(ClosureJson.__annotations__) == set(FACTS)


def test_a_moved_closure(planned):
    entry = replace(
        planned,
        sequence=3,
        moves=2,
        notice_days=1,
        first_notice_days=2,
        recommended_days=4,
        band="<2",
        short_notice=True,
        late_change=True,
        moved_from_starts=datetime(2026, 6, 14, 1, tzinfo=UTC),
        moved_from_ends=datetime(2026, 6, 14, 5, tzinfo=UTC),
    )
    assert closure_json(entry, STARTS) == FACTS | {
        "revision": 3,
        "moves": 2,
        "moved_from": {
            "starts": "2026-06-14T01:00:00Z",
            "ends": "2026-06-14T05:00:00Z",
            "starts_london": "Sun 14 Jun 2026 02:00 BST",
            "ends_london": "Sun 14 Jun 2026 06:00 BST",
        },
        "working_days_notice": 1,
        "first_notice_days": 2,
        "recommended": 4,
        "band": "<2",
        "short_notice": True,
        "late_change": True,
    }


@pytest.mark.parametrize(("short", "late"), [(True, False), (False, True)])
def test_short_notice_and_late_change_are_told_apart(planned, short, late):
    found = closure_json(replace(planned, short_notice=short, late_change=late), STARTS)
    assert (found["short_notice"], found["late_change"]) == (short, late)


@pytest.mark.parametrize(
    ("now", "state", "closed"),
    [
        (STARTS - INSTANT, "planned", False),
        (STARTS, "planned", True),
        (ENDS - INSTANT, "planned", True),
        (ENDS, "expired", False),
    ],
)
def test_the_clock_tells_the_state(planned, now, state, closed):
    found = closure_json(planned, now)
    assert (found["state"], found["closed_now"]) == (state, closed)
    withdrawn = closure_json(replace(planned, withdrawn=True), now)
    assert (withdrawn["state"], withdrawn["closed_now"]) == ("withdrawn", False)


def test_what_a_feed_lists_is_the_same_but_for_what_is_closed_now(planned):
    everything = closure_json(planned, STARTS)
    assert {**recorded_json(planned, STARTS), "closed_now": True} == everything


def test_texts_are_plain(planned):
    names = {
        "reference": "reference", "user_code": "user", "user_name": "user_name", "gateway_code": "gateway",
        "gateway_name": "gateway_name", "band": "band",
    }  # fmt: skip
    hostile = replace(planned, **{field: f"Łódź\r\n{name}\x00\ud800" for field, name in names.items()})
    found = closure_json(hostile, STARTS)
    assert {name: found[name] for name in names.values()} == {name: f"Łódź {name}" for name in names.values()}


def test_what_was_told_as_it_happened_stands_beside_the_plan(planned):
    closed_at, reopened_at = STARTS + timedelta(minutes=3), ENDS + timedelta(minutes=20)
    watched = replace(planned, closed_at=closed_at, is_watched=True)
    over = replace(planned, ends=reopened_at, planned_ends=ENDS, closed_at=closed_at, reopened_at=reopened_at)
    later = replace(over, reopened_at=None, is_watched=True, difference="over time")
    cases = [(watched, STARTS), (watched, closed_at), (watched, ENDS), (later, ENDS), (later, reopened_at)]
    told = {"closed_at": "2026-12-06T02:03:00Z", "reopened_at": None, "still_closed_until": None}
    until = told | {"still_closed_until": "2026-12-06T06:20:00Z"}
    assert [
        (found["fact"], found["difference"], found["closed_now"], found["state"], found["plan"] == FACTS["plan"])
        for found in (closure_json(entry, now) for entry, now in cases)
    ] == [
        (told, None, False, "planned", True),
        (told, None, True, "planned", True),
        (told, "over time", True, "planned", True),
        (until, "over time", True, "planned", True),
        (until, "over time", True, "planned", True),
    ]
    found = closure_json(replace(over, difference="over time"), reopened_at)
    assert (found["fact"], found["difference"], found["closed_now"], found["state"]) == (
        told | {"reopened_at": "2026-12-06T06:20:00Z"},
        "over time",
        False,
        "expired",
    )
