"""What a closure meets, in words and as JSON: the same for the API, the pages and the command line."""

from collections.abc import Container
from dataclasses import dataclass

from app.domain.conflict import Conflict, ConflictKind
from app.domain.london import london_text
from app.domain.maintenance import MaintenanceKind
from app.domain.thresholds import Thresholds
from app.domain.window import ClosureWindow
from app.register.closure_json import window_facts
from feeds.closure_json import WindowJson
from feeds.wording import days_text


class ConflictJson(WindowJson):
    """One thing that a closure meets. ``text`` says it; ``reference`` is the other closure's or the DCC date's.

    ``gateways`` and ``threshold`` are set where more gateways are closed at once, or re-open in one hour, than DCC's
    threshold: of those that the asker may see.
    """

    kind: ConflictKind
    text: str
    reference: str | None
    gateways: int | None
    threshold: int | None


@dataclass(frozen=True, slots=True)
class Met:
    """What one closure meets, and the next slot in which it would meet nothing, where that was looked for."""

    conflicts: tuple[ConflictJson, ...] = ()
    next_free: ClosureWindow | None = None


NOTHING_MET = Met()
_TWICE = "This notice tells the same times twice"


def conflict_facts(one: Conflict, limits: Thresholds, unrecorded: Container[str] = ()) -> ConflictJson:
    """Return one conflict as JSON, with its sentence. References in ``unrecorded`` are not given out yet."""
    thresholds = {ConflictKind.CROWDED: limits.closed, ConflictKind.REOPENING: limits.reopening}
    return {
        "kind": one.kind,
        "text": f"{_words(one, limits, is_recorded=one.reference not in unrecorded)}.",
        "reference": None if one.reference in unrecorded else one.reference or None,
        "gateways": one.gateways or None,
        "threshold": thresholds.get(one.kind),
        **window_facts(one.window),
    }


def _words(one: Conflict, limits: Thresholds, *, is_recorded: bool) -> str:
    starts, span = london_text(one.window.starts), _span_words(one.window)
    match one.kind:
        case ConflictKind.SAME_TIMES:
            return f"The same times are told already, as {one.reference}" if is_recorded else _TWICE
        case ConflictKind.SAME_GATEWAY:
            where = one.reference if is_recorded else "in this notice"
            return f"This gateway is closed from {span} as well ({where})"
        case ConflictKind.DCC_DATE:
            if one.maintenance is MaintenanceKind.MAINTENANCE:
                return f"DCC planned maintenance is from {span}"
            near = f", and this is within {days_text(limits.release_days)} of it" if limits.release_days else ""
            return f"A SEC Release is from {span}{near}"
        case ConflictKind.CROWDED:
            return f"{one.gateways} gateways are closed at once from {span}; the alert threshold is {limits.closed}"
        case ConflictKind.REOPENING:
            return f"{one.gateways} gateways re-open in the hour from {starts}; the threshold is {limits.reopening}"


def _span_words(window: ClosureWindow) -> str:
    return f"{london_text(window.starts)} to {london_text(window.ends)}"
