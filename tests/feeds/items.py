"""What a board is made of, for tests: an entry with its change number, and the gateways that it was at before."""

from dataclasses import dataclass, replace

from feeds.board import Everything, FeedBoard
from feeds.entry import FeedEntry, MaintenanceEntry


@dataclass(frozen=True)
class Item:
    entry: FeedEntry | MaintenanceEntry
    change: int = 1
    former_gateways: tuple[str, ...] = ()


def last_modified(scope, entries, today, former_gateways=()):
    """When a feed of these entries last changed; each is given a reference of its own."""
    items = [
        Item(replace(entry, reference=f"CN-{number:010}"), number, former_gateways)
        for number, entry in enumerate(entries, 1)
    ]
    return FeedBoard(scope, today, Everything(items)).changed_at
