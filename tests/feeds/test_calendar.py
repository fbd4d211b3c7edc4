"""Whole feeds, octet by octet."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from icalendar import Calendar

from feeds.calendar import render_calendar, render_object
from feeds.entry import FeedHeader
from feeds.event import render_event
from feeds.header import header_of, header_properties
from feeds.scope import FeedScope, ScopeKind

GOLDEN = Path(__file__).parents[1] / "golden"
ALL = header_of(FeedScope(ScopeKind.ALL))
# Latin, Greek, Hebrew (right to left), Chinese, a flag made of two characters, a family of seven.
LONG_NAME = 'Łódź Énergie & Çevre; Ενέργεια, אנרגיה, 能源供应商有限公司 🇬🇧 👨‍👩‍👧‍👦 \\ Sons "Ltd" ' * 3


def moved(planned):
    return replace(
        planned,
        starts=datetime(2026, 12, 13, 2, tzinfo=UTC),
        ends=datetime(2026, 12, 13, 7, 30, tzinfo=UTC),
        sequence=2,
        changed=datetime(2026, 12, 8, 16, 45, 1, tzinfo=UTC),
        notice_days=2,
        band="2-4",
        short_notice=True,
        late_change=True,
        moved_from_starts=planned.starts,
        moved_from_ends=planned.ends,
    )


def withdrawn(planned):
    return replace(planned, withdrawn=True, sequence=2, changed=datetime(2026, 11, 2, 8, tzinfo=UTC))


def long_name(planned):
    return replace(planned, user_name=LONG_NAME)


@pytest.mark.parametrize(
    ("name", "variation"),
    [("planned", replace), ("moved-at-short-notice", moved), ("withdrawn", withdrawn), ("long-name", long_name)],
)
def test_golden_feed_of_one(planned, publisher, name, variation):
    octets = render_calendar(ALL, publisher, [render_event(variation(planned), publisher)])
    assert octets == (GOLDEN / f"{name}.ics").read_bytes()


def test_golden_empty_feed(publisher):
    header = FeedHeader("Nothing, yet", "From 1 day back; to 2 ahead", "teal", "https://closures.example/public.ics")
    assert render_calendar(header, publisher, []) == (GOLDEN / "empty.ics").read_bytes()


def test_events_keep_the_order_in_which_they_come(planned, publisher):
    events = [render_event(replace(planned, reference=f"CN-{name}"), publisher) for name in "CAB"]
    octets = render_calendar(ALL, publisher, iter(events))
    assert octets.count(b"BEGIN:VEVENT\r\n") == 3
    assert b"".join(events) + b"END:VCALENDAR\r\n" == octets[-len(b"".join(events)) - 15 :]


@given(data=st.data())
def test_a_feed_reads_as_one_calendar_of_its_entries(entries, publisher, data):
    held = sorted(data.draw(st.lists(entries, max_size=4)), key=lambda entry: entry.sort_key)
    octets = render_calendar(ALL, publisher, [render_event(entry, publisher) for entry in held])
    (calendar,) = Calendar.from_ical(octets, multiple=True)
    assert calendar.errors == []
    assert list(calendar) == [stated.name for stated in header_properties(ALL, publisher)]
    assert [part.name for part in calendar.subcomponents] == ["VEVENT"] * len(held)
    assert [str(event["UID"]) for event in calendar.events] == [entry.uid("closures.example") for entry in held]


@given(data=st.data())
def test_no_time_has_a_zone_and_nothing_recurs(entries, publisher, data):
    octets = render_calendar(ALL, publisher, [render_event(data.draw(entries), publisher)])
    for line in octets.replace(b"\r\n ", b"").split(b"\r\n"):
        name = line.partition(b":")[0]
        assert name.partition(b";")[0] not in {b"RRULE", b"RDATE", b"ATTENDEE", b"ATTACH", b"X-ALT-DESC"}
        assert b"TZID" not in name
        assert line not in {b"BEGIN:VTIMEZONE", b"BEGIN:VALARM"}
        if name in {b"DTSTAMP", b"DTSTART", b"DTEND", b"CREATED", b"LAST-MODIFIED"}:
            assert len(line) == len(name) + len(b":20261206T020000Z")
            assert line.endswith(b"Z")


def test_an_object_by_itself_is_one_event_without_a_method(planned, publisher):
    event = render_event(planned, publisher)
    assert render_object(publisher, event) == (
        b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\n"
        + f"PRODID:-//{publisher.uid_domain}//Planned gateway closures//EN\r\n".encode()
        + b"CALSCALE:GREGORIAN\r\n" + event + b"END:VCALENDAR\r\n"
    )  # fmt: skip
