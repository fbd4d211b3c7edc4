"""Whatever the octets: a reading or one of two refusals comes out, and what it says keeps its own promises."""

import importlib.resources
from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.refusal import NoticeTooLarge, NoticeUnreadable
from app.ical.limits import Limits
from app.intake.ical import read_ical
from app.intake.media import read_notice
from app.intake.read_request import ReadRequest

NOW = datetime(2026, 11, 1, 9, tzinfo=UTC)
ASKING = ReadRequest(now=NOW, gateways=("GW-1", "GW-2"), limits=Limits(octets=20_000, events=20))
CALENDARS = [
    path.read_bytes()
    for path in sorted(
        (importlib.resources.files("icalendar") / "tests/calendars").iterdir(), key=lambda path: path.name
    )
    if path.name.endswith(".ics")
]
NAMES = [
    "DTSTART",
    "DTEND",
    "DURATION",
    "RRULE",
    "EXDATE",
    "RDATE",
    "RECURRENCE-ID",
    "UID",
    "SEQUENCE",
    "STATUS",
    "DTSTAMP",
    "LOCATION",
    "METHOD",
]
HEADS = st.sampled_from(
    [
        "",
        ";TZID=Europe/London",
        ";VALUE=DATE",
        ";TZID=X",
        ';TZID="',
        ";VALUE=PERIOD",
        ";RANGE=THISANDFUTURE",
        ";TZID=(UTC+00:00) Dublin, London",
    ]
)
VALUES = st.one_of(
    st.sampled_from(
        ["20261206T020000Z", "20261206T020000", "20261206", "20261025T013000", "20260329T013000", "PT4H", "P1D", "-PT1H",
         "FREQ=WEEKLY;COUNT=3", "FREQ=DAILY", "FREQ=MONTHLY;BYDAY=-1SU", "CANCELLED", "0", "7", "GW-1", "CANCEL", "REPLY",
         "00010101T000000", "99991231T235959Z", "20261206T020000Z,20261213T020000Z", "20261206T020000Z/PT1H", "a@b"]
    ),
    st.text(max_size=20),
)  # fmt: skip
LINES = st.builds(lambda name, head, value: f"{name}{head}:{value}", st.sampled_from(NAMES), HEADS, VALUES)
EVENTS = st.lists(LINES, max_size=8).map(lambda lines: "\r\n".join(["BEGIN:VEVENT", *lines, "END:VEVENT", ""]))
FILES = st.lists(st.one_of(EVENTS, LINES.map(lambda line: line + "\r\n")), max_size=4).map(
    lambda parts: ("BEGIN:VCALENDAR\r\n" + "".join(parts) + "END:VCALENDAR\r\n").encode("utf-8", "replace")
)
MANY = settings(max_examples=300)


def promises(octets, read):
    """Check what any reading promises; return nothing."""
    try:
        reading = read(octets)
    except (NoticeTooLarge, NoticeUnreadable):
        return
    keys = [(one.uid, one.recurrence_id) for one in reading.announcements]
    assert len(keys) == len(set(keys))
    for one in reading.announcements:
        assert one.uid
        # A withdrawal is found by its UID and need not say where.
        assert one.gateway in ASKING.gateways or (one.withdrawn and one.gateway == "")
        assert one.window is not None or one.withdrawn
        assert one.left_out == tuple(sorted(one.left_out))
        if one.window is not None and not one.withdrawn:
            assert one.window.duration <= ASKING.limits.longest_window
            assert abs(one.window.starts - NOW) <= ASKING.limits.reach
    assert reading.whole_uids <= {uid for uid, _ in keys}
    assert {one.uid for one in reading.series} <= reading.whole_uids
    for one in reading.series:
        again = read_ical(one.octets, ReadRequest(now=NOW, gateways=(one.gateway,), gateway=one.gateway))
        assert again.problems == ()
        assert [(found.uid, found.recurrence_id, found.window, found.position) for found in again.announcements] == [
            (found.uid, found.recurrence_id, found.window, found.position)
            for found in reading.announcements
            if found.uid == one.uid
        ]


@given(st.binary(max_size=400))
@MANY
def test_any_octets(octets):
    promises(octets, lambda found: read_ical(found, ASKING))


@given(FILES)
@MANY
def test_any_lines(octets):
    promises(octets, lambda found: read_ical(found, ASKING))


@given(st.sampled_from(CALENDARS), st.data())
@MANY
def test_real_calendars_damaged(octets, data):
    damaged = bytearray(octets[:20_000])
    for _ in range(data.draw(st.integers(1, 6))):
        place = data.draw(st.integers(0, max(len(damaged) - 1, 0)))
        kind = data.draw(st.sampled_from(["flip", "cut", "put", "end"]))
        if kind == "flip" and damaged:
            damaged[place] ^= 1 << data.draw(st.integers(0, 7))
        elif kind == "cut":
            del damaged[place : place + data.draw(st.integers(1, 40))]
        elif kind == "put":
            damaged[place:place] = data.draw(st.binary(max_size=12))
        else:
            del damaged[place:]
    promises(bytes(damaged), lambda found: read_ical(found, ASKING))


@given(
    st.one_of(st.binary(max_size=200), FILES),
    st.sampled_from(["text/calendar", "text/csv", "application/json", "", "x/y; charset=utf-16", "\u2028"]),
)
@MANY
def test_any_octets_of_any_kind(octets, media_type):
    promises(octets, lambda found: read_notice(found, media_type, ASKING))


@given(
    st.lists(
        st.lists(
            st.one_of(
                st.sampled_from(["GW-1", "2026-12-06T02:00", "2026-12-06T06:00", "", "yes"]), st.text(max_size=8)
            ),
            max_size=5,
        ),
        max_size=5,
    )
)
@MANY
def test_any_sheet(rows):
    text = "gateway,starts,ends,reference,withdrawn\r\n" + "".join(",".join(row) + "\r\n" for row in rows)
    promises(text.encode("utf-8", "replace"), lambda found: read_notice(found, "text/csv", ASKING))
