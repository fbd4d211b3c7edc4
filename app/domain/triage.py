"""Incident triage: is an alarm at an instant a planned closure; if not, what is nearest (docs/questions.md)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.domain.closure import PlannedClosure, State


@dataclass(frozen=True, slots=True)
class Triage:
    """What is known of one gateway at an instant.

    ``inside`` are the windows that contain the instant and that we had been told of by then; ``told_later`` contain it
    too, but the notice of that window came after the instant. ``nearest`` is the closest other window; only where
    neither holds anything.
    """

    inside: tuple[PlannedClosure, ...]
    told_later: tuple[PlannedClosure, ...]
    nearest: PlannedClosure | None


def triage(closures: Iterable[PlannedClosure], at: datetime) -> Triage:
    """Look at one gateway's ``closures`` at an instant; a withdrawn one explains nothing."""
    standing = sorted(
        (closure for closure in closures if closure.state is not State.WITHDRAWN),
        key=lambda closure: (closure.window, closure.reference),
    )
    found = [closure for closure in standing if closure.window.contains(at)]
    nearest = None if found else min(standing, key=lambda closure: _distance(closure, at), default=None)
    return Triage(
        inside=tuple(closure for closure in found if closure.window_received_at <= at),
        told_later=tuple(closure for closure in found if closure.window_received_at > at),
        nearest=nearest,
    )


def _distance(one: PlannedClosure, at: datetime) -> timedelta:
    """Return how far a window that does not contain ``at`` is from it."""
    return one.window.starts - at if one.window.starts > at else at - one.window.ends
