"""By what a sender knows the event that a problem is with."""

from dataclasses import replace

import pytest

from app.intake.ical import read_ical

BAD_END = {"ends": "DTEND:20261206T010000Z"}


@pytest.mark.parametrize(
    ("lines", "stated", "name"),
    [
        (["SUMMARY:Works at Leeds"], BAD_END, "Works at Leeds, 2026-12-06 02:00"),
        (["SUMMARY;LANGUAGE=en:Works\\, at last\\nand more"], BAD_END, "Works, at lastand more, 2026-12-06 02:00"),
        (["SUMMARY:" + "long " * 20], BAD_END, "long long long long long long long long…, 2026-12-06 02:00"),
        (["SUMMARY: "], BAD_END, "one@example.org, 2026-12-06 02:00"),
        ([], BAD_END, "one@example.org, 2026-12-06 02:00"),
        ([], BAD_END | {"uid": ""}, "2026-12-06 02:00"),
        (["SUMMARY:Works"], {"starts": "DTSTART;VALUE=DATE:20261206", "ends": "DTEND;VALUE=DATE:20261205"}, "Works, 2026-12-06"),
        (["SUMMARY:Works"], {"starts": "DTSTART;TZID=Nowhere:20261206t023000"}, "Works, 2026-12-06 02:30"),
        (["SUMMARY:Works"], {"starts": "DTSTART:next Sunday"}, "Works"),
        (["SUMMARY:Works"], {"starts": ""}, "Works"),
        (["SUMMARY:Works", "Status: Cancelled"], {}, "Works, 2026-12-06 02:00"),
    ],
)  # fmt: skip
def test_a_problem_names_its_event(read, event, lines, stated, name):
    reading = read(event(*lines, **stated))
    assert [problem.event for problem in reading.problems] == [name]


def test_a_name_is_printable_in_any_encoding(calendar, event, asking):
    octets = calendar(event("SUMMARY:caf#\x1b[2J", **BAD_END)).replace(b"#", b"\xe9")
    assert [problem.event for problem in read_ical(octets, asking).problems] == ["café[2J, 2026-12-06 02:00"]


def test_each_event_of_one_uid_is_named_for_itself(read, event):
    own = {"starts": "DTSTART:20261213T080000Z", "ends": "DTEND:20261213T070000Z"}
    reading = read(
        event("SUMMARY:Later", "RECURRENCE-ID:20261213T020000Z", **own),
        event("SUMMARY:Works", "RRULE:FREQ=WEEKLY;COUNT=2", ends="DTEND:20261206T010000Z"),
    )
    assert [problem.event for problem in reading.problems] == ["Later, 2026-12-13 08:00", "Works, 2026-12-06 02:00"]


def test_no_gateway_is_asked_about_by_name(read, event, asking):
    reading = read(event("SUMMARY:Works"), asking=replace(asking, gateways=("GW-1", "GW-2")))
    assert [(problem.code, problem.event) for problem in reading.problems] == [("gateway", "Works, 2026-12-06 02:00")]


def test_what_is_of_no_event_names_none(read, event):
    assert [problem.event for problem in read("BEGIN:VTODO\r\nEND:VTODO\r\n", event()).problems] == [""]
