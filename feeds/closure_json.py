"""A closure as JSON: the one value that API, feeds, messages, command line and sheets say of it, with its one shape.

What a caller may learn of a closure is what ``FeedEntry`` has a field for; nothing else can appear here.
"""

from datetime import datetime
from typing import Literal

from typing_extensions import TypedDict  # as pydantic makes a schema of it; Python 3.12 has its own

from feeds.entry import DifferenceWord, FeedEntry
from feeds.property import plain, utc_extended
from feeds.wording import london_text


class WindowJson(TypedDict):
    """A window in UTC and in London time: ``starts`` <= t < ``ends``."""

    starts: str
    ends: str
    starts_london: str
    ends_london: str


class FactJson(TypedDict):
    """What was told as it happened, in UTC: when the gateway closed, re-opened, or until when it is still closed."""

    closed_at: str | None
    reopened_at: str | None
    still_closed_until: str | None


class RecordedJson(WindowJson):
    """A closure as the record has it at an instant.

    ``revision`` is the SEQUENCE of our feeds, ``changed_at`` their LAST-MODIFIED. ``state`` is told by the clock: what
    is planned has expired as its window ends. ``working_days_notice`` and ``band`` are of the times that stand,
    ``first_notice_days`` is from when we first heard of the closure. ``short_notice``: the times that stand were known
    later than recommended; ``late_change``: the last revision was. ``moved_from`` is the window before the last move.
    ``plan`` is the window as it was planned; ``fact`` is what was told of how it went, null where nothing was, and
    ``difference`` how the two differ, null where nothing tells.
    """

    reference: str
    user: str
    user_name: str
    gateway: str
    gateway_name: str
    state: Literal["planned", "withdrawn", "expired"]
    revision: int
    moves: int
    moved_from: WindowJson | None
    first_received_at: str
    changed_at: str
    working_days_notice: int
    first_notice_days: int
    recommended: int
    band: str
    short_notice: bool
    late_change: bool
    provisional: bool
    plan: WindowJson
    fact: FactJson | None
    difference: DifferenceWord | None


class ClosureJson(RecordedJson):
    """A closure as it stands at an instant, and whether its gateway is closed by it then."""

    closed_now: bool


def window_json(starts: datetime, ends: datetime) -> WindowJson:
    """Return a window (aware UTC) in UTC and in London time."""
    return {
        "starts": utc_extended(starts),
        "ends": utc_extended(ends),
        "starts_london": london_text(starts),
        "ends_london": london_text(ends),
    }


def closure_json(entry: FeedEntry, now: datetime) -> ClosureJson:
    """Return a closure as it stands at ``now``, the instant that is asked about (aware UTC)."""
    return {**recorded_json(entry, now), "closed_now": entry.is_closed(now)}


def recorded_json(entry: FeedEntry, now: datetime) -> RecordedJson:
    """Return the same without what may change twice in the life of a closure: it changes once, as the window ends."""
    moved_starts, moved_ends = entry.moved_from_starts, entry.moved_from_ends
    return {
        "reference": plain(entry.reference),
        "user": plain(entry.user_code),
        "user_name": plain(entry.user_name),
        "gateway": plain(entry.gateway_code),
        "gateway_name": plain(entry.gateway_name),
        **window_json(entry.starts, entry.ends),
        "state": entry.state_at(now),
        "revision": entry.sequence,
        "moves": entry.moves,
        "moved_from": window_json(moved_starts, moved_ends) if moved_starts and moved_ends else None,
        "first_received_at": utc_extended(entry.created),
        "changed_at": utc_extended(entry.changed),
        "working_days_notice": entry.notice_days,
        "first_notice_days": entry.first_notice_days,
        "recommended": entry.recommended_days,
        "band": plain(entry.band),
        "short_notice": entry.short_notice,
        "late_change": entry.late_change,
        "provisional": entry.provisional,
        "plan": window_json(entry.starts, entry.planned_ends or entry.ends),
        "fact": _fact_json(entry),
        "difference": entry.difference_at(now),
    }


def _fact_json(entry: FeedEntry) -> FactJson | None:
    closed_at, reopened_at = entry.closed_at, entry.reopened_at
    until = entry.ends if reopened_at is None and entry.planned_ends is not None else None
    if not (entry.is_watched or closed_at or reopened_at or until):
        return None
    return {
        "closed_at": None if closed_at is None else utc_extended(closed_at),
        "reopened_at": None if reopened_at is None else utc_extended(reopened_at),
        "still_closed_until": None if until is None else utc_extended(until),
    }
