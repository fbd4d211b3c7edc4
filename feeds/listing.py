"""Our own JSON of a feed: every field of each closure, and what is closed now or within 24 hours.

It says what is closed at ``now`` and not what time it is, so its octets change only when a window begins, ends or comes
within 24 hours.
"""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta

from feeds.closure_json import recorded_json, window_json
from feeds.entry import FeedEntry, FeedHeader, MaintenanceEntry
from feeds.property import plain, utc_extended

_SOON = timedelta(hours=24)


def render_entries(entries: Sequence[FeedEntry], now: datetime) -> bytes:
    """Return the JSON array of ``entries``; with the same ``count_ended`` it is the same, so a caller may keep it."""
    return _octets([recorded_json(entry, now) for entry in entries])


def count_ended(entries: Sequence[FeedEntry], now: datetime) -> int:
    """Return how many of the windows are over at ``now``, and how many over time: then what is said changes."""
    return sum((entry.ends <= now) + entry.is_over_time(now) for entry in entries)


def render_listing(
    header: FeedHeader, entries: Sequence[FeedEntry], now: datetime, closures: bytes | None = None
) -> bytes:
    """Return the whole JSON document at ``now`` (aware UTC); ``entries`` in ``FeedEntry.sort_key`` order.

    ``closures`` is what ``render_entries`` made of the same entries for ``now``, where the caller kept it. Withdrawn
    closures stand among ``closures`` only. A window is closed now from its start, and no longer at its end.
    """
    standing = [entry for entry in entries if not entry.withdrawn]
    opening = {
        "name": plain(header.name),
        "description": plain(header.description),
        "closed_now": [_window(entry) for entry in standing if entry.is_closed(now)],
        "next_24_hours": [_window(entry) for entry in standing if now < entry.starts < now + _SOON],
    }
    kept = render_entries(entries, now) if closures is None else closures
    return _octets(opening)[:-1] + b',"closures":' + kept + b"}"


def render_maintenance(header: FeedHeader, entries: Sequence[MaintenanceEntry]) -> bytes:
    """Return the whole JSON document of a feed of DCC's own dates; it depends on nothing but them."""
    opening = {"name": plain(header.name), "description": plain(header.description)}
    return _octets({**opening, "maintenance": [maintenance_facts(entry) for entry in entries]})


def _octets(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _window(entry: FeedEntry) -> dict[str, object]:
    return {
        "reference": plain(entry.reference),
        "gateway": plain(entry.gateway_code),
        **window_json(entry.starts, entry.ends),
    }


def maintenance_facts(entry: MaintenanceEntry) -> dict[str, object]:
    """Return every field of one of DCC's own windows, as JSON has it."""
    return {
        "reference": plain(entry.reference),
        "kind": "release" if entry.release else "maintenance",
        **window_json(entry.starts, entry.ends),
        "withdrawn": entry.withdrawn,
        "sequence": entry.sequence,
        "created": utc_extended(entry.created),
        "changed": utc_extended(entry.changed),
    }
