"""DCC's own dates as a feed of their own, and the feed of changes: what they say, and when."""

import json
from dataclasses import fields, replace
from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from feeds.calendar import render_calendar
from feeds.entry import FeedHeader, MaintenanceEntry
from feeds.event import event_properties, render_event
from feeds.header import header_of
from feeds.jcal import render_jcal
from feeds.listing import render_maintenance
from feeds.property import Property
from feeds.scope import EPOCH, FeedScope, ScopeKind, edges, takes
from tests.feeds.items import last_modified

MAINTENANCE = FeedScope(ScopeKind.MAINTENANCE)
CHANGES = FeedScope(ScopeKind.CHANGES, past_days=7)
DAY = timedelta(days=1)
BAND = MaintenanceEntry(
    reference="DM-7F3K9QZ0AB",
    release=False,
    starts=datetime(2026, 12, 6, 1, tzinfo=UTC),
    ends=datetime(2026, 12, 6, 5, tzinfo=UTC),
    withdrawn=False,
    sequence=2,
    created=datetime(2026, 10, 1, 9, tzinfo=UTC),
    changed=datetime(2026, 10, 2, 9, tzinfo=UTC),
)


def test_only_these_fields_can_be_disclosed():
    assert [field.name for field in fields(MaintenanceEntry)] == [
        *("reference", "release", "starts", "ends", "withdrawn", "sequence", "created", "changed"),
    ]
    assert (BAND.sort_key, BAND.uid("d.example")) == ((BAND.starts, "DM-7F3K9QZ0AB"), "dm-7f3k9qz0ab@d.example")


@pytest.mark.parametrize("name", ["starts", "ends", "created", "changed"])
def test_times_are_aware_utc(name):
    with pytest.raises(ValueError, match="aware UTC"):
        replace(BAND, **{name: getattr(BAND, name).astimezone(timezone(timedelta(hours=1)))})


def test_a_window_ends_after_it_starts():
    with pytest.raises(ValueError, match="must end after"):
        replace(BAND, ends=BAND.starts)


@pytest.mark.parametrize(
    ("facts", "summary", "category", "status"),
    [
        ({}, "DCC planned maintenance", "DCC maintenance", "CONFIRMED"),
        ({"release": True}, "SEC Release", "SEC Release", "CONFIRMED"),
        ({"withdrawn": True}, "CANCELLED: DCC planned maintenance", "DCC maintenance", "CANCELLED"),
    ],
)
def test_properties_of_dccs_own_window(publisher, facts, summary, category, status):
    # Neither a page nor a gateway: X-MAINTNOTE-* and URL are a closure's.
    assert event_properties(replace(BAND, **facts), publisher) == (
        Property("UID", "text", "dm-7f3k9qz0ab@closures.example"),
        Property("DTSTAMP", "date-time", BAND.changed),
        Property("DTSTART", "date-time", BAND.starts),
        Property("DTEND", "date-time", BAND.ends),
        Property("SUMMARY", "text", summary),
        Property("DESCRIPTION", "text", "Reference DM-7F3K9QZ0AB"),
        Property("CATEGORIES", "text", (category,)),
        Property("STATUS", "text", status),
        Property("SEQUENCE", "integer", 2),
        Property("CREATED", "date-time", BAND.created),
        Property("LAST-MODIFIED", "date-time", BAND.changed),
        Property("ORGANIZER", "cal-address", "mailto:notices@closures.example", (("CN", "Closure notices"),)),
        Property("TRANSP", "text", "TRANSPARENT"),
        Property("X-MICROSOFT-CDO-BUSYSTATUS", "text", "FREE"),
        Property("CLASS", "text", "CONFIDENTIAL"),
    )


def test_the_whole_feed_octet_for_octet(publisher):
    assert render_calendar(header_of(MAINTENANCE), publisher, [render_event(BAND, publisher)]) == (
        b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//closures.example//Planned gateway closures//EN\r\n"
        b"CALSCALE:GREGORIAN\r\nMETHOD:PUBLISH\r\nNAME:DCC planned maintenance and SEC Releases\r\n"
        b"X-WR-CALNAME:DCC planned maintenance and SEC Releases\r\n"
        b"X-WR-CALDESC:From 30 days back to 548 days ahead and withdrawn ones for 60\r\n"
        b"  days. DCC's own dates as DCC gave them to this service.\r\n"
        b"REFRESH-INTERVAL;VALUE=DURATION:PT1H\r\nX-PUBLISHED-TTL:PT1H\r\nCOLOR:purple\r\n"
        b"BEGIN:VEVENT\r\nUID:dm-7f3k9qz0ab@closures.example\r\nDTSTAMP:20261002T090000Z\r\nDTSTART:20261206T010000Z\r\n"
        b"DTEND:20261206T050000Z\r\nSUMMARY:DCC planned maintenance\r\nDESCRIPTION:Reference DM-7F3K9QZ0AB\r\n"
        b"CATEGORIES:DCC maintenance\r\nSTATUS:CONFIRMED\r\nSEQUENCE:2\r\nCREATED:20261001T090000Z\r\n"
        b'LAST-MODIFIED:20261002T090000Z\r\nORGANIZER;CN="Closure notices":mailto:notices@closures.example\r\n'
        b"TRANSP:TRANSPARENT\r\nX-MICROSOFT-CDO-BUSYSTATUS:FREE\r\nCLASS:CONFIDENTIAL\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    )


def test_jcal_says_the_same(publisher):
    (event,) = json.loads(render_jcal(header_of(MAINTENANCE), publisher, [BAND]))[2]
    assert event[1][4] == ["summary", {}, "text", "DCC planned maintenance"]


def test_our_json_of_dccs_own_dates():
    header = FeedHeader("N", "D", "purple", None)
    release = replace(BAND, release=True, withdrawn=True)
    assert json.loads(render_maintenance(header, [BAND, release])) == {
        "name": "N",
        "description": "D",
        "maintenance": [
            {
                "reference": "DM-7F3K9QZ0AB",
                "kind": kind,
                "starts": "2026-12-06T01:00:00Z",
                "ends": "2026-12-06T05:00:00Z",
                "starts_london": "Sun 6 Dec 2026 01:00 GMT",
                "ends_london": "Sun 6 Dec 2026 05:00 GMT",
                "withdrawn": withdrawn,
                "sequence": 2,
                "created": "2026-10-01T09:00:00Z",
                "changed": "2026-10-02T09:00:00Z",
            }
            for kind, withdrawn in (("maintenance", False), ("release", True))
        ],
    }


@pytest.mark.parametrize("kind", ScopeKind)
def test_closures_and_dccs_own_dates_never_mix(planned, kind):
    scope = FeedScope(kind, {"user": "ALPHA", "gateway": "GW-ALPHA-1"}.get(kind, ""), past_days=60)
    day = date(2026, 12, 6)
    assert takes(scope, BAND, day) is (kind is ScopeKind.MAINTENANCE)
    assert takes(scope, replace(planned, short_notice=True), day) is (kind is not ScopeKind.MAINTENANCE)
    assert (last_modified(scope, [BAND], day) > EPOCH) is (kind is ScopeKind.MAINTENANCE)


def test_a_feed_of_changes_shows_what_was_told_lately_wherever_its_window_is(planned):
    told = planned.changed.date()  # 28 Oct 2026
    shown = [takes(CHANGES, planned, told + days * DAY) for days in (-1, 0, 7, 8)]
    assert shown == [False, True, True, False]
    assert edges(CHANGES, planned) == (told.toordinal(), told.toordinal() + 8)
    far = replace(planned, starts=planned.starts + 4000 * DAY, ends=planned.ends + 4000 * DAY, withdrawn=True)
    assert takes(CHANGES, far, told)
    at_midnight = replace(planned, changed=datetime(2026, 10, 28, tzinfo=UTC))
    assert takes(FeedScope(ScopeKind.CHANGES, past_days=0), at_midnight, told)


def test_a_feed_of_changes_changes_when_one_leaves_it(planned):
    assert last_modified(CHANGES, [planned], date(2026, 11, 4)) == planned.changed
    assert last_modified(CHANGES, [planned], date(2026, 11, 5)) == datetime(2026, 11, 5, tzinfo=UTC)


@pytest.mark.parametrize(
    ("kind", "name", "colour"),
    [
        (ScopeKind.CLASHES, "Gateway closures that clash", "crimson"),
        (ScopeKind.MAINTENANCE, "DCC planned maintenance and SEC Releases", "purple"),
        (ScopeKind.CHANGES, "Changes to planned gateway closures", "seagreen"),
    ],
)
def test_headers(kind, name, colour):
    header = header_of(FeedScope(kind, past_days=1))
    assert (header.name, header.colour, header.source_url) == (name, colour, None)


def test_what_the_headers_say_is_held():
    assert header_of(FeedScope(ScopeKind.CHANGES, past_days=1)).description == (
        "Closures that were new or changed or withdrawn in the last 1 day. "
        "Dates are as notified by Users and nothing here is approved."
    )
    assert header_of(FeedScope(ScopeKind.MAINTENANCE, past_days=1, withdrawn_days=0)).description == (
        "From 1 day back to 548 days ahead and without withdrawn ones. DCC's own dates as DCC gave them to this service."
    )
