"""The counts of an answer, kind by kind: each event or row is taken, has a problem or is left out with a remark."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from app.domain.notice import Channel, Notice
from app.register.event_counts import counted_words
from app.register.give import NoticeOptions, find_sender, give_notice

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
SERIES = "RRULE:FREQ=WEEKLY;COUNT=3"
NAMES = ("events", "taken", "with_problems", "left_out", "closures", "vanished")


def event(uid, day, *more, hours=4):
    starts = NOW.replace(hour=2) + timedelta(days=day)
    times = [
        f"{name}:{at:%Y%m%dT%H%M%SZ}" for name, at in (("DTSTART", starts), ("DTEND", starts + timedelta(hours=hours)))
    ]
    return ["BEGIN:VEVENT", f"UID:{uid}", *times, *more, "END:VEVENT"]


def named(name, day):
    return f"{name}:{NOW + timedelta(days=day):%Y%m%d}T020000Z"


def calendar(*events, method=""):
    heads = ["BEGIN:VCALENDAR", "VERSION:2.0", *([f"METHOD:{method}"] if method else [])]
    return "\r\n".join([*heads, *(line for lines in events for line in lines), "END:VCALENDAR", ""]).encode()


@pytest.fixture
def give(register, alpha):
    """Return a function that gives a notice of ALPHA for GW-A1 and returns the answer."""
    sender = find_sender(register, "ALPHA", None)

    def give(octets, media_type="text/calendar", **options):
        notice = Notice("ALPHA", Channel.API, NOW, media_type, octets, "a test")
        asked = give_notice(register, sender, notice, NoticeOptions("GW-A1", dry_run=True, **options)).outcome
        outcome = give_notice(register, sender, notice, NoticeOptions("GW-A1", **options)).outcome
        if not options:
            assert asked.counts == outcome.counts
        lists = outcome.accepted, outcome.unchanged, outcome.superseded, outcome.withdrawn
        counts = [outcome.counts[name] for name in NAMES]
        assert sum(map(len, lists)) == sum(counts[4:])
        assert counts[0] == sum(counts[1:4])
        return outcome, tuple(counts)

    return give


@pytest.mark.parametrize(
    ("octets", "counts"),
    [
        (calendar(event("a", 10), event("b", 11)), (2, 2, 0, 0, 2, 0)),
        (calendar(event("a", 10), event("b", 11, hours=-1)), (2, 1, 1, 0, 1, 0)),
        (calendar(event("a", 10, SERIES)), (1, 1, 0, 0, 3, 0)),
        (calendar(event("a", 10, SERIES, named("EXDATE", 17))), (1, 1, 0, 0, 2, 0)),
        (calendar(event("a", 10, SERIES), event("a", 18, named("RECURRENCE-ID", 17))), (2, 2, 0, 0, 3, 0)),
        (calendar(event("a", 10, "RRULE:FREQ=DAILY;COUNT=1"), event("a", 9, named("RECURRENCE-ID", 10))), (2, 2, 0, 0, 1, 0)),
        (calendar(event("a", 10, "RRULE:FREQ=DAILY;COUNT=1"), event("a", 9, named("RECURRENCE-ID", 10), hours=-1)), (2, 0, 2, 0, 0, 0)),
        (calendar(event("a", 10, "RRULE:FREQ=DAILY;COUNT=1", named("EXDATE", 10))), (1, 0, 0, 1, 0, 0)),
        (calendar(event("a", 900, SERIES), event("b", 10)), (2, 1, 0, 1, 1, 0)),
        (calendar(event("a", 900, SERIES), event("a", 30, named("RECURRENCE-ID", 907))), (2, 1, 0, 1, 1, 0)),
        (calendar(event("a", 900, SERIES), event("a", 30, named("RECURRENCE-ID", 907), hours=-1)), (2, 0, 1, 1, 0, 0)),
        (calendar(event("a", -4000, named("RECURRENCE-ID", -4000))), (1, 0, 0, 1, 0, 0)),
        (calendar(event("a", 10, "SEQUENCE:1"), event("a", 11, "SEQUENCE:2")), (2, 1, 1, 0, 1, 0)),
        (calendar(event("a", 9, "SEQUENCE:1"), event("a", 10, "SEQUENCE:2"), event("a", 11, "SEQUENCE:2")), (3, 0, 3, 0, 0, 0)),
        (calendar(event("a", 10, SERIES), event("a", 9, f"{named('RECURRENCE-ID;RANGE=THISANDFUTURE', 8)}")), (2, 0, 2, 0, 0, 0)),
        (calendar(event("a", 10, SERIES), event("a", 9, f"{named('RECURRENCE-ID;RANGE=THISANDFUTURE', 18)}")), (2, 1, 1, 0, 2, 0)),
        (calendar(event("a", 10, SERIES), event("a", 12, f"{named('RECURRENCE-ID;RANGE=THISANDFUTURE', 10)}")), (2, 2, 0, 0, 3, 0)),
        (calendar(event("a", 10), event("b", 11), method="COUNTER"), (2, 0, 2, 0, 0, 0)),
        (calendar(event("a", 10, SERIES), event("a", 17, SERIES), method="ADD"), (2, 1, 1, 0, 4, 0)),
        (calendar(event("a", 10), method="CANCEL"), (1, 0, 1, 0, 0, 0)),
        (calendar(event("a", 10), ["BEGIN:VTODO", "END:VTODO"]), (1, 1, 0, 0, 1, 0)),
    ],
)  # fmt: skip
def test_each_event_counts_once(give, octets, counts):
    outcome, found = give(octets)
    assert found == counts
    assert bool(found[3]) == bool(outcome.remarks)
    assert outcome.problems or not found[2]


@pytest.mark.parametrize(
    ("octets", "media_type", "counts"),
    [
        (b"gateway,starts,ends\n,2027-01-03T02:00,2027-01-03T06:00\n,2027-01-10T02:00,never\n\n,,\n", "text/csv", (2, 1, 1, 0, 1, 0)),
        (b"gateway,starts,ends,reference\n,2027-01-03T02:00,2027-01-03T06:00,a\n,2027-01-10T02:00,2027-01-10T06:00,a\n", "text/csv", (2, 1, 1, 0, 1, 0)),
        (b"gateway,starts,ends\n,2027-01-03T02:00,2027-01-03T06:00\n,2027-01-10T02:00,2027-01-10T06:00,gone,too\n", "text/csv", (2, 1, 1, 0, 1, 0)),
        (json.dumps([{"starts": "2027-01-03T02:00", "ends": "2027-01-03T06:00"}, "a text", {}]).encode(), "application/json", (3, 1, 2, 0, 1, 0)),
    ],
)  # fmt: skip
def test_each_row_counts_once(give, octets, media_type, counts):
    assert give(octets, media_type)[1] == counts


def test_what_a_series_no_longer_has_is_counted_apart(give):
    give(calendar(event("a", 10, SERIES)))
    outcome, found = give(calendar(event("a", 10, SERIES, named("EXDATE", 17), named("EXDATE", 24))))
    assert (found, len(outcome.unchanged), len(outcome.withdrawn)) == ((1, 1, 0, 0, 1, 2), 1, 2)
    assert counted_words(outcome.counts) == ("1 event or row: 1 taken, 0 with problems, 0 left out; 2 no longer in it.")
    _, found = give(calendar(event("a", 10, SERIES, *(named("EXDATE", day) for day in (10, 17, 24)))))
    assert found == (1, 0, 0, 1, 0, 1)


def test_a_series_that_is_cancelled_is_what_its_event_states(give):
    give(calendar(event("a", 10, SERIES)))
    cancelled = calendar(event("a", 10, SERIES, "STATUS:CANCELLED"))
    outcome, found = give(cancelled)
    assert (found, len(outcome.withdrawn)) == ((1, 1, 0, 0, 3, 0), 3)
    outcome, found = give(cancelled)
    assert (found, len(outcome.unchanged)) == ((1, 1, 0, 0, 3, 0), 3)


def test_what_is_withdrawn_since_a_file_does_not_mention_it_is_counted_apart(give):
    give(calendar(event("a", 10), event("b", 11)))
    outcome, found = give(calendar(event("b", 11)), withdraw_missing=True)
    assert (found, len(outcome.unchanged), len(outcome.withdrawn)) == ((1, 1, 0, 0, 1, 1), 1, 1)


def test_nothing_is_taken_where_all_or_nothing_was_asked_and_not_all_can_be_read(give):
    outcome, found = give(calendar(event("a", 10), event("b", 11, hours=-1)), all_or_nothing=True)
    assert (found, outcome.recorded) == ((2, 0, 1, 1, 0, 0), False)
    assert outcome.remarks == ("Nothing of this notice was recorded, since not all of it could be read.",)
