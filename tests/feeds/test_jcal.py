"""The same feed as jCal."""

import json
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from icalendar import Calendar

from feeds.calendar import render_calendar
from feeds.entry import FeedHeader
from feeds.event import event_properties, render_event
from feeds.header import header_properties
from feeds.jcal import render_jcal
from feeds.property import jcal_array

HEADER = FeedHeader("Closures", "All of them", "teal", "https://a.example/f.ics")


def test_empty_feed(publisher):
    assert render_jcal(HEADER, publisher, []).decode() == (
        '["vcalendar",[["version",{},"text","2.0"],'
        '["prodid",{},"text","-//closures.example//Planned gateway closures//EN"],'
        '["calscale",{},"text","GREGORIAN"],["method",{},"text","PUBLISH"],["name",{},"text","Closures"],'
        '["x-wr-calname",{},"text","Closures"],["x-wr-caldesc",{},"text","All of them"],'
        '["refresh-interval",{},"duration","PT1H"],["x-published-ttl",{},"text","PT1H"],'
        '["source",{},"uri","https://a.example/f.ics"],["color",{},"text","teal"]],[]]'
    )


def test_octets_of_an_event(planned, publisher):
    octets = render_jcal(HEADER, publisher, [replace(planned, user_name="Łódź \u2028 \ud800")])
    (event,) = json.loads(octets)[2]
    assert (event[0], event[2]) == ("vevent", [])
    assert event[1][:7] == [
        ["uid", {}, "text", "cn-7f3k9qz0ab@closures.example"],
        ["dtstamp", {}, "date-time", "2026-10-28T10:31:16Z"],
        ["dtstart", {}, "date-time", "2026-12-06T02:00:00Z"],
        ["dtend", {}, "date-time", "2026-12-06T06:00:00Z"],
        ["summary", {}, "text", "GW-ALPHA-1 closed (Łódź)"],
        [
            "description",
            {},
            "text",
            "27 Working Days' notice; 20 are recommended (in good time).\nReference CN-7F3K9QZ0AB",
        ],
        ["categories", {}, "text", "Gateway closure"],
    ]
    assert ["sequence", {}, "integer", 1] in event[1]
    assert ["organizer", {"cn": "Closure notices"}, "cal-address", "mailto:notices@closures.example"] in event[1]
    assert "Łódź".encode() in octets


def test_two_events_keep_their_order(planned, publisher):
    held = [replace(planned, reference=name) for name in ("CN-B", "CN-A")]
    calendar = json.loads(render_jcal(HEADER, publisher, iter(held)))
    assert calendar == [
        "vcalendar",
        [jcal_array(each) for each in header_properties(HEADER, publisher)],
        [
            ["vevent", json.loads(json.dumps([jcal_array(each) for each in event_properties(entry, publisher)])), []]
            for entry in held
        ],
    ]
    assert [event[1][0][3] for event in calendar[2]] == ["cn-b@closures.example", "cn-a@closures.example"]


@given(data=st.data())
def test_both_spellings_say_the_same(entries, publisher, data):
    held = data.draw(st.lists(entries, max_size=3))
    octets = render_calendar(HEADER, publisher, [render_event(entry, publisher) for entry in held])
    spelt = Calendar.from_ical(octets)
    read = Calendar.from_jcal(json.loads(render_jcal(HEADER, publisher, held)))
    assert len(read.events) == len(spelt.events) == len(held)
    for jcal, ical in zip([read, *read.events], [spelt, *spelt.events], strict=True):
        assert {name: _value(jcal, name) for name in jcal} == {name: _value(ical, name) for name in ical}


def _value(component, name):
    return component.categories if name == "CATEGORIES" else component.decoded(name)
