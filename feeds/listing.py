"""Our own JSON of a feed: every field of each closure, and what is closed now or within 24 hours.

It says what is closed at ``now`` and not what time it is, so its octets change only when a window begins, ends or comes
within 24 hours.
"""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta

from feeds.entry import FeedEntry, FeedHeader, MaintenanceEntry
from feeds.property import plain, utc_extended
from feeds.wording import london_text

_SOON = timedelta(hours=24)


def render_entries(entries: Sequence[FeedEntry]) -> bytes:
    """Return the JSON array of ``entries``: it depends on nothing but them, so a caller may keep it."""
    return _octets([closure_facts(entry) for entry in entries])


def render_listing(
    header: FeedHeader, entries: Sequence[FeedEntry], now: datetime, closures: bytes | None = None
) -> bytes:
    """Return the whole JSON document at ``now`` (aware UTC); ``entries`` in ``FeedEntry.sort_key`` order.

    ``closures`` is what ``render_entries`` made of the same entries, where the caller has kept it. Withdrawn closures
    stand among ``closures`` only. A window is closed now from its start, and no longer at its end.
    """
    standing = [entry for entry in entries if not entry.withdrawn]
    opening = {
        "name": plain(header.name),
        "description": plain(header.description),
        "closed_now": [_window(entry) for entry in standing if entry.starts <= now < entry.ends],
        "next_24_hours": [_window(entry) for entry in standing if now < entry.starts < now + _SOON],
    }
    kept = render_entries(entries) if closures is None else closures
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
        "starts": utc_extended(entry.starts),
        "ends": utc_extended(entry.ends),
        "starts_london": london_text(entry.starts),
        "ends_london": london_text(entry.ends),
    }


def closure_facts(entry: FeedEntry) -> dict[str, object]:
    """Return every field of an entry, as JSON has it."""
    moved_starts, moved_ends = entry.moved_from_starts, entry.moved_from_ends
    return {
        "reference": plain(entry.reference),
        "user_code": plain(entry.user_code),
        "user_name": plain(entry.user_name),
        "gateway_code": plain(entry.gateway_code),
        "gateway_name": plain(entry.gateway_name),
        "starts": utc_extended(entry.starts),
        "ends": utc_extended(entry.ends),
        "starts_london": london_text(entry.starts),
        "ends_london": london_text(entry.ends),
        "withdrawn": entry.withdrawn,
        "sequence": entry.sequence,
        "created": utc_extended(entry.created),
        "changed": utc_extended(entry.changed),
        "notice_days": entry.notice_days,
        "first_notice_days": entry.first_notice_days,
        "recommended_days": entry.recommended_days,
        "band": plain(entry.band),
        "short_notice": entry.short_notice,
        "late_change": entry.late_change,
        "moved_from_starts": None if moved_starts is None else utc_extended(moved_starts),
        "moved_from_ends": None if moved_ends is None else utc_extended(moved_ends),
        "moved_from_starts_london": None if moved_starts is None else london_text(moved_starts),
        "moved_from_ends_london": None if moved_ends is None else london_text(moved_ends),
    }


def maintenance_facts(entry: MaintenanceEntry) -> dict[str, object]:
    """Return every field of one of DCC's own windows, as JSON has it."""
    return {
        "reference": plain(entry.reference),
        "kind": "release" if entry.release else "maintenance",
        "starts": utc_extended(entry.starts),
        "ends": utc_extended(entry.ends),
        "starts_london": london_text(entry.starts),
        "ends_london": london_text(entry.ends),
        "withdrawn": entry.withdrawn,
        "sequence": entry.sequence,
        "created": utc_extended(entry.created),
        "changed": utc_extended(entry.changed),
    }
