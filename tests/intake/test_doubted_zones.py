"""A notice that says two things of a time: what it means by its zone is read as it is likeliest meant, and told."""

from datetime import UTC, datetime

import pytest

from app.domain.notice import Channel, Notice
from app.intake.ical import read_ical
from app.intake.minimise import minimised
from app.intake.read_request import ReadRequest
from tests.intake.zone_definitions import british, fixed, ruled

DEFINES = "The notice defines the time zone {} as {} at {}, where the name means {}: {} was taken. {}"
IF_WRONG = "If that is wrong, give the times in UTC."
AND_Z = "A time in UTC (Z) that also names a time zone was read as UTC. If it is local time, leave out the Z."
ALL_DAY = "An all-day event was read as London midnight to London midnight."
AND_TIME = (
    "A date (VALUE=DATE) that also gives a time was read as the whole day. If the time counts, leave out VALUE=DATE."
)
FLOATING_END = (
    "The end names no time zone; it was read in that of the start. If that is wrong, give both times their zone."
)
ADDED_DAY = (
    "A date added to the series (RDATE) names a day alone; it was read as that day at the time at which the series "
    "begins. If that is wrong, give it a time."
)


def notice(octets):
    return Notice("ALPHA", Channel.API, datetime(2026, 9, 1, tzinfo=UTC), "text/calendar", octets, "a test")


def doubt(name, defined, when, named, taken):
    return DEFINES.format(name, defined, when, named, taken, IF_WRONG)


def at(tzid, starts="20270704T030000", ends="20270704T050000"):
    return {"starts": f"DTSTART;TZID={tzid}:{starts}", "ends": f"DTEND;TZID={tzid}:{ends}"}


def remarks(reading):
    return [announcement.remarks for announcement in reading.announcements]


@pytest.mark.parametrize(
    ("tzid", "definition", "window", "words"),
    [
        ("GMT", british("GMT"), "20270704T020000/20270704T040000", ("+01:00", "+00:00", "+01:00")),
        ("UTC", fixed("UTC", "+0200"), "20270704T010000/20270704T030000", ("+02:00", "+00:00", "+02:00")),
        ("Etc/UTC", fixed("Etc/UTC", "-0030"), "20270704T033000/20270704T053000", ("-00:30", "+00:00", "-00:30")),
        ("EST", ruled("EST", "-0500", "us"), "20270704T070000/20270704T090000", ("-04:00", "-05:00", "-04:00")),
        ("Etc/GMT+1", fixed("Etc/GMT+1", "+0100"), "20270704T020000/20270704T040000", ("+01:00", "-01:00", "+01:00")),
        ("CET", fixed("CET", "+0100"), "20270704T020000/20270704T040000", ("+01:00", "+02:00", "+01:00")),
        (
            "W. Europe Standard Time",
            fixed("W. Europe Standard Time", "+0100"),
            "20270704T020000/20270704T040000",
            ("+01:00", "+02:00", "+01:00"),
        ),
        ("Europe/Berlin", british("Europe/Berlin"), "20270704T010000/20270704T030000", ("+01:00", "+02:00", "+02:00")),
        ("GB", fixed("GB", "+0000"), "20270704T020000/20270704T040000", ("+00:00", "+01:00", "+01:00")),
    ],
)
def test_a_definition_counts_but_for_a_place_and_what_differs_is_told(
    read, event, windows, tzid, definition, window, words
):
    reading = read(definition, event(**at(tzid)))
    assert windows(reading) == [window]
    defined, named, taken = (f"UTC{offset}" for offset in words)
    assert remarks(reading) == [(doubt(tzid, defined, "03:00 on 4 Jul 2027", named, taken),)]


def test_an_offset_name_of_outlook_follows_the_definition_too(read, event, windows):
    tzid = "(UTC+00:00) Dublin, Edinburgh, Lisbon, London"
    reading = read(fixed(tzid, "+0000"), event(**at(f'"{tzid}"')))
    assert windows(reading) == ["20270704T030000/20270704T050000"]
    assert remarks(reading) == [(doubt(tzid, "UTC+00:00", "03:00 on 4 Jul 2027", "UTC+01:00", "UTC+00:00"),)]


@pytest.mark.parametrize(
    ("tzid", "definition"),
    [
        ("GMT Standard Time", british("GMT Standard Time")),
        ("Europe/London", british("Europe/London")),
        ("Europe/London", british("Europe/London", since="2026")),
        ("Europe/London", "BEGIN:VTIMEZONE\r\nTZID:Europe/London\r\nEND:VTIMEZONE\r\n"),
        ("Europe/London", fixed("Europe/Paris", "+0100")),
        ("Europe/London", fixed("Europe/London", "+0100")),
        ("Europe/London", british("Europe/London") + british("Europe/London", since="1995")),
    ],
)
def test_what_agrees_at_the_times_used_needs_no_word(read, event, windows, tzid, definition):
    reading = read(definition, event(**at(tzid)))
    assert (windows(reading), remarks(reading)) == (["20270704T020000/20270704T040000"], [()])


def test_each_occurrence_is_told_what_holds_for_it(read, event, windows):
    times = at("GMT Standard Time", "20271024T030000", "20271024T050000")
    reading = read(fixed("GMT Standard Time", "+0000"), event("RRULE:FREQ=WEEKLY;COUNT=3", **times))
    assert windows(reading) == [
        "20271024T030000/20271024T050000",
        "20271031T030000/20271031T050000",
        "20271107T030000/20271107T050000",
    ]
    word = doubt("GMT Standard Time", "UTC+00:00", "03:00 on 24 Oct 2027", "UTC+01:00", "UTC+00:00")
    assert remarks(reading) == [(word,), (), ()]


def test_an_end_alone_that_is_doubtful_is_told(read, event, windows):
    reading = read(fixed("Europe/London", "+0000"), event(**at("Europe/London", "20270328T000000", "20270328T030000")))
    assert windows(reading) == ["20270328T000000/20270328T020000"]
    assert remarks(reading) == [
        (
            doubt("Europe/London", "UTC+00:00", "03:00 on 28 Mar 2027", "UTC+01:00", "UTC+01:00"),
            "The clocks change during this window: it lasts 2 h.",
        )
    ]


@pytest.mark.parametrize(
    "lines",
    [
        ("RRULE:FREQ=DAILY;COUNT=3", "EXDATE;TZID=GMT:20270705T040000"),
        ("RDATE;TZID=GMT:20270705T040000",),
        ("RRULE:FREQ=DAILY;COUNT=3", "RECURRENCE-ID;TZID=GMT:20270705T040000"),
    ],
)
def test_an_exception_in_a_doubted_zone_is_told(read, event, lines):
    times = {"starts": "DTSTART:20270704T030000Z", "ends": "DTEND:20270704T050000Z"}
    reading = read(british("GMT"), event(*lines, **times))
    word = doubt("GMT", "UTC+01:00", "04:00 on 5 Jul 2027", "UTC+00:00", "UTC+01:00")
    assert {word} == {remark for told in remarks(reading) for remark in told if remark.startswith("The notice defines")}
    assert reading.problems == ()


def test_an_end_of_a_rule_and_an_exception_in_utc_are_told_on_the_clocks_of_the_series(read, event):
    word = doubt("GMT", "UTC+01:00", "04:00 on 5 Jul 2027", "UTC+00:00", "UTC+01:00")
    for lines in (
        ("RRULE:FREQ=DAILY;UNTIL=20270705T030000Z",),
        ("RRULE:FREQ=DAILY;COUNT=2", "EXDATE:20270705T030000Z"),
    ):
        reading = read(british("GMT"), event(*lines, **at("GMT")))
        assert word in reading.announcements[0].remarks


@pytest.mark.parametrize("times", [{"starts": "", "ends": ""}, at("GMT")])
def test_a_cancelled_occurrence_in_a_doubted_zone_is_told(read, event, times):
    reading = read(british("GMT"), event("STATUS:CANCELLED", "RECURRENCE-ID;TZID=GMT:20270704T030000", **times))
    word = doubt("GMT", "UTC+01:00", "03:00 on 4 Jul 2027", "UTC+00:00", "UTC+01:00")
    assert [(one.recurrence_id, one.remarks) for one in reading.announcements] == [("20270704T020000Z", (word,))]


def test_floating_times_of_a_calendar_whose_zone_is_defined_otherwise(read, event, windows):
    floating = {"starts": "DTSTART:20270704T030000", "ends": "DTEND:20270704T050000"}
    reading = read("X-WR-TIMEZONE:GMT\r\n", british("GMT"), event(**floating))
    assert windows(reading) == ["20270704T020000/20270704T040000"]
    assert doubt("GMT", "UTC+01:00", "03:00 on 4 Jul 2027", "UTC+00:00", "UTC+01:00") in remarks(reading)[0]


TWICE = "The time zone{} is defined twice, from line 4 and from line {}, and the two differ at this time."


@pytest.mark.parametrize(
    ("tzid", "one", "two"),
    [
        ("Ours", british("Ours"), fixed("Ours", "+0000")),
        ("GMT", british("GMT"), fixed("GMT", "+0200")),
        ("GMT Standard Time", fixed("GMT Standard Time", "+0000"), british("GMT Standard Time")),
    ],
)
def test_two_definitions_that_differ_are_a_question(read, event, windows, tzid, one, two):
    definitions = one + two
    line = 4 + one.count("\r\n")
    winter = at(tzid, "20270103T030000", "20270103T050000")
    reading = read(definitions, event(**at(tzid)), event("RRULE:FREQ=WEEKLY;COUNT=2", uid="two@example.org", **winter))
    assert next((problem.code, problem.text, problem.property) for problem in reading.problems) == (
        "two-definitions",
        TWICE.format(f" {tzid}", line),
        "DTSTART",
    )
    if "+0200" not in two:  # both say the same of the winter
        assert len(reading.problems) == 1
        assert windows(reading) == ["20270103T030000/20270103T050000", "20270110T030000/20270110T050000"]
        assert remarks(reading) == [(), ()]


def test_a_place_is_not_in_question_however_often_it_is_defined(read, event, windows):
    twice = british("Europe/London") + fixed("Europe/London", "+0000")
    reading = read(twice, event(**at("Europe/London")))
    assert windows(reading) == ["20270704T020000/20270704T040000"]
    assert remarks(reading) == [(doubt("Europe/London", "UTC+00:00", "03:00 on 4 Jul 2027", "UTC+01:00", "UTC+01:00"),)]


def test_an_end_in_a_zone_of_two_definitions_is_a_question(read, event, codes):
    twice = british("Ours") + fixed("Ours", "+0000")
    reading = read(twice, event(starts="DTSTART:20270704T030000Z", ends="DTEND;TZID=Ours:20270704T060000"))
    assert [code for _, _, code in codes(reading)] == ["two-definitions"]
    assert [name for _, name, _ in codes(reading)] == ["DTEND"]


def test_more_definitions_of_one_name_than_anybody_writes_are_refused(read, event):
    several = "".join(fixed("Ours", f"+0{hour}00") for hour in range(9))
    reading = read(several, event(**at("Ours")))
    assert {(problem.code, problem.text) for problem in reading.problems} == {
        ("custom-zone", "The time zone Ours has more than 8 definitions.")
    }


def test_a_definition_that_cannot_be_read_is_told_and_the_name_followed(read, event, windows):
    bad = british("GMT").replace("FREQ=YEARLY", "FREQ=DAILY")
    reading = read(bad, event(**at("GMT")))
    assert windows(reading) == ["20270704T030000/20270704T050000"]
    word = (
        "The time zone GMT, defined from line 4, has a rule that is not yearly in one month, the only kind accepted. "
        "The name alone was followed. If that is wrong, give the times in UTC."
    )
    assert remarks(reading) == [(word,)]


@pytest.mark.parametrize(
    "tzid", ["GMT", "Ours", "Europe/London"], ids=["a name of an offset", "a name of the file", "a place"]
)
def test_what_is_kept_of_a_notice_reads_the_same(event, calendar, asking, tzid):
    octets = calendar(
        fixed(tzid, "+0300").replace("TZID:", "TZID;X-RICAL-TZSOURCE=TZINFO:"),
        event("SUMMARY:Words", **at(tzid)),
    )
    reading = read_ical(octets, asking)
    kept = minimised(notice(octets), reading)
    assert b"Words" not in kept.octets
    assert b"TZINFO" not in kept.octets
    again = read_ical(kept.octets, asking)
    assert [(one.window, one.remarks) for one in again.announcements] == [
        (one.window, one.remarks) for one in reading.announcements
    ]


def test_the_zone_of_floating_times_is_kept_with_its_definition(event, calendar, asking):
    floating = event("SUMMARY:Words", starts="DTSTART:20270704T030000", ends="DTEND:20270704T050000")
    octets = calendar("X-WR-TIMEZONE:GMT\r\n", british("GMT"), floating)
    reading = read_ical(octets, asking)
    again = read_ical(minimised(notice(octets), reading).octets, asking)
    assert [(one.window, one.remarks) for one in again.announcements] == [
        (one.window, one.remarks) for one in reading.announcements
    ]


def test_a_rule_without_end_reads_the_same_from_what_is_kept_of_it(read, event, asking):
    reading = read(british("GMT"), event("RRULE:FREQ=YEARLY", **at("GMT")))
    again = read_ical(reading.series[0].octets, asking)
    assert [(one.window, one.remarks) for one in again.announcements] == [
        (one.window, one.remarks) for one in reading.announcements
    ]
    assert reading.announcements[0].remarks != ()


def test_a_definition_with_a_line_that_says_nothing_is_not_kept_as_another(event, calendar, asking):
    bad = fixed("GMT", "+0100").replace("END:STANDARD", "RRULE:X-FREQ=DAILY\r\nEND:STANDARD")
    octets = calendar(bad, event("SUMMARY:Words", **at("GMT")))
    reading = read_ical(octets, asking)
    again = read_ical(minimised(notice(octets), reading).octets, asking)
    assert [one.window for one in again.announcements] == [one.window for one in reading.announcements]


@pytest.mark.parametrize("tzid", ["Europe/Berlin", "Nowhere", "Europe/London;X-ODD=1"])
def test_a_zone_beside_utc_is_read_as_utc_and_told(read, event, windows, tzid):
    reading = read(event(**at(tzid, "20270103T030000Z", "20270103t050000z")))
    assert (windows(reading), remarks(reading)) == (["20270103T030000/20270103T050000"], [(AND_Z,)])


def test_utc_said_twice_is_no_doubt(read, event, windows):
    reading = read(event(**at("Etc/UTC", "20270103T030000Z", "20270103T050000Z")))
    assert (windows(reading), remarks(reading)) == (["20270103T030000/20270103T050000"], [()])


def test_a_stamp_needs_no_remark(read):
    octets = (
        "BEGIN:VEVENT\r\nUID:one\r\nDTSTAMP;TZID=Europe/Berlin:20260901T090000Z\r\nDTSTART:20270103T030000Z\r\n"
        "DTEND:20270103T050000Z\r\nEND:VEVENT\r\n"
    )
    assert remarks(read(octets)) == [()]


@pytest.mark.parametrize(
    ("starts", "ends", "window"),
    [
        ("20270705T000000Z", "20270707T000000Z", "20270704T230000/20270706T230000"),
        ("20270705T000000", "20270707T000000", "20270704T230000/20270706T230000"),
        ("20270704T230000Z", "20270706T230000Z", "20270704T230000/20270706T230000"),
        ("20270704T220000Z", "20270706T220000Z", "20270704T230000/20270706T230000"),
        ("20270705T083000", "20270705T171500", "20270704T230000/20270705T230000"),
        ("20270705t080000z", "20270705T183000Z", "20270704T230000/20270705T230000"),
        ("20270705T080000Z", "20270706T113000Z", "20270704T230000/20270706T230000"),
        ("20270705", "20270706T000000Z", "20270704T230000/20270705T230000"),
    ],
)
def test_a_date_with_a_time_is_the_days_as_written(read, event, windows, starts, ends, window):
    reading = read(event(starts=f"DTSTART;VALUE=DATE:{starts}", ends=f"DTEND;value=date:{ends}"))
    assert windows(reading) == [window]
    assert remarks(reading) == [(ALL_DAY, AND_TIME)]


@pytest.mark.parametrize(
    ("starts", "ends", "window"),
    [
        ("DTSTART;TZID=Europe/Berlin:", "DTEND:", "20270704T010000/20270704T030000"),
        ("DTSTART;TZID=Asia/Kolkata:", "DTEND:", "20270703T213000/20270703T233000"),
        ("DTSTART;TZID=Ours:", "DTEND:", "20270704T020000/20270704T040000"),
        ("DTSTART;TZID=Europe/London:", "DTEND;VALUE=DATE-TIME:", "20270704T020000/20270704T040000"),
    ],
)
def test_an_end_without_a_zone_is_in_that_of_the_start(read, event, windows, starts, ends, window):
    reading = read(british("Ours"), event(starts=f"{starts}20270704T030000", ends=f"{ends}20270704T050000"))
    assert (windows(reading), remarks(reading)) == ([window], [(FLOATING_END,)])


def test_an_end_without_a_zone_beside_a_start_in_utc_is_in_utc(read, event, windows):
    reading = read(event(starts="DTSTART:20270704T030000Z", ends="DTEND:20270704T050000"))
    assert (windows(reading), remarks(reading)) == (["20270704T030000/20270704T050000"], [(FLOATING_END,)])


def test_a_day_added_to_a_series_of_times_is_at_its_time(read, event, windows):
    reading = read(
        event("RDATE;VALUE=DATE:20271205,20271212", **at("America/New_York", "20270704T030000", "20270704T050000"))
    )
    assert windows(reading) == [
        "20270704T070000/20270704T090000",
        "20271205T080000/20271205T100000",
        "20271212T080000/20271212T100000",
    ]
    assert remarks(reading) == [(ADDED_DAY,)] * 3


def test_the_end_of_an_added_period_is_in_the_zone_of_its_start(read, event, windows):
    reading = read(event("RDATE;VALUE=PERIOD:20270711T030000Z/20270711T040000", **at("Europe/Berlin")))
    assert windows(reading) == ["20270704T010000/20270704T030000", "20270711T030000/20270711T040000"]


@pytest.mark.parametrize(
    ("tzid", "starts", "window", "shown"),
    [
        ("Europe/London", "20270328T013000", "20270328T013000/20270328T023000", "02:30"),
        ("Ours", "20270328T013000", "20270328T013000/20270328T023000", "02:30"),
        ("Europe/Berlin", "20270328T021500", "20270328T011500/20270328T021500", "03:15"),
        ("Australia/Lord_Howe", "20271003T021500", "20271002T154500/20271002T164500", "02:45"),
    ],
)
def test_a_time_that_does_not_exist_is_read_by_the_offset_before(read, event, windows, tzid, starts, window, shown):
    reading = read(british("Ours"), event("DURATION:PT1H", starts=f"DTSTART;TZID={tzid}:{starts}", ends=""))
    assert windows(reading) == [window]
    (told,) = remarks(reading)
    assert told[0].endswith(f"does not exist that night, as the clocks go forward; it was read as {shown}.")


@pytest.mark.parametrize(
    "head",
    [
        "TZID;X-RICAL-TZSOURCE=TZINFO:Mainland",
        'tzid;X-ODD="a:b;c";X-MORE=1:Mainland',
        "TZID: Mainland ",
        'TZID:"Mainland"',
        "TZID;X-LONG=1\r\n 23:Main\r\n land",
    ],
)
@pytest.mark.parametrize("given", ["TZID=Mainland", 'X-A=1;tzid="Mainland";X-B="c:d"', "VALUE=DATE-TIME;TZID=Mainland"])
def test_a_definition_is_found_however_its_name_is_written(read, event, windows, head, given):
    definition = ruled("Mainland", "+0100", "eu").replace("TZID:Mainland", head)
    reading = read(definition, event(starts=f"DTSTART;{given}:20270704t030000", ends=f"DTEND;{given}:20270704T050000"))
    assert (windows(reading), remarks(reading), reading.problems) == (["20270704T010000/20270704T030000"], [()], ())


def test_files_joined_into_one_pay_once_for_the_definition_that_they_share(event, calendar, asking):
    joined = b"".join(
        calendar(
            british("GMT Standard Time"), event("RRULE:FREQ=WEEKLY;COUNT=2", uid=f"{n}@x", **at("GMT Standard Time"))
        )
        for n in range(300)
    )
    reading = read_ical(joined, ReadRequest(now=asking.now, gateways=("GW-1",)))
    assert (len(reading.announcements), reading.problems) == (600, ())
