"""One closure as an invitation: octet by octet, and read alike by three programs that share no code.

libical is what Evolution reads calendars with, ical.js what Thunderbird does.
"""

import json
import subprocess
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import icalendar
import pytest
from hypothesis import given
from hypothesis import strategies as st

from feeds.event import event_properties, render_event
from feeds.invitation import invitation_of
from feeds.property import Property

GOLDEN = Path(__file__).parents[1] / "golden"
MAILBOX, ID = "planning@dcc.example", "0c4x8h2m6q1s5w9z"
TYPELIB = Path("/usr/lib/x86_64-linux-gnu/girepository-1.0/ICalGLib-3.0.typelib")
LIBICAL = """
import json, sys
import gi
gi.require_version("ICalGLib", "3.0")
from gi.repository import ICalGLib as I
root = I.Component.new_from_string(sys.stdin.buffer.read().decode())
event = root.get_first_component(I.ComponentKind.VEVENT_COMPONENT)
attendee = event.get_first_property(I.PropertyKind.ATTENDEE_PROPERTY)
json.dump({
    "errors": root.count_errors(),
    "method": I.Property.method_to_string(root.get_method()),
    "uid": event.get_uid(),
    "sequence": event.get_sequence(),
    "starts": event.get_dtstart().as_ical_string(),
    "ends": event.get_dtend().as_ical_string(),
    "status": I.Property.status_to_string(event.get_status()),
    "summary": event.get_summary(),
    "organizer": event.get_first_property(I.PropertyKind.ORGANIZER_PROPERTY).get_organizer(),
    "attendee": attendee.get_attendee(),
    "rsvp": attendee.get_parameter_as_string("RSVP"),
    "partstat": attendee.get_parameter_as_string("PARTSTAT"),
    "transp": event.get_first_property(I.PropertyKind.TRANSP_PROPERTY).get_value_as_string(),
}, sys.stdout)
"""
ICAL_JS = """
import ICAL from "ical.js";
import { readFileSync } from "node:fs";
const root = new ICAL.Component(ICAL.parse(readFileSync(0, "utf8")));
const event = root.getFirstSubcomponent("vevent"), read = new ICAL.Event(event);
const [attendee] = read.attendees, value = name => event.getFirstPropertyValue(name);
console.log(JSON.stringify({
  errors: 0,
  method: root.getFirstPropertyValue("method"),
  uid: read.uid,
  sequence: read.sequence,
  starts: read.startDate.toICALString(),
  ends: read.endDate.toICALString(),
  status: value("status"),
  summary: read.summary,
  organizer: read.organizer,
  attendee: attendee.getFirstValue(),
  rsvp: attendee.getParameter("rsvp"),
  partstat: attendee.getParameter("partstat"),
  transp: value("transp"),
}));
"""


def moved(planned, days=7, sequence=2):
    return replace(
        planned,
        starts=planned.starts + timedelta(days=days),
        ends=planned.ends + timedelta(days=days),
        sequence=sequence,
        changed=planned.changed + timedelta(days=sequence),
        moves=sequence - 1,
        moved_from_starts=planned.starts,
        moved_from_ends=planned.ends,
    )


def cancelled(planned):
    return replace(moved(planned, sequence=3), withdrawn=True)


VARIATIONS = [("invitation", replace), ("invitation-moved", moved), ("invitation-cancelled", cancelled)]


@pytest.mark.parametrize(("name", "variation"), VARIATIONS)
def test_golden_invitation(planned, publisher, name, variation):
    made = invitation_of(variation(planned), MAILBOX, ID, publisher)
    assert made.calendar == (GOLDEN / f"{name}.ics").read_bytes()
    assert made.method == ("CANCEL" if variation is cancelled else "REQUEST")


def test_what_a_person_reads_beside_it(planned, publisher):
    made = invitation_of(cancelled(planned), MAILBOX, ID, publisher)
    assert made.text == (
        "CANCELLED: GW-ALPHA-1 closed (Alpha Energy)\n"
        "Sun 13 Dec 2026 02:00 GMT to Sun 13 Dec 2026 06:00 GMT (2026-12-13 02:00 to 2026-12-13 06:00 UTC)\n"
        "27 Working Days' notice; 20 are recommended (in good time).\n"
        "Moved from Sun 6 Dec 2026 02:00 GMT to Sun 6 Dec 2026 06:00 GMT (2026-12-06 02:00 to 2026-12-06 06:00 UTC).\n"
        "Withdrawn.\n"
        "Reference CN-7F3K9QZ0AB\n"
        "https://closures.example/closures/CN-7F3K9QZ0AB\n"
        "\n"
        "For your calendar; no answer is needed.\n"
        "\n"
        "As notified by Users; not approved by DCC.\n"
    )


def test_all_mail_about_one_closure_has_one_subject_and_one_thread(planned, publisher):
    stories = [planned, moved(planned), cancelled(planned), replace(planned, provisional=True)]
    made = [invitation_of(entry, MAILBOX, ID, publisher) for entry in stories]
    assert {(one.subject, one.thread) for one in made} == {
        ("GW-ALPHA-1 closed (Alpha Energy), CN-7F3K9QZ0AB", "cn-7f3k9qz0ab.0c4x8h2m6q1s5w9z")
    }


@given(data=st.data())
def test_it_is_the_event_of_the_feeds_and_whom_it_is_for(entries, publisher, data):
    entry = data.draw(entries)
    made = invitation_of(entry, MAILBOX, ID, publisher)
    event = render_event(entry, publisher).removesuffix(b"END:VEVENT\r\n")
    head, _, rest = made.calendar.partition(b"BEGIN:VEVENT\r\n")
    assert head.endswith(f"\r\nMETHOD:{made.method}\r\n".encode())
    assert b"BEGIN:VEVENT\r\n" + rest == (
        event + b"ATTENDEE;PARTSTAT=NEEDS-ACTION;RSVP=FALSE:mailto:planning@dcc.example\r\n"
        b"END:VEVENT\r\nEND:VCALENDAR\r\n"
    )
    assert (made.method == "CANCEL") is entry.withdrawn
    assert len((made.subject + made.thread).splitlines()) == 1
    assert len(event_properties(entry, publisher)) == len(icalendar.Calendar.from_ical(made.calendar).events[0]) - 1


@pytest.mark.parametrize(
    ("mailbox", "stated"),
    [
        ("o'brien+gw@dcc.example", "mailto:o'brien+gw@dcc.example"),
        ('"a b"@dcc.example', "mailto:%22a%20b%22@dcc.example"),
        ("50%#?@dcc.example", "mailto:50%25%23%3F@dcc.example"),
    ],
)
def test_an_address_stays_an_address(planned, publisher, mailbox, stated):
    (event,) = icalendar.Calendar.from_ical(invitation_of(planned, mailbox, ID, publisher).calendar).events
    assert event["ATTENDEE"] == stated


def by_icalendar(octets):
    calendar = icalendar.Calendar.from_ical(octets)
    (event,) = calendar.events
    attendee = event["ATTENDEE"]
    return {
        "errors": len(calendar.errors) + len(event.errors),
        "method": calendar["METHOD"],
        "uid": event["UID"],
        "sequence": event["SEQUENCE"],
        "starts": f"{event.start:%Y%m%dT%H%M%SZ}",
        "ends": f"{event.end:%Y%m%dT%H%M%SZ}",
        "status": event["STATUS"],
        "summary": event["SUMMARY"],
        "organizer": event["ORGANIZER"],
        "attendee": attendee,
        "rsvp": attendee.params["RSVP"],
        "partstat": attendee.params["PARTSTAT"],
        "transp": event["TRANSP"],
    }


def by_libical(octets):
    done = subprocess.run(["/usr/bin/python3", "-c", LIBICAL], input=octets, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout)


@pytest.fixture
def story(planned, publisher):
    """A request, two moves and a withdrawal: what is stated, and the octets of each."""
    told = [planned, moved(planned), moved(planned, 14, 3), replace(moved(planned, 14, 4), withdrawn=True)]
    stated = [
        {
            "errors": 0,
            "method": "CANCEL" if entry.withdrawn else "REQUEST",
            "uid": "cn-7f3k9qz0ab@closures.example",
            "sequence": number,
            "starts": f"{entry.starts:%Y%m%dT%H%M%SZ}",
            "ends": f"{entry.ends:%Y%m%dT%H%M%SZ}",
            "status": "CANCELLED" if entry.withdrawn else "CONFIRMED",
            "summary": f"{'CANCELLED: ' if entry.withdrawn else ''}GW-ALPHA-1 closed (Alpha Energy)",
            "organizer": "mailto:notices@closures.example",
            "attendee": "mailto:planning@dcc.example",
            "rsvp": "FALSE",
            "partstat": "NEEDS-ACTION",
            "transp": "TRANSPARENT",
        }
        for number, entry in enumerate(told, 1)
    ]
    return stated, [invitation_of(entry, MAILBOX, ID, publisher).calendar for entry in told]


def test_icalendar_reads_the_story(story):
    stated, octets = story
    assert [by_icalendar(one) for one in octets] == stated


@pytest.mark.skipif(
    not TYPELIB.exists(), reason="NOT RUN: gir1.2-ical-3.0 and python3-gi are not installed; .ci/run installs them"
)
def test_libical_reads_the_story(story):
    stated, octets = story
    assert [by_libical(one) for one in octets] == stated


def test_ical_js_reads_the_story(story, run_ical_js):
    stated, octets = story
    assert [run_ical_js(ICAL_JS, one) for one in octets] == stated


def test_nothing_that_a_calendar_would_act_on_by_itself(planned, publisher):
    octets = invitation_of(planned, MAILBOX, ID, publisher).calendar
    for name in (b"VALARM", b"VTIMEZONE", b"ATTACH", b"RRULE"):
        assert name not in octets
    assert b"\r\nX-MICROSOFT-CDO-BUSYSTATUS:FREE\r\n" in octets
    assert Property("CLASS", "text", "CONFIDENTIAL") in event_properties(planned, publisher)
