"""The holiday tables that Working Days are counted by: made from the ``holidays`` package, kept as text."""

import json
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from datetime import date
from functools import cache
from hashlib import sha256
from importlib.metadata import version

from app.domain.working_days import WorkingDayCalendar

# The end of the last year that the test holds against GOV.UK's published list; what follows is reckoned ahead.
CONFIRMED_THROUGH = date(2028, 12, 31)

_YEARS = range(2010, 2041)
# Never the whole of GB without a subdivision: the package then leaves out every day that not all of them share, such as
# Easter Monday and the summer holiday. "ENG" is England and Wales, whose bank holidays are the same.
_SUBDIVISIONS: dict[str, tuple[str, ...]] = {
    "england-and-wales": ("ENG",),
    "scotland": ("SCT",),
    "northern-ireland": ("NIR",),
    "gb-any": ("ENG", "SCT"),
    "uk-any": ("ENG", "SCT", "NIR"),
}


def build_table(region: str, extra_days: Iterable[date] = ()) -> WorkingDayCalendar:
    """Make the table of ``region`` (one of ``REGIONS``) for 2010 to 2040, with the days that an admin added.

    The version names the package, the region and a digest of the days, so that it changes whenever a day does.
    """
    # Imported here: only the process that makes a table pays for the package; the others read the stored text.
    import holidays  # noqa: PLC0415

    days = set(extra_days)
    for subdivision in _SUBDIVISIONS[region]:
        days.update(holidays.country_holidays("GB", subdiv=subdivision, years=_YEARS))
    in_order = tuple(sorted(days))
    digest = sha256(" ".join(day.isoformat() for day in in_order).encode()).hexdigest()[:8]
    return WorkingDayCalendar(
        region=region,
        version=f"holidays {version('holidays')} {region} {digest}",
        holidays=in_order,
        confirmed_through=CONFIRMED_THROUGH,
    )


def names_of(region: str, first: date, last: date) -> dict[date, str]:
    """Return what the holidays of ``region`` from ``first`` to ``last`` are called; an admin's own days have no name.

    Where parts of the region call a day by other names, all of them, parted by a stroke.
    """
    import holidays  # noqa: PLC0415 - as in build_table: this is for the one page that names them

    found: dict[date, str] = {}
    for subdivision in _SUBDIVISIONS[region]:
        years = range(first.year, last.year + 1)
        for day, name in holidays.country_holidays("GB", subdiv=subdivision, years=years).items():
            if first <= day <= last and name not in found.get(day, "").split(" / "):
                found[day] = f"{found[day]} / {name}" if day in found else name
    return found


def to_text(calendar: WorkingDayCalendar) -> str:
    """Write a table as JSON, for keeping beside the assessments that name its version."""
    return json.dumps(
        {
            "region": calendar.region,
            "version": calendar.version,
            "confirmed_through": calendar.confirmed_through.isoformat(),
            "holidays": [day.isoformat() for day in calendar.holidays],
        }
    )


def from_text(text: str) -> WorkingDayCalendar:
    """Read what ``to_text`` wrote."""
    table = json.loads(text)
    return WorkingDayCalendar(
        region=table["region"],
        version=table["version"],
        holidays=tuple(date.fromisoformat(day) for day in table["holidays"]),
        confirmed_through=date.fromisoformat(table["confirmed_through"]),
    )


def holiday_names(calendar: WorkingDayCalendar, first: date, last: date) -> dict[date, str]:
    """Return what the holidays of a table from ``first`` to ``last`` are called, by day.

    A day that the package does not know was added by an admin.
    """
    days = calendar.holidays[bisect_left(calendar.holidays, first) : bisect_right(calendar.holidays, last)]
    return {day: _names(calendar.region, day.year).get(day, "Extra holiday") for day in days}


@cache
def _names(region: str, year: int) -> dict[date, str]:
    """Return the names of a year's holidays; the package is paid for by the first page that asks."""
    import holidays  # noqa: PLC0415

    found: dict[date, str] = {}
    for subdivision in _SUBDIVISIONS[region]:
        found |= holidays.country_holidays("GB", subdiv=subdivision, years=year)
    return found
