"""Our own JSON."""

import json
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from feeds.entry import FeedEntry, FeedHeader
from feeds.listing import render_entries, render_listing

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


def test_a_closure_in_full(planned):
    octets = render_entries([planned])
    assert octets.decode() == (
        '[{"reference":"CN-7F3K9QZ0AB","user_code":"ALPHA","user_name":"Alpha Energy",'
        '"gateway_code":"GW-ALPHA-1","gateway_name":"Main gateway",'
        '"starts":"2026-12-06T02:00:00Z","ends":"2026-12-06T06:00:00Z",'
        '"starts_london":"Sun 6 Dec 2026 02:00 GMT","ends_london":"Sun 6 Dec 2026 06:00 GMT",'
        '"withdrawn":false,"sequence":1,"created":"2026-10-27T09:30:15Z","changed":"2026-10-28T10:31:16Z",'
        '"notice_days":27,"first_notice_days":27,"recommended_days":20,"band":">=20",'
        '"short_notice":false,"late_change":false,"moved_from_starts":null,"moved_from_ends":null,'
        '"moved_from_starts_london":null,"moved_from_ends_london":null}]'
    )


def test_a_moved_closure(planned):
    entry = replace(
        planned,
        withdrawn=True,
        sequence=3,
        notice_days=1,
        first_notice_days=2,
        recommended_days=4,
        short_notice=True,
        late_change=True,
        moved_from_starts=datetime(2026, 6, 14, 1, tzinfo=UTC),
        moved_from_ends=datetime(2026, 6, 14, 5, tzinfo=UTC),
    )
    (found,) = json.loads(render_entries([entry]))
    names = ["withdrawn", "sequence", "notice_days", "first_notice_days", "recommended_days"]
    assert [found[name] for name in names] == [True, 3, 1, 2, 4]
    assert [found["short_notice"], found["late_change"]] == [True, True]
    assert [found[name] for name in found if name.startswith("moved")] == [
        "2026-06-14T01:00:00Z",
        "2026-06-14T05:00:00Z",
        "Sun 14 Jun 2026 02:00 BST",
        "Sun 14 Jun 2026 06:00 BST",
    ]


@pytest.mark.parametrize(("short", "late"), [(True, False), (False, True)])
def test_short_notice_and_late_change_are_told_apart(planned, short, late):
    (found,) = json.loads(render_entries([replace(planned, short_notice=short, late_change=late)]))
    assert (found["short_notice"], found["late_change"]) == (short, late)


def test_every_field_is_there_under_its_name(planned):
    (found,) = json.loads(render_entries([planned]))
    london = [f"{name}_london" for name in ("starts", "ends", "moved_from_starts", "moved_from_ends")]
    assert sorted(found) == sorted([field.name for field in fields(FeedEntry)] + london)


def test_texts_are_plain_and_utf_8(planned):
    texts = ["reference", "user_code", "user_name", "gateway_code", "gateway_name", "band"]
    octets = render_entries([replace(planned, **{name: f"Łódź\r\n{name}\x00\ud800" for name in texts})])
    assert "Łódź".encode() in octets
    (found,) = json.loads(octets)
    assert {name: found[name] for name in texts} == {name: f"Łódź {name}" for name in texts}


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
    assert found["closures"] == json.loads(render_entries([planned]))


@pytest.mark.parametrize("now", [STARTS - HOUR, STARTS])
def test_a_withdrawn_closure_closes_nothing(planned, now):
    found = json.loads(render_listing(HEADER, [replace(planned, withdrawn=True)], now))
    assert (found["closed_now"], found["next_24_hours"]) == ([], [])
    assert [closure["withdrawn"] for closure in found["closures"]] == [True]


def test_windows_are_plain(planned):
    hostile = replace(planned, reference="CN\n1", gateway_code="GW\x001")
    found = json.loads(render_listing(HEADER, [hostile], STARTS))
    assert found["closed_now"] == [WINDOW | {"reference": "CN 1", "gateway": "GW1"}]


def test_kept_closures_are_used_as_they_are(planned):
    octets = render_listing(HEADER, [planned], STARTS, b"[1]")
    assert json.loads(octets)["closures"] == [1]
    assert json.loads(octets)["closed_now"] == [WINDOW]
    assert render_listing(HEADER, [planned], STARTS, render_entries([planned])) == render_listing(
        HEADER, [planned], STARTS
    )


@given(data=st.data())
def test_order_is_the_callers(entries, data):
    held = data.draw(st.lists(entries, max_size=4))
    found = json.loads(render_listing(HEADER, held, STARTS))
    assert [closure["reference"] for closure in found["closures"]] == [entry.reference for entry in held]
