"""A notice goes in, is recorded for good, and comes out in a feed: `closures up` as a process, over HTTP only."""

import json
import time
from datetime import UTC, datetime, timedelta
from importlib.resources import files

import icalendar
import pytest

OUTLOOK = """BEGIN:VCALENDAR
PRODID:-//Microsoft Corporation//Outlook 16.0 MIMEDIR//EN
VERSION:2.0
METHOD:{method}
X-MS-OLK-FORCEINSPECTOROPEN:TRUE
BEGIN:VTIMEZONE
TZID:GMT Standard Time
BEGIN:STANDARD
DTSTART:16011028T020000
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=10
TZOFFSETFROM:+0100
TZOFFSETTO:-0000
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:16010325T010000
RRULE:FREQ=YEARLY;BYDAY=-1SU;BYMONTH=3
TZOFFSETFROM:-0000
TZOFFSETTO:+0100
END:DAYLIGHT
END:VTIMEZONE
BEGIN:VEVENT
CLASS:PUBLIC
CREATED:20261101T090000Z
DESCRIPTION:Words that nobody else may see
DTEND;TZID="GMT Standard Time":{ends}
DTSTAMP:{stamp}
DTSTART;TZID="GMT Standard Time":{starts}
LOCATION:Data centre
PRIORITY:5
SEQUENCE:{sequence}
STATUS:{status}
SUMMARY;LANGUAGE=en-gb:Secret change of the billing system
TRANSP:OPAQUE
UID:040000008200E00074C5B7101A82E00800000000
X-MICROSOFT-CDO-BUSYSTATUS:BUSY
BEGIN:VALARM
TRIGGER:-PT15M
ACTION:DISPLAY
DESCRIPTION:Reminder
END:VALARM
END:VEVENT
END:VCALENDAR
"""


def outlook(starts, sequence=0, method="PUBLISH", status="CONFIRMED"):
    """An export as Outlook writes it, of a closure of four hours at a London wall-clock time."""
    text = OUTLOOK.format(
        method=method,
        status=status,
        sequence=sequence,
        starts=f"{starts:%Y%m%dT%H%M%S}",
        ends=f"{starts + timedelta(hours=4):%Y%m%dT%H%M%S}",
        stamp=f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}",
    )
    return text.replace("\n", "\r\n").encode()


def entries(visitor, feed):
    status, body, _ = visitor.ask(f"/feeds/{feed['username']}.ics", user=feed["username"], password=feed["token"])
    assert status == 200
    return body, {str(event["UID"]): event for event in icalendar.Calendar.from_ical(body).walk("VEVENT")}


def test_the_spine(visitor):
    # Everything is up: pages, health, a feed of the demo.
    assert visitor.ask("/livez")[0] == 200
    demo, _ = entries(visitor, visitor.welcome["feed"])
    assert demo.count(b"BEGIN:VEVENT") > 50

    # A User, its app password and a subscriber, as README says.
    for words in (("user", "add", "ZETA", "Zeta Energy"), ("gateway", "add", "ZETA", "GW-ZETA-1")):
        visitor.run(*words)
    own = visitor.run("token", "add", "--user", "ZETA", "--label", "curl")
    feed = visitor.run("subscription", "add", "--scope", "user:ZETA", "--label", "desk", "--secret-url")

    def give(octets, query=""):
        status, body, _ = visitor.ask(
            f"/api/v1/notices{query}", user=own["username"], password=own["token"], data=octets
        )
        return status, json.loads(body)

    # A calendar of a real producer: seen before it is recorded, then recorded.
    real = (files("icalendar") / "tests/calendars/example.ics").read_bytes()
    status, seen = give(real, "?dry_run=1")
    assert (status, seen["recorded"]) == (200 if seen["accepted"] else 422, False)
    assert entries(visitor, feed)[1] == {}

    # An Outlook export: first notice, its receipt, and what the subscriber reads.
    today = datetime.now().replace(hour=2, minute=0, second=0, microsecond=0)
    status, answer = give(outlook(today + timedelta(days=6)))
    (ack,) = answer["accepted"]
    assert (status, ack["gateway"], ack["revision"], ack["short_notice"]) == (200, "GW-ZETA-1", 1, True)
    assert {"SUMMARY", "DESCRIPTION", "VALARM"} <= set(ack["left_out"])
    assert ack["receipt"]["signature"]
    body, shown = entries(visitor, feed)
    (first,) = shown.values()
    assert b"Secret change" not in body
    assert b"nobody else" not in body

    # Pushed back at short notice: the same closure, its sequence risen, marked.
    status, answer = give(outlook(today + timedelta(days=13), sequence=1))
    (moved_ack,) = answer["accepted"]
    assert (moved_ack["reference"], moved_ack["revision"], moved_ack["change"]) == (ack["reference"], 2, "moved")
    _, shown = entries(visitor, feed)
    (moved,) = shown.values()
    assert (moved["UID"], first["SEQUENCE"], moved["SEQUENCE"]) == (first["UID"], 1, 2)
    assert moved["DTSTAMP"].dt > first["DTSTAMP"].dt
    assert "Short notice" in [str(one) for one in moved["CATEGORIES"].cats]

    # An older export that arrives late changes no octet.
    before, _ = entries(visitor, feed)
    status, answer = give(outlook(today + timedelta(days=6)))
    assert (status, len(answer["superseded"]), entries(visitor, feed)[0] == before) == (200, 1, True)

    # Cancelled: docs/feeds.md#withdrawn-closures.
    give(outlook(today + timedelta(days=13), sequence=2, method="CANCEL", status="CANCELLED"))
    (gone,) = entries(visitor, feed)[1].values()
    assert (gone["STATUS"], gone["SUMMARY"][:11], gone["TRANSP"], gone["X-MICROSOFT-CDO-BUSYSTATUS"], gone["SEQUENCE"]) == (
        "CANCELLED", "CANCELLED: ", "TRANSPARENT", "FREE", 3,
    )  # fmt: skip

    # The secret URL gives the same octets; the record verifies; the history tells the story.
    secret = feed["secret_url"].removeprefix(visitor.base)
    assert visitor.ask(secret)[1] == entries(visitor, feed)[0]
    assert visitor.run("record", "verify")["sound"] is True
    status, body, _ = visitor.ask(
        f"/api/v1/closures/{ack['reference']}/revisions", user=own["username"], password=own["token"]
    )
    assert [one["change"] for one in json.loads(body)["revisions"]] == [
        "first notice",
        "moved",
        "superseded",
        "withdrawn",
    ]

    # Another User's app password does not see it; nothing can be read without one.
    other = visitor.welcome["app_password"]
    assert (
        visitor.ask(f"/api/v1/closures/{ack['reference']}", user=other["username"], password=other["token"])[0] == 404
    )
    assert visitor.ask(f"/api/v1/closures/{ack['reference']}")[0] == 401


@pytest.mark.slow
def test_a_window_expires_by_itself(visitor):
    visitor.run("user", "add", "ZETA", "Zeta Energy")
    visitor.run("gateway", "add", "ZETA", "GW-ZETA-1")
    own = visitor.run("token", "add", "--user", "ZETA", "--label", "curl")
    feed = visitor.run("subscription", "add", "--scope", "user:ZETA", "--label", "desk")
    ends = datetime.now(UTC) + timedelta(seconds=5)
    body = {
        "closures": [
            {"starts": f"{ends - timedelta(minutes=1):%Y-%m-%dT%H:%M:%SZ}", "ends": f"{ends:%Y-%m-%dT%H:%M:%SZ}"}
        ]
    }
    status, answer, _ = visitor.ask(
        "/api/v1/notices",
        user="ZETA",
        password=own["token"],
        data=json.dumps(body).encode(),
        content_type="application/json",
    )
    (ack,) = json.loads(answer)["accepted"]
    before, _ = entries(visitor, feed)
    until = time.monotonic() + 90
    state = "planned"
    while state != "expired" and time.monotonic() < until:
        time.sleep(1)
        answer = visitor.ask(f"/api/v1/closures/{ack['reference']}", user="ZETA", password=own["token"])[1]
        state = json.loads(answer)["state"]
    assert (status, ack["band"], state) == (200, "after start", "expired")
    assert entries(visitor, feed)[0] == before
    assert visitor.ask("/healthz")[0] == 200
