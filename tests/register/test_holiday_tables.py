"""The holiday tables against what GOV.UK published, and their way through text."""

import re
import subprocess
import sys
from datetime import date, datetime, timedelta
from hashlib import sha256

import holidays
import pytest
from govuk_bank_holidays.bank_holidays import BankHolidays

from app.domain.working_days import REGIONS, WorkingDayCalendar
from app.register.holiday_tables import CONFIRMED_THROUGH, build_table, from_text, to_text

DIVISIONS = ["england-and-wales", "scotland", "northern-ireland"]
FIRST, LAST = date(2012, 1, 1), date(2028, 12, 31)
EVERY_DAY = [FIRST + timedelta(days=n) for n in range((LAST - FIRST).days + 1)]

# Days that the cached list does not have yet although they are proclaimed. Take a line out when the list has caught up:
# the test fails then, since it compares for equality.
PROCLAIMED_SINCE = {
    # By Royal Proclamation of 3 February 2026: Scotland's men in the World Cup.
    "scotland": {date(2026, 6, 15)},
}


def published(division):
    """What GOV.UK lists for a division, from the copy inside the package: no network."""
    listed = BankHolidays(use_cached_holidays=True).get_holidays(division=division)
    return {day["date"].date() if isinstance(day["date"], datetime) else day["date"] for day in listed}


def weekdays(days):
    return {day for day in days if day.weekday() < 5}


@pytest.mark.parametrize("division", DIVISIONS)
def test_the_published_list_covers_the_years_that_the_table_calls_confirmed(division):
    years = {day.year for day in published(division)}
    assert years >= set(range(2012, 2029))
    assert LAST == CONFIRMED_THROUGH == build_table(division).confirmed_through


@pytest.mark.parametrize("division", DIVISIONS)
def test_working_days_are_those_of_the_published_list(division):
    table = build_table(division)
    closed = {day for day in EVERY_DAY if day.weekday() < 5 and not table.is_working_day(day)}
    expected = weekdays(day for day in published(division) if FIRST <= day <= LAST)
    assert closed == expected | PROCLAIMED_SINCE.get(division, set())


@pytest.mark.parametrize("division", DIVISIONS)
def test_every_published_date_is_in_the_table_and_only_weekend_days_are_there_besides(division):
    ours = {day for day in build_table(division).holidays if FIRST <= day <= LAST}
    theirs = {day for day in published(division) if FIRST <= day <= LAST}
    assert theirs - ours == set()
    # A feast on a Saturday or Sunday is in the package beside its substitute day; it was no Working Day anyway.
    assert weekdays(ours - theirs) == PROCLAIMED_SINCE.get(division, set())


@pytest.mark.parametrize(
    ("division", "day", "works"),
    [
        ("england-and-wales", date(2022, 9, 19), False),  # state funeral, proclaimed nine days before
        ("england-and-wales", date(2023, 5, 8), False),  # coronation
        ("england-and-wales", date(2020, 5, 4), True),  # moved to the Friday in 2020
        ("england-and-wales", date(2020, 5, 8), False),
        ("england-and-wales", date(2026, 4, 6), False),  # Easter Monday
        ("scotland", date(2026, 4, 6), True),
        ("scotland", date(2026, 8, 3), False),  # the summer holiday is the first Monday in Scotland
        ("england-and-wales", date(2026, 8, 3), True),
        ("england-and-wales", date(2026, 8, 31), False),
        ("scotland", date(2026, 8, 31), True),
        ("northern-ireland", date(2026, 7, 13), False),  # substitute for Sunday 12 July
        ("england-and-wales", date(2026, 12, 28), False),  # substitute for Saturday 26 December
        ("england-and-wales", date(2026, 12, 29), True),
        ("scotland", date(2026, 11, 30), False),
        ("gb-any", date(2026, 8, 3), False),
        ("gb-any", date(2026, 8, 31), False),
        ("gb-any", date(2026, 7, 13), True),
        ("uk-any", date(2026, 7, 13), False),
        ("uk-any", date(2026, 8, 3), False),
    ],
)
def test_days_that_regions_differ_in(division, day, works):
    assert build_table(division).is_working_day(day) is works


def test_regions_are_those_of_the_domain_and_the_wide_ones_are_unions():
    tables = {region: set(build_table(region).holidays) for region in REGIONS}
    assert tables["gb-any"] == tables["england-and-wales"] | tables["scotland"]
    assert tables["uk-any"] == tables["gb-any"] | tables["northern-ireland"]
    assert all(build_table(region).region == region for region in REGIONS)
    with pytest.raises(KeyError):
        build_table("GB")


@pytest.mark.parametrize("region", REGIONS)
def test_tables_run_from_2010_to_2040_in_order_and_without_repeats(region):
    days = build_table(region).holidays
    assert list(days) == sorted(set(days))
    assert {day.year for day in days} == set(range(2010, 2041))


def test_wales_keeps_the_days_of_england():
    # Why one subdivision may speak for "england-and-wales".
    years = range(2010, 2041)
    england = holidays.country_holidays("GB", subdiv="ENG", years=years)
    assert set(england) == set(holidays.country_holidays("GB", subdiv="WLS", years=years))


def test_the_country_without_a_subdivision_is_wrong_so_that_one_is_always_given():
    bare = set(holidays.country_holidays("GB", years=2026))
    england = {day for day in build_table("england-and-wales").holidays if day.year == 2026}
    assert england - bare == {date(2026, 4, 6), date(2026, 8, 31)}


def test_extra_days_are_merged_in_and_change_the_version():
    plain = build_table("scotland")
    proclaimed = date(2029, 9, 12)
    richer = build_table("scotland", [proclaimed])
    assert set(richer.holidays) - set(plain.holidays) == {proclaimed}
    assert list(richer.holidays) == sorted(richer.holidays)
    assert plain.is_working_day(proclaimed)
    assert not richer.is_working_day(proclaimed)
    assert richer.version != plain.version


def test_an_extra_day_that_is_there_already_changes_nothing():
    christmas = date(2026, 12, 25)
    assert build_table("scotland", (day for day in [christmas, christmas])) == build_table("scotland")


def test_the_version_names_package_region_and_a_digest_of_the_days():
    table = build_table("england-and-wales")
    digest = sha256(" ".join(map(str, table.holidays)).encode()).hexdigest()[:8]
    assert table.version == f"holidays {holidays.__version__} england-and-wales {digest}"
    assert re.fullmatch(r"holidays [0-9.]+ england-and-wales [0-9a-f]{8}", table.version)
    assert build_table("england-and-wales").version == table.version
    assert len({build_table(region).version for region in REGIONS}) == 5


@pytest.mark.parametrize("region", REGIONS)
def test_a_table_comes_back_from_its_text(region):
    table = build_table(region, [date(2041, 1, 2)])
    assert from_text(to_text(table)) == table


def test_the_text_is_plain_json():
    table = WorkingDayCalendar("scotland", "v1", (date(2026, 1, 1), date(2026, 1, 2)), date(2028, 12, 31))
    assert to_text(table) == (
        '{"region": "scotland", "version": "v1", "confirmed_through": "2028-12-31",'
        ' "holidays": ["2026-01-01", "2026-01-02"]}'
    )


def test_reading_a_stored_table_does_not_load_the_package():
    code = (
        "import sys\n"
        "from app.register.holiday_tables import from_text, to_text\n"
        "from_text(sys.argv[1])\n"
        "print('holidays' in sys.modules)"
    )
    text = to_text(build_table("england-and-wales"))
    done = subprocess.run([sys.executable, "-c", code, text], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"
