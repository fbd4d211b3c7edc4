from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from dateutil.rrule import rrulestr
from hypothesis import given
from hypothesis import strategies as st

from app.domain.london import read_wall_clock
from app.domain.refusal import NoticeTooLarge
from app.intake.ical import read_ical


def in_london(start, end):
    return {"starts": f"DTSTART;TZID=Europe/London:{start}", "ends": f"DTEND;TZID=Europe/London:{end}"}


NIGHT = in_london("20261018T000000", "20261018T060000")


def told(reading):
    return [
        (one.recurrence_id, one.position, f"{one.window.starts:%m%dT%H%M}", one.window.duration // timedelta(hours=1))
        for one in reading.announcements
    ]


def test_midnight_to_six_in_london_stays_that_on_the_nights_when_the_clocks_change(read, event):
    reading = read(event("RRULE:FREQ=WEEKLY;COUNT=3", **NIGHT))
    assert told(reading) == [
        ("20261017T230000Z", 0, "1017T2300", 6),
        ("20261024T230000Z", 1, "1024T2300", 7),
        ("20261101T000000Z", 2, "1101T0000", 6),
    ]
    assert [one.remarks for one in reading.announcements] == [
        (),
        ("The clocks change during this window: it lasts 7 h.",),
        (),
    ]
    spring = read(event("RRULE:FREQ=WEEKLY;COUNT=2", **in_london("20270321T000000", "20270321T060000")))
    assert told(spring) == [("20270321T000000Z", 0, "0321T0000", 6), ("20270328T000000Z", 1, "0328T0000", 5)]
    assert reading.whole_uids == {"one@example.org"}
    assert reading.series == ()


def test_an_ambiguous_and_a_missing_start_are_read_and_remarked(read, event):
    autumn = read(event("RRULE:FREQ=WEEKLY;COUNT=2", **in_london("20261018T013000", "20261018T033000")))
    assert told(autumn) == [("20261018T003000Z", 0, "1018T0030", 2), ("20261025T003000Z", 1, "1025T0030", 3)]
    assert autumn.announcements[1].remarks == (
        "01:30 on 25 Oct 2026 happens twice that night, as the clocks go back; it was read as the first.",
        "The clocks change during this window: it lasts 3 h.",
    )
    spring = read(event("RRULE:FREQ=WEEKLY;COUNT=2", **in_london("20270321T013000", "20270321T033000")))
    assert told(spring) == [("20270321T013000Z", 0, "0321T0130", 2), ("20270328T013000Z", 1, "0328T0130", 1)]
    assert spring.announcements[1].remarks == (
        "01:30 on 28 Mar 2027 does not exist that night, as the clocks go forward; it was read as 02:30.",
        "The clocks change during this window: it lasts 1 h.",
    )


def test_utc_stays_utc(read, event, windows):
    reading = read(event("RRULE:FREQ=WEEKLY;COUNT=2", starts="DTSTART:20261018T020000Z", ends="DTEND:20261018T060000Z"))
    assert windows(reading) == ["20261018T020000/20261018T060000", "20261025T020000/20261025T060000"]


@pytest.mark.parametrize(
    ("duration", "lasts"),
    [
        ("PT24H", timedelta(hours=24)),
        ("P1D", timedelta(hours=25)),
        ("P1DT1H", timedelta(hours=26)),
        ("P1W", timedelta(hours=169)),
    ],
)
def test_days_of_a_duration_are_nominal_and_hours_exact(read, event, duration, lasts):
    reading = read(event(starts=NIGHT["starts"].replace("1018", "1025"), ends=f"DURATION:{duration}"))
    assert [one.window.duration for one in reading.announcements] == [lasts]


def test_exdate_leaves_out_and_keeps_the_places_of_the_others(read, event):
    reading = read(
        event(
            "RRULE:FREQ=WEEKLY;COUNT=4", "EXDATE;TZID=Europe/London:20261025T000000", "EXDATE:20261101T000000Z", **NIGHT
        )
    )
    assert [(key, place) for key, place, *_ in told(reading)] == [("20261017T230000Z", 0), ("20261108T000000Z", 3)]
    by_day = read(event("RRULE:FREQ=WEEKLY;COUNT=3", "EXDATE;VALUE=DATE:20261025,20261101", **NIGHT))
    assert [(key, place) for key, place, *_ in told(by_day)] == [("20261017T230000Z", 0)]


def test_rdate_adds_times_dates_and_periods(read, event):
    reading = read(
        event(
            "RDATE;TZID=Europe/London:20261020T000000,20261018T000000",
            "RDATE;VALUE=PERIOD:20261021T000000Z/20261021T020000Z,20261022T000000Z/PT3H",
            **NIGHT,
        )
    )
    assert told(reading) == [
        ("20261017T230000Z", 0, "1017T2300", 6),
        ("20261019T230000Z", None, "1019T2300", 6),
        ("20261021T000000Z", None, "1021T0000", 2),
        ("20261022T000000Z", None, "1022T0000", 3),
    ]


def test_overrides_move_withdraw_and_keep_their_place(read, event):
    reading = read(
        event("RRULE:FREQ=WEEKLY;COUNT=4", **NIGHT),
        event(
            "RECURRENCE-ID;TZID=Europe/London:20261025T000000",
            "SEQUENCE:1",
            **in_london("20261026T010000", "20261026T030000"),
        ),
        event("RECURRENCE-ID:20261101T000000Z", "STATUS:CANCELLED", **in_london("20261101T000000", "20261101T060000")),
    )
    assert [(one.recurrence_id, one.position, one.withdrawn, one.sender_sequence) for one in reading.announcements] == [
        ("20261017T230000Z", 0, False, 0),
        ("20261024T230000Z", 1, False, 1),
        ("20261101T000000Z", 2, True, 0),
        ("20261108T000000Z", 3, False, 0),
    ]
    assert told(reading)[1] == ("20261024T230000Z", 1, "1026T0100", 2)
    assert reading.whole_uids == {"one@example.org"}


def test_an_occurrence_named_by_its_day_alone_is_found(read, event):
    reading = read(
        event("RRULE:FREQ=WEEKLY;COUNT=2", **NIGHT),
        event("RECURRENCE-ID;VALUE=DATE:20261025", **in_london("20261026T010000", "20261026T030000")),
    )
    assert told(reading) == [("20261017T230000Z", 0, "1017T2300", 6), ("20261024T230000Z", 1, "1026T0100", 2)]


def test_an_override_without_its_series_does_not_state_the_uid_whole(read, event):
    reading = read(event("RECURRENCE-ID:20261024T230000Z", **in_london("20261026T010000", "20261026T030000")))
    assert told(reading) == [("20261024T230000Z", None, "1026T0100", 2)]
    assert reading.whole_uids == frozenset()


def test_an_unreadable_override_means_that_the_uid_is_not_stated_whole(read, event, codes):
    reading = read(
        event("RRULE:FREQ=WEEKLY;COUNT=2", **NIGHT),
        event("RECURRENCE-ID:20261024T230000Z", starts="DTSTART:tomorrow"),
    )
    assert codes(reading) == [(14, "DTSTART", "time")]
    assert reading.whole_uids == frozenset()
    assert len(reading.announcements) == 2


def test_a_rule_without_end_is_told_to_the_horizon_and_goes_on(read, event, asking, now):
    reading = read(event("RRULE:FREQ=WEEKLY;BYDAY=SU", "SUMMARY:Secret", **NIGHT))
    assert len(reading.announcements) == 72
    assert max(one.window.starts for one in reading.announcements) <= now + timedelta(days=548)
    assert [(one.uid, one.gateway, one.expanded_to) for one in reading.series] == [
        ("one@example.org", "GW-1", now + timedelta(days=548))
    ]
    octets = reading.series[0].octets
    assert b"Secret" not in octets
    again = read_ical(octets, asking)
    assert [replace(one, line=0, left_out=()) for one in again.announcements] == [
        replace(one, line=0, left_out=()) for one in reading.announcements
    ]
    later = read_ical(octets, replace(asking, now=now + timedelta(days=70)))
    keys = [one.recurrence_id for one in later.announcements]
    assert keys[: len(reading.announcements)] == [one.recurrence_id for one in reading.announcements]
    assert len(keys) == 82
    assert [one.position for one in later.announcements] == list(range(82))


def test_the_octets_of_a_series_hold_its_zone_its_overrides_and_its_derived_uid(read, event, asking, windows):
    zone = (
        "BEGIN:VTIMEZONE\r\nTZID:Ours\r\nBEGIN:STANDARD\r\nDTSTART:20200101T000000\r\nTZOFFSETFROM:+0300\r\n"
        "TZOFFSETTO:+0300\r\nEND:STANDARD\r\nEND:VTIMEZONE\r\n"
    )
    reading = read(
        zone,
        event(
            "RRULE:FREQ=MONTHLY",
            uid="",
            starts="DTSTART;TZID=Ours:20261206T020000",
            ends="DTEND;TZID=Ours:20261206T060000",
        ),
    )
    again = read_ical(reading.series[0].octets, asking)
    assert windows(again) == windows(reading)
    assert [one.uid for one in again.announcements] == [reading.series[0].uid] * len(again.announcements)
    overridden = read(
        event("RRULE:FREQ=MONTHLY", **NIGHT),
        event("RECURRENCE-ID:20261117T230000Z", **in_london("20261120T010000", "20261120T030000")),
        event(uid="another"),
    )
    again = read_ical(overridden.series[0].octets, asking)
    assert windows(again) == windows(overridden)[:-1]


@pytest.mark.parametrize("rule", ["FREQ=YEARLY", "FREQ=YEARLY;INTERVAL=3", "FREQ=MONTHLY;UNTIL=20310101T000000Z"])
def test_a_rule_whose_next_date_is_far_beyond_the_horizon_goes_on(read, event, rule):
    assert len(read(event(f"RRULE:{rule}", **NIGHT)).series) == 1


def test_a_rule_that_ends_within_the_horizon_does_not_go_on(read, event):
    for rule in ("FREQ=WEEKLY;UNTIL=20280201T000000Z", "FREQ=WEEKLY;COUNT=72", "FREQ=YEARLY;COUNT=2"):
        assert read(event(f"RRULE:{rule}", **NIGHT)).series == ()


@pytest.mark.parametrize(
    ("until", "count"),
    [
        ("20261101T000000Z", 3),
        ("20261031T235959Z", 2),
        ("20261101T000000", 3),
        ("20261101", 3),
        ("20261031", 2),
    ],
)
def test_until_in_utc_in_local_time_and_as_a_day(read, event, until, count):
    assert len(read(event(f"RRULE:FREQ=WEEKLY;UNTIL={until}", **NIGHT)).announcements) == count


def test_a_first_date_that_its_rule_leaves_out_is_kept_and_counts(read, event):
    reading = read(event("RRULE:FREQ=WEEKLY;BYDAY=MO;COUNT=3", **NIGHT))
    assert [(place, start) for _, place, start, _ in told(reading)] == [
        (0, "1017T2300"),
        (1, "1018T2300"),
        (2, "1025T2300"[:0] + "1026T0000"),
    ]
    assert reading.announcements[0].remarks == (
        "The first date does not follow the rule of the series; it was kept as the first occurrence.",
    )


def test_a_series_that_began_long_ago_is_read_from_where_it_is_within_reach(read, event, now):
    reading = read(event("RRULE:FREQ=WEEKLY", **in_london("20100103T020000", "20100103T060000")))
    starts = [one.window.starts for one in reading.announcements]
    assert min(starts) >= now - timedelta(days=5 * 366)
    assert len(starts) == len(set(starts)) == 340
    assert reading.announcements[0].position == 608
    ended = read(event("RRULE:FREQ=WEEKLY;COUNT=9", **in_london("20100103T020000", "20100103T060000")))
    assert [(one.line, one.property, one.code) for one in ended.problems] == [(9, "RRULE", "no-occurrence")]


def test_of_a_long_past_the_newest_that_fit_are_told(read, event, now):
    reading = read(event("RRULE:FREQ=DAILY;UNTIL=20261001", **in_london("20200101T020000", "20200101T060000")))
    assert len(reading.announcements) == 400
    assert max(one.window.starts for one in reading.announcements) == datetime(2026, 10, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("ending", ["", ";COUNT=401", ";UNTIL=20330101", ";UNTIL=20330101T000000Z", ";COUNT=5000"])
def test_of_more_than_four_hundred_ahead_the_next_are_told_and_the_rule_goes_on(read, event, ending):
    reading = read(event(f"RRULE:FREQ=DAILY{ending}", **NIGHT))
    assert [sent.position for sent in reading.announcements] == list(range(400))
    assert reading.problems == ()
    (series,) = reading.series
    last = reading.announcements[-1].window.starts
    assert last < series.expanded_to <= last + timedelta(days=1, hours=1)


def test_four_hundred_ahead_are_all_of_a_rule_that_ends_there(read, event):
    reading = read(event("RRULE:FREQ=DAILY;COUNT=400", **NIGHT))
    assert (len(reading.announcements), reading.series) == (400, ())


def test_more_than_four_hundred_dates_ahead_are_refused(read, event, codes):
    days = [f"{datetime(2026, 12, 7) + timedelta(days=number):%Y%m%dT020000}" for number in range(400)]
    lines = [f"RDATE:{','.join(part)}" for part in (days[:200], days[200:])]
    reading = read(event(*lines, **NIGHT))
    assert codes(reading) == [(9, "RDATE", "too-many-occurrences")]
    assert reading.announcements == ()


@pytest.mark.parametrize(
    ("rule", "days"),
    [
        ("FREQ=YEARLY;BYWEEKNO=10;COUNT=3", ["20270308", "20280306", "20290305"]),
        ("FREQ=YEARLY;BYWEEKNO=10,20;COUNT=3", ["20270308", "20270517", "20280306"]),
        ("FREQ=YEARLY;BYWEEKNO=-1;COUNT=2;INTERVAL=1", ["20270308", "20271227"]),
        ("freq=yearly;byweekno=10;count=2", ["20270308", "20280306"]),
        ("FREQ=YEARLY;BYWEEKNO=10;BYDAY=MO,TU;COUNT=3", ["20270308", "20270309", "20280306"]),
        ("FREQ=YEARLY;BYWEEKNO=10;BYMONTHDAY=8,9;COUNT=3", ["20270308", "20270309", "20280308"]),
    ],
)
def test_a_week_without_weekday_is_the_weekday_of_its_first_date(read, event, asking, rule, days):
    far = replace(asking, limits=replace(asking.limits, horizon=timedelta(days=1500)))
    reading = read(event(f"RRULE:{rule}", **in_london("20270308T020000", "20270308T060000")), asking=far)
    assert [f"{sent.window.starts:%Y%m%d}" for sent in reading.announcements] == days


def test_the_series_of_one_notice_share_an_allowance(read, event):
    daily = [event("RRULE:FREQ=DAILY;COUNT=400", uid=f"{number}", **NIGHT) for number in range(14)]
    reading = read(*daily)
    assert len(reading.announcements) == 12 * 400
    assert [one.code for one in reading.problems] == ["too-much-recurrence"] * 2


def test_changed_occurrences_as_old_as_what_a_rule_skips_are_skipped_too(read, event):
    reading = read(
        event("RRULE:FREQ=MONTHLY;UNTIL=20261201", **in_london("20100103T020000", "20100103T060000")),
        event("RECURRENCE-ID:20100203T020000Z", **in_london("20100204T020000", "20100204T060000")),
    )
    assert reading.problems == ()
    assert reading.whole_uids == {"one@example.org"}


def test_an_all_day_series_is_london_midnights(read, event, windows):
    reading = read(
        event(
            "RRULE:FREQ=WEEKLY;COUNT=2",
            "EXDATE;VALUE=DATE:20261018",
            starts="DTSTART;VALUE=DATE:20261018",
            ends="DTEND;VALUE=DATE:20261019",
        )
    )
    assert windows(reading) == ["20261024T230000/20261026T000000"]


_WEEKDAYS = st.lists(st.sampled_from(["MO", "TU", "WE", "TH", "FR", "SA", "SU"]), min_size=1, max_size=3, unique=True)
_RULES = st.one_of(
    st.builds("FREQ=DAILY;INTERVAL={}".format, st.integers(2, 40)),
    st.builds(lambda every, days: f"FREQ=WEEKLY;INTERVAL={every};BYDAY={','.join(days)}", st.integers(1, 9), _WEEKDAYS),
    st.builds("FREQ=MONTHLY;INTERVAL={};BYMONTHDAY={}".format, st.integers(1, 5), st.sampled_from([1, 15, 29, 31, -1])),
    st.builds("FREQ=MONTHLY;BYDAY={}{}".format, st.sampled_from([1, 2, 3, 4, 5, -1]), st.sampled_from(["MO", "SU"])),
    st.builds("FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS={}".format, st.sampled_from([1, -1])),
    st.builds("FREQ=YEARLY;BYMONTH={};BYDAY=-1SU".format, st.integers(1, 12)),
    st.just("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29"),
    st.builds("FREQ=YEARLY;BYWEEKNO={};BYDAY=SU".format, st.integers(1, 53)),
)


@given(
    rule=_RULES,
    first=st.datetimes(datetime(2021, 10, 1), datetime(2028, 1, 1)).map(
        lambda one: one.replace(second=0, microsecond=0)
    ),
    ending=st.one_of(st.just(""), st.builds(";COUNT={}".format, st.integers(1, 60))),
)
def test_expansion_is_dateutils_in_london_wall_time(read, event, now, rule, first, ending):
    reading = read(
        event(
            f"RRULE:{rule}{ending}",
            starts=f"DTSTART;TZID=Europe/London:{first:%Y%m%dT%H%M00}",
            ends="DURATION:PT4H",
        )
    )
    given = rrulestr(rule, dtstart=first).between(first, now.replace(tzinfo=None) + timedelta(days=550), inc=True)
    walls = given if given[:1] == [first] else [first, *given]
    walls = walls[: int(ending[7:] or 10_000)]
    expected = [
        (f"{start:%Y%m%dT%H%M%SZ}", place)
        for place, start in enumerate(read_wall_clock(wall)[0] for wall in walls)
        if now - timedelta(days=5 * 366) <= start <= now + timedelta(days=548)
    ]
    assert [(one.recurrence_id, one.position) for one in reading.announcements] == expected[-400:]


def test_events_without_number_are_refused_before_reading(calendar, event, asking):
    with pytest.raises(NoticeTooLarge):
        read_ical(calendar(*[event(uid=str(number)) for number in range(1001)]), asking)
