"""What stands around and between the properties of events: lines of somebody's text, and events in no calendar."""

import pytest

from app.domain.refusal import NoticeUnreadable
from app.intake.ical import read_ical

OUTSIDE = "It stands before BEGIN:VCALENDAR or after its END; it was read with the calendar beside it."
BERLIN = (
    "BEGIN:VTIMEZONE\r\nTZID:Works clock\r\nBEGIN:STANDARD\r\nDTSTART:19700101T000000\r\nTZOFFSETFROM:+0100\r\n"
    "TZOFFSETTO:+0100\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n"
)


@pytest.mark.parametrize(
    ("lines", "line"),
    [
        (("DESCRIPTION:See the change record", "Status: Cancelled", "was the old one"), 10),
        (("DESCRIPTION:See the change record", "Status: Cancelled"), 10),
        (("COMMENT:As agreed", "status: cancelled"), 10),
        (("COMMENT:As agreed", "Status : Cancelled"), 10),
        (("COMMENT:As agreed", "Status;\tcancelled: no"), 10),
        (("SUMMARY:Works", "Duration: 4 hours"), 10),
        (("SUMMARY:Works", "End: 06:00"), 10),
        (("SUMMARY:Works", "Begin: 02:00", "End: 06:00"), 10),
        (("this is no property", "STATUS:CANCELLED"), 9),
        (("STATUS:CANCELLED", "https//example.org", "more"), 10),
        (("SUMMARY:Works", "Note: ask Leeds first"), 10),
        (("SUMMARY:Works", "Größe: 4"), 10),
        (("SUMMARY:Works\rStatus: Cancelled",), 10),
    ],
)
@pytest.mark.parametrize("method", [None, "CANCEL"])
def test_an_event_with_a_line_of_text_among_its_properties_is_a_problem_that_names_the_line(
    read, event, codes, lines, line, method
):
    moved = 1 if method else 0
    reading = read(event(*lines), event(uid="sound"), method=method)
    assert codes(reading) == [(line + moved, None, "line")]
    assert [sent.uid for sent in reading.announcements] == ["sound"]
    assert reading.whole_uids == {"sound"}
    assert reading.problems[0].remedy.startswith("A line break in a text is written \\n")


@pytest.mark.parametrize(
    "line",
    [
        "X-Origin: our own calendar",
        "x-origin: our own calendar",
        "SUMMARY: Works",
        "Summary:Works",
        "X-" + "LONG" * 20 + ":1",
        "<!-- made by a server -->",
        "\u00a0SUMMARY:Works",
        "DESCRIPTION:See\r\n Status: Cancelled",
        "BEGIN:VALARM\r\nDESCRIPTION:In an hour\r\nStatus: Cancelled\r\nEND:VALARM",
    ],
)
def test_other_lines_are_of_no_account(read, event, windows, line):
    reading = read(event(line))
    assert (reading.problems, windows(reading)) == ((), ["20261206T020000/20261206T060000"])
    assert [sent.withdrawn for sent in reading.announcements] == [False]


def test_a_line_of_text_in_the_calendar_is_named_and_its_events_are_read(read, event, codes):
    reading = read("X-WR-CALDESC:Our works\r\nMethod: cancel\r\n<!-- page 1 -->\r\n", event())
    assert codes(reading) == [(5, None, "line")]
    assert [sent.withdrawn for sent in reading.announcements] == [False]


@pytest.mark.parametrize("mark", ["\ufeff", "\u00a0", "\u200b", "\u2060 ", "\u200e", "\u3000", "\xad\ufeff"])
def test_marks_that_nobody_sees_hide_no_line(event, calendar, asking, mark):
    first, second = calendar(event(uid="a")), calendar(event(uid="b"), event(uid="c")).decode()
    for name in ("BEGIN:VCALENDAR", "BEGIN:VEVENT", "END:VEVENT", "UID", "DTSTART"):
        reading = read_ical(first + second.replace(name, mark + name).encode(), asking)
        assert [sent.uid for sent in reading.announcements] == ["a", "b", "c"]
        assert reading.problems == ()
    reading = read_ical(first + second.replace("VEVENT\r\n", f"VEVENT{mark}\r\n").encode() + mark.encode(), asking)
    assert [sent.uid for sent in reading.announcements] == ["a", "b", "c"]
    assert reading.problems == ()


@pytest.mark.parametrize("between", ["", "\ufeff", "\u00a0", "\r\n\ufeff", "\r", "\r\n\u200b\r\n", "\r\n "])
def test_a_second_file_behind_the_first_is_read_however_they_were_joined(event, calendar, asking, between):
    first, second = calendar(event(uid="a")), calendar(event(uid="b"), method="CANCEL")
    reading = read_ical(first.rstrip() + between.encode() + second, asking)
    assert [(sent.uid, sent.withdrawn) for sent in reading.announcements] == [("a", False), ("b", True)]
    assert reading.problems == ()


@pytest.mark.parametrize("order", ["le", "be"])
@pytest.mark.parametrize("before", [1, 10])
def test_a_second_file_in_utf_16_is_read_whatever_its_share_is(event, calendar, asking, order, before):
    mark = {"le": b"\xff\xfe", "be": b"\xfe\xff"}[order]
    many = calendar(*(event(uid=f"a{number}") for number in range(before)))
    second = calendar(event(uid="b"), event(uid="Łódź")).decode()
    reading = read_ical(many + mark + second.encode(f"utf-16-{order}"), asking)
    assert [sent.uid for sent in reading.announcements][before:] == ["b", "Łódź"]
    assert (reading.problems, reading.events) == ((), before + 2)


def test_half_a_letter_at_the_end_of_a_second_file_loses_nothing_of_it(event, calendar, asking):
    reading = read_ical(calendar(event(uid="a")) + calendar(event(uid="b")).decode().encode("utf-16") + b"\n", asking)
    assert [sent.uid for sent in reading.announcements] == ["a", "b"]
    assert [problem.code for problem in reading.problems] == ["outside"]


def test_an_event_in_no_calendar_is_read_with_the_calendar_beside_it(event, calendar, asking):
    own = {"starts": "DTSTART;TZID=Works clock:20261206T020000", "ends": "DURATION:PT4H"}
    before, after = event(uid="before", **own).encode(), event(uid="after", **own).encode()
    octets = before + calendar(BERLIN, event(uid="a")) + after + calendar(event(uid="b"), method="CANCEL") + before
    reading = read_ical(octets.replace(b"UID:before", b"UID:last", 2).replace(b"UID:last", b"UID:before", 1), asking)
    assert [(sent.uid, sent.withdrawn, OUTSIDE in sent.remarks) for sent in reading.announcements] == [
        ("a", False, False),
        ("before", False, True),
        ("after", False, True),
        ("b", True, False),
        ("last", True, True),
    ]
    assert {f"{sent.window.starts:%H}" for sent in reading.announcements[1:3]} == {"01"}
    assert (reading.problems, reading.events) == ((), 5)


@pytest.mark.parametrize(
    ("before", "after", "problems"),
    [
        ("Dear DCC,\r\n", "", [(1, None, "outside")]),
        ("", "-- \r\nSent from Leeds\r\n", [(12, None, "outside")]),
        ("", "UID:lost\r\nDTSTART:20261206T020000Z\r\nEND:VEVENT\r\n", [(12, None, "outside")]),
        ("", "BEGIN:VTODO\r\nUID:t\r\nEND:VTODO\r\n", [(12, None, "outside")]),
        ("BEGIN:VCARD\r\nFN:Leeds\r\n", "", [(1, None, "outside")]),
        ("", "BEGIN:VEVENT\r\nUID:lost\r\n", [(12, None, "truncated")]),
        ("BEGIN:VEVENT\r\nUID:lost\r\n", "", [(1, None, "truncated")]),
        ("\r\n \r\n\ufeff\r\n", "\u00a0\r\n<!-- end -->\r\n", []),
    ],
)
def test_the_rest_is_named(event, calendar, asking, codes, before, after, problems):
    reading = read_ical(before.encode() + calendar(event("SUMMARY:Works")) + after.encode(), asking)
    assert codes(reading) == problems
    assert [sent.uid for sent in reading.announcements] == ["one@example.org"]


def test_what_stands_outside_is_counted(event, calendar, asking):
    reading = read_ical(b"Hello\r\n" + calendar(event()) + b"there\r\nyou\r\n", asking)
    assert [problem.text for problem in reading.problems] == [
        "What stands here is in no calendar, and was not read (3 such lines in this file)."
    ]


def test_events_without_any_calendar_are_none(event, asking):
    with pytest.raises(NoticeUnreadable, match=r"No BEGIN:VCALENDAR was found\."):
        read_ical(event().encode(), asking)


def test_two_methods_that_differ_are_a_question(read, event, codes):
    reading = read("METHOD:CANCEL\r\n", event(), method="PUBLISH")
    assert (codes(reading), reading.announcements) == ([(5, "METHOD", "repeated")], ())
    assert read("METHOD:request\r\n", event(), method="PUBLISH").problems == ()


def test_a_component_of_a_name_that_is_unknown_is_named_without_it(read, event, codes):
    reading = read("BEGIN:EVNT\r\nUID:a\r\nEND:EVNT\r\nBEGIN:X-BOX\r\nEND:X-BOX\r\n", event())
    assert codes(reading) == [(4, None, "only-events")]
    assert reading.problems[0].text == "Only events are read; this is not one (1 in this calendar)."
