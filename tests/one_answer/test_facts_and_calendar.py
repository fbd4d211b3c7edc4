"""Plan and fact through a calendar program and through the other doors: each shows what the other told."""

import json
from datetime import timedelta

import pytest

from tests.one_answer import events
from tests.one_answer.running_service import hours_ahead

HOUR = timedelta(hours=1)
STARTS, ENDS = hours_ahead(-2), hours_ahead(3)  # whole hours: the closure runs


@pytest.fixture
def calendar(sender, database_url):
    """The program's copy of a calendar with one event that runs."""
    calendar = sender.calendar()
    put(calendar, ENDS, 201)
    return calendar


def put(calendar, ends, status, *more, sequence=1):
    octets = events.write_calendar(events.write_event("runs", STARTS, ends, *more, sequence=sequence))
    calendar.put("runs.ics", octets, status)
    calendar.sync()


def tell(sender, told, status=200):
    (reference,) = sender.closures()
    return sender.program.ask("POST", f"/api/v1/closures/{reference}/facts", json.dumps(told), status).json()


def shown(sender):
    """How the closure stands: (planned end, end, fact, difference, revision, last step)."""
    (reference,) = sender.closures()
    one = sender.program.ask("GET", f"/api/v1/closures/{reference}").json()
    steps = sender.program.ask("GET", f"/api/v1/closures/{reference}/revisions").json()["revisions"]
    facts = one["plan"]["ends"], one["ends"], one["fact"], one["difference"], one["revision"]
    return (*facts, steps[-1]["change"])


def fact(**told):
    return {"closed_at": None, "reopened_at": None, "still_closed_until": None, **told}


def in_feed(sender):
    (event,) = events.split(sender.subscriber.ask("GET", f"/feeds/{sender.feed}.ics").content)[1]
    wanted = ("UID", "DTSTART", "DTEND", "SEQUENCE", "STATUS", "DESCRIPTION")
    return [line for line in event if line.partition(":")[0] in wanted]


def test_a_running_event_made_shorter_is_re_opened_and_longer_is_closed_until_then(sender, calendar):
    planned, early, later = events.iso(ENDS), events.iso(STARTS + HOUR), events.iso(ENDS + HOUR)
    put(calendar, STARTS + HOUR, 204, sequence=2)
    assert shown(sender) == (planned, early, fact(reopened_at=early), "early", 2, "re-opened")
    put(calendar, ENDS + HOUR, 204, sequence=3)
    assert shown(sender) == (planned, later, fact(still_closed_until=later), "over time", 3, "lengthened")


def test_what_is_told_by_api_stands_in_the_members_own_octets(sender, calendar):
    before = calendar.held["runs.ics"]
    tell(sender, {"closed_at": events.iso(STARTS + HOUR / 6)})
    calendar.sync()
    assert calendar.held["runs.ics"] == before  # no time of re-opening is new
    tell(sender, {"reopened_at": events.iso(STARTS + HOUR)})
    calendar.sync()
    after = calendar.held["runs.ics"]
    assert events.values_of(after.octets, "DTEND") == [events.compact(STARTS + HOUR)]
    assert events.values_of(after.octets, "SUMMARY") == events.values_of(before.octets, "SUMMARY")
    assert (events.sequence_of(after.octets), after.etag != before.etag) == (2, True)
    tell(sender, {"taken_back": True})
    calendar.sync()
    assert events.values_of(calendar.held["runs.ics"].octets, "DTEND") == [events.compact(ENDS)]


def test_a_feed_changes_only_where_the_time_of_re_opening_does(sender, calendar):
    before = sender.subscriber.ask("GET", f"/feeds/{sender.feed}.ics")
    tell(sender, {"closed_at": events.iso(STARTS)})
    same = sender.subscriber.ask("GET", f"/feeds/{sender.feed}.ics")
    assert (same.content, same.headers["ETag"]) == (before.content, before.headers["ETag"])
    (in_json,) = sender.subscriber.ask("GET", f"/feeds/{sender.feed}.json").json()["closures"]
    assert in_json["fact"]["closed_at"] == events.iso(STARTS)
    old = in_feed(sender)
    tell(sender, {"still_closed_until": events.iso(ENDS + HOUR)})
    new = in_feed(sender)
    assert next(line for line in new if line not in old) == f"DTEND:{events.compact(ENDS + HOUR)}"
    assert [line for line in new if line.startswith(("UID", "SEQUENCE"))] == [
        line.replace("SEQUENCE:1", "SEQUENCE:2") for line in old if line.startswith(("UID", "SEQUENCE"))
    ]
    (description,) = (line for line in new if line.startswith("DESCRIPTION"))
    assert "; planned until" in description.replace("\\;", ";")


def test_a_provisional_event_is_provisional_everywhere_until_it_is_confirmed(sender, database_url):
    calendar = sender.calendar()
    starts = hours_ahead(900)
    for sequence, status in enumerate(("TENTATIVE", "CONFIRMED")):
        lines = events.write_event("unsure", starts, starts + HOUR, f"STATUS:{status}", sequence=sequence)
        calendar.put("unsure.ics", events.write_calendar(lines), 204 if sequence else 201)
        (reference,) = sender.closures()
        one = sender.program.ask("GET", f"/api/v1/closures/{reference}").json()
        page = sender.browser.ask("GET", f"/closures/{reference}").text
        is_provisional = status == "TENTATIVE"
        assert (one["provisional"], one["revision"], f"STATUS:{status}" in in_feed(sender)) == (
            is_provisional, sequence + 1, True,
        )  # fmt: skip
        assert ('tag-provisional">provisional' in page) is is_provisional
        assert one["late_change"] is False  # confirming gives no notice of its own
    form = sender.browser.ask("GET", f"/closures/{reference}/change")
    assert 'name="provisional" value="yes" checked' not in form.text


def test_a_member_says_provisional_when_another_door_does(sender, database_url):
    calendar = sender.calendar()
    starts = hours_ahead(900)
    calendar.put("sure.ics", events.write_calendar(events.write_event("sure", starts, starts + HOUR)), 201)
    (reference,) = sender.closures()
    lines = events.write_event("sure", starts, starts + HOUR, "STATUS:TENTATIVE", sequence=5)
    path = f"/api/v1/notices?gateway={sender.gateways[0]}"
    sender.program.ask("POST", path, events.write_calendar(lines), Content_Type="text/calendar")
    calendar.sync()
    assert events.values_of(calendar.held["sure.ics"].octets, "STATUS") == ["TENTATIVE"]
    sender.change_by_page(reference, starts + HOUR, hours=1)
    calendar.sync()
    assert events.values_of(calendar.held["sure.ics"].octets, "STATUS") == ["CONFIRMED"]
