"""A sender's object patched: the named lines say the new thing, and every other octet stays."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.ical.components import read_calendars
from app.ical.patch import EventChanges, ObjectPatch, Override
from app.ical.unread import Unread
from app.intake.calendar_object import read_object
from app.intake.read_request import ReadRequest

NOW = datetime(2026, 9, 1, 12, tzinfo=UTC)
REQUEST = ReadRequest(NOW, ("GW-1",), "GW-1", allow_long=True)
STAMP = datetime(2026, 11, 29, 9, tzinfo=UTC)
ZONE = """BEGIN:VTIMEZONE
TZID:Ours
BEGIN:STANDARD
DTSTART:19701025T030000
RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:19700329T020000
RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
END:DAYLIGHT
END:VTIMEZONE
"""
ALARM = "BEGIN:VALARM\nACTION:DISPLAY\nTRIGGER;RELATED=START:-PT15M\nDESCRIPTION:Soon\nEND:VALARM\n"
TIMES = {
    "utc": ("DTSTART:20261206T020000Z", "DTEND:20261206T060000Z"),
    "london": ("DTSTART;TZID=Europe/London:20261206T020000", "DTEND;TZID=Europe/London:20261206T060000"),
    "quoted": ('DTSTART;X-A=1;TZID="Europe/Paris":20261206T030000', 'DTEND;TZID="Europe/Paris":20261206T070000'),
    "windows": ("DTSTART;TZID=GMT Standard Time:20261206T020000", "DTEND;TZID=GMT Standard Time:20261206T060000"),
    "custom": ("DTSTART;TZID=Ours:20261206T030000", "DTEND;TZID=Ours:20261206T070000"),
    "floating": ("DTSTART:20261206T020000", "DTEND:20261206T060000"),
    "two zones": ("DTSTART;TZID=Europe/London:20261206T020000", "DTEND;TZID=Europe/Paris:20261206T070000"),
    "hours": ("DTSTART;TZID=Europe/London:20261206T020000", "DURATION:PT4H"),
    "days": ("DTSTART;TZID=Europe/London:20261206T020000", "DURATION:P1D"),
    "all day": ("DTSTART;VALUE=DATE:20261206", "DTEND;VALUE=DATE:20261208"),
    "all day for days": ("DTSTART;VALUE=DATE:20261206", "DURATION:P2D"),
    "one day": ("DTSTART;VALUE=DATE:20261206",),
}
FEBRUARY = datetime(2027, 2, 7, 2, tzinfo=UTC), datetime(2027, 2, 7, 6, tzinfo=UTC)


def event(*lines, uid="one@example.org"):
    return "\n".join(["BEGIN:VEVENT", f"UID:{uid}", "DTSTAMP:20260901T090000Z", *lines, "END:VEVENT"]) + "\n"


def an_object(*parts, line_end="\r\n"):
    text = "".join(["BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:-//them//EN\n", ZONE, *parts, "END:VCALENDAR\n"])
    return text.replace("\n", line_end).encode()


def read(octets):
    found = read_object(read_calendars(octets), REQUEST)
    assert found.reading.problems == ()
    return found.reading.announcements


def window(octets):
    (announcement,) = read(octets)
    return announcement.window.starts, announcement.window.ends


def patch_event(octets, place, changes):
    patch = ObjectPatch(octets)
    patch.change(place, changes)
    return patch.octets()


def add_override(octets, override):
    patch = ObjectPatch(octets)
    place = patch.add(override)
    assert patch.place_of(override.original) == place
    assert patch.states(place, "CANCELLED") == (override.status == "CANCELLED")
    return patch.octets()


def place_of(octets, original):
    return ObjectPatch(octets).place_of(original)


def changed_lines(before, after):
    """Physical lines gone and come, in order."""
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    return [line for line in old if line not in new], [line for line in new if line not in old]


def moved(*lines, to=FEBRUARY):
    """The lines that a move takes away from an event with these lines, and those that it brings."""
    before = an_object(event(*lines))
    after = patch_event(before, 0, EventChanges(window=to))
    assert window(after) == to
    return [[line.decode().removesuffix("\r\n") for line in some] for some in changed_lines(before, after)]


@pytest.mark.parametrize(
    ("times", "came"),
    [
        ("utc", ["DTSTART:20270207T020000Z", "DTEND:20270207T060000Z"]),
        ("london", ["DTSTART;TZID=Europe/London:20270207T020000", "DTEND;TZID=Europe/London:20270207T060000"]),
        ("quoted", ['DTSTART;X-A=1;TZID="Europe/Paris":20270207T030000', 'DTEND;TZID="Europe/Paris":20270207T070000']),
        ("windows", ["DTSTART:20270207T020000Z", "DTEND:20270207T060000Z"]),
        ("custom", ["DTSTART:20270207T020000Z", "DTEND:20270207T060000Z"]),
        ("floating", ["DTSTART:20270207T020000Z", "DTEND:20270207T060000Z"]),
        ("hours", ["DTSTART;TZID=Europe/London:20270207T020000"]),
        ("days", ["DTSTART;TZID=Europe/London:20270207T020000", "DURATION:PT14400S"]),
        ("all day", ["DTSTART:20270207T020000Z", "DTEND:20270207T060000Z"]),
        ("all day for days", ["DTSTART:20270207T020000Z", "DURATION:PT14400S"]),
        ("one day", ["DTSTART:20270207T020000Z", "DTEND:20270207T060000Z"]),
    ],
)
def test_a_move_is_stated_in_the_form_that_the_event_has_where_that_can_say_it(times, came):
    assert moved(*TIMES[times])[1] == came


@pytest.mark.parametrize(
    ("begins", "came"),
    [
        ("19710328T010000", ["DTSTART;TZID=Europe/London:20270207T020000", "DTEND;TZID=Europe/London:20270207T060000"]),
        ("20270101T000000", ["DTSTART:20270207T020000Z", "DTEND:20270207T060000Z"]),
    ],
    ids=["agrees then", "says something else then"],
)
def test_a_place_that_the_object_defines_is_written_where_both_say_the_same(begins, came):
    zone = "BEGIN:VTIMEZONE\nTZID:Europe/London\nBEGIN:DAYLIGHT\nDTSTART:{}\nTZOFFSETFROM:+0000\nTZOFFSETTO:{}\n"
    end = "END:DAYLIGHT\nEND:VTIMEZONE\n"
    defined = zone.format(begins, "+0000" if begins.startswith("1971") else "+0100") + end
    before = an_object(defined, event(*TIMES["london"]))
    after = patch_event(before, 0, EventChanges(window=FEBRUARY))
    assert [line.decode().strip() for line in changed_lines(before, after)[1]] == came


def test_an_end_without_a_zone_is_in_that_of_the_start_and_may_stay():
    lines = ("DTSTART;TZID=Europe/Paris:20261206T030000", "DTEND:20261206T070000")
    same = datetime(2026, 12, 6, 2, tzinfo=UTC), datetime(2026, 12, 6, 6, tzinfo=UTC)
    assert moved(*lines, to=same) == [[], []]
    assert moved(*lines)[1] == ["DTSTART;TZID=Europe/Paris:20270207T030000", "DTEND:20270207T060000Z"]


@pytest.mark.parametrize(
    ("times", "came"),
    [
        ("all day", ["DTSTART;VALUE=DATE:20260607", "DTEND;VALUE=DATE:20260610"]),
        ("all day for days", ["DTSTART;VALUE=DATE:20260607", "DURATION:P3D"]),
        ("one day", ["DTSTART;VALUE=DATE:20260607", "DTEND;VALUE=DATE:20260610"]),
    ],
)
def test_days_stay_days_between_london_midnights(times, came):
    days = datetime(2026, 6, 6, 23, tzinfo=UTC), datetime(2026, 6, 9, 23, tzinfo=UTC)
    assert moved(*TIMES[times], to=days)[1] == came


def test_only_the_end_changes_where_only_the_end_moves():
    ends = datetime(2026, 12, 6, 8, tzinfo=UTC)
    to = datetime(2026, 12, 6, 2, tzinfo=UTC), ends
    for times in ("utc", "london", "windows", "custom", "floating"):
        (gone, came) = moved(*TIMES[times], to=to)
        assert gone == [TIMES[times][1]]
        assert len(came) == 1


def test_a_wall_clock_that_shows_the_time_twice_gives_way_to_utc():
    second = datetime(2026, 10, 25, 1, 30, tzinfo=UTC), datetime(2026, 10, 25, 6, tzinfo=UTC)
    assert moved(*TIMES["london"], to=second)[1] == [
        "DTSTART:20261025T013000Z",
        "DTEND;TZID=Europe/London:20261025T060000",
    ]


def test_status_sequence_and_stamps_are_stated_once():
    before = an_object(event(*TIMES["utc"], "STATUS:TENTATIVE", "LAST-MODIFIED:20260901T090000Z", ALARM.strip()))
    after = patch_event(before, 0, EventChanges(status="CANCELLED", sequence=3, stamp=STAMP))
    assert changed_lines(before, after) == (
        [b"DTSTAMP:20260901T090000Z\r\n", b"STATUS:TENTATIVE\r\n", b"LAST-MODIFIED:20260901T090000Z\r\n"],
        [
            b"DTSTAMP:20261129T090000Z\r\n",
            b"STATUS:CANCELLED\r\n",
            b"LAST-MODIFIED:20261129T090000Z\r\n",
            b"SEQUENCE:3\r\n",
        ],
    )
    assert b"SEQUENCE:3\r\nBEGIN:VALARM" in after
    (announcement,) = read(after)
    assert (announcement.withdrawn, announcement.sender_sequence, announcement.sender_dtstamp) == (True, 3, STAMP)


def test_line_ends_and_folds_are_the_senders():
    before = an_object(
        event("SUMMARY:a\n  b", *TIMES["utc"], 'DESCRIPTION;X-A="a;\n b:c":x'), line_end="\n"
    ).removesuffix(b"\n")
    after = patch_event(before, 0, EventChanges(window=FEBRUARY, status="CONFIRMED"))
    assert b"\r" not in after
    assert after == before.replace(b"20261206", b"20270207").replace(b"\nEND:VEVENT", b"\nSTATUS:CONFIRMED\nEND:VEVENT")


SERIES = event("RRULE:FREQ=WEEKLY;COUNT=4", "SUMMARY:Firewall\\, at\n  night", *TIMES["london"])
OWN = event("RECURRENCE-ID:20261213T020000Z", *TIMES["windows"])
SECOND, THIRD = datetime(2026, 12, 13, 2, tzinfo=UTC), datetime(2026, 12, 20, 2, tzinfo=UTC)


def test_the_event_of_an_occurrence_is_found_by_the_start_that_its_series_gave_it():
    octets = an_object(SERIES, OWN)
    assert [place_of(octets, original) for original in (None, SECOND, THIRD)] == [0, 1, None]
    by_day = event("RECURRENCE-ID;VALUE=DATE:20261213", *TIMES["utc"])
    assert [place_of(an_object(by_day, SERIES), original) for original in (None, SECOND, THIRD)] == [1, 0, None]
    assert place_of(an_object(OWN), None) is None


def test_an_override_follows_the_events_and_names_its_occurrence_as_the_series_would():
    before = an_object(SERIES, OWN)
    override = Override(THIRD, (THIRD + timedelta(hours=1), THIRD + timedelta(hours=2)), "CONFIRMED", 2, STAMP)
    after = add_override(before, override)
    added = (
        b"BEGIN:VEVENT\r\nUID:one@example.org\r\nDTSTAMP:20261129T090000Z\r\n"
        b"RECURRENCE-ID;TZID=Europe/London:20261220T020000\r\nDTSTART;TZID=Europe/London:20261220T030000\r\n"
        b"DTEND;TZID=Europe/London:20261220T040000\r\nSUMMARY:Firewall\\, at\r\n  night\r\nSTATUS:CONFIRMED\r\n"
        b"SEQUENCE:2\r\nEND:VEVENT\r\n"
    )
    assert after == before.removesuffix(b"END:VCALENDAR\r\n") + added + b"END:VCALENDAR\r\n"
    assert [(one.window.starts, one.recurrence_id) for one in read(after)][2] == (
        THIRD + timedelta(hours=1),
        "20261220T020000Z",
    )


@pytest.mark.parametrize("times", [times for times in TIMES if times != "two zones"])
def test_an_override_is_read_as_the_occurrence_that_it_names_whatever_the_series_is_written_in(times):
    before = an_object(event("RRULE:FREQ=WEEKLY;COUNT=4", *TIMES[times]))
    third = read(before)[2]
    original = datetime.strptime(third.recurrence_id, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    after = add_override(before, Override(original, FEBRUARY, "CANCELLED", 1, STAMP))
    assert place_of(after, original) == 1
    assert [(one.recurrence_id, one.withdrawn) for one in read(after)] == [
        (one.recurrence_id, one == third) for one in read(before)
    ]


@pytest.mark.parametrize(
    ("exdate", "came"),
    [
        ("EXDATE;TZID=Europe/London:20261220T020000", []),
        ("EXDATE:20261213T020000Z,20261220T020000Z", [b"EXDATE:20261213T020000Z\r\n"]),
        ("EXDATE;VALUE=DATE:20261220", []),
        ("EXDATE:20261220T020000", []),
    ],
)
def test_what_takes_place_is_no_exception_of_its_series_and_what_is_cancelled_may_stay_one(exdate, came):
    before = an_object(event("RRULE:FREQ=WEEKLY;COUNT=4", exdate, *TIMES["london"]))
    window = THIRD, THIRD + timedelta(hours=4)
    assert changed_lines(before, add_override(before, Override(THIRD, window, "CANCELLED", 1, STAMP)))[0] == []
    after = add_override(before, Override(THIRD, window, "CONFIRMED", 1, STAMP))
    gone, brought = changed_lines(before, after)
    assert gone == [f"{exdate}\r\n".encode()]
    assert [line for line in brought if line.startswith(b"EXDATE")] == came
    assert "20261220T020000Z" in [one.recurrence_id for one in read(after)]


@pytest.mark.parametrize(
    "times", [[], ["DTSTART;TZID=Atlantis:20261206T020000", "DURATION:PT4H"], [TIMES["utc"][0], "DURATION:4"]]
)
def test_a_withdrawal_without_a_time_that_can_be_read_is_planned_again_with_one(times):
    before = an_object(event(*times, "STATUS:CANCELLED"))
    assert [one.window for one in read(before)] == [None]
    assert window(patch_event(before, 0, EventChanges(window=FEBRUARY, status="CONFIRMED"))) == FEBRUARY


def test_an_occurrence_named_without_a_zone_is_in_that_of_its_event():
    own = event("RECURRENCE-ID:20261213T030000", *TIMES["quoted"])
    assert place_of(an_object(SERIES, own), SECOND) == 1


def test_many_occurrences_are_patched_in_one_scan_and_written_in_one_piece():
    before = an_object(event("RRULE:FREQ=DAILY;COUNT=400", *TIMES["custom"]))
    patch = ObjectPatch(before)
    starts = [one.window.starts for one in read(before)]
    for at in starts:
        patch.add(Override(at, (at, at + timedelta(hours=4)), "CANCELLED", 1, STAMP))
    patch.change(0, EventChanges(sequence=1))
    assert (patch.highest_sequence(), patch.states(0, "CANCELLED"), patch.states(400, "CANCELLED")) == (1, False, True)
    after = read(patch.octets())
    assert [(one.recurrence_id, one.withdrawn) for one in after] == [(one.recurrence_id, True) for one in read(before)]


def test_an_occurrence_is_added_where_the_series_itself_is_not_stated():
    after = add_override(an_object(OWN), Override(THIRD, FEBRUARY, "CONFIRMED", 1, STAMP))
    assert [(one.recurrence_id, one.withdrawn) for one in read(after)] == [
        ("20261213T020000Z", False), ("20261220T020000Z", False),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("patch", "code"),
    [
        (lambda: patch_event(b"BEGIN:VCALENDAR\r\n", 0, EventChanges()), "unsound"),
        (lambda: patch_event(an_object(event(*TIMES["utc"])), 1, EventChanges()), "no-event"),
        (lambda: add_override(an_object(event()), Override(SECOND, FEBRUARY, "CONFIRMED", 1, STAMP)), "no-start"),
        (lambda: add_override(an_object(), Override(SECOND, FEBRUARY, "CONFIRMED", 1, STAMP)), "no-event"),
    ],
)
def test_what_cannot_be_patched_is_refused_by_name(patch, code):
    with pytest.raises(Unread) as refused:
        patch()
    assert refused.value.code == code


NOISE = st.lists(
    st.sampled_from(
        [
            'X-THEIRS;X-P="a:b;c":words, and\\; more',
            "DESCRIPTION:" + "long " * 30,
            "DESCRIPTION:folded\n  here\n\tand there",
            'ATTENDEE;CN="Dr; No":mailto:no@example.org',
            "CATEGORIES:DTSTART,STATUS",
            "LOCATION:GW-1",
            "SEQUENCE:4",
            "STATUS:CONFIRMED",
            "CLASS:PRIVATE",
            "LAST-MODIFIED:20260901T090000Z",
        ]
    ),
    unique_by=lambda line: line.partition(":")[0].partition(";")[0],
)
INSTANTS = st.datetimes(datetime(2026, 9, 2), datetime(2029, 12, 31), timezones=st.just(UTC)).map(
    lambda at: at.replace(second=0, microsecond=0)
)
NAMED = ("DTSTART", "DTEND", "DURATION", "STATUS", "SEQUENCE", "DTSTAMP", "LAST-MODIFIED")


def not_named(octets):
    """The raw octets of every line that a patch may not touch, at its depth and in order."""
    stream = read_calendars(octets)
    (calendar,) = stream.calendars
    parts = [calendar, *calendar.within()]
    return [
        [octets[line.start : line.end] for line in part.lines if part.name != "VEVENT" or line.name not in NAMED]
        for part in parts
    ]


@given(
    times=st.sampled_from(sorted(TIMES)),
    noise=NOISE,
    line_end=st.sampled_from(["\r\n", "\n"]),
    has_alarm=st.booleans(),
    starts=INSTANTS,
    minutes=st.integers(1, 20 * 1_440),
    status=st.sampled_from([None, "CONFIRMED", "CANCELLED"]),
    sequence=st.none() | st.integers(0, 99),
    stamp=st.none() | INSTANTS,
)
def test_a_patched_object_reads_as_the_changes_say_and_keeps_every_other_octet(
    times, noise, line_end, has_alarm, starts, minutes, status, sequence, stamp
):
    lines = [*noise[:2], *TIMES[times], *noise[2:]]
    before = an_object(event(*lines, *([ALARM.strip()] if has_alarm else [])), line_end=line_end)
    to = starts, starts + timedelta(minutes=minutes)
    after = patch_event(before, 0, EventChanges(window=to, status=status, sequence=sequence, stamp=stamp))
    (was,), (now,) = read(before), read(after)
    assert (now.window.starts, now.window.ends) == to
    assert now.withdrawn == (status == "CANCELLED")
    assert now.sender_sequence == (was.sender_sequence if sequence is None else sequence)
    assert now.sender_dtstamp == (was.sender_dtstamp if stamp is None else stamp)
    assert not_named(after) == not_named(before)
    assert after.count(b"\r\n") == (after.count(b"\n") if line_end == "\r\n" else 0)
    for changes in (EventChanges(), EventChanges(window=to, status=status, sequence=sequence, stamp=stamp)):
        assert patch_event(after, 0, changes) == after
    back = EventChanges(window=(was.window.starts, was.window.ends))
    assert patch_event(before, 0, back) == before
