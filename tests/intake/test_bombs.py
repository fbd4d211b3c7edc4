"""Files made to hang, swell or crash a reader: each gives a reading or a refusal, in little work and little memory."""

import signal
from datetime import UTC, datetime

import pytest

from app.domain.notice import NoticeContent
from app.domain.refusal import NoticeTooLarge, NoticeUnreadable
from app.intake.ical import read_ical
from app.intake.read_request import ReadRequest

NOW = datetime(2026, 11, 1, 9, tzinfo=UTC)
ASKING = ReadRequest(now=NOW, gateways=("GW-1",))
TIMES = "DTSTART:20261206T020000Z\r\nDTEND:20261206T060000Z\r\n"
SECONDS = 5  # of processor time; each of these hangs for minutes, or for good, where it is not refused


def event(body, uid="bomb@example"):
    return f"BEGIN:VEVENT\r\nUID:{uid}\r\nDTSTAMP:20261101T080000Z\r\n{body}END:VEVENT\r\n"


def calendar(*parts):
    return ("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//t//t//EN\r\n" + "".join(parts) + "END:VCALENDAR\r\n").encode()


def ruled(rule, body=TIMES):
    return calendar(event(f"{body}RRULE:{rule}\r\n"))


def zone(*observances, name="Bomb"):
    return f"BEGIN:VTIMEZONE\r\nTZID:{name}\r\n" + "".join(observances) + "END:VTIMEZONE\r\n"


def observance(*lines, start="19701025T020000"):
    rest = "".join(f"{line}\r\n" for line in lines)
    return f"BEGIN:STANDARD\r\nDTSTART:{start}\r\nTZOFFSETFROM:+0100\r\nTZOFFSETTO:+0000\r\n{rest}END:STANDARD\r\n"


def zoned(*observances):
    return calendar(
        zone(*observances),
        event("DTSTART;TZID=Bomb:20261206T020000\r\nDTEND;TZID=Bomb:20261206T060000\r\n"),
    )


MINUTES = ",".join(str(minute) for minute in range(60))
DAYS = ",".join(str(day) for day in range(1, 367))

# The code of the one problem that each of these has.
REFUSED = {
    "every second": ruled("FREQ=SECONDLY"),
    "every minute": ruled("FREQ=MINUTELY"),
    "every hour": ruled("FREQ=HOURLY"),
    "interval of nothing": ruled("FREQ=DAILY;INTERVAL=0"),
    "interval below nothing": ruled("FREQ=DAILY;INTERVAL=-1"),
    "interval without end": ruled("FREQ=DAILY;INTERVAL=" + "9" * 5_000),
    "count of nothing": ruled("FREQ=DAILY;COUNT=0"),
    "count of a million": ruled("FREQ=DAILY;COUNT=1000000"),
    "count without end": ruled("FREQ=DAILY;COUNT=" + "9" * 5_000),
    "no frequency": ruled("COUNT=5"),
    "two frequencies": ruled("FREQ=DAILY;FREQ=SECONDLY"),
    "unknown frequency": ruled("FREQ=FORTNIGHTLY"),
    "unknown part": ruled("FREQ=DAILY;BYEASTER=0"),
    "product of seconds": ruled(f"FREQ=DAILY;BYHOUR=0,1,2;BYMINUTE={MINUTES};BYSECOND={MINUTES}"),
    "a product in a year": ruled(f"FREQ=YEARLY;BYYEARDAY={DAYS};BYHOUR=0,1,2,3;BYMINUTE={MINUTES}"),
    "until the end of time, daily": ruled("FREQ=DAILY;UNTIL=99991231T235959Z"),
    "a hundred a day for years": ruled(
        "FREQ=DAILY;BYHOUR=" + ",".join(map(str, range(24))) + ";BYMINUTE=0,15,30,45",
        "DTSTART:20211201T000000Z\r\nDURATION:PT5M\r\n",
    ),
    "until nonsense": ruled("FREQ=DAILY;UNTIL=tomorrow"),
    "until before the start": ruled("FREQ=DAILY;UNTIL=20250101T000000Z"),
    "a rule of semicolons": ruled(";" * 10_000),
    "a rule of commas": ruled("FREQ=DAILY;BYDAY=" + "MO," * 20_000 + "MO"),
    "thirtieth of February": ruled("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"),
    "thirtieth of February, daily": ruled("FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30"),
    "fifty-third Monday of a month": ruled("FREQ=MONTHLY;BYDAY=53MO"),
    "day nought": ruled("FREQ=MONTHLY;BYMONTHDAY=0"),
    "month thirteen": ruled("FREQ=YEARLY;BYMONTH=13"),
    "another calendar": ruled("RSCALE=CHINESE;FREQ=YEARLY"),
    "two rules": calendar(event(TIMES + "RRULE:FREQ=DAILY;COUNT=2\r\nRRULE:FREQ=WEEKLY;COUNT=2\r\n")),
    "an excluding rule": calendar(event(TIMES + "RRULE:FREQ=DAILY;COUNT=2\r\nEXRULE:FREQ=SECONDLY\r\n")),
    "full-width digits in a count": ruled("FREQ=DAILY;COUNT=\uff13"),
    "a zone by the second": zoned(observance("RRULE:FREQ=SECONDLY")),
    "a zone by the minute": zoned(observance("RRULE:FREQ=MINUTELY;INTERVAL=1")),
    "a zone by the day": zoned(observance("RRULE:FREQ=DAILY;BYMONTH=10")),
    "a zone of 101 parts": zoned(*[observance() for _ in range(101)]),
    "a zone with an offset of a week": zoned(observance().replace("+0100", "+9999")),
    "a zone without offsets": zoned("BEGIN:STANDARD\r\nDTSTART:19701025T020000\r\nEND:STANDARD\r\n"),
    "a zone of nothing": zoned(),
    "a zone that never was": calendar(event("DTSTART;TZID=Nowhere:20261206T020000\r\nDURATION:PT1H\r\n")),
    "a zone named as a path": calendar(event("DTSTART;TZID=../../../etc/passwd:20261206T020000\r\nDURATION:PT1H\r\n")),
    "a zone of many onsets": zoned(observance("RDATE:" + ",".join(["19701025T020000"] * 3_000))),
    "a time that never was": calendar(event("DTSTART:20261306T020000Z\r\nDURATION:PT1H\r\n")),
    "a time of letters": calendar(event("DTSTART:tomorrow\r\nDURATION:PT1H\r\n")),
    "full-width digits in a time": calendar(event("DTSTART:\uff12\uff10261206T020000Z\r\nDURATION:PT1H\r\n")),
    "the year nought": calendar(event("DTSTART:00000101T000000Z\r\nDURATION:PT1H\r\n")),
    "the year one": calendar(event("DTSTART:00010101T000000\r\nDURATION:PT1H\r\n")),
    "the year 9999": calendar(event("DTSTART:99991231T235959Z\r\nDURATION:PT1H\r\n")),
    "a duration without end": calendar(event("DTSTART:20261206T020000Z\r\nDURATION:P" + "9" * 9_000 + "D\r\n")),
    "a duration backwards": calendar(event("DTSTART:20261206T020000Z\r\nDURATION:-PT1H\r\n")),
    "a duration of nothing": calendar(event("DTSTART:20261206T020000Z\r\nDURATION:PT0S\r\n")),
    "a duration of years": calendar(event("DTSTART:20261206T020000Z\r\nDURATION:P99999W\r\n")),
    "an end before the start": calendar(event("DTSTART:20261206T020000Z\r\nDTEND:20261206T010000Z\r\n")),
    "an end at the start": calendar(event("DTSTART:20261206T020000Z\r\nDTEND:20261206T020000Z\r\n")),
    "no end": calendar(event("DTSTART:20261206T020000Z\r\n")),
    "no start": calendar(event("DTEND:20261206T020000Z\r\n")),
    "two starts": calendar(event(TIMES + "DTSTART:20261207T020000Z\r\n")),
    "ten years from now": calendar(event("DTSTART:20361206T020000Z\r\nDURATION:PT1H\r\n")),
    "forty days": calendar(event("DTSTART:20261206T020000Z\r\nDURATION:P40D\r\n")),
    "a line of 70,000 octets": calendar(event(TIMES + "SUMMARY:" + "x" * 70_000 + "\r\n")),
    "an event of 300 lines": calendar(event(TIMES + "COMMENT:x\r\n" * 300)),
    "components in components": calendar(event(TIMES + "BEGIN:VALARM\r\n" * 90 + "END:VALARM\r\n" * 90)),
    "this and all that follow": calendar(event("RECURRENCE-ID;RANGE=THISANDFUTURE:20261206T020000Z\r\n" + TIMES)),
    "a thousand dates more": calendar(
        event(
            TIMES
            + "".join(
                f"RDATE:2027{1 + n // 28:02d}{1 + n % 28:02d}T020000Z,2028{1 + n // 28:02d}{1 + n % 28:02d}T020000Z\r\n"
                for n in range(190)
            )
            + "RDATE:"
            + ",".join(f"2029{1 + n // 28:02d}{1 + n % 28:02d}T020000Z" for n in range(330))
            + "\r\n"
        )
    ),
}

WHOLE = {
    "a million octets and more": (b"x" * 1_000_001, NoticeTooLarge),
    "a thousand events and one": (calendar(event(TIMES) * 1_001), NoticeTooLarge),
    "nothing": (b"", NoticeUnreadable),
    "blank lines": (b"\r\n" * 1_000, NoticeUnreadable),
    "a byte order mark alone": (b"\xef\xbb\xbf", NoticeUnreadable),
    "two octets to a letter": (calendar(event(TIMES)).decode().encode("utf-16"), NoticeUnreadable),
    "two octets to a letter, unmarked": (calendar(event(TIMES)).decode().encode("utf-16-le"), NoticeUnreadable),
    "zeros": (bytes(10_000), NoticeUnreadable),
    "a web page": (b"<!DOCTYPE html><html></html>", NoticeUnreadable),
    "carriage returns and nothing else": (b"\r" * 900_000, NoticeUnreadable),
    "the name of a file": (b"/etc/passwd", NoticeUnreadable),
    "the name of a folder": (b"/", NoticeUnreadable),
    "folds and nothing else": (b"\r\n " * 300_000, NoticeUnreadable),
    "an archive": (b"PK\x03\x04" + bytes(range(256)) * 100, NoticeUnreadable),
}


class Hung(BaseException):
    """More processor time than a bomb may take; no reader that catches exceptions may swallow it."""


@pytest.fixture(autouse=True)
def _bounded():
    """Stop a reader that has begun to hang: an exception inside, and so a failed test, not a stopped run."""

    def stop(_number, _frame):
        raise Hung

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, SECONDS)
    yield
    signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    signal.signal(signal.SIGVTALRM, before)


def test_there_are_enough_of_them():
    assert len(REFUSED) + len(WHOLE) >= 50


@pytest.mark.parametrize("octets", REFUSED.values(), ids=REFUSED.keys())
def test_what_cannot_be_read_is_named_and_announces_nothing(octets):
    reading = read_ical(octets, ASKING)
    assert reading.announcements == ()
    assert reading.whole_uids == frozenset()
    assert reading.series == ()
    assert reading.events == 1
    assert reading.problems
    for problem in reading.problems:
        assert problem.text
        assert problem.remedy
        assert problem.line is not None


@pytest.mark.parametrize("octets", REFUSED.values(), ids=REFUSED.keys())
def test_a_good_event_beside_it_is_read(octets):
    good = event("DTSTART:20261213T020000Z\r\nDURATION:PT4H\r\n", uid="good@example").encode()
    reading = read_ical(octets.replace(b"END:VCALENDAR", good + b"END:VCALENDAR"), ASKING)
    assert [announcement.uid for announcement in reading.announcements] == ["good@example"]
    assert reading.whole_uids == {"good@example"}
    assert reading.problems


@pytest.mark.parametrize(("octets", "refusal"), WHOLE.values(), ids=WHOLE.keys())
def test_what_is_no_calendar_is_refused_whole(octets, refusal):
    with pytest.raises(refusal) as caught:
        read_ical(octets, ASKING)
    assert type(caught.value) is refusal
    assert caught.value.text
    assert caught.value.remedy


def test_a_zone_of_one_notice_is_unknown_to_the_next():
    own = zoned(observance(start="19700101T000000").replace("+0000", "+0500").replace("+0100", "+0500"))
    (announced,) = read_ical(own, ASKING).announcements
    assert announced.window.starts == datetime(2026, 12, 5, 21, tzinfo=UTC)
    bare = calendar(event("DTSTART;TZID=Bomb:20261206T020000\r\nDTEND;TZID=Bomb:20261206T060000\r\n"))
    assert {problem.code for problem in read_ical(bare, ASKING).problems} == {"unknown-zone"}


def test_many_rules_that_match_nothing_are_given_up_together():
    rules = [event(f"{TIMES}RRULE:FREQ=MONTHLY;BYDAY=MO;BYSETPOS=-6\r\n", uid=f"{number}@x") for number in range(900)]
    reading = read_ical(calendar(*rules), ASKING)
    assert reading.events == 900
    assert len({problem.line for problem in reading.problems}) + len(reading.announcements) >= 900


def test_many_zones_whose_rules_match_nothing_are_given_up_together():
    never = [observance("RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30") for _ in range(100)]
    zones = [zone(*never, name=f"Z{number}") for number in range(60)]
    events = [
        event(f"DTSTART;TZID=Z{number}:20261206T020000\r\nDURATION:PT1H\r\n", uid=f"{number}@x") for number in range(60)
    ]
    assert isinstance(read_ical(calendar(*zones, *events), ASKING), NoticeContent)


def test_many_series_together_have_a_limit():
    series = [event(f"{TIMES}RRULE:FREQ=DAILY;COUNT=390\r\n", uid=f"{number}@x") for number in range(40)]
    reading = read_ical(calendar(*series), ASKING)
    assert len(reading.announcements) <= ASKING.limits.all_occurrences
    assert reading.problems
