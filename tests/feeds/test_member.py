"""The event that stands in a User's calendar where no client put one: octet by octet, and read back by three programs."""

import warnings
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import icalendar
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ical.calendar_stream import IcsCalendarStream

from feeds.member import MemberEvent, render_member
from feeds.property import plain

with warnings.catch_warnings():
    # vobject is a peer under test: what it warns of at import is no concern of ours.
    warnings.simplefilter("ignore")
    import vobject

GOLDEN = Path(__file__).parents[1] / "golden"
WEEK = timedelta(days=7)
PLANNED = MemberEvent(
    gateway="GW-ALPHA-1",
    recurrence_id="",
    starts=datetime(2026, 12, 6, 2, tzinfo=UTC),
    ends=datetime(2026, 12, 6, 6, tzinfo=UTC),
    withdrawn=False,
    sequence=1,
    created=datetime(2026, 10, 27, 9, 30, 15, 999_999, tzinfo=UTC),
    changed=datetime(2026, 10, 28, 10, 31, 16, tzinfo=UTC),
)
# Told one by one: the rule itself is not ours to state.
SERIES = (
    replace(PLANNED, recurrence_id="20261206T020000Z"),
    replace(
        PLANNED,
        recurrence_id="20261213T020000Z",
        starts=PLANNED.starts + WEEK + timedelta(hours=1),
        ends=PLANNED.ends + WEEK + timedelta(hours=2),
        sequence=3,
        changed=datetime(2026, 11, 2, 8, tzinfo=UTC),
    ),
    replace(
        PLANNED,
        recurrence_id="20261220T020000Z",
        starts=PLANNED.starts + 2 * WEEK,
        ends=PLANNED.ends + 2 * WEEK,
        withdrawn=True,
        sequence=2,
        changed=datetime(2026, 11, 3, 8, tzinfo=UTC),
    ),
)
PROPERTIES = [
    "UID", "DTSTAMP", "DTSTART", "DTEND", "SUMMARY", "STATUS", "SEQUENCE", "CREATED", "LAST-MODIFIED", "TRANSP",
]  # fmt: skip

# (the UID that a sender gave, what it must read as)
HOSTILE = {
    "event injected": (
        "A\r\nEND:VEVENT\r\nBEGIN:VEVENT\r\nUID:evil\r\nEND:VEVENT\r\n",
        "A END:VEVENT BEGIN:VEVENT UID:evil END:VEVENT",
    ),
    "fold injected": ("uid\r\n X-EVIL:1", "uid  X-EVIL:1"),
    "separators": ('a;b,c:d="e"', 'a;b,c:d="e"'),
    "backslashes": ("\\ \\; \\, \\n \\N C:\\New\\next \\", "\\ \\; \\, \\n \\N C:\\New\\next \\"),
    "markup": ("<script>&amp;</script>", "<script>&amp;</script>"),
    "nul and controls": ("u\x00i\x07d \x1b[31m\x7f\x9b", "uid [31m"),
    "separators of Unicode": ("a\u2028X-EVIL:1\u2029X-EVIL:2\x85X-EVIL:3", "a X-EVIL:1 X-EVIL:2 X-EVIL:3"),
    "half a character": ("u\ud83did", "uid"),
    "of four octets": ("\U0001f50c" * 200, "\U0001f50c" * 200),
    "of Outlook": ("040000008200E00074C5B7101A82E008" + "0" * 80, "040000008200E00074C5B7101A82E008" + "0" * 80),
}


@pytest.mark.parametrize(
    ("name", "events"),
    [("member", [PLANNED]), ("member-withdrawn", [replace(PLANNED, withdrawn=True)]), ("member-series", SERIES)],
)
def test_golden_member(name, events):
    assert render_member("040000008200E00074C5B7101A82E008", events) == (GOLDEN / f"{name}.ics").read_bytes()


@pytest.mark.parametrize(("uid", "read"), HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_uid_is_one_text_and_adds_nothing(uid, read):
    octets = render_member(uid, [PLANNED])
    (calendar,) = icalendar.Calendar.from_ical(octets, multiple=True)
    assert (calendar.errors, list(calendar)) == ([], ["VERSION", "PRODID"])
    (event,) = calendar.subcomponents
    assert (event.name, event.errors, list(event), event["UID"]) == ("VEVENT", [], PROPERTIES, read)
    (calendar,) = vobject.readComponents(octets.decode())
    (event,) = calendar.components()
    assert sorted(line.name for line in event.lines()) == sorted(PROPERTIES)
    assert event.uid.value == read
    (calendar,) = IcsCalendarStream.from_ics(octets.decode()).calendars
    assert [(event.uid, event.extras) for event in calendar.events] == [(read, [])]


@given(st.text(st.characters(), max_size=120))
def test_any_uid_at_all(uid):
    octets = render_member(uid, [PLANNED])
    assert icalendar.Calendar.from_ical(octets).events[0]["UID"] == plain(uid)
    assert vobject.readOne(octets.decode()).vevent.uid.value == plain(uid)
    assert IcsCalendarStream.from_ics(octets.decode()).calendars[0].events[0].uid == plain(uid)
    assert max(map(len, octets.split(b"\r\n"))) <= 75


def test_what_a_client_reads_of_one_closure():
    event = icalendar.Calendar.from_ical(render_member("u", [PLANNED])).events[0]
    assert (event.start, event.end) == (PLANNED.starts, PLANNED.ends)
    assert (str(event["SUMMARY"]), event["STATUS"], event["SEQUENCE"]) == ("GW-ALPHA-1 closed", "CONFIRMED", 1)
    # A time that is not whole seconds is told as the second in which it fell.
    assert (event["CREATED"].dt, event["LAST-MODIFIED"].dt) == (PLANNED.created.replace(microsecond=0), PLANNED.changed)
    assert (event["DTSTAMP"].dt, event["TRANSP"]) == (PLANNED.changed, "TRANSPARENT")


def seen(event):
    return event.recurrence_id, event.starts, event.ends, "CANCELLED" if event.withdrawn else "CONFIRMED"


def test_occurrences_of_a_series_are_overrides_without_a_master():
    """RFC 4791 4.1: a collection may hold overridden instances alone, where the organizer has the rest."""
    octets = render_member("a series", SERIES)
    expected = [seen(event) for event in SERIES]
    read = icalendar.Calendar.from_ical(octets).events
    assert [set(event) for event in read] == [{*PROPERTIES, "RECURRENCE-ID"}] * 3
    assert {str(event["UID"]) for event in read} == {"a series"}
    assert [
        (f"{event['RECURRENCE-ID'].dt:%Y%m%dT%H%M%SZ}", event.start, event.end, str(event["STATUS"])) for event in read
    ] == expected
    peers = vobject.readOne(octets.decode()).vevent_list
    assert [
        (f"{event.recurrence_id.value:%Y%m%dT%H%M%SZ}", event.dtstart.value, event.dtend.value, event.status.value)
        for event in peers
    ] == expected
    peers = IcsCalendarStream.from_ics(octets.decode()).calendars[0].events
    assert [(event.recurrence_id, event.dtstart, event.dtend, event.status.value) for event in peers] == expected


def test_the_order_is_the_callers():
    octets = render_member("a series", SERIES[::-1])
    read = [event["RECURRENCE-ID"].to_ical().decode() for event in icalendar.Calendar.from_ical(octets).events]
    assert read == ["20261220T020000Z", "20261213T020000Z", "20261206T020000Z"]
