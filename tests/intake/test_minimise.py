"""A minimised notice says the same of every closure and nothing else: over real calendars, made ones, and golden octets."""

import importlib.resources
import io
import json
import re
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from openpyxl import Workbook

from app.domain.notice import Channel, Notice, NoticeContent
from app.domain.refusal import NoticeUnreadable
from app.ical.lines import content_lines, plain_octets
from app.intake.media import read_notice
from app.intake.minimise import minimised
from app.intake.parsed_event import UNREAD_TIME
from app.intake.read_request import ReadRequest

NOW = datetime(2026, 9, 1, 12, tzinfo=UTC)
ASKING = ReadRequest(now=NOW, gateways=("GW-1",))
FOLDER = importlib.resources.files("icalendar") / "tests/calendars"
PATHS = sorted((path for path in FOLDER.iterdir() if path.name.endswith(".ics")), key=lambda path: path.name)
STARTS = re.compile(rb"^DTSTART[^\r\n]*:(\d{4})", re.MULTILINE)
LINE = re.compile(r"line \d+")
# Said of what is no longer there, so that it is not said again.
OF_WHAT_WENT = (
    "The event has no UID; one was derived from what it says, so a change of it reads as a new closure.",
    "X-MAINTNOTE-OBJECT-ID names none of your gateways; your only one was taken.",
    "The DTSTAMP could not be read; it was ignored.",
    "The SEQUENCE could not be read; it was ignored.",
    "The LOCATION could not be read; it was ignored.",
    "The X-MAINTNOTE-STATUS could not be read; it was ignored.",
    (
        "Its STATUS is none of TENTATIVE, CONFIRMED and CANCELLED, so the closure stays planned. "
        "To withdraw it, press Withdraw this closure on its page, or send it with STATUS:CANCELLED."
    ),
    (
        "Its title says that it is cancelled, but the closure stays planned. "
        "To withdraw it, press Withdraw this closure on its page, or send it with STATUS:CANCELLED."
    ),
    "It stands before BEGIN:VCALENDAR or after its END; it was read with the calendar beside it.",
)


def notice(octets, media_type="text/calendar"):
    return Notice("ALPHA", Channel.API, NOW, media_type, octets, "a test")


def least(octets, media_type="text/calendar", asking=ASKING):
    return minimised(notice(octets, media_type), read_notice(octets, media_type, asking))


def told(reading):
    """What a reading says of closures, but for where it stood, which UID came first, and what was left out."""
    said = [replace(one, line=None, left_out=(), remarks=remarks(one)) for one in reading.announcements]
    return sorted(said, key=lambda one: one.uid)


def remarks(one):
    if UNREAD_TIME in one.remarks:
        # How the other times of that withdrawal were read is of no account: none of them was used.
        return tuple(word for word in one.remarks if word.startswith(("X-MAINTNOTE-STATUS", "Its STATUS is spelled")))
    return tuple(word for word in one.remarks if word not in OF_WHAT_WENT)


def wherever(said):
    return [LINE.sub("line", remark) for remark in said]


def assert_same(octets, asking, media_type="text/calendar"):
    before = read_notice(octets, media_type, asking)
    kept = minimised(notice(octets, media_type), before)
    if not kept.octets:
        assert told(before) == []
        return
    after = read_notice(kept.octets, kept.media_type, asking)
    assert told(after) == told(before)
    if not before.problems:
        assert (after.problems, after.whole_uids, after.events, wherever(after.remarks)) == (
            (), before.whole_uids, before.events, wherever(before.remarks),
        )  # fmt: skip
        assert [(one.uid, one.gateway, one.octets, one.expanded_to) for one in after.series] == [
            (one.uid, one.gateway, one.octets, one.expanded_to) for one in before.series
        ]
    again = minimised(notice(kept.octets, kept.media_type), after)
    assert again.octets == kept.octets


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.name)
def test_a_real_calendar_reads_the_same(path):
    octets = path.read_bytes()
    years = sorted(int(year) for year in STARTS.findall(octets) if int(year) > 1995)
    asking = ReadRequest(now=datetime(years[len(years) // 2] if years else 2026, 6, 1, tzinfo=UTC), gateways=("GW-1",))
    try:
        read_notice(octets, "text/calendar", asking)
    except NoticeUnreadable:
        return
    assert_same(octets, asking)


WORDS = st.sampled_from(["quokka", "20261206", "GW-2", "P1D", "", "Z", "a;b:c,d", '"q"'])
LINES = st.one_of(
    st.sampled_from(
        [
            "DTSTART:20261206T020000Z",
            "DTSTART;TZID=Europe/London;X-NOTE=quokka:20261206T020000",
            'DTSTART;TZID="Odd, Zone":20261206T020000',
            "DTSTART;VALUE=DATE;TZID=quokka:20261206",
            "DTSTART:20261206T020000",
            "DTEND:20261206T060000Z",
            "DTEND;TZID=(UTC+00:00) Dublin, Edinburgh, Lisbon, London:20261206T060000",
            "DURATION:PT4H",
            "RRULE:FREQ=WEEKLY;COUNT=3",
            "rrule:freq=monthly;bysetpos=-1;byday=SU,+1MO;until=20270701",
            "RDATE;VALUE=PERIOD:20270106T020000Z/PT1H,20270107T020000Z/20270107T030000Z",
            "EXDATE;TZID=Europe/London:20261213T020000",
            "RECURRENCE-ID:20261213T020000Z",
            "STATUS:CANCELLED",
            "STATUS:TENTATIVE",
            "STATUS: 'Canceled'.",
            "STATUS:quokka",
            "RRULE:",
            "RRULE:FREQ=WEEKLY; BYDAY=SU, MO;COUNT=2",
            "DTSTART;quokka;TZID=Europe/London:20261206T020000",
            "SEQUENCE:-1",
            "X-MAINTNOTE-STATUS:CANCELLED",
            "X-MAINTNOTE-STATUS:completed",
            "SUMMARY:Cancelled: quokka",
            'LOCATION;ALTREP="http://quokka":gw-1',
            "X-MAINTNOTE-OBJECT-ID:GW-1",
            "SUMMARY:quokka",
            "SEQUENCE:3",
            "UID;X-A=quokka:one",
            "UID:two",
            "BEGIN:VALARM",
            "END:VALARM",
        ]
    ),
    st.builds(
        "{}:{}".format,
        st.sampled_from(["DTSTAMP", "DTEND", "EXDATE", "DURATION", "STATUS", "LOCATION", "SEQUENCE", "RRULE", "X-B"]),
        WORDS,
    ),
    WORDS.map(lambda word: f" {word}"),
)
ZONE = """BEGIN:VTIMEZONE
TZID:Odd, Zone
X-LIC-LOCATION:quokka
BEGIN:STANDARD
DTSTART:19701025T020000
TZOFFSETFROM:+0100
TZOFFSETTO:+0000
TZNAME:quokka
RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:19700329T010000
COMMENT:quokka
TZOFFSETFROM:+0000
TZOFFSETTO:+0100
RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU
END:DAYLIGHT
END:VTIMEZONE"""
EVENTS = st.lists(st.lists(LINES, max_size=9), max_size=4)


def written(events, *own):
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", *own, ZONE.replace("\n", "\r\n")]
    for event in events:
        lines += ["BEGIN:VEVENT", *event, "END:VEVENT"]
    return "\r\n".join([*lines, "END:VCALENDAR", ""]).encode()


@given(
    EVENTS,
    st.sampled_from([(), ("METHOD:CANCEL",), ("METHOD:ADD",), ("X-WR-TIMEZONE:Europe/Paris",)]),
    st.sampled_from([ASKING, ReadRequest(NOW, ("GW-1", "GW-2")), ReadRequest(NOW, ("GW-1", "GW-2"), "GW-2")]),
)
def test_a_made_calendar_reads_the_same_and_no_word_is_left(events, own, asking):
    octets = written([["DTSTAMP:20260901T090000Z", *event] for event in events], *own)
    assert_same(octets, asking)
    # A UID may be any word: it is how a later notice names the closure, and stays as it is.
    kept = least(octets, asking=asking).octets
    lines = list(content_lines(plain_octets(kept))) if kept else []
    assert b"quokka" not in b"".join(line.octets for line in lines if not line.octets.startswith(b"UID:"))


def test_an_event_that_is_not_understood_goes_though_another_without_uid_says_the_same():
    octets = written(
        [["BEGIN:VALARM"], ["DTSTART:20261206T020000Z"], []],
        "METHOD:CANCEL",
    )
    assert len(told(read_notice(octets, "text/calendar", ASKING))) == 2
    assert least(octets).octets.count(b"BEGIN:VEVENT") == 2
    assert_same(octets, ASKING)


def test_what_is_left_of_an_event_are_its_times_gateway_and_reference():
    octets = written(
        [
            [
                "UID;X-A=quokka:one", "DTSTAMP:20260901T090000Z", "CREATED:20260901T090000Z", "SUMMARY:quokka",
                'DTSTART;X-NOTE="quo;kka:";TZID="Odd, Zone":20261206T020000',
                "DTEND;TZID=Europe/London:20261206T060000", "LOCATION;LANGUAGE=en:gw-1",
                "X-MAINTNOTE-OBJECT-ID:quokka", "DURATION:quokka", "STATUS:QUOKKA", "DESCRIPTION:quok", " ka",
                "BEGIN:VALARM", "TRIGGER:-PT1H", "END:VALARM", "X-MICROSOFT-CDO-BUSYSTATUS:FREE",
            ],
            ["UID:unread", "SUMMARY:quokka", "DTSTART:quokka"],
        ],
        "PRODID;X-A=quokka:-//a client//EN", "CALSCALE:GREGORIAN", "X-WR-CALNAME:quokka", "X-WR-TIMEZONE:quokka",
    )  # fmt: skip
    expected = """BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//a client//EN
CALSCALE:GREGORIAN
BEGIN:VTIMEZONE
TZID:Odd, Zone
BEGIN:STANDARD
DTSTART:19701025T020000
TZOFFSETFROM:+0100
TZOFFSETTO:+0000
RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:19700329T010000
TZOFFSETFROM:+0000
TZOFFSETTO:+0100
RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU
END:DAYLIGHT
END:VTIMEZONE
BEGIN:VEVENT
UID:one
DTSTAMP:20260901T090000Z
DTSTART;TZID="Odd, Zone":20261206T020000
DTEND;TZID=Europe/London:20261206T060000
LOCATION:gw-1
END:VEVENT
END:VCALENDAR
"""
    assert least(octets, "text/calendar; name=quokka.ics") == notice(expected.replace("\n", "\r\n").encode())


def test_an_event_without_uid_keeps_the_one_that_was_derived(event, calendar):
    octets = calendar(event("SUMMARY:quokka", "LOCATION:a street", uid=""))
    (before,) = read_notice(octets, "text/calendar", ASKING).announcements
    assert f"UID:{before.uid}\r\n".encode() in least(octets).octets
    assert_same(octets, ASKING)


def test_octets_without_a_word_too_many_stay_as_they_are():
    octets = b"BEGIN:VCALENDAR\nVERSION:2.0\nBEGIN:VEVENT\nUID:o\n ne\nDTSTART:20261206\nEND:VEVENT\nEND:VCALENDAR\n"
    assert least(octets).octets == octets


def test_a_long_reference_is_folded(event, calendar):
    octets = calendar(event("SUMMARY:quokka", uid="é" * 60))
    assert max(map(len, least(octets).octets.split(b"\r\n"))) == 74
    assert_same(octets, ASKING)


SHEET = (
    b"note;gateway;ends;starts;reference;withdrawn\r\n"
    b"quokka;gw-1;2026-12-06T06:00;2026-12-06T02:00;one;no\r\n"
    b";GW-1;2026-12-06T06:00;quokka;two;no\r\n"
    b"quokka;;quokka;;three;yes\r\n"
)


def test_of_a_sheet_the_known_columns_of_the_rows_read_are_left():
    assert least(SHEET, "quokka.csv") == notice(
        b"gateway,starts,ends,reference,withdrawn\r\ngw-1,2026-12-06T02:00,2026-12-06T06:00,one,no\r\n,,,three,yes\r\n",
        "text/csv",
    )
    assert_same(SHEET, ASKING, "text/csv")


def test_the_times_of_a_sheet_are_kept_as_they_were_read():
    """The row that told that the day comes first is not understood, and left out."""
    octets = (
        b"sep=;\r\nPlanned closures\r\ngateway;starts;ends;reference\r\n"
        b"GW-1;06/12/2026 2am;06/12/2026 24:00;one\r\n"
        b"quokka;13/12/2026;13/12/2026;two\r\n"
        b"GW-1;07/12/2026;08/12/2026;three\r\n"
    )
    assert least(octets, "quokka.csv") == notice(
        b"gateway,starts,ends,reference,withdrawn\r\n"
        b"GW-1,2026-12-06T02:00,2026-12-07T00:00,one,\r\n"
        b"GW-1,2026-12-07,2026-12-08,three,\r\n",
        "text/csv",
    )


def test_of_a_workbook_csv_is_left():
    book = Workbook()
    for row in (
        ["gateway", "starts", "ends", "reference", "why"],
        ["GW-1", datetime(2026, 12, 6, 2), datetime(2026, 12, 6, 6), 17, "quokka"],
    ):
        book.active.append(row)
    held = io.BytesIO()
    book.save(held)
    assert least(held.getvalue(), "quokka.xlsx") == notice(
        b"gateway,starts,ends,reference,withdrawn\r\nGW-1,2026-12-06T02:00:00,2026-12-06T06:00:00,17,\r\n", "text/csv"
    )
    assert_same(held.getvalue(), ASKING, "text/csv")


def test_of_a_list_the_known_keys_of_the_entries_read_are_left():
    entries = [
        {
            "gateway": "GW-1",
            "starts": "2026-12-06T02:00Z",
            "ends": "2026-12-06T06:00Z",
            "reference": "1",
            "why": "quokka",
        },
        {"gateway": "quokka", "starts": "2026-12-06T02:00Z", "ends": "2026-12-06T06:00Z"},
        "quokka",
        {"reference": "2", "withdrawn": True},
    ]
    octets = json.dumps({"closures": entries, "note": "quokka"}).encode()
    kept = least(octets, "application/json")
    assert json.loads(kept.octets) == [
        {key: value for key, value in entries[0].items() if key != "why"},
        {"reference": "2", "withdrawn": "yes"},
    ]
    assert_same(octets, ASKING, "application/json")


def test_a_gateway_chosen_by_the_request_leaves_no_other_word():
    asking = ReadRequest(now=NOW, gateways=("GW-1", "GW-2"), gateway="GW-2")
    octets = SHEET.replace(b"gw-1", b"quokka")
    assert b"quokka" not in least(octets, "text/csv", asking).octets
    assert_same(octets, asking, "text/csv")


def test_where_nothing_was_read_only_the_receipt_is_left():
    assert minimised(notice(b"quokka", "text/quokka"), None) == notice(b"", "")


def test_what_we_wrote_ourselves_of_a_withdrawal_stays():
    ours = notice(b"CN-0123456789", "text/x-withdrawal")
    assert minimised(ours, NoticeContent((), (), events=1)) == ours


def test_lines_that_are_not_utf8_are_left_out(event, calendar):
    odd = event("SUMMARY:quokka", uid="").replace("\r\nDTSTAMP", "\r\nUID:\udcff\r\nDTSTAMP")
    parts = calendar(event("SUMMARY:quokka")).decode().replace("END:VCALENDAR", odd + "END:VCALENDAR")
    octets = parts.replace("PRODID:", "PRODID:\udcff").encode("utf-8", "surrogateescape")
    assert least(octets).octets == calendar(event()).replace(b"PRODID:-//test//EN\r\n", b"")


def test_an_event_outside_of_the_calendar_is_kept_inside(event, calendar):
    octets = event(uid="before").encode() + calendar(event("SUMMARY:quokka"), method="CANCEL") + b"quokka\r\n"
    assert least(octets).octets == calendar(event(), event(uid="before"), method="CANCEL")
    assert_same(octets, ASKING)
