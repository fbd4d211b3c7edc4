"""What Users really send, sentence by sentence: zones, nights of the clock changes, series, methods, gateways."""

from datetime import UTC, datetime, timedelta

import pytest

from app.intake.ical import read_ical
from app.intake.read_request import ReadRequest

NOW = datetime(2026, 9, 1, 9, tzinfo=UTC)
ONE = ReadRequest(now=NOW, gateways=("GW-1",))
TWO = ReadRequest(now=NOW, gateways=("GW-1", "GW-2"))
TIMES = ("DTSTART:20261206T020000Z", "DTEND:20261206T060000Z")
WEEKLY = ("DTSTART;TZID=Europe/London:20261011T020000", "DURATION:PT4H", "RRULE:FREQ=WEEKLY;COUNT=4")
TOKYO = (
    "BEGIN:VTIMEZONE", "TZID:{name}", "BEGIN:STANDARD", "DTSTART:19700101T000000", "TZOFFSETFROM:+0900",
    "TZOFFSETTO:+0900", "END:STANDARD", "END:VTIMEZONE",
)  # fmt: skip


def at(*when):
    return datetime(*when, tzinfo=UTC)


def event(*lines, uid="a@x"):
    return ("BEGIN:VEVENT", f"UID:{uid}", *lines, "END:VEVENT")


def read(*parts, asking=ONE, head=()):
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", *head, *[line for part in parts for line in part], "END:VCALENDAR", ""]
    return read_ical("\r\n".join(lines).encode(), asking)


def only(reading):
    assert reading.problems == ()
    (announcement,) = reading.announcements
    return announcement


def codes(reading):
    return [problem.code for problem in reading.problems]


def starts(reading):
    return [one.window.starts for one in reading.announcements]


@pytest.mark.parametrize(
    ("name", "instant", "taken"),
    [
        ("Europe/London", at(2026, 7, 5, 1), None),
        ('"Europe/London"', at(2026, 7, 5, 1), None),
        ("GMT Standard Time", at(2026, 7, 5, 1), "Europe/London"),
        ("Greenwich Standard Time", at(2026, 7, 5, 2), "Atlantic/Reykjavik"),
        ("W. Europe Standard Time", at(2026, 7, 5, 0), "Europe/Berlin"),
        ('"(UTC+00:00) Dublin, Edinburgh, Lisbon, London"', at(2026, 7, 5, 1), "Europe/London"),
        ("(UTC+00:00) Dublin\\, Edinburgh\\, Lisbon\\, London", at(2026, 7, 5, 1), "Europe/London"),
        ('"(GMT) Greenwich Mean Time : Dublin, Edinburgh, Lisbon, London"', at(2026, 7, 5, 1), "Europe/London"),
        ("/mozilla.org/20050126_1/Europe/London", at(2026, 7, 5, 1), None),
        ("/freeassociation.sourceforge.net/Tzfile/Europe/London", at(2026, 7, 5, 1), None),
        ("/freeassociation.sourceforge.net/Europe/Berlin", at(2026, 7, 5, 0), None),
    ],
)
def test_zones_by_whatever_name(name, instant, taken):
    found = only(read(event(f"DTSTART;TZID={name}:20260705T020000", "DURATION:PT1H")))
    assert found.window.starts == instant
    # Other programs take a name of Windows that the file does not define for no zone at all.
    told = f" is not defined here: {taken} was taken. If that is wrong, give the times in UTC."
    assert [remark.endswith(told) for remark in found.remarks] == ([] if taken is None else [True])


def test_a_place_means_what_the_world_means_by_it_and_what_the_file_says_is_told():
    zone = [line.format(name="Europe/London") for line in TOKYO]
    found = only(read(zone, event("DTSTART;TZID=Europe/London:20261206T020000", "DURATION:PT1H")))
    assert found.window.starts == at(2026, 12, 6, 2)
    word = (
        "The notice defines the time zone Europe/London as UTC+09:00 at 02:00 on 6 Dec 2026, where the name means "
        "UTC+00:00: UTC+00:00 was taken. If that is wrong, give the times in UTC."
    )
    assert found.remarks == (word,)


def test_a_zone_of_the_file_counts_where_its_name_says_nothing():
    zone = [line.format(name="Customized Time Zone") for line in TOKYO]
    found = only(read(zone, event("DTSTART;TZID=Customized Time Zone:20261206T020000", "DURATION:PT1H")))
    assert found.window.starts == at(2026, 12, 5, 17)


def test_outlooks_own_zone_from_1601_changes_its_clocks():
    zone = (
        "BEGIN:VTIMEZONE", "TZID:Ours", "BEGIN:STANDARD", "DTSTART:16010101T020000", "TZOFFSETFROM:+0100",
        "TZOFFSETTO:+0000", "RRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=10", "END:STANDARD", "BEGIN:DAYLIGHT",
        "DTSTART:16010101T010000", "TZOFFSETFROM:+0000", "TZOFFSETTO:+0100",
        "RRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=3", "END:DAYLIGHT", "END:VTIMEZONE",
    )  # fmt: skip
    summer = only(read(zone, event("DTSTART;TZID=Ours:20261025T003000", "DURATION:PT1H")))
    winter = only(read(zone, event("DTSTART;TZID=Ours:20261025T023000", "DURATION:PT1H")))
    twice = only(read(zone, event("DTSTART;TZID=Ours:20261025T013000", "DURATION:PT1H")))
    missing = only(read(zone, event("DTSTART;TZID=Ours:20260329T013000", "DURATION:PT1H")))
    assert [one.window.starts for one in (summer, winter, twice, missing)] == [
        at(2026, 10, 24, 23, 30), at(2026, 10, 25, 2, 30), at(2026, 10, 25, 0, 30), at(2026, 3, 29, 1, 30),
    ]  # fmt: skip
    assert [len(one.remarks) for one in (summer, winter, twice, missing)] == [0, 0, 2, 2]
    assert twice.remarks[1] == "The clocks change during this window: it lasts 1 h."


def test_a_zone_whose_rules_ended_in_spring_keeps_its_last_autumn():
    zone = (
        "BEGIN:VTIMEZONE", "TZID:Ended", "BEGIN:DAYLIGHT", "DTSTART:19701004T020000", "TZOFFSETFROM:+0100",
        "TZOFFSETTO:+0200", "RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=1SU;UNTIL=20120101T000000Z", "END:DAYLIGHT",
        "BEGIN:STANDARD", "DTSTART:19710404T030000", "TZOFFSETFROM:+0200", "TZOFFSETTO:+0100",
        "RRULE:FREQ=YEARLY;BYMONTH=4;BYDAY=1SU;UNTIL=20110501T000000Z", "END:STANDARD", "END:VTIMEZONE",
    )  # fmt: skip
    found = only(read(zone, event("DTSTART;TZID=Ended:20261206T020000", "DURATION:PT1H")))
    assert found.window.starts == at(2026, 12, 6, 0)


def test_floating_times_are_london_time_and_say_so():
    found = only(read(event("DTSTART:20260705T020000", "DTEND:20260705T060000")))
    assert (found.window.starts, found.window.ends) == (at(2026, 7, 5, 1), at(2026, 7, 5, 5))
    assert len(found.remarks) == 1


def test_floating_times_are_in_the_calendars_own_zone_where_it_names_one():
    found = only(read(event("DTSTART:20260705T020000", "DURATION:PT1H"), head=("X-WR-TIMEZONE:Europe/Berlin",)))
    assert found.window.starts == at(2026, 7, 5)
    assert len(found.remarks) == 1


def test_days_are_london_midnight_to_midnight_and_say_so():
    found = only(read(event("DTSTART;VALUE=DATE:20261024", "DTEND;VALUE=DATE:20261026")))
    assert (found.window.starts, found.window.duration) == (at(2026, 10, 23, 23), timedelta(hours=49))
    assert found.remarks


@pytest.mark.parametrize(
    ("start", "end", "window", "remarks"),
    [
        ("20261025T000000", "20261025T060000", (at(2026, 10, 24, 23), at(2026, 10, 25, 6)), 1),
        ("20260329T000000", "20260329T060000", (at(2026, 3, 29), at(2026, 3, 29, 5)), 1),
        ("20261025T013000", "20261025T060000", (at(2026, 10, 25, 0, 30), at(2026, 10, 25, 6)), 2),
        ("20260329T013000", "20260329T060000", (at(2026, 3, 29, 1, 30), at(2026, 3, 29, 5)), 2),
        ("20261206T000000", "20261206T060000", (at(2026, 12, 6), at(2026, 12, 6, 6)), 0),
    ],
)
def test_nights_of_the_clock_changes(start, end, window, remarks):
    found = only(read(event(f"DTSTART;TZID=Europe/London:{start}", f"DTEND;TZID=Europe/London:{end}")))
    assert (found.window.starts, found.window.ends) == window
    assert len(found.remarks) == remarks


def test_a_weekly_night_keeps_its_hour_in_london_over_the_clock_change():
    reading = read(event(*WEEKLY))
    assert starts(reading) == [at(2026, 10, 11, 1), at(2026, 10, 18, 1), at(2026, 10, 25, 2), at(2026, 11, 1, 2)]
    assert [(one.recurrence_id, one.position) for one in reading.announcements] == [
        ("20261011T010000Z", 0), ("20261018T010000Z", 1), ("20261025T020000Z", 2), ("20261101T020000Z", 3),
    ]  # fmt: skip
    assert reading.whole_uids == {"a@x"}


def test_an_excluded_occurrence_leaves_its_place_empty():
    reading = read(event(*WEEKLY, "EXDATE;TZID=Europe/London:20261018T020000"))
    assert [one.position for one in reading.announcements] == [0, 2, 3]


def test_an_added_date_is_an_occurrence_without_a_place():
    reading = read(event(*WEEKLY, "RDATE;TZID=Europe/London:20261013T020000"))
    assert [(one.recurrence_id, one.position) for one in reading.announcements][:3] == [
        ("20261011T010000Z", 0), ("20261013T010000Z", None), ("20261018T010000Z", 1),
    ]  # fmt: skip


def test_a_moved_occurrence_keeps_the_name_that_the_rule_gave_it():
    moved = event(
        "RECURRENCE-ID;TZID=Europe/London:20261018T020000",
        "DTSTART;TZID=Europe/London:20261019T040000",
        "DURATION:PT2H",
    )
    reading = read(event(*WEEKLY), moved)
    (found,) = [one for one in reading.announcements if one.recurrence_id == "20261018T010000Z"]
    assert (found.window.starts, found.position, found.withdrawn) == (at(2026, 10, 19, 3), 1, False)
    assert len(reading.announcements) == 4
    assert reading.whole_uids == {"a@x"}


def test_a_cancelled_occurrence_is_withdrawn_alone():
    cancelled = event("RECURRENCE-ID:20261018T010000Z", "DTSTART:20261018T010000Z", "DURATION:PT4H", "STATUS:CANCELLED")
    reading = read(event(*WEEKLY), cancelled)
    assert [(one.position, one.withdrawn) for one in reading.announcements] == [
        (0, False),
        (1, True),
        (2, False),
        (3, False),
    ]


def test_a_moved_occurrence_may_come_without_its_series():
    reading = read(event("RECURRENCE-ID:20261018T010000Z", "DTSTART:20261019T010000Z", "DURATION:PT4H"))
    found = only(reading)
    assert (found.recurrence_id, found.position) == ("20261018T010000Z", None)
    assert reading.whole_uids == frozenset()


def test_a_series_with_an_unreadable_change_is_not_whole():
    reading = read(event(*WEEKLY), event("RECURRENCE-ID:20261018T010000Z", "DTSTART:20261019T010000Z"))
    assert codes(reading) == ["no-end"]
    assert reading.whole_uids == frozenset()


def test_a_rule_without_end_goes_to_the_horizon_and_is_kept_to_be_read_again():
    reading = read(event("DTSTART;TZID=Europe/London:20261011T020000", "DURATION:PT4H", "RRULE:FREQ=WEEKLY"))
    (series,) = reading.series
    assert (series.uid, series.gateway, series.expanded_to) == ("a@x", "GW-1", NOW + ONE.limits.horizon)
    assert max(starts(reading)) <= NOW + ONE.limits.horizon < max(starts(reading)) + timedelta(days=7, hours=1)
    later = ReadRequest(now=NOW + timedelta(days=70), gateways=("GW-1",), gateway="GW-1")
    again = read_ical(series.octets, later)
    assert again.problems == ()
    assert len(again.announcements) == len(reading.announcements) + 10
    assert [one.position for one in again.announcements] == list(range(len(again.announcements)))


def test_what_is_kept_of_a_rule_without_end_reads_the_same_in_a_zone_of_its_own():
    zone = [line.format(name="Own") for line in TOKYO]
    reading = read(zone, event("DTSTART;TZID=Own:20261011T020000", "DURATION:PT4H", "RRULE:FREQ=MONTHLY", "SUMMARY:x"))
    again = read_ical(reading.series[0].octets, ONE)
    assert [one.window for one in again.announcements] == [one.window for one in reading.announcements]
    assert again.announcements[0].left_out == ()


@pytest.mark.parametrize("method", ["PUBLISH", "REQUEST", "publish"])
def test_methods_that_give_notice(method):
    assert not only(read(event(*TIMES), head=(f"METHOD:{method}",))).withdrawn


def test_an_added_occurrence_never_states_the_whole():
    reading = read(event(*TIMES), head=("METHOD:ADD",))
    assert len(reading.announcements) == 1
    assert reading.whole_uids == frozenset()


def test_a_cancelled_series_is_withdrawn_as_a_whole():
    reading = read(event(*WEEKLY, "SEQUENCE:3"), head=("METHOD:CANCEL",))
    found = only(reading)
    assert (found.withdrawn, found.recurrence_id, found.sender_sequence) == (True, "", 3)
    assert reading.whole_uids == {"a@x"}


def test_a_cancellation_needs_no_time():
    found = only(read(event("DTSTAMP:20260901T080000Z"), head=("METHOD:CANCEL",)))
    assert (found.withdrawn, found.window) == (True, None)


def test_a_status_of_cancelled_is_a_withdrawal():
    assert only(read(event(*TIMES, "STATUS:CANCELLED"))).withdrawn


@pytest.mark.parametrize("method", ["REPLY", "COUNTER", "DECLINECOUNTER", "REFRESH", "NONSENSE"])
def test_methods_that_announce_nothing(method):
    reading = read(event(*TIMES), head=(f"METHOD:{method}",))
    assert (reading.announcements, codes(reading), reading.problems[0].line) == ((), ["method"], 3)


@pytest.mark.parametrize(
    ("lines", "asking", "gateway"),
    [
        ((), ONE, "GW-1"),
        (("LOCATION:GW-2",), TWO, "GW-2"),
        (("LOCATION:gw-2",), TWO, "GW-2"),
        (("X-MAINTNOTE-OBJECT-ID:GW-2",), TWO, "GW-2"),
        (("LOCATION:GW-2",), ReadRequest(now=NOW, gateways=("GW-1", "GW-2"), gateway="GW-1"), "GW-1"),
        (("LOCATION:The basement",), ONE, "GW-1"),
    ],
)
def test_which_gateway(lines, asking, gateway):
    assert only(read(event(*TIMES, *lines), asking=asking)).gateway == gateway


def test_a_gateway_is_never_guessed():
    reading = read(event(*TIMES, "LOCATION:The basement"), asking=TWO)
    assert reading.announcements == ()
    (problem,) = reading.problems
    assert problem.property == "LOCATION"
    assert all(code in problem.text + problem.remedy for code in TWO.gateways)
    assert "basement" not in problem.text + problem.remedy


def test_what_is_not_kept_is_named_in_order():
    found = only(
        read(event(*TIMES, "SUMMARY:x", "DESCRIPTION:y", "ATTENDEE:mailto:a@x", "X-MICROSOFT-CDO-BUSYSTATUS:BUSY"))
    )
    assert found.left_out == ("ATTENDEE", "DESCRIPTION", "SUMMARY")


def test_one_bad_event_of_fifty_is_named_and_the_others_are_read():
    events = [event(*TIMES, uid=f"{number}@x") for number in range(50)]
    events[17] = event("DTSTART:20261206T060000Z", "DTEND:20261206T020000Z", uid="17@x")
    reading = read(*events)
    assert len(reading.announcements) == 49
    (problem,) = reading.problems
    assert (problem.code, problem.property, problem.line) == ("end-not-after-start", "DTEND", 2 + 17 * 5 + 4)
    assert "17@x" not in reading.whole_uids


def test_an_event_without_uid_gets_the_same_one_each_time_and_says_so():
    lines = ("BEGIN:VEVENT", *TIMES, "SEQUENCE:{}", "END:VEVENT")
    first, second = (only(read([line.format(number) for line in lines])) for number in (0, 4))
    assert first.uid == second.uid != ""
    assert first.remarks


def test_of_two_with_one_name_the_newer_counts_and_the_other_is_named():
    newer = event("DTSTART:20261207T020000Z", "DURATION:PT1H", "SEQUENCE:2", "DTSTAMP:20260801T000000Z")
    older = event(*TIMES, "SEQUENCE:1", "DTSTAMP:20260901T000000Z")
    for parts, line in (((newer, older), 10), ((older, newer), 3)):
        reading = read(*parts)
        assert starts(reading) == [at(2026, 12, 7, 2)]
        assert [(problem.code, problem.line // 1) for problem in reading.problems] == [("duplicate", line)]


def test_only_events_are_read():
    reading = read(("BEGIN:VTODO", "UID:t@x", "SUMMARY:x", "END:VTODO"), event(*TIMES))
    assert (codes(reading), len(reading.announcements), reading.events) == (["only-events"], 1, 1)


def test_a_long_closure_is_recorded_once_confirmed():
    long = event("DTSTART:20261206T020000Z", "DURATION:P40D")
    assert codes(read(long)) == ["window-too-long"]
    allowed = ReadRequest(now=NOW, gateways=("GW-1",), allow_long=True)
    assert only(read(long, asking=allowed)).window.duration == timedelta(days=40)


def test_a_cut_off_file_gives_what_is_complete_and_states_nothing_whole():
    whole = "\r\n".join(["BEGIN:VCALENDAR", *event(*TIMES), *event(*TIMES, uid="b@x"), "END:VCALENDAR", ""]).encode()
    reading = read_ical(whole[: whole.rindex(b"DTEND")], ONE)
    assert [one.uid for one in reading.announcements] == ["a@x"]
    assert reading.whole_uids == frozenset()
    assert set(codes(reading)) == {"truncated"}


def test_lines_are_counted_as_sent_through_folds_and_a_byte_order_mark():
    octets = "\ufeffBEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:a@x\r\nSUMMARY:one\r\n two\r\n three\r\nDTSTART:nonsense\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    (problem,) = read_ical(octets.encode(), ONE).problems
    assert (problem.line, problem.property) == (7, "DTSTART")


def test_problems_never_echo_what_was_written():
    secret = "canary" * 3
    reading = read(
        event(f"DTSTART:{secret}", f"DTEND:{secret}", f"RRULE:{secret}", f"LOCATION:{secret}", f"SEQUENCE:{secret}"),
        asking=TWO,
    )
    assert reading.problems
    assert secret not in repr(reading.problems)
