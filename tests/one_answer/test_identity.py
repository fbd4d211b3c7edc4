"""A closure is known by User, gateway, UID and RECURRENCE-ID; only an act that says so changes its gateway."""

import pytest

from tests.one_answer import events
from tests.one_answer.running_service import hours_ahead

STARTS, LATER = hours_ahead(1082), hours_ahead(1400)
ENDS = hours_ahead(1086)


def event(uid="event", starts=STARTS, *more, sequence=0):
    return events.write_calendar(events.write_event(uid, starts, starts + (ENDS - STARTS), *more, sequence=sequence))


@pytest.fixture
def here(sender, database_url):
    """The calendar of the first gateway, with one event."""
    calendar = sender.calendar()
    calendar.put("event.ics", event(), 201)
    calendar.sync()
    return calendar


@pytest.fixture
def there(sender):
    return sender.calendar(1)


def placed(sender):
    """Where what stands: {(gateway, start, state)} with references."""
    return {(one.gateway, one.starts, one.state): reference for reference, one in sender.closures().items()}


@pytest.mark.parametrize("door", ["api", "page", "caldav"])
def test_one_event_sent_for_two_gateways_is_two_closures(sender, here, there, door):
    (reference,) = sender.closures()
    if door == "caldav":
        there.put("event.ics", event(), 201)
    elif door == "api":
        path = f"/api/v1/notices?gateway={sender.gateways[1]}"
        sender.program.ask("POST", path, event(), Content_Type="text/calendar")
    else:
        file = {"file": ("closures.ics", event(), "text/calendar")}
        new = sender.browser.ask("GET", "/notices/new")
        preview = sender.browser.submit(new, "/notices/preview", files=file, gateway=sender.gateways[1])
        sender.browser.submit(preview, "/notices")
    found = placed(sender)
    assert sorted(found) == [(gateway, STARTS, "planned") for gateway in sender.gateways]
    assert found[sender.gateways[0], STARTS, "planned"] == reference
    assert [len(sender.calendar(place).held) for place in (0, 1)] == [1, 1]


def test_each_of_the_two_goes_by_itself(sender, here, there):
    there.put("event.ics", event(), 201)
    here.delete("event.ics", 204)
    assert sorted(placed(sender)) == [
        (sender.gateways[0], STARTS, "withdrawn"),
        (sender.gateways[1], STARTS, "planned"),
    ]
    assert [len(sender.calendar(place).held) for place in (0, 1)] == [0, 1]


def test_a_put_for_another_gateway_is_answered_with_where_the_same_event_stands(sender, here, there):
    """PUT there, then DELETE here (Evolution's move): a notice for the one and a withdrawal at the other."""
    answer = there.put("event.ics", event(), 201)
    assert sender.gateways[0] in str(answer.headers) + answer.text
    here.delete("event.ics", 204)
    found = placed(sender)
    assert sorted(found) == [
        (sender.gateways[0], STARTS, "withdrawn"),
        (sender.gateways[1], STARTS, "planned"),
    ]
    assert len(set(found.values())) == 2


def test_move_changes_the_gateway_of_the_same_closure(sender, here, there):
    (reference,) = sender.closures()
    here.transfer("MOVE", "event.ics", there, 201)
    assert placed(sender) == {(sender.gateways[1], STARTS, "planned"): reference}
    assert sender.closures()[reference].revision == 2
    assert here.sync() == {"event.ics"}
    assert there.sync() == {"event.ics"}
    assert (list(here.held), list(there.held)) == ([], ["event.ics"])
    assert there.held["event.ics"].octets == event()


def test_the_destination_may_name_the_server(running, sender, here, there):
    """As most programs write it (RFC 4918 10.3)."""
    here.transfer("MOVE", "event.ics", there, 201, server=running.base)
    assert (list(here.listed()), list(there.listed())) == ([], ["event.ics"])


def test_a_moved_series_keeps_every_closure(sender, here, there):
    here.put("series.ics", event("series", LATER, "RRULE:FREQ=WEEKLY;COUNT=3"), 201)
    before = set(sender.closures())
    here.transfer("MOVE", "series.ics", there, 201)
    after = sender.closures()
    assert set(after) == before
    assert sorted(one.gateway for one in after.values()) == [sender.gateways[0], *3 * [sender.gateways[1]]]


def test_copy_is_a_notice_of_its_own(sender, here, there):
    (reference,) = sender.closures()
    here.transfer("COPY", "event.ics", there, 201)
    found = placed(sender)
    assert sorted(found) == [(gateway, STARTS, "planned") for gateway in sender.gateways]
    assert found[sender.gateways[0], STARTS, "planned"] == reference


def test_a_gateway_changed_on_the_page_moves_the_member(sender, here, there):
    (reference,) = sender.closures()
    sender.change_by_page(reference, STARTS, gateway=sender.gateways[1])
    assert placed(sender) == {(sender.gateways[1], STARTS, "planned"): reference}
    assert len(here.sync()) == 1
    assert (list(here.held), len(there.sync()), len(there.held)) == ([], 1, 1)
    (held,) = there.held.values()
    assert events.values_of(held.octets, "UID") == ["event"]
    assert events.values_of(held.octets, "SUMMARY") == events.values_of(event(), "SUMMARY")


def test_a_move_onto_the_same_event_is_refused_and_says_where_it_stands(sender, here, there):
    there.put("another-name.ics", event(starts=LATER), 201)
    now = sender.closures()
    answer = here.transfer("MOVE", "event.ics", there, 403)
    assert "no-uid-conflict" in answer.text
    assert there.href("another-name.ics") in answer.text
    assert sender.closures() == now


def test_one_calendar_read_for_two_gateways_is_notice_for_both(running, sender, calendar_site, database_url):
    calendar_site.files["/both.ics"] = event("pulled")
    for gateway in sender.gateways:
        words = ("--user", sender.code, "--gateway", gateway, "--url", f"{calendar_site.base}/both.ics")
        source = running.run("source", "add", *words, "--json")["id"]
        running.run("source", "poll", source, "--json")
        running.run("source", "poll", source, "--json")
        running.run("source", "remove", source, "--json")
    assert sorted(placed(sender)) == [(gateway, STARTS, "planned") for gateway in sender.gateways]
