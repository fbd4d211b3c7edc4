"""What a closure meets that is known already: told beside a notice, and never a reason to refuse it."""

import heapq
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from itertools import islice

from app.domain.clash import find_maintenance_clashes, in_order
from app.domain.closure import PlannedClosure
from app.domain.load import hour_number, hourly_load, hours_around, stretches
from app.domain.london import LONDON, read_wall_clock
from app.domain.maintenance import Maintenance, MaintenanceKind
from app.domain.thresholds import Thresholds
from app.domain.window import ClosureWindow

SLOT_AHEAD = timedelta(days=56)
"""How far after a closure the next free slot is looked for."""
_MOST = 8  # other closures of its gateway that are named beside one
_DAY = timedelta(days=1)
_LAST = datetime.max.replace(tzinfo=UTC) - SLOT_AHEAD - _DAY


class ConflictKind(StrEnum):
    """What is met, in the order in which it is told."""

    SAME_TIMES = "same-times"
    SAME_GATEWAY = "same-gateway"
    DCC_DATE = "dcc-date"
    CROWDED = "crowded"
    REOPENING = "reopening"


@dataclass(frozen=True, slots=True)
class Conflict:
    """One thing that a closure meets.

    ``window`` is that of the other closure of the gateway or of DCC's own date, whose ``reference`` it is; else the
    span in which ``gateways`` are closed at once, or the hour in which they re-open, this one among them.
    """

    kind: ConflictKind
    window: ClosureWindow
    reference: str = ""
    maintenance: MaintenanceKind | None = None
    gateways: int = 0


Found = dict[str, list[Conflict]]
"""What each closure meets, by its reference."""


def find_conflicts(
    subjects: Sequence[PlannedClosure],
    others: Iterable[PlannedClosure],
    maintenance: Iterable[Maintenance],
    release_days: int,
) -> Found:
    """Return what each of ``subjects`` meets: DCC's own dates, and at its gateway the others and each other.

    At most eight other closures are named beside one: the cost grows with the closures, not with their pairs.
    """
    found: Found = defaultdict(list)
    for met in find_maintenance_clashes(subjects, maintenance, release_days):
        dcc, kind = met.maintenance, ConflictKind.DCC_DATE
        found[met.closure.reference].append(Conflict(kind, dcc.window, dcc.reference, dcc.kind))
    gateways = {closure.gateway for closure in subjects}
    asked = {closure.reference for closure in subjects}
    running: defaultdict[str, list[tuple[datetime, str, PlannedClosure]]] = defaultdict(list)
    told: defaultdict[str, int] = defaultdict(int)
    for closure in in_order(one for one in (*others, *subjects) if one.gateway in gateways):
        beside = running[closure.gateway]
        while beside and beside[0][0] <= closure.window.starts:
            heapq.heappop(beside)
        for _, _, earlier in islice(beside, _MOST):
            for one, other in ((earlier, closure), (closure, earlier)):
                if one.reference in asked and told[one.reference] < _MOST:
                    told[one.reference] += 1
                    same = one.window == other.window
                    kind = ConflictKind.SAME_TIMES if same else ConflictKind.SAME_GATEWAY
                    found[one.reference].append(Conflict(kind, other.window, other.reference))
        heapq.heappush(beside, (closure.window.ends, closure.reference, closure))
    return found


def find_crowds(
    subjects: Sequence[PlannedClosure], others: Sequence[PlannedClosure], span: ClosureWindow, limits: Thresholds
) -> Found:
    """Return where each of ``subjects`` is among more gateways than the thresholds say: closed at once, or re-opening.

    ``span`` holds every subject.
    """
    found: Found = defaultdict(list)
    everything = [*others, *subjects]
    if len({closure.gateway for closure in everything}) <= min(limits.closed, limits.reopening):
        return found
    crowded = [stretch for stretch in stretches(everything, span) if stretch.closed > limits.closed]
    begins = [stretch.starts for stretch in crowded]
    reopening = {hour.starts: hour.reopening for hour in hourly_load(everything, hours_around(span), {})}
    for closure in subjects:
        window, kind = closure.window, ConflictKind.CROWDED
        first = max(0, bisect_right(begins, window.starts) - 1)
        together = [one for one in crowded[first : bisect_left(begins, window.ends)] if one.ends > window.starts]
        if together:
            worst = max(together, key=lambda one: one.closed)
            shared = ClosureWindow(max(worst.starts, window.starts), min(worst.ends, window.ends))
            found[closure.reference].append(Conflict(kind, shared, gateways=worst.closed))
        hour = window.ends.replace(minute=0, second=0, microsecond=0)
        if reopening.get(hour, 0) > limits.reopening:
            spans, kind = ClosureWindow(hour, hour + timedelta(hours=1)), ConflictKind.REOPENING
            found[closure.reference].append(Conflict(kind, spans, gateways=reopening[hour]))
    return found


def slot_span(subjects: Sequence[PlannedClosure]) -> ClosureWindow:
    """Return the span in which ``subjects`` are and their free slots are looked for."""
    starts, ends = min(one.window.starts for one in subjects), max(one.window.ends for one in subjects)
    return ClosureWindow(starts, ends + SLOT_AHEAD if ends < _LAST else ends)


class FreeSlots:
    """Where another closure meets nothing: made once of what is known in a span, then asked for one closure each.

    A value of one answer. ``closures`` are those known, the one asked about among them.
    """

    def __init__(
        self,
        closures: Sequence[PlannedClosure],
        maintenance: Iterable[Maintenance],
        span: ClosureWindow,
        limits: Thresholds,
    ) -> None:
        full = [ClosureWindow(one.starts, one.ends) for one in stretches(closures, span) if one.closed >= limits.closed]
        dates = [entry.reach(limits.release_days) for entry in maintenance if not entry.withdrawn]
        self._shut = _merged([*full, *dates])
        windows: Mapping[str, list[ClosureWindow]] = defaultdict(list)
        for closure in in_order(closures):
            windows[closure.gateway].append(closure.window)
        self._closed = {gateway: _merged(closed) for gateway, closed in windows.items()}
        self._reopening = {
            hour_number(hour.starts) for hour in hourly_load(closures, span, {}) if hour.reopening >= limits.reopening
        }

    def after(self, closure: PlannedClosure) -> ClosureWindow | None:
        """Return the same hours of London of the first later day on which they are free; None where none is."""
        if closure.window.ends >= _LAST:
            return None
        starts, ends = (
            at.astimezone(LONDON).replace(tzinfo=None) for at in (closure.window.starts, closure.window.ends)
        )
        for days in range(1, SLOT_AHEAD.days):
            begins, after = (read_wall_clock(at + days * _DAY)[0] for at in (starts, ends))
            if after > begins and self._is_free(slot := ClosureWindow(begins, after), closure.gateway):
                return slot
        return None

    def _is_free(self, slot: ClosureWindow, gateway: str) -> bool:
        if hour_number(slot.ends) in self._reopening:
            return False
        return not _touches(self._shut, slot) and not _touches(self._closed.get(gateway, []), slot)


def _merged(windows: Iterable[ClosureWindow]) -> list[ClosureWindow]:
    """Return what ``windows`` cover, in order and apart."""
    merged: list[ClosureWindow] = []
    for window in sorted(windows):
        if merged and window.starts <= merged[-1].ends:
            if window.ends > merged[-1].ends:
                merged[-1] = ClosureWindow(merged[-1].starts, window.ends)
        else:
            merged.append(window)
    return merged


def _touches(merged: Sequence[ClosureWindow], slot: ClosureWindow) -> bool:
    at = bisect_left(merged, slot.ends, key=lambda window: window.starts)
    return at > 0 and merged[at - 1].ends > slot.starts
