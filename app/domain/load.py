"""How many gateways are closed at once, in each hour, and how many re-open in one hour (docs/domain.md#clashes)."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from app.domain.closure import PlannedClosure, State
from app.domain.thresholds import Thresholds
from app.domain.window import ClosureWindow

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_HOUR = timedelta(hours=1)
_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Stretch:
    """A span in which the same number of gateways is closed throughout; the next one has another number."""

    starts: datetime
    ends: datetime
    closed: int


@dataclass(frozen=True, slots=True)
class HourLoad:
    """One hour: the gateways closed in any part of it, how many re-open in it, and the share closed by category.

    An hour begins at a whole hour of UTC, as it does in London. A gateway re-opens in the hour in which a window of
    it ends and no other runs on. ``shares`` holds, for each party category with a gateway closed, closed over all.
    """

    starts: datetime
    closed: int
    reopening: int
    shares: tuple[tuple[str, float], ...] = ()


def stretches(closures: Iterable[PlannedClosure], span: ClosureWindow) -> Iterator[Stretch]:
    """Yield the stretches of ``span`` in order; they cover it without a gap."""
    begins, closed = span.starts, 0
    for instant, count in _counts(closures, span):
        if instant > begins:
            yield Stretch(begins, instant, closed)
        begins, closed = instant, count
    yield Stretch(begins, span.ends, closed)


def _counts(closures: Iterable[PlannedClosure], span: ClosureWindow) -> Iterator[tuple[datetime, int]]:
    """Yield each instant of ``span`` from which another number of gateways is closed, and the number; a sweep line."""
    begins, after = span.starts, span.ends
    opening: list[tuple[datetime, int, str]] = []
    ending: list[tuple[datetime, int, str]] = []
    for closure in closures:
        starts, ends = closure.window.starts, closure.window.ends
        if starts < after and ends > begins and closure.state is not State.WITHDRAWN:
            gateway = closure.gateway
            opening.append((max(starts, begins), 1, gateway))
            if ends < after:
                ending.append((ends, -1, gateway))
    windows: dict[str, int] = {}  # a gateway that several Users share may have several windows at once
    closed = said = 0
    at = begins
    for instant, change, gateway in sorted(opening + ending):  # each of the two is nearly in order: sorting is merging
        if instant != at:
            if closed != said:
                yield at, closed
                said = closed
            at = instant
        held = windows[gateway] = windows.get(gateway, 0) + change
        if held == 0:
            closed -= 1
        elif held == 1 == change:
            closed += 1
    if closed != said:
        yield at, closed


def peak_of(closures: Iterable[PlannedClosure], span: ClosureWindow) -> Stretch:
    """Return the stretch of ``span`` in which most gateways are closed, the first of several."""
    return max(stretches(closures, span), key=lambda stretch: (stretch.closed, -stretch.starts.timestamp()))


def peaks_of(closures: Iterable[PlannedClosure], spans: Sequence[ClosureWindow]) -> list[int]:
    """Return, for each of ``spans``, which follow on one another, the most gateways closed at once; one sweep."""
    peaks = [0] * len(spans)
    at = closed = 0
    for instant, count in _counts(closures, ClosureWindow(spans[0].starts, spans[-1].ends)):
        while spans[at].ends <= instant:
            at += 1
            peaks[at] = closed  # what is closed as a span begins
        closed = count
        # What changes as a span begins takes the place of what was closed before it.
        peaks[at] = closed if instant == spans[at].starts else max(peaks[at], closed)
    peaks[at + 1 :] = [closed] * (len(spans) - at - 1)
    return peaks


def free_slots(
    closures: Iterable[PlannedClosure], span: ClosureWindow, length: timedelta, below: int
) -> Iterator[ClosureWindow]:
    """Yield in order the longest windows of ``span``, ``length`` or more, with fewer than ``below`` gateways closed."""
    begins: datetime | None = None
    for stretch in stretches(closures, span):
        if stretch.closed < below:
            begins = begins or stretch.starts
            continue
        if begins is not None and stretch.starts - begins >= length:
            yield ClosureWindow(begins, stretch.starts)
        begins = None
    if begins is not None and span.ends - begins >= length:
        yield ClosureWindow(begins, span.ends)


def hours_around(span: ClosureWindow) -> ClosureWindow:
    """Return the hours that touch ``span``, whole, and the instant before them: what is closed in it counts there.

    A window that ends as an hour begins re-opens its gateway in that hour, and shares no instant with it.
    """
    first, after = max(hour_number(span.starts), _FIRST + 1), min(hour_number(span.ends - _INSTANT) + 1, _LAST)
    return ClosureWindow(_EPOCH + first * _HOUR - _INSTANT, _EPOCH + after * _HOUR)


def hourly_load(
    closures: Iterable[PlannedClosure], span: ClosureWindow, categories: Mapping[str, frozenset[str]]
) -> list[HourLoad]:
    """Return the hours that touch ``span`` and have a gateway closed or re-opening, in order.

    ``closures`` are those that share an instant with ``hours_around(span)``; others count for nothing.
    ``categories`` names the party categories of every gateway there is, closed or not.
    """
    first, after = hour_number(span.starts), hour_number(span.ends - _INSTANT) + 1
    standing = [closure for closure in closures if closure.state is not State.WITHDRAWN]
    closed: defaultdict[int, set[str]] = defaultdict(set)
    for closure in standing:
        window = closure.window
        for hour in range(max(first, hour_number(window.starts)), min(after, hour_number(window.ends - _INSTANT) + 1)):
            closed[hour].add(closure.gateway)
    reopening = Counter(hour for hour, _ in _reopened(standing) if first <= hour < after)
    held = Counter(category for named in categories.values() for category in named)
    return [
        HourLoad(
            _EPOCH + hour * _HOUR,
            len(closed[hour]),
            reopening[hour],
            _shares(closed[hour], categories, held),
        )
        for hour in sorted(closed.keys() | reopening.keys())
    ]


def crowds(closures: Sequence[PlannedClosure], span: ClosureWindow, limits: Thresholds) -> dict[int, int]:
    """Return the hours that touch ``span`` in which more gateways are closed at once, or re-open, than ``limits`` say.

    By ``hour_number``, each with how many gateways re-open in it. What is crowded is decided here, for every answer and
    page. ``closures`` are as ``hourly_load`` takes them.
    """
    first, after = hour_number(span.starts), hour_number(span.ends - _INSTANT) + 1
    above = {
        hour
        for stretch in stretches(closures, hours_around(span))
        if stretch.closed > limits.closed
        for hour in range(hour_number(stretch.starts), hour_number(stretch.ends - _INSTANT) + 1)
    }
    standing = [closure for closure in closures if closure.state is not State.WITHDRAWN]
    reopening = Counter(hour for hour, _ in _reopened(standing))
    above |= {hour for hour, gateways in reopening.items() if gateways > limits.reopening}
    return {hour: reopening[hour] for hour in sorted(above) if first <= hour < after}


def _reopened(closures: Iterable[PlannedClosure]) -> set[tuple[int, str]]:
    """Return the hours in which gateways re-open, each with the gateway."""
    return {(hour_number(end), gateway) for end, gateway in reopenings(closures)}


def hour_number(instant: datetime) -> int:
    """Return which whole hour of UTC an instant is in, counted from 1970."""
    return (instant - _EPOCH) // _HOUR


def hour_start(number: int) -> datetime:
    """Return the instant at which the whole hour of a number begins."""
    return _EPOCH + number * _HOUR


_FIRST, _LAST = hour_number(datetime.min.replace(tzinfo=UTC)), hour_number(datetime.max.replace(tzinfo=UTC))
"""The first and the last hour that a ``datetime`` can name."""


def reopenings(closures: Iterable[PlannedClosure]) -> Iterator[tuple[datetime, str]]:
    """Yield when a gateway opens again, and which: where windows of it overlap or meet, only as the last one ends.

    ``closures`` are standing ones.
    """
    windows: defaultdict[str, list[tuple[datetime, datetime]]] = defaultdict(list)
    for closure in closures:
        windows[closure.gateway].append((closure.window.starts, closure.window.ends))
    for gateway, found in windows.items():
        found.sort()
        reached = found[0][1]
        for starts, ends in found:
            if starts > reached:
                yield reached, gateway
            reached = max(reached, ends)
        yield reached, gateway


def _shares(
    gateways: set[str], categories: Mapping[str, frozenset[str]], held: Counter[str]
) -> tuple[tuple[str, float], ...]:
    found = Counter(category for gateway in gateways for category in categories.get(gateway, ()))
    return tuple((category, count / held[category]) for category, count in sorted(found.items()))
