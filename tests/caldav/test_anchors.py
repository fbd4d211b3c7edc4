"""What other servers were measured to get wrong, kept as tests."""

import pytest

GATEWAY = "/dav/calendars/ALPHA/GW-1/"
DECEMBER = '<C:calendar-data><C:expand start="20261201T000000Z" end="20270101T000000Z"/></C:calendar-data>'


@pytest.fixture
def one(client, calendar, event):
    client.put("one.ics", calendar(event("RRULE:FREQ=WEEKLY;COUNT=3", "EXDATE:20261213T020000Z")))
    return client


def test_an_initial_sync_does_not_list_deleted_members(one):
    one.ask("DELETE", GATEWAY + "one.ics")
    assert one.sync().rows() == {}


def test_one_override_without_master_does_not_spoil_every_expansion(one, calendar, event, say):
    orphan = event(
        "RECURRENCE-ID:20261208T020000Z", uid="orphan", starts="DTSTART:20261209T020000Z", ends="DURATION:PT1H"
    )
    assert one.put("orphan.ics", calendar(orphan)).status == 201
    found = one.query(say.comp("VEVENT", say.span("20261201T000000Z", "20270101T000000Z")), DECEMBER)
    assert found.rows() == {GATEWAY + "one.ics": "200", GATEWAY + "orphan.ics": "200"}
    assert "RECURRENCE-ID:20261208T020000Z" in found.value("C:calendar-data", 1).split("\r\n")


def test_a_task_is_not_taken_into_a_calendar_of_events(one):
    todo = b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VTODO\r\nUID:t\r\nEND:VTODO\r\nEND:VCALENDAR\r\n"
    assert one.put("t.ics", todo).refusal() == (403, "supported-calendar-component")


def test_an_unknown_report_is_not_answered_as_if_it_were_known(one, say):
    assert one.report(say.xml("D:version-tree")).refusal() == (403, "supported-report")


def test_a_sync_cut_at_its_limit_says_so_and_loses_nothing(one, calendar, event):
    for at in range(5):
        one.put(f"{at}.ics", calendar(event(uid=f"{at}")))
    names, token, cut = [], "", True
    while cut:
        found = one.sync(token, limit=2)
        cut = "507" in found.rows().values()
        names += [href for href, status in found.rows().items() if status == "200"]
        token = found.xml.findtext("{DAV:}sync-token")
    assert names == [f"{GATEWAY}{name}.ics" for name in ("one", *range(5))]


def test_free_busy_is_answered(one, say):
    found = one.report(say.xml("C:free-busy-query", say.span("20261201T000000Z", "20270101T000000Z")))
    assert found.status == 200
    assert b"FREEBUSY;FBTYPE=BUSY:20261206T020000Z/20261206T060000Z,20261220T020000Z/20" in found.body


def test_a_missing_member_is_404_also_to_propfind(one):
    assert one.propfind(GATEWAY + "missing.ics", "D:getetag").status == 404


def test_a_bad_token_is_403(one):
    assert one.sync("data:,no").refusal() == (403, "valid-sync-token")


def test_a_uid_is_stored_once(one, calendar, event):
    assert one.put("two.ics", calendar(event())).refusal() == (403, "no-uid-conflict")


def test_a_moved_instance_is_found_where_it_is_and_not_where_it_was(one, calendar, event, say):
    master = event("RRULE:FREQ=WEEKLY;COUNT=3")
    moved = event("RECURRENCE-ID:20261213T020000Z", starts="DTSTART:20261217T020000Z", ends="DURATION:PT4H")
    one.put("one.ics", calendar(master, moved))
    assert one.query(say.comp("VEVENT", say.span("20261213T000000Z", "20261214T000000Z"))).names() == []
    assert one.query(say.comp("VEVENT", say.span("20261217T000000Z", "20261218T000000Z"))).names() == ["one.ics"]


def test_an_excluded_instance_is_not_found(one, say):
    assert one.query(say.comp("VEVENT", say.span("20261213T000000Z", "20261214T000000Z"))).names() == []


def test_missing_hrefs_are_not_left_out_of_a_multiget(one):
    assert one.multiget(GATEWAY + "missing.ics").rows() == {GATEWAY + "missing.ics": "404"}
