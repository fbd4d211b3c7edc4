from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.notice import Occurrence
from app.domain.refusal import NoticeTooLarge, NoticeUnreadable
from app.ical.components import read_calendars
from app.intake.calendar_object import read_object
from app.intake.ical import read_ical

WEEKLY = "RRULE:FREQ=WEEKLY;COUNT=3"


@pytest.fixture
def instances(calendar, asking):
    """The instances of an object as ``0610T0200/0610T0600 RECURRENCE-ID @PLACE``; the first VEVENT is left unsaid."""

    def _instances(*events):
        found = read_object(read_calendars(calendar(*events)), asking).instances
        return [
            f"{one.starts:%m%dT%H%M}/{one.ends:%m%dT%H%M} {one.recurrence_id} {f'@{one.place}' if one.place else ''}".strip()
            for one in found
        ]

    return _instances


def test_an_event_is_one_instance(calendar, event, asking):
    found = read_object(read_calendars(calendar(event())), asking)
    at = datetime(2026, 12, 6, 2, tzinfo=UTC)
    assert found.uid == "one@example.org"
    assert found.instances == (Occurrence(at, at + timedelta(hours=4), "", all_day=False, floating=False, place=0),)
    assert found.complete_until is None
    assert found.reading == read_ical(calendar(event()), asking)


def test_times_stated_without_a_zone_say_so(calendar, event, asking):
    all_day = event(starts="DTSTART;VALUE=DATE:20260607", ends="DTEND;VALUE=DATE:20260608")
    floating = event(starts="DTSTART:20260607T020000", ends="DTEND:20260607T060000")
    at = datetime(2026, 6, 6, 23, tzinfo=UTC)
    assert read_object(read_calendars(calendar(all_day)), asking).instances == (
        Occurrence(at, at + timedelta(days=1), "", all_day=True, floating=False, place=0),
    )
    at = datetime(2026, 6, 7, 1, tzinfo=UTC)
    assert read_object(read_calendars(calendar(floating)), asking).instances == (
        Occurrence(at, at + timedelta(hours=4), "", all_day=False, floating=True, place=0),
    )


def test_a_series_has_its_excluded_instances_left_out_and_its_moved_ones_where_they_moved(instances, event):
    master = event(WEEKLY, "EXDATE:20261213T020000Z")
    moved = event("RECURRENCE-ID:20261220T020000Z", starts="DTSTART:20261222T030000Z", ends="DTEND:20261222T040000Z")
    assert instances(master, moved) == [
        "1206T0200/1206T0600 20261206T020000Z",
        "1222T0300/1222T0400 20261220T020000Z @1",
    ]


def test_a_cancelled_instance_still_takes_its_place(instances, event):
    assert instances(event("STATUS:CANCELLED")) == ["1206T0200/1206T0600"]
    gone = event("RECURRENCE-ID:20261213T020000Z", "STATUS:CANCELLED", starts="DTSTART:20261213T020000Z")
    assert instances(event("RRULE:FREQ=WEEKLY;COUNT=2"), gone)[0] == "1206T0200/1206T0600 20261206T020000Z"


def test_a_series_cancelled_whole_is_expanded_too(instances, event, calendar, asking):
    cancelled = event(WEEKLY, "STATUS:CANCELLED")
    moved = event("RECURRENCE-ID:20261220T020000Z", starts="DTSTART:20261222T030000Z", ends="DTEND:20261222T040000Z")
    assert instances(cancelled, moved) == [
        "1206T0200/1206T0600 20261206T020000Z",
        "1213T0200/1213T0600 20261213T020000Z",
        "1222T0300/1222T0400 20261220T020000Z @1",
    ]
    assert len(read_object(read_calendars(calendar(cancelled)), asking).reading.announcements) == 1
    assert instances(event("RRULE:FREQ=DAILY", "RDATE:20270101T033300Z", "STATUS:CANCELLED")) == []
    assert instances(event(WEEKLY, "STATUS:CANCELLED", starts="DTSTART:20261207T020000Z")) == []


def test_a_rule_that_goes_on_says_how_far_it_was_followed(calendar, event, asking, now):
    for status in ("STATUS:CONFIRMED", "STATUS:CANCELLED"):
        found = read_object(read_calendars(calendar(event("RRULE:FREQ=MONTHLY", status))), asking)
        assert found.complete_until == now + asking.limits.horizon
        assert len(found.instances) == 15


def test_a_rule_without_end_is_followed_as_far_as_a_series_may_reach(calendar, event, asking):
    found = read_object(read_calendars(calendar(event("RRULE:FREQ=DAILY"))), asking)
    assert len(found.instances) == len(found.reading.announcements) == 400
    first_left_out = datetime(2026, 12, 6, 2, tzinfo=UTC) + timedelta(days=400)
    assert found.complete_until == found.reading.series[0].expanded_to == first_left_out
    assert found.reading.problems == ()


def test_an_override_without_its_master_is_an_instance(instances, event):
    assert instances(event("RECURRENCE-ID:20261205T020000Z")) == ["1206T0200/1206T0600 20261205T020000Z"]


def test_what_is_no_object_is_refused_or_has_no_uid(calendar, event, asking):
    with pytest.raises(NoticeUnreadable) as refused:
        read_object(read_calendars(calendar(event(), event(uid="two@example.org"))), asking)
    assert [one.code for one in refused.value.problems] == ["several-uids"]
    faulty = read_object(read_calendars(calendar(event(ends=""))), asking)
    assert (faulty.uid, faulty.instances, [one.code for one in faulty.reading.problems]) == ("", (), ["no-end"])
    with pytest.raises(NoticeTooLarge):
        read_object(read_calendars(calendar(event()) + b"\n" * 1_000_000), asking)


@settings(max_examples=60)
@given(
    rule=st.sampled_from(["FREQ=DAILY;COUNT=9", "FREQ=WEEKLY", "FREQ=MONTHLY;COUNT=4"]),
    excluded=st.sets(st.integers(1, 28), max_size=3),
    moved=st.dictionaries(st.integers(1, 28), st.integers(-72, 72), max_size=3),
)
def test_the_register_hears_exactly_the_instances(rule, excluded, moved, calendar, event, asking):
    """One parse: what is announced of a sound, live object is what CalDAV finds in it."""
    exdates = [f"EXDATE:202612{day:02}T020000Z" for day in excluded]
    events = [event(f"RRULE:{rule}", *exdates, starts="DTSTART:20261201T020000Z", ends="DURATION:PT4H")]
    for day, hours in moved.items():
        start = datetime(2026, 12, day, 2) + timedelta(hours=hours)
        own = event(
            f"RECURRENCE-ID:202612{day:02}T020000Z", starts=f"DTSTART:{start:%Y%m%dT%H%M%SZ}", ends="DURATION:PT1H"
        )
        events.append(own)
    found = read_object(read_calendars(calendar(*events)), asking)
    announced = [(one.window.starts, one.window.ends, one.recurrence_id) for one in found.reading.announcements]
    assert found.reading.problems == ()
    assert sorted(announced) == sorted((one.starts, one.ends, one.recurrence_id) for one in found.instances)
