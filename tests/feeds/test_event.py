"""One closure as a VEVENT."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from icalendar import Calendar
from icalendar.parser import Contentline, Contentlines

from feeds.event import event_properties, render_event
from feeds.maintnote import maintnote_properties
from feeds.property import Property, plain
from feeds.wording import description, summary

# Whatever may appear in an event, and in this order: anything more would be a disclosure (docs/feeds.md#what-an-event-holds).
NAMES = [
    "UID",
    "DTSTAMP",
    "DTSTART",
    "DTEND",
    "SUMMARY",
    "DESCRIPTION",
    "CATEGORIES",
    "STATUS",
    "SEQUENCE",
    "CREATED",
    "LAST-MODIFIED",
    "URL",
    "X-MAINTNOTE-PROVIDER",
    "X-MAINTNOTE-ACCOUNT",
    "X-MAINTNOTE-MAINTENANCE-ID",
    "X-MAINTNOTE-OBJECT-ID",
    "X-MAINTNOTE-IMPACT",
    "X-MAINTNOTE-STATUS",
    "ORGANIZER",
    "TRANSP",
    "X-MICROSOFT-CDO-BUSYSTATUS",
    "CLASS",
]


def lines(octets):
    """Return the unfolded lines."""
    return [str(line) for line in Contentlines.from_ical(octets) if line]


def test_properties_of_a_planned_closure(planned, publisher):
    assert event_properties(planned, publisher) == (
        Property("UID", "text", "cn-7f3k9qz0ab@closures.example"),
        Property("DTSTAMP", "date-time", planned.changed),
        Property("DTSTART", "date-time", planned.starts),
        Property("DTEND", "date-time", planned.ends),
        Property("SUMMARY", "text", "GW-ALPHA-1 closed (Alpha Energy)"),
        Property(
            "DESCRIPTION",
            "text",
            "27 Working Days' notice; 20 are recommended (in good time).\nReference CN-7F3K9QZ0AB",
        ),
        Property("CATEGORIES", "text", ("Gateway closure",)),
        Property("STATUS", "text", "CONFIRMED"),
        Property("SEQUENCE", "integer", 1),
        Property("CREATED", "date-time", planned.created),
        Property("LAST-MODIFIED", "date-time", planned.changed),
        Property("URL", "uri", "https://closures.example/closures/CN-7F3K9QZ0AB"),
        *maintnote_properties(planned),
        Property("ORGANIZER", "cal-address", "mailto:notices@closures.example", (("CN", "Closure notices"),)),
        Property("TRANSP", "text", "TRANSPARENT"),
        Property("X-MICROSOFT-CDO-BUSYSTATUS", "text", "FREE"),
        Property("CLASS", "text", "CONFIDENTIAL"),
    )


def test_withdrawal_shows_in_three_places_and_stays_free(planned, publisher):
    before = event_properties(planned, publisher)
    after = event_properties(replace(planned, withdrawn=True), publisher)
    assert set(after) - set(before) == {
        Property("SUMMARY", "text", "CANCELLED: GW-ALPHA-1 closed (Alpha Energy)"),
        Property(
            "DESCRIPTION",
            "text",
            "27 Working Days' notice; 20 are recommended (in good time).\nWithdrawn.\nReference CN-7F3K9QZ0AB",
        ),
        Property("STATUS", "text", "CANCELLED"),
        Property("X-MAINTNOTE-STATUS", "text", "CANCELLED"),
    }


def test_base_url_may_end_in_a_slash(planned, publisher):
    slashed = replace(publisher, base_url="https://closures.example//")
    assert render_event(planned, slashed) == render_event(planned, publisher)
    below = replace(publisher, base_url="https://closures.example/X/")
    assert b"\r\nURL:https://closures.example/X/closures/CN-7F3K9QZ0AB\r\n" in render_event(planned, below)


def test_nothing_empty(planned, publisher):
    entry = replace(planned, user_code="\x00", user_name="\n", gateway_code="")
    nameless = replace(publisher, organizer_name="\x07")
    names = [stated.name for stated in event_properties(entry, nameless)]
    assert names == [name for name in NAMES if name not in {"X-MAINTNOTE-PROVIDER", "X-MAINTNOTE-OBJECT-ID"}]
    octets = render_event(entry, nameless)
    assert [line for line in lines(octets) if line.endswith(":")] == []
    assert "ORGANIZER:mailto:notices@closures.example" in lines(octets)
    assert [line.split(":")[0] for line in lines(octets)] == ["BEGIN", *names, "END"]


def test_hostile_settings_stay_on_their_line(planned, publisher):
    hostile = replace(
        publisher,
        organizer_name='A "b"; c:d\r\nX-EVIL:1\x00',
        organizer_email="a@b.example\r\nX-EVIL:1",
        base_url="https://c.example/\r\nX-EVIL:1",
        uid_domain="d.example\r\nX-EVIL:1",
    )
    found = {line.split(":", 1)[0].split(";")[0]: line for line in lines(render_event(planned, hostile))}
    assert list(found) == ["BEGIN", *NAMES, "END"]
    assert found["UID"] == "UID:cn-7f3k9qz0ab@d.example X-EVIL:1"
    assert found["URL"] == "URL:https://c.example/ X-EVIL:1/closures/CN-7F3K9QZ0AB"
    assert found["ORGANIZER"] == "ORGANIZER;CN=\"A ^'b^'; c:d X-EVIL:1\":mailto:a@b.example X-EVIL:1"


def test_each_publisher_has_its_own_lines(planned, publisher):
    other = replace(publisher, organizer_email="other@closures.example")
    assert b"mailto:notices@closures.example" in render_event(planned, publisher)
    assert b"mailto:other@closures.example" in render_event(planned, other)


@given(data=st.data())
def test_property_names_are_the_golden_ones(entries, publisher, data):
    entry = data.draw(entries)
    assert [stated.name for stated in event_properties(entry, publisher)] == NAMES
    found = [line.replace(";", ":").split(":")[0] for line in lines(render_event(entry, publisher))]
    assert found == ["BEGIN", *NAMES, "END"]


@given(data=st.data())
def test_octets_keep_the_rules(entries, publisher, data):
    octets = render_event(data.draw(entries), publisher)
    assert octets.startswith(b"BEGIN:VEVENT\r\n")
    assert octets.endswith(b"\r\nEND:VEVENT\r\n")
    physical = octets.split(b"\r\n")
    assert physical.pop() == b""
    for line in physical:
        assert 0 < len(line) <= 75
        assert line.decode().isprintable() or not any(ord(character) < 0x20 for character in line.decode())
    # One unfolds and folds again to the same octets: the fold is icalendar's own.
    assert b"".join(Contentline(line).to_ical() + b"\r\n" for line in lines(octets)) == octets


@given(data=st.data())
def test_icalendar_reads_the_same_values(entries, publisher, data):
    entry = data.draw(entries)
    wrapped = b"BEGIN:VCALENDAR\r\n" + render_event(entry, publisher) + b"END:VCALENDAR\r\n"
    (event,) = Calendar.from_ical(wrapped).events
    assert event.errors == []
    whole = {name: instant.replace(microsecond=0) for name, instant in _instants(entry).items()}
    assert {name: event.decoded(name) for name in whole} == whole
    read = {name: str(event[name]) for name in NAMES if name not in whole and name != "CATEGORIES"}
    assert read == {
        "UID": f"{entry.reference.lower()}@closures.example",
        "SUMMARY": summary(entry),
        "DESCRIPTION": description(entry),
        "STATUS": "CANCELLED" if entry.withdrawn else "CONFIRMED",
        "SEQUENCE": str(entry.sequence),
        "URL": f"https://closures.example/closures/{entry.reference}",
        "X-MAINTNOTE-PROVIDER": entry.user_code,
        "X-MAINTNOTE-ACCOUNT": "dcc",
        "X-MAINTNOTE-MAINTENANCE-ID": entry.reference,
        "X-MAINTNOTE-OBJECT-ID": entry.gateway_code,
        "X-MAINTNOTE-IMPACT": "OUTAGE",
        "X-MAINTNOTE-STATUS": "CANCELLED" if entry.withdrawn else "CONFIRMED",
        "ORGANIZER": "mailto:notices@closures.example",
        "TRANSP": "TRANSPARENT",
        "X-MICROSOFT-CDO-BUSYSTATUS": "FREE",
        "CLASS": "CONFIDENTIAL",
    }
    expected = ["Gateway closure"] + ["Short notice"] * entry.short_notice + ["Late change"] * entry.late_change
    assert event.categories == expected
    assert plain(entry.user_name) in str(event["SUMMARY"])


def _instants(entry):
    return {
        "DTSTAMP": entry.changed,
        "DTSTART": entry.starts,
        "DTEND": entry.ends,
        "CREATED": entry.created,
        "LAST-MODIFIED": entry.changed,
    }


@pytest.mark.parametrize("seconds", [0, 1])
def test_stamps_rise_with_the_change(planned, publisher, seconds):
    changed = datetime(2026, 10, 28, 10, 31, 16 + seconds, tzinfo=UTC)
    found = lines(render_event(replace(planned, changed=changed, sequence=7), publisher))
    assert [line for line in found if line.startswith(("DTSTAMP", "LAST-MODIFIED", "SEQUENCE", "CREATED"))] == [
        f"DTSTAMP:20261028T10311{6 + seconds}Z",
        "SEQUENCE:7",
        "CREATED:20261027T093015Z",
        f"LAST-MODIFIED:20261028T10311{6 + seconds}Z",
    ]
