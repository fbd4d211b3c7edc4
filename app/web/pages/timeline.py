"""Where things lie on the horizon: closures as marks in lanes, DCC's dates as bands, load as columns. Pure geometry.

Lengths are units of the picture, which is ``WIDTH`` wide. A mark is never narrower than a finger needs; closures whose
marks would lie on one another share one, which leads to the list of them. A lane with more closures than can be told
apart has one mark for each day, week or fortnight instead, with a count.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from app.domain.closure import PlannedClosure, State
from app.domain.load import peaks_of
from app.domain.london import LONDON, london_date, whole_days
from app.domain.maintenance import Maintenance
from app.domain.window import ClosureWindow

WIDTH = 984
STEP = 4
"""Links lie over the picture at whole steps of it: the class names of ``steps.css``, as a page has no styles inline."""

MOST_APART = 14  # closures of a lane that are drawn one by one
_FINGER = 36.0  # at the narrowest that the picture is shown, still 24 px (WCAG 2.2, 2.5.8); whole steps
_THINNEST = 5.0
_DIGIT = 8.5
_ONE_DAY = timedelta(days=1)
_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Zoom:
    """How much the horizon shows: ``days`` in columns of ``column_days``; ``join_days`` share a mark in a full lane."""

    words: str
    days: int
    column_days: int
    join_days: int

    def most_links(self, closures: int) -> int:
        """Return how many links a lane of so many closures has at most: for each closure and for marks that they share.

        A lane with too many has one for each of its blocks.
        """
        return closures + closures // 2 if closures <= MOST_APART else self.days // self.join_days


ZOOMS = {"2w": Zoom("2 weeks", 14, 1, 1), "8w": Zoom("8 weeks", 56, 1, 7), "6m": Zoom("6 months", 182, 7, 14)}


@dataclass(frozen=True, slots=True)
class Scale:
    """From instants to places in the picture."""

    span: ClosureWindow

    def place(self, instant: datetime) -> float:
        """Return where an instant lies; outside the span, the edge."""
        share = (instant - self.span.starts) / self.span.duration
        return round(min(1.0, max(0.0, share)) * WIDTH, 1)


@dataclass(frozen=True, slots=True)
class Grid:
    """Days that follow on one another, cut into equal runs: the first London day of each, and each as a window."""

    days: tuple[date, ...]
    spans: tuple[ClosureWindow, ...]


@dataclass(frozen=True, slots=True)
class Bar:
    """One closure as it is drawn."""

    x: float
    width: float
    line: PlannedClosure

    @property
    def is_late(self) -> bool:
        """Tell whether it is marked as told at short notice; of what was withdrawn that no longer matters."""
        return self.line.verdict.short_notice and self.line.state is not State.WITHDRAWN


@dataclass(frozen=True, slots=True)
class Mark:
    """What can be pressed: one closure, or several; they lie in, or reach into, the days from first to last.

    ``peak`` is the most of its gateways closed at once in these days. Without ``bars`` it is a block with a count.
    """

    x: float
    width: float
    lines: tuple[PlannedClosure, ...]
    first_day: date
    last_day: date
    peak: int
    bars: tuple[Bar, ...] = ()

    @property
    def step(self) -> int:
        """Return the step at which it begins."""
        return _step(self.x)

    @property
    def steps(self) -> int:
        """Return how many steps it is wide; marks that do not overlap do not overlap in steps either."""
        return _step(self.x + self.width) - _step(self.x)

    @property
    def late(self) -> int:
        """Return how many were told at short notice."""
        return sum(line.verdict.short_notice for line in self.lines)

    @property
    def withdrawn(self) -> int:
        """Return how many were withdrawn."""
        return sum(line.state is State.WITHDRAWN for line in self.lines)

    def is_open(self, now: datetime) -> bool:
        """Tell whether a gateway is closed now by one of them."""
        return any(line.is_open(now) for line in self.lines)


@dataclass(frozen=True, slots=True)
class Lane:
    """One User's closures in the span, by start, and their marks."""

    user: str
    lines: tuple[PlannedClosure, ...]
    marks: tuple[Mark, ...]

    @property
    def late(self) -> list[Bar]:
        """Return the bars of what was told at short notice."""
        return [bar for mark in self.marks for bar in mark.bars if bar.is_late]

    def looks(self, now: datetime) -> dict[str, list[Bar]]:
        """Return the bars that look alike, by the name of their look."""
        looks: dict[str, list[Bar]] = {}
        for mark in self.marks:
            for bar in mark.bars:
                looks.setdefault("open" if bar.line.is_open(now) else bar.line.state_at(now).value, []).append(bar)
        return looks


@dataclass(frozen=True, slots=True)
class Band:
    """One of DCC's own dates behind the lanes."""

    x: float
    width: float
    date: Maintenance


@dataclass(frozen=True, slots=True)
class Column:
    """The load of a day or a week: the most gateways closed at once, as a number and as a ``height`` of 0 to 1.

    ``words`` is the number where there is room for it: in a narrow column a long one is left to its highest neighbour.
    """

    x: float
    width: float
    first: date
    peak: int
    height: float
    words: str


@dataclass(frozen=True, slots=True)
class Tick:
    """A line of the time axis with its words."""

    x: float
    words: str


def grid_of(first: date, days: int, run: int) -> Grid:
    """Cut ``days`` from ``first`` on into runs of ``run`` days."""
    starts = tuple(first + _ONE_DAY * at for at in range(0, days, run))
    return Grid(starts, tuple(whole_days(day, day + _ONE_DAY * run) for day in starts))


def by_user(lines: Iterable[PlannedClosure]) -> dict[str, list[PlannedClosure]]:
    """Return the closures of each User that has one, by code, in the order in which they come."""
    found: dict[str, list[PlannedClosure]] = {}
    for line in lines:
        found.setdefault(line.user, []).append(line)
    return dict(sorted(found.items()))


def lane_of(user: str, lines: Sequence[PlannedClosure], scale: Scale, joined: Grid) -> Lane:
    """Return the lane of a User's closures, which come by start: one by one, or too many for that, ``joined``."""
    marks = marks_of(lines, scale) if len(lines) <= MOST_APART else blocks_of(lines, scale, joined)
    return Lane(user, tuple(lines), tuple(marks))


def marks_of(lines: Sequence[PlannedClosure], scale: Scale) -> list[Mark]:
    """Return the marks of one lane's closures, which come by start; no two marks overlap."""
    runs: list[tuple[float, float, list[Bar]]] = []
    for line in lines:
        bars = [_bar(line, scale)]
        x, width = _reach(bars)
        while runs and runs[-1][0] + runs[-1][1] > x:
            bars = [*runs.pop()[2], *bars]
            x, width = _reach(bars)
        runs.append((x, width, bars))
    return [_mark(x, width, bars) for x, width, bars in runs]


def blocks_of(lines: Sequence[PlannedClosure], scale: Scale, joined: Grid) -> list[Mark]:
    """Return a mark for each run of days that a closure touches; one that lies alone in its days is still drawn."""
    ends = [span.ends for span in joined.spans]
    held: list[list[PlannedClosure]] = [[] for _ in ends]
    for line in lines:
        first, last = bisect_right(ends, line.window.starts), bisect_left(ends, line.window.ends)
        for touched in held[first : last + 1]:
            touched.append(line)
    marks = []
    for first_day, span, touching, peak in zip(
        joined.days, joined.spans, held, peaks_of(lines, joined.spans), strict=True
    ):
        if not touching:
            continue
        x = scale.place(span.starts)
        width = round(scale.place(span.ends) - x, 1)
        window = touching[0].window
        alone = len(touching) == 1 and span.starts <= window.starts and window.ends <= span.ends
        bars = (_bar(touching[0], scale),) if alone else ()
        marks.append(Mark(x, width, tuple(touching), first_day, london_date(span.ends - _INSTANT), peak, bars))
    return marks


def _bar(line: PlannedClosure, scale: Scale) -> Bar:
    begins, ends = scale.place(line.window.starts), scale.place(line.window.ends)
    width = max(_THINNEST, round(ends - begins, 1))
    return Bar(min(begins, WIDTH - width), width, line)


def _reach(bars: Sequence[Bar]) -> tuple[float, float]:
    """Return where the mark of these bars begins, and how wide it is."""
    begins, ends = bars[0].x, max(bar.x + bar.width for bar in bars)
    width = max(_FINGER, ends - begins)
    x = min(max(0.0, (begins + ends - width) / 2), WIDTH - width)
    return round(x, 1), round(width, 1)


def _mark(x: float, width: float, bars: Sequence[Bar]) -> Mark:
    lines = tuple(bar.line for bar in bars)
    starts, ends = lines[0].window.starts, max(line.window.ends for line in lines)
    peak = peaks_of(lines, [ClosureWindow(starts, ends)])[0] if len(lines) > 1 else 1
    return Mark(x, width, lines, london_date(starts), london_date(ends - _INSTANT), peak, tuple(bars))


def _step(place: float) -> int:
    return int(place / STEP + 0.5)


def bands_of(dates: Iterable[Maintenance], scale: Scale) -> list[Band]:
    """Return DCC's own dates as bands, by start."""
    bands = []
    for maintenance in dates:
        x = scale.place(maintenance.window.starts)
        bands.append(Band(x, round(max(_THINNEST, scale.place(maintenance.window.ends) - x), 1), maintenance))
    return bands


def columns_of(lines: Iterable[PlannedClosure], first: date, zoom: Zoom, scale: Scale) -> list[Column]:
    """Return the load of each day or week of the span."""
    grid = grid_of(first, zoom.days, zoom.column_days)
    peaks = peaks_of(lines, grid.spans)
    highest = max(1, *peaks)
    places = [scale.place(span.starts) for span in grid.spans] + [float(WIDTH)]
    columns = []
    for at, (day, peak, before, after) in enumerate(
        zip(grid.days, peaks, (0, *peaks[:-1]), (*peaks[1:], 0), strict=True)
    ):
        width = round(places[at + 1] - places[at], 1)
        fits = len(str(peak)) * _DIGIT <= width or before < peak >= after
        words = str(peak) if peak and fits else ""
        columns.append(Column(places[at], width, day, peak, round(peak / highest, 3), words))
    return columns


def ticks_of(first: date, zoom: Zoom, scale: Scale) -> list[Tick]:
    """Return the lines of the time axis: each day, each Monday, or each month, as the zoom allows."""
    wanted, words = _TICKS[zoom.words]
    days = (first + _ONE_DAY * at for at in range(zoom.days))
    ticks = [
        Tick(scale.place(whole_days(day, day + _ONE_DAY).starts), words(day, first)) for day in days if wanted(day)
    ]
    # Words at the right edge would leave the picture.
    return [tick for tick in ticks if tick.x <= WIDTH - _FINGER]


def _day_words(day: date, first: date) -> str:
    return f"{day:%a} {day.day}{day: %b}" if day == first or day.day == 1 else f"{day:%a} {day.day}"


def _short_day(day: date, _: date) -> str:
    return f"{day.day} {day:%b}"


def _month(day: date, _: date) -> str:
    return f"{day:%b %Y}"


_TICKS: dict[str, tuple[Callable[[date], bool], Callable[[date, date], str]]] = {
    "2 weeks": (lambda _: True, _day_words),
    "8 weeks": (lambda day: day.weekday() == 0, _short_day),
    "6 months": (lambda day: day.day == 1, _month),
}


def zone_names(span: ClosureWindow) -> str:
    """Name the zone of the axis: ``GMT``, or ``GMT and BST`` where the clocks change on the way."""
    names = (instant.astimezone(LONDON).tzname() or "" for instant in (span.starts, span.ends - _INSTANT))
    return " and ".join(dict.fromkeys(names))
