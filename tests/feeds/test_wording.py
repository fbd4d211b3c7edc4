"""The sentences, word for word."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from feeds.wording import (
    FULL_TEXT,
    band_words,
    categories,
    days_text,
    description,
    horizon_text,
    london_text,
    notice_text,
    notice_words,
    summary,
    told_words,
    window_text,
    working_days_notice,
)


@pytest.mark.parametrize(
    ("instant", "expected"),
    [
        (datetime(2026, 12, 6, 2, 5, tzinfo=UTC), "Sun 6 Dec 2026 02:05 GMT"),
        (datetime(2026, 6, 14, 23, 30, tzinfo=UTC), "Mon 15 Jun 2026 00:30 BST"),
        (datetime(2026, 10, 25, 0, 30, tzinfo=UTC), "Sun 25 Oct 2026 01:30 BST"),
        (datetime(2026, 10, 25, 1, 30, tzinfo=UTC), "Sun 25 Oct 2026 01:30 GMT"),
    ],
)
def test_london_text(instant, expected):
    assert london_text(instant) == expected


def test_window_in_both_times():
    starts, ends = datetime(2026, 10, 24, 23, 0, tzinfo=UTC), datetime(2026, 10, 25, 6, 0, tzinfo=UTC)
    assert window_text(starts, ends) == (
        "Sun 25 Oct 2026 00:00 BST to Sun 25 Oct 2026 06:00 GMT (2026-10-24 23:00 to 2026-10-25 06:00 UTC)"
    )


@pytest.mark.parametrize(
    ("days", "expected"),
    [(0, "0 Working Days' notice"), (1, "1 Working Day's notice"), (2, "2 Working Days' notice")],
)
def test_working_days_notice(days, expected):
    assert working_days_notice(days) == expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "27 Working Days' notice; 20 are recommended (in good time)."),
        (
            {"notice_days": 7, "band": "5-9", "short_notice": True},
            "7 Working Days' notice; 20 are recommended (short notice).",
        ),
        (
            {"notice_days": 1, "recommended_days": 1},
            "1 Working Day's notice; 1 is recommended (in good time).",
        ),
        (
            {"notice_days": 0, "band": "after start", "short_notice": True},
            "Notified after the window had started; 20 Working Days' notice is recommended.",
        ),
        (
            {"notice_days": 0, "band": "after end", "short_notice": True},
            "Notified after the window had ended; 20 Working Days' notice is recommended.",
        ),
    ],
)
def test_notice_text(planned, changes, expected):
    assert notice_text(replace(planned, **changes)) == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ((7, "5-9", 20), "7 Working Days' notice; 20 are recommended"),
        ((1, "<2", 1), "1 Working Day's notice; 1 is recommended"),
        ((0, "after start", 20), "Notified after the window had started; 20 Working Days' notice is recommended"),
        ((0, "after end", 1), "Notified after the window had ended; 1 Working Day's notice is recommended"),
    ],
)
def test_notice_words(given, expected):
    assert notice_words(*given) == expected


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ((3, "2-4"), "3 Working Days before"),
        ((1, "<2"), "1 Working Day before"),
        ((0, "<2"), "0 Working Days before"),
        ((0, "after start"), "after the window had started"),
        ((0, "after end"), "after the window had ended"),
    ],
)
def test_told_words(told, expected):
    assert told_words(*told) == expected


@pytest.mark.parametrize(
    ("band", "expected"),
    [
        (">=20", "20 or more Working Days' notice"),
        ("10-19", "10 to 19 Working Days' notice"),
        ("5", "5 Working Days' notice"),
        ("1", "1 Working Day's notice"),
        ("<2", "fewer than 2 Working Days' notice"),
        ("after start", "notified after the window had started"),
        ("after end", "notified after the window had ended"),
    ],
)
def test_band_words(band, expected):
    assert band_words(band) == expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "GW-ALPHA-1 closed (Alpha Energy)"),
        ({"withdrawn": True}, "CANCELLED: GW-ALPHA-1 closed (Alpha Energy)"),
        ({"user_name": "Alpha\r\nEnergy\x00"}, "GW-ALPHA-1 closed (Alpha Energy)"),
        ({"user_name": "\x00"}, "GW-ALPHA-1 closed (ALPHA)"),
        ({"user_name": "", "user_code": "AL\nPHA", "gateway_code": "GW\n1"}, "GW 1 closed (AL PHA)"),
    ],
)
def test_summary(planned, changes, expected):
    assert summary(replace(planned, **changes)) == expected


def test_description_of_a_plain_notice(planned):
    assert description(planned) == (
        "27 Working Days' notice; 20 are recommended (in good time).\nReference CN-7F3K9QZ0AB"
    )


def test_description_of_everything_at_once(planned):
    entry = replace(
        planned,
        reference="CN-1\r\nX",
        withdrawn=True,
        notice_days=3,
        first_notice_days=28,
        short_notice=True,
        late_change=True,
        moved_from_starts=datetime(2026, 6, 14, 1, tzinfo=UTC),
        moved_from_ends=datetime(2026, 6, 14, 5, tzinfo=UTC),
    )
    assert description(entry).split("\n") == [
        "3 Working Days' notice; 20 are recommended (short notice).",
        "First notified with 28 Working Days' notice.",
        "Moved from Sun 14 Jun 2026 02:00 BST to Sun 14 Jun 2026 06:00 BST (2026-06-14 01:00 to 2026-06-14 05:00 UTC).",
        "Withdrawn.",
        "The last change was a late change.",
        "Reference CN-1 X",
    ]


@pytest.mark.parametrize(
    ("short", "late", "expected"),
    [
        (False, False, ("Gateway closure",)),
        (True, False, ("Gateway closure", "Short notice")),
        (False, True, ("Gateway closure", "Late change")),
        (True, True, ("Gateway closure", "Short notice", "Late change")),
    ],
)
def test_categories(planned, short, late, expected):
    assert categories(replace(planned, short_notice=short, late_change=late)) == expected


@pytest.mark.parametrize(("days", "expected"), [(0, "0 days"), (1, "1 day"), (2, "2 days")])
def test_days_text(days, expected):
    assert days_text(days) == expected


def test_horizon_text():
    assert horizon_text(30, 548, 60) == (
        "From 30 days back to 548 days ahead and withdrawn ones for 60 days. "
        "Dates are as notified by Users and nothing here is approved."
    )
    assert horizon_text(1, 2, 0) == (
        "From 1 day back to 2 days ahead and without withdrawn ones. "
        "Dates are as notified by Users and nothing here is approved."
    )
    assert FULL_TEXT == (
        "Everything on record with withdrawn ones and without a horizon: a large feed that some calendars cut short. "
        "Dates are as notified by Users and nothing here is approved."
    )


def test_plan_and_fact_and_what_is_not_certain_are_said(planned):
    ends = planned.ends + timedelta(hours=2)
    longer = replace(planned, ends=ends, planned_ends=planned.ends)
    told = "Sun 6 Dec 2026 08:00 GMT; planned until Sun 6 Dec 2026 06:00 GMT."
    assert description(longer).split("\n")[1] == f"Told closed until {told}"
    assert description(replace(longer, reopened_at=ends)).split("\n")[1] == f"Told re-opened at {told}"
    unsure = replace(planned, provisional=True)
    assert description(unsure).split("\n")[1] == "Provisional: its User has not confirmed it yet."
    assert summary(unsure) == f"PROVISIONAL: {summary(planned)}"
