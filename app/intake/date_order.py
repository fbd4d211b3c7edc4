"""Which of 6/12 is the day: decided for a whole sheet, by all the dates that it holds, or asked."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from app.ical.unread import Unread

_NUMERIC = re.compile(r"([0-9]{1,2})([/.-])([0-9]{1,2})\2([0-9]{4}|[0-9]{2})(?![0-9])")
_MONTHS, _DAYS = 12, 31
_REMEDY = "Write 2026-12-06 or 6 Dec 2026, in this row or in all."


class _Order(StrEnum):
    DAY_FIRST = "day first (dd/mm/yyyy)"
    MONTH_FIRST = "month first (mm/dd/yyyy)"
    UNDECIDED = "undecided"
    CONTRADICTED = "contradicted"


_BY_WHAT_IS_TOLD = {
    (True, False): _Order.DAY_FIRST,
    (False, True): _Order.MONTH_FIRST,
    (False, False): _Order.UNDECIDED,
    (True, True): _Order.CONTRADICTED,
}
_DOUBTS = {
    _Order.UNDECIDED: "The date can be day first or month first, and no date of the sheet tells which.",
    _Order.CONTRADICTED: "Some dates of the sheet can only be day first, and others only month first.",
}


@dataclass(frozen=True, slots=True)
class DateOrder:
    """How a sheet's dates in three numbers are read, and whether it holds any; ``remarks`` say so to its sender."""

    order: _Order
    is_met: bool
    remarks: tuple[str, ...]

    def read(self, text: str) -> tuple[date, str] | None:
        """Return the day with which a text begins, and what follows it; None where no such date stands there.

        Raise ``Unread`` where the day cannot be told, ``ValueError`` where there is none.
        """
        found = _NUMERIC.match(text)
        if found is None:
            return None
        first, second = int(found[1]), int(found[3])
        if found[2] == "-" and not has_century(found[4]):
            raise Unread("date-order", "Which of the three numbers is the year cannot be told.", _REMEDY)
        if first != second and self.order in _DOUBTS:
            raise Unread("date-order", _DOUBTS[self.order], _REMEDY)
        month, day = (first, second) if self.order is _Order.MONTH_FIRST else (second, first)
        return date(full_year(found[4]), month, day), text[found.end() :]


def date_order_of(cells: Iterable[tuple[int, str]]) -> DateOrder:
    """Decide by all times of a sheet, as (row, cell): one day over 12 decides for all of them."""
    rows: dict[bool, int] = {}
    is_met = is_short = False
    for row, cell in cells:
        found = _NUMERIC.match(cell)
        if found is None:
            continue
        is_met = True
        first, second = int(found[1]), int(found[3])
        is_short = is_short or not has_century(found[4])
        if first <= _DAYS and second <= _DAYS and (first > _MONTHS) != (second > _MONTHS):
            rows.setdefault(first > _MONTHS, row)
    order = _BY_WHAT_IS_TOLD[True in rows, False in rows]
    told = () if order in _DOUBTS else (f"Dates were read {order.value}: row {min(rows.values())} has a day over 12.",)
    return DateOrder(order, is_met, told + (("Years of two digits were read as 20xx.",) if is_short else ()))


def has_century(year: str) -> bool:
    """Tell whether a year is written with four digits."""
    return len(year) > 2  # noqa: PLR2004 - two digits


def full_year(year: str) -> int:
    """Return a year; one of two digits is of this century."""
    return int(year) if has_century(year) else 2000 + int(year)
