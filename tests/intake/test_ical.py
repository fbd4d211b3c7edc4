from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from app.domain.notice import Announcement, NoticeContent
from app.domain.refusal import NoticeTooLarge, NoticeUnreadable
from app.domain.window import ClosureWindow
from app.ical.limits import Limits
from app.intake.ical import read_ical

WINDOW = ClosureWindow(datetime(2026, 12, 6, 2, tzinfo=UTC), datetime(2026, 12, 6, 6, tzinfo=UTC))


def test_a_plain_event(read, event):
    reading = read(
        event(
            "SEQUENCE:3",
            "SUMMARY:Head-end",
            "LOCATION:Leeds",
            "X-MICROSOFT-CDO-INTENDEDSTATUS:BUSY",
            "CREATED:20260101T000000Z",
        )
    )
    assert reading == NoticeContent(
        announcements=(
            Announcement(
                uid="one@example.org",
                gateway="GW-1",
                window=WINDOW,
                sender_sequence=3,
                sender_dtstamp=datetime(2026, 9, 1, 9, tzinfo=UTC),
                line=4,
                left_out=("LOCATION", "SUMMARY"),
            ),
        ),
        problems=(),
        whole_uids=frozenset({"one@example.org"}),
        events=1,
    )


def test_what_is_left_out_is_named_alarms_too_but_a_gateway_is_none_of_it(read, event):
    reading = read(
        event("LOCATION:gw-1", "ATTENDEE:mailto:a@example.org", "BEGIN:VALARM", "TRIGGER:-PT5M", "END:VALARM")
    )
    assert [one.left_out for one in reading.announcements] == [("ATTENDEE", "VALARM")]


@pytest.mark.parametrize(
    ("starts", "ends", "expected", "remarks"),
    [
        ("DTSTART:20260705T020000Z", "DURATION:PT4H", "20260705T020000/20260705T060000", ()),
        ("DTSTART;TZID=Europe/London:20260705T020000", "DTEND:20260705T060000Z", "20260705T010000/20260705T060000", ()),
        ("dtstart;tzid=Europe/London:20260705t020000", "Dtend:20260705t060000z", "20260705T010000/20260705T060000", ()),
        ('DTSTART;TZID="Europe/London":20260705T020000', "DURATION:P1W", "20260705T010000/20260712T010000", ()),
        (
            'DTSTART;X-A="b:c";TZID=Europe/London:20260705T020000',
            "DURATION:PT1M",
            "20260705T010000/20260705T010100",
            (),
        ),
        (
            "DTSTART:20260705T020000",
            "DTEND:20260705T060000",
            "20260705T010000/20260705T050000",
            ("Times without a zone were read as London time.",),
        ),
        (
            "DTSTART;VALUE=DATE:20260705",
            "DTEND;VALUE=DATE:20260707",
            "20260704T230000/20260706T230000",
            ("An all-day event was read as London midnight to London midnight.",),
        ),
        (
            "DTSTART:20260705",
            "",
            "20260704T230000/20260705T230000",
            ("An all-day event was read as London midnight to London midnight.",),
        ),
    ],
)
def test_how_times_are_stated(read, event, windows, starts, ends, expected, remarks):
    reading = read(event(starts=starts, ends=ends))
    assert reading.problems == ()
    assert windows(reading) == [expected]
    assert [one.remarks for one in reading.announcements] == [remarks]


def test_the_calendars_own_zone_is_that_of_floating_times(read, event, windows):
    floating = {"starts": "DTSTART:20260705T020000", "ends": "DTEND:20260705T060000"}
    reading = read("X-WR-TIMEZONE:Europe/Berlin\r\n", event(**floating))
    assert windows(reading) == ["20260705T000000/20260705T040000"]
    assert reading.announcements[0].remarks == (
        "Times without a zone were read in the calendar's own zone (X-WR-TIMEZONE).",
    )
    assert windows(read("X-WR-TIMEZONE:Nowhere\r\n", event(**floating))) == ["20260705T010000/20260705T050000"]


@pytest.mark.parametrize(
    ("starts", "ends", "line", "name", "code", "text"),
    [
        ("", "DTEND:20261206T060000Z", 4, "DTSTART", "no-start", "This event has no start."),
        ("DTSTART:20261206T020000Z", "", 7, "DTEND", "no-end", "This event has no end."),
        (
            "DTSTART:20261206T020000Z",
            "DTEND:20261206T010000Z",
            8,
            "DTEND",
            "end-not-after-start",
            "The end is not after the start.",
        ),
        (
            "DTSTART:20261206T020000Z",
            "DTEND:20261206T020000Z",
            8,
            "DTEND",
            "end-not-after-start",
            "The end is not after the start.",
        ),
        (
            "DTSTART:20261206T020000Z",
            "DTEND:20261207",
            8,
            "DTEND",
            "mixed",
            "The start is a date and the end a time, or the reverse.",
        ),
        (
            "DTSTART:20261206T020000Z",
            "DURATION:-PT4H",
            8,
            "DURATION",
            "duration",
            "This duration is not longer than nothing, or longer than ten years.",
        ),
        ("DTSTART:20261206T020000Z", "DURATION:PT", 8, "DURATION", "duration", "This duration is not a duration."),
        (
            "DTSTART:20261306T020000Z",
            "DTEND:20261206T060000Z",
            7,
            "DTSTART",
            "time",
            "This date or time does not exist.",
        ),
        ("DTSTART:20260230", "", 7, "DTSTART", "time", "This date or time does not exist."),
        ("DTSTART:next Sunday", "DTEND:20261206T060000Z", 7, "DTSTART", "time", "This is not a date or a time."),
        (
            "DTSTART:２０２６1206T020000Z",
            "DTEND:20261206T060000Z",
            7,
            "DTSTART",
            "time",
            "This is not a date or a time.",
        ),
        ("DTSTART:+0261206T020000Z", "DTEND:20261206T060000Z", 7, "DTSTART", "time", "This is not a date or a time."),
        (
            "DTSTART:00011206T020000Z",
            "DTEND:20261206T060000Z",
            7,
            "DTSTART",
            "time-out-of-range",
            "The year is not between 1900 and 2999.",
        ),
        (
            "DTSTART:20210801T020000Z",
            "DTEND:20210801T060000Z",
            7,
            "DTSTART",
            "too-long-ago",
            "The start is more than 1830 days from today.",
        ),
        (
            "DTSTART:20320101T020000Z",
            "DTEND:20320101T060000Z",
            7,
            "DTSTART",
            "too-far-ahead",
            "The start is more than 1830 days from today.",
        ),
        (
            "DTSTART:20261206T020000Z",
            "DTEND:20270107T060000Z",
            8,
            "DTEND",
            "window-too-long",
            "The window is longer than 31 days.",
        ),
        (
            "DTSTART:20261206T020000Z",
            "DTSTART:20261206T030000Z",
            8,
            "DTSTART",
            "repeated",
            "This property is given twice.",
        ),
        (
            'DTSTART;TZID="Europe/London:20261206T020000',
            "DTEND:20261206T060000Z",
            7,
            "DTSTART",
            "line",
            "This line cannot be read as a property.",
        ),
    ],
)
def test_a_problem_names_line_property_and_remedy(read, event, starts, ends, line, name, code, text):
    reading = read(event(starts=starts, ends=ends), event(uid="good"))
    assert [(one.line, one.property, one.code) for one in reading.problems] == [(line, name, code)]
    assert reading.problems[0].remedy
    assert reading.problems[0].text == text.replace("This duration is not a duration", "This is not a duration")
    assert [one.uid for one in reading.announcements] == ["good"]
    assert reading.whole_uids == {"good"}
    assert reading.events == 2


def test_all_problems_of_an_event_are_named(read, event, codes):
    reading = read(event("EXDATE:-1", "RRULE:FREQ=SECONDLY", starts="DTSTART:20261206T020000Z", ends="DTEND:x"))
    assert codes(reading) == [(8, "DTEND", "time"), (9, "EXDATE", "time"), (10, "RRULE", "rule")]


@pytest.mark.parametrize("sequence", ["-1", "x", "２", "2147483648", "99999999999999999999", "1_0", ""])
def test_a_sequence_that_is_no_small_whole_number_is_ignored_and_said_to_be(read, event, sequence):
    reading = read(event(f"SEQUENCE:{sequence}"))
    assert [(sent.sender_sequence, sent.remarks) for sent in reading.announcements] == [
        (0, ("The SEQUENCE could not be read; it was ignored.",))
    ]


@pytest.mark.parametrize(
    ("lines", "remarks"),
    [
        (["RRULE:"], ("The RRULE could not be read; it was ignored.",)),
        (["EXRULE:", "RRULE: "], ("The EXRULE could not be read; it was ignored.", "The RRULE could not be read; it was ignored.")),
        (["EXDATE:", "RDATE:"], ()),
        (["SEQUENCE:1", "SEQUENCE:2", "DTSTAMP:20260901T090000Z", "LOCATION:Leeds", "LOCATION:York"], ()),
        (["X-MAINTNOTE-STATUS:CONFIRMED", "X-MAINTNOTE-STATUS:TENTATIVE"], ()),
        (['LOCATION;ALTREP="cid:1:Leeds'], ("The LOCATION could not be read; it was ignored.",)),
        (["PRIORITY:high", "GEO:here", "TRANSP:", "CLASS:SECRET?", "URL:no address"], ()),
    ],
)  # fmt: skip
def test_what_a_closure_is_read_without_refuses_none(read, event, windows, lines, remarks):
    reading = read(event(*lines))
    assert (reading.problems, windows(reading)) == ((), ["20261206T020000/20261206T060000"])
    assert reading.announcements[0].remarks == remarks


@pytest.mark.parametrize(
    "head",
    [
        *("DTSTART;", "DTSTART;;TZID=Europe/London", "DTSTART;TZID=Europe/London;", "DTSTART;LOCAL;TZID=Europe/London"),
        *("DTSTART;=x;TZID=Europe/London", "DTSTART;A B=1;TZID=Europe/London", "DTSTART; TZID=Europe/London"),
        *('DTSTART;X-A="a"b;TZID=Europe/London', "DTSTART;X_A=1;X-ORT=Köln;VALUE=DATE-TIME;TZID=Europe/London"),
    ],
)
def test_parameters_that_nobody_needs_refuse_none(read, event, windows, head):
    reading = read(event(starts=f"{head}:20260705T020000", ends="DURATION:PT4H"))
    assert (reading.problems, windows(reading)) == ((), ["20260705T010000/20260705T050000"])


def test_a_long_window_is_allowed_when_somebody_confirmed_it(read, event, asking, windows):
    reading = read(event(ends="DTEND:20270207T060000Z"), asking=replace(asking, allow_long=True))
    assert windows(reading) == ["20261206T020000/20270207T060000"]
    assert windows(read(event(ends="DTEND:20270106T020000Z"))) == ["20261206T020000/20270106T020000"]


def test_an_event_without_uid_gets_a_stable_one_of_what_it_says(read, event, calendar, asking):
    first = read(event("SUMMARY:a", "SEQUENCE:1", uid=""))
    again = read_ical(calendar(event("SUMMARY:b", "SEQUENCE:2", uid="").replace("20260901T09", "20260902T09")), asking)
    other = read(event(uid="", starts="DTSTART:20261206T010000Z"))
    uids = [reading.announcements[0].uid for reading in (first, again, other)]
    assert uids[0] == uids[1] != uids[2]
    assert all(uid.startswith("derived:") and len(uid) == 40 for uid in uids)
    assert first.announcements[0].remarks == (
        "The event has no UID; one was derived from what it says, so a change of it reads as a new closure.",
    )


def test_control_characters_are_stripped_and_escapes_undone(read, event):
    reading = read(event(uid="a\x00b\x1b\u2028c\\,d\u0085e"))
    assert [one.uid for one in reading.announcements] == ["abc,de"]


def test_a_uid_without_measure_is_a_problem(read, event, codes):
    assert codes(read(event(uid="u" * 1001))) == [(5, "UID", "uid")]


def test_a_bad_dtstamp_is_remarked(read, event):
    reading = read(event().replace("DTSTAMP:20260901T090000Z", "DTSTAMP:yesterday"))
    assert [(sent.sender_dtstamp, sent.remarks) for sent in reading.announcements] == [
        (None, ("The DTSTAMP could not be read; it was ignored.",))
    ]


def test_octets_that_are_not_utf_8_matter_only_where_they_are_read(calendar, event, asking):
    events = event("SUMMARY:caf#"), event("LOCATION:caf#", uid="two"), event(uid="caf#")
    octets = calendar(*events).replace(b"#", b"\xe9")
    reading = read_ical(octets, asking)
    assert [(sent.uid, sent.remarks, sent.left_out) for sent in reading.announcements] == [
        ("one@example.org", (), ("SUMMARY",)),
        ("two", ("The LOCATION could not be read; it was ignored.",), ("LOCATION",)),
    ]
    assert [(one.line, one.property, one.code) for one in reading.problems] == [(19, "UID", "not-utf-8")]
    two = replace(asking, gateways=("GW-1", "GW-2"))
    assert [one.code for one in read_ical(octets, two).problems] == ["gateway", "gateway", "gateway", "not-utf-8"]
    chosen = read_ical(octets, replace(two, gateway="GW-2"))
    assert [sent.gateway for sent in chosen.announcements] == ["GW-2", "GW-2"]


def test_what_is_not_an_event_is_named_once_for_each_kind(read, event, codes):
    todo = "BEGIN:VTODO\r\nUID:t\r\nEND:VTODO\r\n"
    reading = read(todo, todo, event(), "BEGIN:VJOURNAL\r\nEND:VJOURNAL\r\n")
    assert codes(reading) == [(4, "VTODO", "only-events"), (16, "VJOURNAL", "only-events")]
    assert reading.problems[0].text == "Only events are read; VTODO is not one (2 in this calendar)."
    assert len(reading.announcements) == 1


def test_a_calendar_without_events_is_read_and_said_to_be_empty(read, codes):
    assert codes(read()) == [(None, None, "no-events")]


def test_several_calendars_in_one_notice(read, event, calendar, asking):
    octets = calendar(event()) + calendar(event(uid="two"), method="CANCEL")
    reading = read_ical(octets, asking)
    assert [(one.uid, one.withdrawn, one.line) for one in reading.announcements] == [
        ("one@example.org", False, 4),
        ("two", True, 15),
    ]


@pytest.mark.parametrize(
    ("octets", "code"),
    [
        (b"hello", "no-calendar"),
        (b"/etc/passwd", "no-calendar"),
        (b"BEGIN:VEVENT\r\nUID:1\r\nEND:VEVENT\r\n", "no-calendar"),
        (b"BEGIN:VCALENDAR", "truncated"),
        (b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:1\r\nDTST", "truncated"),
        (b"PK\x03\x04" + bytes(100), "utf-16"),
        (b"\x01\x02", "no-calendar"),
    ],
)
def test_what_is_no_calendar_at_all_is_refused(asking, octets, code):
    with pytest.raises(NoticeUnreadable) as refused:
        read_ical(octets, asking)
    assert [problem.code for problem in refused.value.problems] == [code]


def test_a_file_cut_off_after_a_whole_event_gives_that_event_but_states_nothing_whole(calendar, event, asking, codes):
    octets = calendar(event(), event(uid="two"))
    reading = read_ical(octets[: octets.index(b"UID:two") + 4], asking)
    assert [one.uid for one in reading.announcements] == ["one@example.org"]
    assert codes(reading) == [(1, None, "truncated"), (10, None, "truncated")]
    assert reading.whole_uids == frozenset()
    assert reading.events == 2


def test_an_event_without_its_end_costs_only_itself(read, event, codes):
    reading = read(
        event().replace("END:VEVENT\r\n", ""), event(uid="two"), event(uid="three").replace("END:VEVENT\r\n", "")
    )
    assert [one.uid for one in reading.announcements] == ["two"]
    assert codes(reading) == [(4, None, "truncated"), (15, None, "truncated")]


@pytest.mark.parametrize(
    ("lines", "code"),
    [
        (["X-A:b"] * 200, "event-too-long"),
        (["SUMMARY:" + "a" * 65_536], "line-too-long"),
        (["BEGIN:A", "BEGIN:B", "BEGIN:C", "END:C", "END:B", "END:A"], "nesting"),
        (["END:VALARM"], "unbalanced"),
        (["BEGIN:VALARM"], "unbalanced"),
    ],
)
def test_limits_of_one_event(read, event, lines, code):
    reading = read(event(*lines), event(uid="good"))
    assert [one.code for one in reading.problems] == [code]
    assert [one.uid for one in reading.announcements] == ["good"]


def test_an_event_of_nothing_but_components_is_named_by_its_own_line(read, codes):
    alarms = "BEGIN:VALARM\r\nEND:VALARM\r\n" * 200
    assert codes(read(f"BEGIN:VEVENT\r\n{alarms}END:VEVENT\r\n")) == [(4, None, "event-too-long")]


def test_an_event_inside_a_stranger_is_named(read, event, codes):
    assert codes(read("BEGIN:X-BOX\r\n", event(), "END:X-BOX\r\n")) == [(5, None, "misplaced")]


def test_limits_of_the_notice(calendar, event, asking):
    with pytest.raises(NoticeTooLarge, match="1 MB"):
        read_ical(b"BEGIN:VCALENDAR\r\n" + b"X" * 1_000_000, asking)
    with pytest.raises(NoticeTooLarge, match="more than 2 events"):
        read_ical(calendar(event(), event(), event()), replace(asking, limits=Limits(events=2)))
    generous = replace(asking, limits=Limits(octets=3_000_000, events=10_000))
    assert read_ical(calendar(*[event(uid=str(one)) for one in range(1_001)]), generous).events == 1_001


def test_no_text_of_a_problem_echoes_what_was_sent(read, event):
    secret = "Xyzzy7"
    reading = read(
        event(f"SEQUENCE:{secret}", f"RRULE:{secret}=1", f"DURATION:{secret}", f"EXDATE:{secret}", f"EXRULE:{secret}"),
        event(
            f"RECURRENCE-ID;RANGE={secret}:{secret}",
            starts=f"DTSTART:{secret}",
            ends=f"DTEND;TZID=<{secret}>:20261206T020000",
        ),
        f"BEGIN:{secret}\r\nEND:{secret}\r\n",
        method=None,
    )
    assert len(reading.problems) > 5
    assert not [one for one in reading.problems if secret.lower() in repr(one).lower()]


def test_problems_come_in_the_order_of_their_lines_and_are_bounded(read, event):
    reading = read(event(*["RDATE:x"] * 150), event(uid="two", starts=""))
    lines = [one.line for one in reading.problems]
    assert lines == sorted(lines)
    assert len(lines) == 11


def test_reading_depends_on_nothing_but_its_arguments(read, event, asking, calendar):
    octets = calendar(event("RRULE:FREQ=WEEKLY;COUNT=3"))
    assert read_ical(octets, asking) == read_ical(octets, asking)
    later = replace(asking, now=asking.now + timedelta(days=4000))
    assert [one.code for one in read_ical(octets, later).problems] == ["no-occurrence"]
