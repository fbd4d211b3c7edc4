"""A User's own octets come back unchanged until another door changes the closure; then in just the lines named."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.one_answer import events
from tests.one_answer.calendars import instances_of
from tests.one_answer.running_service import hours_ahead

LONDON = ZoneInfo("Europe/London")
# Ten in the morning of a day far from the nights in which the clocks change.
STARTS = hours_ahead(24 * 60).astimezone(LONDON).replace(hour=10)
DAY = timedelta(days=1)
TIMES = {"DTSTART", "DTEND", "DURATION"}
MARKS = {"SEQUENCE", "DTSTAMP", "LAST-MODIFIED"}
ZONE = """BEGIN:VTIMEZONE
TZID:Europe/London
X-LIC-LOCATION:Europe/London
BEGIN:DAYLIGHT
TZOFFSETFROM:+0000
TZOFFSETTO:+0100
TZNAME:BST
DTSTART:19700329T010000
RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU
END:DAYLIGHT
BEGIN:STANDARD
TZOFFSETFROM:+0100
TZOFFSETTO:+0000
TZNAME:GMT
DTSTART:19701025T020000
RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU
END:STANDARD
END:VTIMEZONE"""
LONG = (
    "DESCRIPTION:Migration der Abrechnung – Änderung 4711\\; the gateway is clo\n"
    " sed for as long as the database is copied\\, see the change record\\, and\n"
    "\t the run book of the billing system"
)
ALARM = """BEGIN:VALARM
ACTION:DISPLAY
TRIGGER:-PT30M
DURATION:PT5M
REPEAT:2
DESCRIPTION:Reminder
END:VALARM"""


def thunderbird():
    return f"""BEGIN:VCALENDAR
PRODID:-//Mozilla.org/NONSGML Mozilla Calendar V1.1//EN
VERSION:2.0
{ZONE}
BEGIN:VEVENT
CREATED:20260901T080000Z
LAST-MODIFIED:20260902T080000Z
DTSTAMP:20260902T080000Z
UID:golden
SUMMARY:Change 4711
DTSTART;TZID=Europe/London:{STARTS:%Y%m%dT%H%M%S}
DTEND;TZID=Europe/London:{STARTS + timedelta(hours=4):%Y%m%dT%H%M%S}
TRANSP:OPAQUE
X-MOZ-GENERATION:1
X-MOZ-LASTACK:20260902T080000Z
{LONG}
{ALARM}
END:VEVENT
END:VCALENDAR"""


def apple():
    return f"""BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//Apple Inc.//macOS 15.1//EN
CALSCALE:GREGORIAN
{ZONE}
BEGIN:VEVENT
TRANSP:OPAQUE
DTEND;TZID=Europe/London:{STARTS + timedelta(hours=4):%Y%m%dT%H%M%S}
X-APPLE-CREATOR-IDENTITY:com.apple.calendar
UID:golden
DTSTAMP:20260902T080000Z
LOCATION:Data hall 2\\nRow C
SEQUENCE:4
SUMMARY:Change 4711
LAST-MODIFIED:20260902T080000Z
DTSTART;TZID=Europe/London:{STARTS:%Y%m%dT%H%M%S}
CREATED:20260901T080000Z
STATUS:CONFIRMED
{ALARM}
END:VEVENT
END:VCALENDAR"""


def outlook():
    return f"""BEGIN:VCALENDAR
PRODID:-//Microsoft Corporation//Outlook 16.0 MIMEDIR//EN
VERSION:2.0
X-MS-OLK-FORCEINSPECTOROPEN:TRUE
BEGIN:VEVENT
CLASS:PUBLIC
DTSTAMP:20260902T080000Z
DTSTART:{events.compact(STARTS)}
DURATION:PT4H
PRIORITY:5
SEQUENCE:1
SUMMARY;LANGUAGE=en-gb:Change 4711
TRANSP:OPAQUE
UID:golden
X-ALT-DESC;FMTTYPE=text/html:<html><body>Change\\, 4711</body></html>
X-MICROSOFT-CDO-BUSYSTATUS:BUSY
X-MICROSOFT-CDO-IMPORTANCE:1
END:VEVENT
END:VCALENDAR"""


def bare():
    return f"""BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//bare//EN
BEGIN:VEVENT
UID:golden
DTSTAMP:20260902T080000Z
dtstart:{events.compact(STARTS)}
dtend:{events.compact(STARTS + timedelta(hours=4))}
END:VEVENT
END:VCALENDAR"""


def all_day():
    return f"""BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//all day//EN
BEGIN:VEVENT
UID:golden
DTSTAMP:20260902T080000Z
DTSTART;VALUE=DATE:{STARTS:%Y%m%d}
DTEND;VALUE=DATE:{STARTS + DAY:%Y%m%d}
SUMMARY:Change 4711
X-LAST:no value lost;a=b,c
END:VEVENT
END:VCALENDAR"""


PRODUCERS = [thunderbird, apple, outlook, bare, all_day]


@pytest.fixture(params=PRODUCERS, ids=lambda producer: producer.__name__)
def octets(request):
    return (request.param() + "\n").replace("\n", "\r\n").encode()


@pytest.fixture
def calendar(sender, octets, database_url):
    calendar = sender.calendar()
    answer = calendar.put("golden.ics", octets, 201)
    assert answer.headers["ETag"] == calendar.fetch("golden.ics").etag
    calendar.sync()
    return calendar


def stated(octets):
    """Return the content lines as they are written, folds included, each with its property and where it stands."""
    lines, place = [], []
    for raw in octets.splitlines(keepends=True):
        if raw[:1] in b" \t":
            lines[-1] = (*lines[-1][:-1], lines[-1][-1] + raw)
            continue
        name = raw.decode().partition(":")[0].partition(";")[0].upper()
        value = raw.decode().partition(":")[2].strip().upper()
        if name == "BEGIN":
            place.append(value)
        lines.append(("/".join(place), name, raw))
        if name == "END":
            place.pop()
    return lines


def left(octets, names):
    """Return what is written beside these properties of the event itself."""
    return [raw for place, name, raw in stated(octets) if place != "VCALENDAR/VEVENT" or name not in names]


def of_event(octets, name):
    return [raw for place, found, raw in stated(octets) if place == "VCALENDAR/VEVENT" and found == name]


def test_the_octets_come_back_as_they_were_put(calendar, octets):
    assert calendar.fetch("golden.ics").octets == octets
    assert calendar.held["golden.ics"].octets == octets


def test_what_changes_no_closure_changes_no_octet(running, sender, calendar, octets):
    """Another closure, the scheduler's work, and the same event said again through another door."""
    sender.tell("another", hours_ahead(1200))
    path = f"/api/v1/notices?gateway={sender.gateways[0]}"
    again = sender.program.ask("POST", path, octets, Content_Type="text/calendar").json()
    assert [len(again[name]) for name in ("accepted", "unchanged", "withdrawn")] == [0, 1, 0]
    running.run("sweep", "--json")
    held = calendar.held["golden.ics"]
    assert "golden.ics" not in calendar.sync()
    assert calendar.fetch("golden.ics") == held


def test_a_move_by_the_page_changes_the_times_and_marks_and_nothing_else(sender, calendar, octets):
    (reference,) = sender.closures()
    new = STARTS + 7 * DAY + timedelta(hours=3)
    sender.change_by_page(reference, new, hours=6)
    found = calendar.fetch("golden.ics").octets
    assert left(found, TIMES | MARKS | {"STATUS"}) == left(octets, TIMES | MARKS | {"STATUS"})
    assert instances_of(found) == [(new, new + timedelta(hours=6), False)]
    assert events.sequence_of(found) > events.sequence_of(octets)
    assert [len(of_event(found, name)) for name in ("DTSTART", "SEQUENCE", "DTSTAMP")] == [1, 1, 1]
    assert found != octets


def test_a_withdrawal_changes_status_and_marks_and_nothing_else(sender, calendar, octets):
    (reference,) = sender.closures()
    sender.withdraw_by_api(reference)
    found = calendar.fetch("golden.ics").octets
    assert left(found, MARKS | {"STATUS"}) == left(octets, MARKS | {"STATUS"})
    assert of_event(found, "STATUS") == [b"STATUS:CANCELLED\r\n"]
    assert events.sequence_of(found) > events.sequence_of(octets)


def test_after_both_and_planned_again_only_those_lines_have_ever_changed(sender, calendar, octets):
    (reference,) = sender.closures()
    sender.change_by_page(reference, STARTS + DAY)
    sender.withdraw_by_page(reference)
    cancelled = calendar.fetch("golden.ics").octets
    sender.change_by_page(reference, STARTS + DAY)
    found = calendar.fetch("golden.ics").octets
    assert left(found, TIMES | MARKS | {"STATUS"}) == left(octets, TIMES | MARKS | {"STATUS"})
    assert left(found, MARKS | {"STATUS"}) == left(cancelled, MARKS | {"STATUS"})
    assert instances_of(found) == [(STARTS + DAY, STARTS + DAY + timedelta(hours=4), False)]
    assert events.sequence_of(found) > events.sequence_of(cancelled)
    assert calendar.sync() == {"golden.ics"}
    assert calendar.differences() == []


def test_expiry_changes_no_octet_and_no_token(running, sender, database_url):
    calendar = sender.calendar()
    past = events.write_calendar(events.write_event("over", hours_ahead(-9), hours_ahead(-5)))
    calendar.put("over.ics", past, 201)
    calendar.sync()
    token, held = calendar.token, dict(calendar.held)
    running.run("sweep", "--json")
    assert [one.state for one in sender.closures().values()] == ["expired"]
    assert (calendar.sync(), calendar.token, calendar.held) == (set(), token, held)
    assert calendar.fetch("over.ics").octets == past


def test_where_details_are_dropped_the_member_has_a_summary_all_the_same(running, sender, database_url):
    """Thunderbird shows an untitled event otherwise; what was written is not kept, so no tag is given for it."""
    running.run("policy", "set", "--details", "drop", "--json")
    try:
        calendar = sender.calendar()
        octets = events.write_calendar(events.write_event("dropped", STARTS, STARTS + DAY, "LOCATION:Data hall 2"))
        answer = calendar.put("dropped.ics", octets, 201)
    finally:
        running.run("policy", "set", "--details", "keep", "--json")
    assert "ETag" not in answer.headers
    found = calendar.fetch("dropped.ics").octets
    assert b"Data hall" not in found
    (summary,) = events.values_of(found, "SUMMARY")
    assert summary
    assert "4711" not in summary
