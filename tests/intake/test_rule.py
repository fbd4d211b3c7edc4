import pytest

STARTS = {"starts": "DTSTART;TZID=Europe/London:20261206T020000", "ends": "DURATION:PT4H"}


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=DAILY;COUNT=2",
        "freq=weekly;count=2;byday=su",
        "FREQ=WEEKLY;COUNT=2;",
        "FREQ=WEEKLY;COUNT=2;WKST=SU;INTERVAL=1;BYDAY=SU",
        "FREQ=MONTHLY;COUNT=2;BYDAY=1SU",
        "FREQ=MONTHLY;COUNT=2;BYDAY=SU;BYSETPOS=1",
        "FREQ=MONTHLY;COUNT=2;BYMONTHDAY=6",
        "FREQ=YEARLY;COUNT=1;BYMONTH=12;BYDAY=1SU",
        "FREQ=YEARLY;COUNT=1;BYYEARDAY=340",
        "FREQ=DAILY;COUNT=2;BYHOUR=2;BYMINUTE=0;BYSECOND=0",
        "COUNT=2;FREQ=DAILY;UNTIL=20261231",
        "FREQ=WEEKLY; BYDAY=SU, MO ;COUNT = 2",
        "FREQ=WEEKLY;;COUNT=2;",
        "FREQ=DAILY;UNTIL=20261207t020000z",
    ],
)
def test_rules_that_are_read(read, event, rule):
    reading = read(event(f"RRULE:{rule}", **STARTS))
    assert reading.problems == ()
    assert reading.announcements[0].recurrence_id == "20261206T020000Z"
    assert reading.announcements[0].remarks == ()


@pytest.mark.parametrize(
    ("rule", "text"),
    [
        ("FREQ=HOURLY", "A closure may recur daily, weekly, monthly or yearly, not more often."),
        ("FREQ=DAILY,HOURLY", "A closure may recur daily, weekly, monthly or yearly, not more often."),
        ("FREQ=DAILY;RSCALE=GREGORIAN", "This recurrence rule has a part that is not read."),
        ("FREQ=DAILY;INTERVAL=0", "INTERVAL is out of range or has too many values."),
        ("FREQ=DAILY;INTERVAL=1001", "INTERVAL is out of range or has too many values."),
        ("FREQ=DAILY;COUNT=0", "COUNT is out of range or has too many values."),
        ("FREQ=DAILY;BYSECOND=0,30", "BYSECOND is out of range or has too many values."),
        ("FREQ=DAILY;BYHOUR=24", "BYHOUR is out of range or has too many values."),
        ("FREQ=DAILY;BYHOUR=-1", "BYHOUR is out of range or has too many values."),
        ("FREQ=MONTHLY;BYMONTHDAY=0", "BYMONTHDAY is out of range or has too many values."),
        ("FREQ=MONTHLY;BYMONTHDAY=32", "BYMONTHDAY is out of range or has too many values."),
        ("FREQ=YEARLY;BYMONTH=5L", "BYMONTH is out of range or has too many values."),
        ("FREQ=MONTHLY;BYWEEKNO=1", "BYWEEKNO may not stand with FREQ=MONTHLY."),
        ("FREQ=WEEKLY;BYMONTHDAY=1", "BYMONTHDAY may not stand with FREQ=WEEKLY."),
        ("FREQ=WEEKLY;BYDAY=1SU", "BYDAY is out of range or has too many values."),
        ("FREQ=MONTHLY;BYDAY=6SU", "BYDAY is out of range or has too many values."),
        ("FREQ=YEARLY;BYWEEKNO=1;BYDAY=1SU", "BYDAY is out of range or has too many values."),
        ("FREQ=DAILY;BYSETPOS=1", "BYSETPOS needs another BY part to choose from."),
        ("FREQ=DAILY;COUNT", "This recurrence rule cannot be read."),
        ("FREQ=DAILY;COUNT=1;COUNT=2", "This recurrence rule cannot be read."),
        ("FREQ=DAILY;COUNT=２", "This recurrence rule cannot be read."),
        ("FREQ=DAILY;BYMONTH=1,", "This recurrence rule cannot be read."),
    ],
)
def test_rules_that_are_refused(read, event, rule, text):
    reading = read(event(f"RRULE:{rule}", **STARTS))
    assert reading.announcements == ()
    assert [(one.line, one.property, one.code, one.text) for one in reading.problems] == [(9, "RRULE", "rule", text)]


def test_two_rules_are_one_too_many(read, event, codes):
    reading = read(event("RRULE:FREQ=DAILY;COUNT=2", "RRULE:FREQ=WEEKLY;COUNT=2", **STARTS))
    assert codes(reading) == [(10, "RRULE", "repeated")]
