"""Hostile names, read back by four programs that share no code: as text, and adding nothing.

``icalendar``, ``vobject`` and ``ical`` are Python; ical.js is what Thunderbird reads calendars with.
"""

import warnings
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import icalendar
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ical.calendar_stream import IcsCalendarStream

from feeds.calendar import render_calendar
from feeds.entry import FeedHeader
from feeds.event import event_properties, render_event
from feeds.header import header_properties
from feeds.property import plain

with warnings.catch_warnings():
    # vobject is a peer under test: what it warns of at import is no concern of ours.
    warnings.simplefilter("ignore")
    import vobject

SCRIPT = """
import ICAL from "ical.js";
import { readFileSync } from "node:fs";
const calendar = new ICAL.Component(ICAL.parse(readFileSync(0, "utf8")));
const names = (component) => component.getAllProperties().map((property) => property.name.toUpperCase());
console.log(JSON.stringify({
  name: calendar.getFirstPropertyValue("name"),
  names: names(calendar),
  components: calendar.getAllSubcomponents().map((component) => component.name),
  events: calendar.getAllSubcomponents("vevent").map((component) => {
    const event = new ICAL.Event(component);
    return {
      names: names(component),
      uid: event.uid,
      summary: event.summary,
      description: event.description,
      starts: event.startDate.toJSDate().toISOString(),
      ends: event.endDate.toJSDate().toISOString(),
      zone: event.startDate.zone.tzid,
      sequence: event.sequence,
      status: component.getFirstPropertyValue("status"),
      categories: component.getFirstProperty("categories").getValues(),
    };
  }),
}));
"""

# (what a name holds, what it must read as)
HOSTILE = {
    "line breaks": ("Alpha\r\nX-EVIL:1\nX-EVIL:2\rX-EVIL:3", "Alpha X-EVIL:1 X-EVIL:2 X-EVIL:3"),
    "event injected": (
        "A\r\nEND:VEVENT\r\nBEGIN:VEVENT\r\nUID:evil\r\nEND:VEVENT\r\n",
        "A END:VEVENT BEGIN:VEVENT UID:evil END:VEVENT",
    ),
    "begin of an event": ("BEGIN:VEVENT", "BEGIN:VEVENT"),
    "fold injected": ("Alpha\r\n X-EVIL:1", "Alpha  X-EVIL:1"),
    "separators": ("a;b,c:d=e", "a;b,c:d=e"),
    "quotes": ('"Alpha" \'Energy\'"', '"Alpha" \'Energy\'"'),
    "backslashes": ("\\ \\\\ \\; \\, \\n \\N \\t C:\\New\\next", "\\ \\\\ \\; \\, \\n \\N \\t C:\\New\\next"),
    "backslash at the end": ("Alpha\\", "Alpha\\"),
    "carets": ("^ ^^ ^n ^' a^nb", "^ ^^ ^n ^' a^nb"),
    "percent": ("%0D%0AX-EVIL:1 %2C", "%0D%0AX-EVIL:1 %2C"),
    "markup": ("<script>&amp;</script>", "<script>&amp;</script>"),
    "nul and controls": ("Al\x00pha\x07 \x1b[31mEnergy\x7f\x9b", "Alpha [31mEnergy"),
    "separators of Unicode": ("a\u2028X-EVIL:1\u2029X-EVIL:2\x85X-EVIL:3", "a X-EVIL:1 X-EVIL:2 X-EVIL:3"),
    "separators of files": ("a\x1cb\x1dc\x1ed\x0be\x0cf", "a b c d e f"),
    "emoji": ("\U0001f50c\U0001f468\u200d\U0001f469\u200d\U0001f467 \U0001f1ec\U0001f1e7", None),
    "right to left": (
        "\u05d0\u05e0\u05e8\u05d2\u05d9\u05d4 \u202eABC\u202c \u0627\u0644\u0637\u0627\u0642\u0629",
        None,
    ),
    "byte order mark": ("\ufeffAlpha\ufeff", None),
    "half a character": ("Al\ud83dpha", "Alpha"),
    "200 of one octet": ("x" * 200, None),
    "200 of two octets": ("\u0141" * 200, None),
    "200 of four octets": ("\U0001f50c" * 200, None),
    "200 backslashes": ("\\" * 200, None),
    "200 commas": ("," * 200, None),
    "lonely accents": ("e" + "\u0301" * 80, None),
}
EXPECTED = [read or written for written, read in HOSTILE.values()]


@pytest.fixture(scope="module")
def hostile_entries(planned):
    # Each an hour later than the one before: the order of a feed is by start.
    return [
        replace(
            planned,
            reference=f"CN-{number:010d}",
            user_name=name,
            starts=planned.starts + timedelta(hours=number),
            withdrawn=number % 2 == 1,
            ends=planned.starts + timedelta(hours=number + 4),
        )
        for number, (name, _) in enumerate(HOSTILE.values())
    ]


@pytest.fixture(scope="module")
def feed(hostile_entries, publisher):
    header = FeedHeader(HOSTILE["event injected"][0], HOSTILE["backslashes"][0], "teal", None)
    return render_calendar(header, publisher, [render_event(entry, publisher) for entry in hostile_entries])


@pytest.fixture(scope="module")
def summaries():
    return [f"{'CANCELLED: ' if number % 2 else ''}GW-ALPHA-1 closed ({name})" for number, name in enumerate(EXPECTED)]


@pytest.fixture(scope="module")
def names(planned, publisher):
    """What may stand in the calendar itself, and in each event."""
    header = header_properties(FeedHeader("n", "d", "teal", None), publisher)
    return [each.name for each in header], [each.name for each in event_properties(planned, publisher)]


@pytest.fixture(scope="session")
def ical_js(run_ical_js):
    return lambda octets: run_ical_js(SCRIPT, octets)


def test_expected_names_are_what_plain_makes_of_them():
    assert [plain(written) for written, _ in HOSTILE.values()] == EXPECTED


def test_icalendar(feed, hostile_entries, summaries, names):
    (calendar,) = icalendar.Calendar.from_ical(feed, multiple=True)
    assert calendar.errors == []
    assert list(calendar) == names[0]
    assert calendar["NAME"] == HOSTILE["event injected"][1]
    assert [str(event["SUMMARY"]) for event in calendar.subcomponents] == summaries
    for event, entry in zip(calendar.subcomponents, hostile_entries, strict=True):
        assert (event.name, event.errors, list(event)) == ("VEVENT", [], names[1])
        assert (event.start, event.end) == (entry.starts, entry.ends)
        assert event["UID"] == entry.uid("closures.example")
        assert event["SEQUENCE"] == entry.sequence


def test_vobject(feed, hostile_entries, summaries, names):
    (calendar,) = vobject.readComponents(feed.decode())
    assert sorted(line.name for line in calendar.lines()) == sorted(names[0])
    assert calendar.contents["name"][0].value == HOSTILE["event injected"][1]
    events = list(calendar.components())
    assert [event.summary.value for event in events] == summaries
    for event, entry in zip(events, hostile_entries, strict=True):
        assert event.name == "VEVENT"
        assert sorted(line.name for line in event.lines()) == sorted(names[1])
        assert (event.dtstart.value, event.dtend.value) == (entry.starts, entry.ends)
        assert event.uid.value == entry.uid("closures.example")
        assert event.sequence.value == str(entry.sequence)
        assert event.status.value == ("CANCELLED" if entry.withdrawn else "CONFIRMED")


def test_ical(feed, hostile_entries, summaries, names):
    (calendar,) = IcsCalendarStream.from_ics(feed.decode()).calendars
    assert [event.summary for event in calendar.events] == summaries
    assert [timezone.tz_id for timezone in calendar.timezones] == []
    for event, entry in zip(calendar.events, hostile_entries, strict=True):
        assert (event.dtstart, event.dtend) == (entry.starts, entry.ends)
        assert (event.uid, event.sequence) == (entry.uid("closures.example"), entry.sequence)
        assert event.categories == ["Gateway closure"]
        extras = sorted(extra.name.upper() for extra in event.extras)
        assert extras == sorted(name for name in names[1] if name.startswith("X-"))


def test_ical_js(ical_js, feed, hostile_entries, summaries, names):
    read = ical_js(feed)
    assert read["names"] == names[0]
    assert read["name"] == HOSTILE["event injected"][1]
    assert read["components"] == ["vevent"] * len(hostile_entries)
    assert [event["summary"] for event in read["events"]] == summaries
    for event, entry in zip(read["events"], hostile_entries, strict=True):
        assert event["names"] == names[1]
        assert datetime.fromisoformat(event["starts"]) == entry.starts
        assert datetime.fromisoformat(event["ends"]) == entry.ends
        assert event["zone"] == "UTC"
        assert event["uid"] == entry.uid("closures.example")
        assert event["sequence"] == entry.sequence
        assert event["status"] == ("CANCELLED" if entry.withdrawn else "CONFIRMED")
        assert event["categories"] == ["Gateway closure"]
        assert event["description"].endswith(f"\nReference {entry.reference}")


def test_the_three_in_python_agree_on_descriptions(planned, publisher):
    entry = replace(planned, late_change=True, withdrawn=True, reference="CN-A;B,C\\N\r\nD")
    feed = render_calendar(FeedHeader("n", "d", "teal", None), publisher, [render_event(entry, publisher)])
    expected = (
        "27 Working Days' notice; 20 are recommended (in good time).\n"
        "Withdrawn.\nThe last change was a late change.\nReference CN-A;B,C\\N D"
    )
    assert str(icalendar.Calendar.from_ical(feed).events[0]["DESCRIPTION"]) == expected
    assert vobject.readOne(feed.decode()).vevent.description.value == expected
    assert IcsCalendarStream.from_ics(feed.decode()).calendars[0].events[0].description == expected


@settings(max_examples=60)
@given(name=st.text(st.characters(), max_size=120))
def test_any_name_at_all(planned, publisher, name):
    entry = replace(planned, user_name=name)
    feed = render_calendar(FeedHeader("n", "d", "teal", None), publisher, [render_event(entry, publisher)]).decode()
    expected = f"GW-ALPHA-1 closed ({plain(name) or 'ALPHA'})"
    assert str(icalendar.Calendar.from_ical(feed.encode()).events[0]["SUMMARY"]) == expected
    assert vobject.readOne(feed).vevent.summary.value == expected
    assert IcsCalendarStream.from_ics(feed).calendars[0].events[0].summary == expected


def test_outside_of_summer_time_and_inside_it_reads_the_same(ical_js, planned, publisher):
    """25 Oct 2026 00:00-06:00 London lasts seven hours: plain UTC is read alike where zones are not."""
    night = replace(
        planned,
        starts=datetime(2026, 10, 24, 23, tzinfo=UTC),
        ends=datetime(2026, 10, 25, 6, tzinfo=UTC),
    )
    feed = render_calendar(FeedHeader("n", "d", "teal", None), publisher, [render_event(night, publisher)])
    spans = [icalendar.Calendar.from_ical(feed).events[0].duration]
    event = vobject.readOne(feed.decode()).vevent
    spans.append(event.dtend.value - event.dtstart.value)
    event = IcsCalendarStream.from_ics(feed.decode()).calendars[0].events[0]
    spans.append(event.dtend - event.dtstart)
    (event,) = ical_js(feed)["events"]
    spans.append(datetime.fromisoformat(event["ends"]) - datetime.fromisoformat(event["starts"]))
    assert spans == [timedelta(hours=7)] * 4
