"""Counting Working Days: not Saturday, Sunday, Christmas Day, Good Friday or a bank holiday (SEC, "Working Day")."""

from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from datetime import date, timedelta

_ONE_DAY = timedelta(days=1)
_SECOND_DAY = date.min + _ONE_DAY
_SATURDAY = 5
_WARN_WITHIN = timedelta(days=365)

REGIONS: tuple[str, ...] = ("england-and-wales", "scotland", "northern-ireland", "gb-any", "uk-any")


@dataclass(frozen=True, slots=True)
class WorkingDayCalendar:
    """The Working Days of one region, by one version of the holiday table.

    ``holidays`` are sorted dates (weekends may be among them); ``confirmed_through`` is the last date up to which the
    table is proclaimed rather than reckoned ahead.
    """

    region: str
    version: str
    holidays: tuple[date, ...]
    confirmed_through: date

    def is_working_day(self, day: date) -> bool:
        """Tell whether ``day`` is a Working Day."""
        if day.weekday() >= _SATURDAY:
            return False
        at = bisect_left(self.holidays, day)
        return at == len(self.holidays) or self.holidays[at] != day

    def working_days_between(self, after: date, before: date) -> int:
        """Count the Working Days strictly between two dates ("clear days"); 0 where there are none.

        Notice on Mon 5 Jan 2026 for Mon 2 Feb 2026 is 19.
        """
        if before <= after:
            return 0
        weekdays = _weekdays_before(before) - _weekdays_before(after + _ONE_DAY)
        between = self.holidays[bisect_right(self.holidays, after) : bisect_left(self.holidays, before)]
        return weekdays - sum(1 for day in between if day.weekday() < _SATURDAY)

    def last_day_that_leaves(self, working_days: int, start: date) -> date:
        """Return the latest day that leaves so many Working Days before ``start``, without the two days themselves.

        In the first days of year 1, before which there are none, it is the first.
        """
        day = max(start, _SECOND_DAY)
        counted = 0
        while counted < working_days and day > _SECOND_DAY:
            day -= _ONE_DAY
            counted += self.is_working_day(day)
        return day - _ONE_DAY

    def working_day_from(self, day: date) -> date:
        """Return the first Working Day on ``day`` or after it."""
        while not self.is_working_day(day):
            day += _ONE_DAY
        return day

    def working_day_until(self, day: date) -> date:
        """Return the last Working Day on ``day`` or before it."""
        while not self.is_working_day(day):
            day -= _ONE_DAY
        return day

    def ends_soon(self, today: date) -> bool:
        """Tell whether the confirmed part of the table ends within twelve months: time to update it."""
        return self.confirmed_through - today < _WARN_WITHIN


def _weekdays_before(day: date) -> int:
    """Count Mondays to Fridays since 1 Jan of year 1, a Monday, up to but without ``day``."""
    weeks, rest = divmod(day.toordinal() - 1, 7)
    return weeks * 5 + min(rest, 5)
