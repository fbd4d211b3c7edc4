"""A time as people write it in a cell: ISO 8601, day/month/year, a month's name, am and pm, 24:00, Excel's number."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from app.domain.london import LONDON
from app.ical.parsed_line import printable
from app.ical.unread import Unread
from app.intake.date_order import DateOrder, date_order_of, full_year
from app.intake.workbook import Workbook

_ISO = re.compile(r"[0-9W-]{8,10}(?:[Tt ][0-9].*)?")
_YEAR_FIRST = re.compile(r"([0-9]{4})([/.-])([0-9]{1,2})\2([0-9]{1,2})(?![0-9])")
_NAMED = re.compile(
    r"(?:(mon|tue|wed|thu|fri|sat|sun)[a-z]*,? )?"
    r"([0-9]{1,2})(?:st|nd|rd|th)?[ /.-]?([a-z]{3,9})\.?,?[ /.-]?([0-9]{4}|[0-9]{2})(?![0-9])"
)
_BETWEEN = re.compile(r"t(?=[0-9])|, ?| ")
_CLOCK = re.compile(
    r"(?P<hour>[0-9]{1,2})(?:(?P<colon>[:.])?(?P<minute>[0-9]{2})(?:(?(colon)[:.])(?P<second>[0-9]{2})(?:[.,][0-9]+)?)?)?"
    r"(?: ?(?P<half>[ap])\.?m\.?)?(?: ?(?:h|hrs|hours))?(?: ?(?P<zone>z|utc|gmt|bst|[+-][0-9]{2}:?[0-9]{2}))?"
)
# A minus after whole minutes is as likely a dash: 02:00-06:00.
_SECONDS_AND_MINUS = re.compile(r"[0-9]{2}:?[0-9]{2}:?[0-9]{2}(?:[.,][0-9]+)?-[0-9]{2}:?[0-9]{2}")
_NUMBER = re.compile(r"[0-9]{5}(?:[.,][0-9]+)?")
_FIRST_NUMBERED, _FIRST_NUMBERED_OF_1904 = datetime(1899, 12, 30), datetime(1904, 1, 1)  # noqa: DTZ001 - wall clocks
_A_DAY = re.compile(r"[0-9]{1,4}[/.-](?:[0-9]{1,2}|[a-z]{3,9})[/.-][0-9]{2,4}|[0-9]{1,2} [a-z]{3,9} [0-9]{4}")
_A_TIME = re.compile(r"[0-9]{1,2}[:.][0-9]{2}(?![0-9])|[0-9] ?[ap]\.?m\b")
_WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_MONTH_NAMES = (
    *("january", "february", "march", "april", "may", "june", "july", "august", "september", "october"),
    *("november", "december"),
)
_MONTHS = {spelt: at for at, name in enumerate(_MONTH_NAMES, 1) for spelt in (name, name[:3])} | {"sept": 9}
_NOON, _MIDNIGHT = 12, 24
_NUMBERS_REMARK = "Numbers under starts and ends were read as Excel's dates."
# In Excel set to month first, 06/12/2026 becomes a date in June, and 13/12/2026 stays text.
_HALF_UNDERSTOOD_REMARK = (
    "Excel took some cells for dates and left others as text: it may have had day and month the other way round. "
    "Check every date."
)

_REMEDY = "Write 2026-12-06T02:00, 06/12/2026 02:00 or 6 Dec 2026 2:00 am (London time), or 2026-12-06T02:00:00Z."
_TWO = "This cell holds a start and an end."
_TWO_REMEDY = (
    "Write the start under starts and the end under ends. An offset comes after seconds: 2026-12-06T02:00:00-06:00."
)


@dataclass(frozen=True, slots=True)
class SheetTimes:
    """How the times of one sheet are read; ``remarks`` say so to its sender.

    ``first_numbered`` is the day that is Excel's number 0.
    """

    order: DateOrder
    first_numbered: datetime
    remarks: tuple[str, ...]

    def read(self, text: str) -> str:
        """Return a ``plain`` cell as ISO 8601, a date where it holds no time. Raise ``Unread``, without row.

        A time without offset stays London's wall clock.
        """
        try:
            return _iso(text) or self._numbered(text) or self._written(text.lower())
        except (ValueError, OverflowError) as fault:
            raise Unread("time", "There is no such day or time.", _REMEDY) from fault

    def _numbered(self, text: str) -> str:
        if not _NUMBER.fullmatch(text):
            return ""
        days = float(text.replace(",", "."))
        if days.is_integer():
            return (self.first_numbered + timedelta(days)).date().isoformat()
        # No number that a sheet shows is exact to the second.
        return (self.first_numbered + timedelta(minutes=round(days * 24 * 60))).isoformat(timespec="minutes")

    def _written(self, text: str) -> str:
        day, rest = _year_first(text) or _named(text) or self.order.read(text) or (None, "")
        if day is None:
            raise _no_time(text)
        if not rest:
            return day.isoformat()
        between = _BETWEEN.match(rest)
        clock = _CLOCK.fullmatch(rest, between.end()) if between else None
        if clock is None or (clock["minute"] is None and clock["half"] is None):
            raise _no_time(text)
        return _on_the_clock(day, clock)


def sheet_times_of(cells: Iterable[tuple[int, str]], workbook: Workbook | None) -> SheetTimes:
    """Decide how the times of a sheet are read, by all of them, as (row, plain cell), and by its workbook, if any."""
    stated = list(cells)
    order = date_order_of(stated)
    remarks = list(order.remarks)
    if any(_NUMBER.fullmatch(cell) for _, cell in stated):
        remarks.append(_NUMBERS_REMARK)
    if workbook is None:
        return SheetTimes(order, _FIRST_NUMBERED, tuple(remarks))
    if workbook.has_dates and order.is_met:
        remarks.append(_HALF_UNDERSTOOD_REMARK)
    return SheetTimes(order, _FIRST_NUMBERED_OF_1904 if workbook.from_1904 else _FIRST_NUMBERED, tuple(remarks))


def plain(cell: str) -> str:
    """Return the text of a cell with single blanks and without control characters."""
    if cell.isascii() and cell.isprintable() and "  " not in cell:
        return cell.strip()
    return printable(" ".join(cell.split()))


def is_day_or_midnight(text: str) -> bool:
    """Tell whether a plain cell is a whole number: to Excel a day, and the midnight with which it begins."""
    return _NUMBER.fullmatch(text) is not None and float(text.replace(",", ".")).is_integer()


def _iso(text: str) -> str:
    """Return the text where it is ISO 8601, else "". Raise ``Unread`` where its offset may be an end."""
    if not _ISO.fullmatch(text) or not text.isascii():
        return ""
    try:
        offset = datetime.fromisoformat(text).utcoffset()
    except ValueError:
        return ""
    if offset is not None and offset < timedelta() and not _SECONDS_AND_MINUS.search(text):
        raise Unread("two-times", _TWO, _TWO_REMEDY)
    return text


def _year_first(text: str) -> tuple[date, str] | None:
    found = _YEAR_FIRST.match(text)
    return found and (date(int(found[1]), int(found[3]), int(found[4])), text[found.end() :])


def _named(text: str) -> tuple[date, str] | None:
    """Read ``6 Dec 2026`` and ``Sunday, 6th December 2026``."""
    found = _NAMED.match(text)
    if found is None or found[3] not in _MONTHS:
        return None
    day = date(full_year(found[4]), _MONTHS[found[3]], int(found[2]))
    if found[1] not in {None, _WEEKDAYS[day.weekday()]}:
        raise Unread("weekday", "That day is another day of the week.", "Correct the date, or leave the weekday out.")
    return day, text[found.end() :]


def _on_the_clock(day: date, clock: re.Match[str]) -> str:
    hour, minute, second = (int(clock[name] or 0) for name in ("hour", "minute", "second"))
    if clock["half"]:
        if not 1 <= hour <= _NOON:
            text = "With am or pm the hour is from 1 to 12."
            raise Unread("time", text, "Write 2:00 pm or 14:00.")
        hour = hour % _NOON + (_NOON if clock["half"] == "p" else 0)
    elif hour == _MIDNIGHT and not minute and not second:
        # ISO 8601 calls the end of a day so.
        day, hour = day + timedelta(1), 0
    naive = datetime(day.year, day.month, day.day, hour, minute, second)  # noqa: DTZ001 - London's wall clock
    return naive.isoformat(timespec="seconds" if clock["second"] else "minutes") + _offset(naive, clock)


def _offset(naive: datetime, clock: re.Match[str]) -> str:
    """Return the offset of a time as ISO 8601 has it, "" where it states none."""
    zone = (clock["zone"] or "").upper()
    if zone.startswith("-") and not clock["second"]:
        raise Unread("two-times", _TWO, _TWO_REMEDY)
    if zone == "UTC":
        return "Z"
    if zone not in {"GMT", "BST"}:
        return zone
    hours = 1 if zone == "BST" else 0
    if (naive - timedelta(hours=hours)).replace(tzinfo=UTC).astimezone(LONDON).tzname() != zone:
        text = f"London's clocks do not show {zone} then."
        raise Unread("zone", text, "Leave it out for London time, or write UTC.")
    return f"+0{hours}:00"


def _no_time(text: str) -> Unread:
    """Say of a cell which is no time what it may be instead."""
    if text.startswith("="):
        remedy = "Open the workbook in Excel and save it, or paste the values in place of the formulas."
        return Unread("formula", "This cell is a formula whose value is not in the file.", remedy)
    times, days = _A_TIME.findall(_A_DAY.sub(" ", text)), _A_DAY.findall(text)
    if len(times) > 1 or len(days) > 1:
        return Unread("two-times", _TWO, _TWO_REMEDY)
    if times and not days:
        return Unread("time", "This is a time without its day.", _REMEDY)
    return Unread("time", "That is not a time.", _REMEDY)
