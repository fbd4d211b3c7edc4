"""Our own JSON."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feeds.closure_json import recorded_json
from feeds.entry import FeedHeader
from feeds.listing import count_ended, render_entries, render_listing

HEADER = FeedHeader("Closures\n1", "All of them\x00", "teal", None)
INSTANT = timedelta(microseconds=1)
HOUR = timedelta(hours=1)
STARTS, ENDS = datetime(2026, 12, 6, 2, tzinfo=UTC), datetime(2026, 12, 6, 6, tzinfo=UTC)
WINDOW = {
    "reference": "CN-7F3K9QZ0AB",
    "gateway": "GW-ALPHA-1",
    "starts": "2026-12-06T02:00:00Z",
    "ends": "2026-12-06T06:00:00Z",
    "starts_london": "Sun 6 Dec 2026 02:00 GMT",
    "ends_london": "Sun 6 Dec 2026 06:00 GMT",
}


def test_the_closures_of_a_feed(planned):
    octets = render_entries([planned], STARTS)
    assert octets == json.dumps([recorded_json(planned, STARTS)], separators=(",", ":")).encode()


def test_texts_are_plain_and_utf_8(planned):
    octets = render_entries([replace(planned, user_name="Łódź\r\nx\x00\ud800")], STARTS)
    assert "Łódź x".encode() in octets
    assert json.loads(octets)[0]["user_name"] == "Łódź x"


def test_the_closures_change_as_a_window_ends_and_at_no_other_time(planned):
    later = replace(planned, starts=STARTS + HOUR, ends=ENDS + HOUR)
    held = [planned, later]
    edges = [STARTS - HOUR, STARTS, ENDS - INSTANT, ENDS, ENDS + HOUR - INSTANT, ENDS + HOUR, ENDS + 9 * HOUR]
    assert [count_ended(held, now) for now in edges] == [0, 0, 0, 1, 1, 2, 2]
    by_count = {count_ended(held, now): render_entries(held, now) for now in edges}
    assert len(set(by_count.values())) == 3
    assert [render_entries(held, now) for now in edges] == [by_count[count_ended(held, now)] for now in edges]


def test_an_empty_feed():
    assert render_listing(HEADER, [], STARTS) == (
        b'{"name":"Closures 1","description":"All of them","closed_now":[],"next_24_hours":[],"closures":[]}'
    )


@pytest.mark.parametrize(
    ("now", "closed", "soon"),
    [
        (STARTS - 24 * HOUR - INSTANT, [], []),
        (STARTS - 24 * HOUR, [], []),
        (STARTS - 24 * HOUR + INSTANT, [], [WINDOW]),
        (STARTS - INSTANT, [], [WINDOW]),
        (STARTS, [WINDOW], []),
        (ENDS - INSTANT, [WINDOW], []),
        (ENDS, [], []),
    ],
)
def test_closed_now_and_soon(planned, now, closed, soon):
    found = json.loads(render_listing(HEADER, [planned], now))
    assert list(found) == ["name", "description", "closed_now", "next_24_hours", "closures"]
    assert (found["closed_now"], found["next_24_hours"]) == (closed, soon)
    assert found["closures"] == json.loads(render_entries([planned], now))


@pytest.mark.parametrize("now", [STARTS - HOUR, STARTS])
def test_a_withdrawn_closure_closes_nothing(planned, now):
    found = json.loads(render_listing(HEADER, [replace(planned, withdrawn=True)], now))
    assert (found["closed_now"], found["next_24_hours"]) == ([], [])
    assert [closure["state"] for closure in found["closures"]] == ["withdrawn"]


def test_windows_are_plain(planned):
    hostile = replace(planned, reference="CN\n1", gateway_code="GW\x001")
    found = json.loads(render_listing(HEADER, [hostile], STARTS))
    assert found["closed_now"] == [WINDOW | {"reference": "CN 1", "gateway": "GW1"}]


def test_kept_closures_are_used_as_they_are(planned):
    octets = render_listing(HEADER, [planned], STARTS, b"[1]")
    assert json.loads(octets)["closures"] == [1]
    assert json.loads(octets)["closed_now"] == [WINDOW]
    assert render_listing(HEADER, [planned], STARTS, render_entries([planned], STARTS)) == render_listing(
        HEADER, [planned], STARTS
    )


@given(data=st.data())
def test_order_is_the_callers(entries, data):
    held = data.draw(st.lists(entries, max_size=4))
    found = json.loads(render_listing(HEADER, held, STARTS))
    assert [closure["reference"] for closure in found["closures"]] == [entry.reference for entry in held]
