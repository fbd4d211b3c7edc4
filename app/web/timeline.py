"""Where things lie on the horizon: closures as marks in lanes, DCC's dates as bands, load as columns. Pure geometry.

Lengths are units of the picture, which is ``WIDTH`` wide. A mark is never narrower than a finger needs; closures whose
marks would lie on one another share one, which leads to the list of them.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from app.domain.closure import State
from app.domain.load import peaks_of
from app.domain.london import LONDON, london_date, whole_days
from app.domain.maintenance import Maintenance
from app.domain.schedule import ScheduledClosure
from app.domain.window import ClosureWindow

WIDTH = 984
_FINGER = 34.0  # at the narrowest that the picture is shown, still 24 px (WCAG 2.2, 2.5.8)
_THINNEST = 5.0
_ONE_DAY = timedelta(days=1)
_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Zoom:
    """How much the horizon shows: ``days`` in columns of ``column_days``."""

    words: str
    days: int
    column_days: int


ZOOMS = {"2w": Zoom("2 weeks", 14, 1), "8w": Zoom("8 weeks", 56, 1), "6m": Zoom("6 months", 182, 7)}


@dataclass(frozen=True, slots=True)
class Scale:
    """From instants to places in the picture."""

    span: ClosureWindow

    def place(self, instant: datetime) -> float:
        """Return where an instant lies; outside the span, the edge."""
        share = (instant - self.span.starts) / self.span.duration
        return round(min(1.0, max(0.0, share)) * WIDTH, 1)


@dataclass(frozen=True, slots=True)
class Bar:
    """One closure as it is drawn."""

    x: float
    width: float
    line: ScheduledClosure


@dataclass(frozen=True, slots=True)
class Mark:
    """What can be pressed: one closure, or several too close to tell apart."""

    x: float
    width: float
    bars: tuple[Bar, ...]

    @property
    def first_day(self) -> date:
        """Return the London day on which the first of them starts."""
        return london_date(self.bars[0].line.window.starts)

    @property
    def last_day(self) -> date:
        """Return the London day on which the last of them ends."""
        return london_date(max(bar.line.window.ends for bar in self.bars) - _INSTANT)


@dataclass(frozen=True, slots=True)
class Lane:
    """One User's closures in the span, by start, and their marks."""

    user: str
    lines: tuple[ScheduledClosure, ...]
    marks: tuple[Mark, ...]


@dataclass(frozen=True, slots=True)
class Band:
    """One of DCC's own dates behind the lanes."""

    x: float
    width: float
    date: Maintenance


@dataclass(frozen=True, slots=True)
class Column:
    """The load of a day or a week: the most gateways closed at once, as a number and as a ``height`` of 0 to 1."""

    x: float
    width: float
    first: date
    peak: int
    height: float


@dataclass(frozen=True, slots=True)
class Tick:
    """A line of the time axis with its words."""

    x: float
    words: str


def lanes_of(lines: Iterable[ScheduledClosure], scale: Scale) -> list[Lane]:
    """Return a lane for each User that has a closure in the span, by code."""
    by_user: dict[str, list[ScheduledClosure]] = {}
    for line in lines:
        by_user.setdefault(line.user, []).append(line)
    return [Lane(user, tuple(found), tuple(marks_of(found, scale))) for user, found in sorted(by_user.items())]


def marks_of(lines: Sequence[ScheduledClosure], scale: Scale) -> list[Mark]:
    """Return the marks of one lane's closures, which come by start; no two marks overlap."""
    marks: list[Mark] = []
    for line in lines:
        begins, ends = scale.place(line.window.starts), scale.place(line.window.ends)
        width = max(_THINNEST, round(ends - begins, 1))
        bar = Bar(min(begins, WIDTH - width), width, line)
        new = _mark((bar,))
        while marks and marks[-1].x + marks[-1].width > new.x:
            new = _mark((*marks.pop().bars, *new.bars))
        marks.append(new)
    return marks


def _mark(bars: tuple[Bar, ...]) -> Mark:
    begins, ends = bars[0].x, max(bar.x + bar.width for bar in bars)
    width = max(_FINGER, ends - begins)
    x = min(max(0.0, (begins + ends - width) / 2), WIDTH - width)
    return Mark(round(x, 1), round(width, 1), bars)


def bands_of(dates: Iterable[Maintenance], scale: Scale) -> list[Band]:
    """Return DCC's own dates as bands, by start."""
    bands = []
    for one in dates:
        x = scale.place(one.window.starts)
        bands.append(Band(x, round(max(_THINNEST, scale.place(one.window.ends) - x), 1), one))
    return bands


def columns_of(lines: Iterable[ScheduledClosure], first: date, zoom: Zoom, scale: Scale) -> list[Column]:
    """Return the load of each day or week of the span."""
    starts = [first + _ONE_DAY * at for at in range(0, zoom.days, zoom.column_days)]
    spans = [whole_days(day, day + _ONE_DAY * zoom.column_days) for day in starts]
    peaks = peaks_of([line for line in lines if line.state is not State.WITHDRAWN], spans)
    highest = max(1, *peaks)
    places = [scale.place(span.starts) for span in spans] + [float(WIDTH)]
    return [
        Column(places[at], round(places[at + 1] - places[at], 1), day, peaks[at], round(peaks[at] / highest, 3))
        for at, day in enumerate(starts)
    ]


def ticks_of(first: date, zoom: Zoom, scale: Scale) -> list[Tick]:
    """Return the lines of the time axis: each day, each Monday, or each month, as the zoom allows."""
    wanted, words = _TICKS[zoom.words]
    days = (first + _ONE_DAY * at for at in range(zoom.days))
    ticks = [Tick(scale.place(whole_days(day, day + _ONE_DAY).starts), words(day)) for day in days if wanted(day)]
    # Words at the right edge would leave the picture.
    return [tick for tick in ticks if tick.x <= WIDTH - _FINGER]


def _day_words(day: date) -> str:
    return f"{day:%a} {day.day} {day:%b}"


def _short_day(day: date) -> str:
    return f"{day.day} {day:%b}"


def _month(day: date) -> str:
    return f"{day:%b %Y}"


_TICKS: dict[str, tuple[Callable[[date], bool], Callable[[date], str]]] = {
    "2 weeks": (lambda _: True, _day_words),
    "8 weeks": (lambda day: day.weekday() == 0, _short_day),
    "6 months": (lambda day: day.day == 1, _month),
}


def zone_names(span: ClosureWindow) -> str:
    """Name the zone of the axis: ``GMT``, or ``GMT and BST`` where the clocks change on the way."""
    names = (instant.astimezone(LONDON).tzname() or "" for instant in (span.starts, span.ends - _INSTANT))
    return " and ".join(dict.fromkeys(names))
