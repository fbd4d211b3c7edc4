"""The figures of the horizon: for each lane and each day or week, how many gateways are closed at once. Pure.

A lane is all closures together, those of a party category, of a User or of a gateway: each has cells by the same rule
(app/domain/load.py), so that a number means the same wherever it stands.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from app.domain.closure import PlannedClosure
from app.domain.load import peaks_of
from app.domain.london import LONDON, whole_days
from app.domain.maintenance import Maintenance
from app.domain.window import ClosureWindow

_ONE_DAY = timedelta(days=1)
_INSTANT = timedelta(microseconds=1)
_SHADES = 3  # below the threshold
ABOVE = _SHADES + 1
"""The level of what is above the threshold."""
_SATURDAY = 5
_WEEK = 7
_LETTERS_OVER = 3  # columns that the words of a Monday need: at the right edge they would leave the picture


@dataclass(frozen=True, slots=True)
class Grid:
    """Days that follow on one another, cut into columns of equal length: the first London day of each, and its span.

    ``ends`` are those of the spans.
    """

    days: tuple[date, ...]
    spans: tuple[ClosureWindow, ...]
    ends: tuple[datetime, ...]
    column_days: int

    def last_day(self, column: int) -> date:
        """Return the last London day of a column, counted from 0."""
        return self.days[column] + _ONE_DAY * (self.column_days - 1)


@dataclass(frozen=True, slots=True)
class Cell:
    """What lies in one column, counted from 1, of a lane: ``lines`` touch its days, ``peak`` are closed at once."""

    column: int
    first: date
    last: date
    span: ClosureWindow
    peak: int
    lines: tuple[PlannedClosure, ...]

    @property
    def is_late(self) -> bool:
        """Tell whether one of them was told at short notice."""
        return any(line.verdict.short_notice for line in self.lines)

    @property
    def is_provisional(self) -> bool:
        """Tell whether none of them is certain yet."""
        return all(line.provisional for line in self.lines)

    def is_open(self, now: datetime) -> bool:
        """Tell whether a gateway is closed now by one of them, in this column."""
        return self.span.contains(now) and any(line.is_open(now) for line in self.lines)

    @property
    def times(self) -> str:
        """Word when a single closure is closed on the day, on London's clocks; of several nothing short can be said."""
        if len(self.lines) > 1:
            return ""
        window = self.lines[0].window
        starts, ends = (f"{instant.astimezone(LONDON):%H:%M}" for instant in (window.starts, window.ends))
        if window.starts >= self.span.starts:
            return f"{starts}-{ends}" if window.ends < self.span.ends else f"from {starts}"
        return f"until {ends}" if window.ends < self.span.ends else "all day"


@dataclass(frozen=True, slots=True)
class Lane:
    """One row of the horizon: its code, or words, and the cells in which something lies."""

    code: str
    closures: int
    cells: tuple[Cell, ...]

    @property
    def peak(self) -> int:
        """Return the most gateways closed at once."""
        return max((cell.peak for cell in self.cells), default=0)


@dataclass(frozen=True, slots=True)
class Column:
    """A day or a week of the axis, counted from 1, with the load of all lanes and what to know of its days.

    ``holidays`` are the names of those in it, ``dates`` DCC's own that touch it.
    """

    number: int
    first: date
    last: date
    peak: int
    is_weekend: bool
    holidays: tuple[str, ...]
    dates: tuple[Maintenance, ...]

    @property
    def kinds(self) -> list[str]:
        """Return the kinds of DCC's own dates in it, each once."""
        return sorted({entry.kind.value for entry in self.dates})


@dataclass(frozen=True, slots=True)
class Heading:
    """Words over the axis, from a column on."""

    column: int
    words: str


def grid_of(first: date, days: int, column_days: int) -> Grid:
    """Cut ``days`` from ``first`` on into columns of ``column_days`` days."""
    starts = tuple(first + _ONE_DAY * at for at in range(0, days, column_days))
    spans = tuple(whole_days(day, day + _ONE_DAY * column_days) for day in starts)
    return Grid(starts, spans, tuple(span.ends for span in spans), column_days)


def heat_level(peak: int, threshold: int) -> int:
    """Return the shade of a number: 0 for none, 1 to 3 up to the threshold, ``ABOVE`` above it."""
    if peak > threshold:
        return ABOVE
    return 1 + (peak - 1) * _SHADES // threshold if peak else 0


def columns_touched(lines: Iterable[PlannedClosure], grid: Grid) -> dict[int, list[PlannedClosure]]:
    """Return which closures, that share an instant with the grid, touch each column, counted from 0.

    Columns in which nothing lies are not there.
    """
    ends = grid.ends
    held: dict[int, list[PlannedClosure]] = {}
    for line in lines:
        first, last = bisect_right(ends, line.window.starts), bisect_left(ends, line.window.ends)
        for column in range(first, min(last + 1, len(ends))):
            held.setdefault(column, []).append(line)
    return held


def lane_of(code: str, lines: Sequence[PlannedClosure], grid: Grid) -> Lane:
    """Return the lane of some standing closures, which come by start."""
    held = columns_touched(lines, grid)
    # Where each column has one closure there is nothing to sweep: most lanes of a long list are such.
    several = any(len(touching) > 1 for touching in held.values())
    peaks = peaks_of(lines, grid.spans) if several else [1] * len(grid.spans)
    cells = tuple(
        Cell(column + 1, grid.days[column], grid.last_day(column), grid.spans[column], peaks[column], tuple(touching))
        for column, touching in sorted(held.items())
    )
    return Lane(code, len(lines), cells)


def by_code(lines: Iterable[PlannedClosure], code: Callable[[PlannedClosure], str]) -> dict[str, list[PlannedClosure]]:
    """Return the closures of each User, gateway or category that has one, by code, in the order in which they come."""
    found: dict[str, list[PlannedClosure]] = {}
    for line in lines:
        found.setdefault(code(line), []).append(line)
    return dict(sorted(found.items()))


def columns_of(everything: Lane, grid: Grid, holidays: dict[date, str], planned: Sequence[Maintenance]) -> list[Column]:
    """Return the axis: the load of ``everything``, weekends, named holidays and DCC's own dates."""
    peaks = {cell.column: cell.peak for cell in everything.cells}
    columns = []
    for at, (first, span) in enumerate(zip(grid.days, grid.spans, strict=True)):
        days = [first + _ONE_DAY * day for day in range(grid.column_days)]
        columns.append(
            Column(
                number=at + 1,
                first=first,
                last=days[-1],
                peak=peaks.get(at + 1, 0),
                is_weekend=len(days) == 1 and first.weekday() >= _SATURDAY,
                holidays=tuple(holidays[day] for day in days if day in holidays),
                dates=tuple(entry for entry in planned if entry.window.overlaps(span)),
            )
        )
    return columns


def headings_of(grid: Grid) -> list[Heading]:
    """Return the words over the axis: over weeks the month that begins in one, over days each Monday."""
    if grid.column_days == 1:
        days = enumerate(grid.days[:-_LETTERS_OVER])
        return [Heading(at + 1, _short(day)) for at, day in days if day.weekday() == 0]
    return [
        Heading(at + 1, f"{grid.last_day(at):%b}")
        for at, day in enumerate(grid.days)
        if grid.last_day(at).day <= _WEEK or day.day == 1
    ]


def _short(day: date) -> str:
    return f"{day.day} {day:%b}"


def zone_names(span: ClosureWindow) -> str:
    """Name the zone of the axis: ``GMT``, or ``GMT and BST`` where the clocks change on the way."""
    names = (instant.astimezone(LONDON).tzname() or "" for instant in (span.starts, span.ends - _INSTANT))
    return " and ".join(dict.fromkeys(names))
