"""Listings kept ready in one process, brought up to date by what changed: clients list every few minutes."""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field

from app.caldav.backend import MemberEntry
from app.store import members
from app.store.engine import Connection, Store
from app.store.member_heads import HeldMember, MemberHead, Place

_MOST_ENTRIES = 30_000  # kept in one process, about 500 octets each; the collection least recently asked for goes first


@dataclass(slots=True)
class _Kept:
    change: int = -1
    entries: dict[str, MemberEntry] = field(default_factory=dict)
    leaving: dict[str, int] = field(default_factory=dict)  # the day on which a member leaves by the clock


class Listings:
    """The entries of collections, each in order of its last change, as of the last time that somebody asked."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[bytes, _Kept] = OrderedDict()

    def read(
        self, store: Store, connection: Connection, place: Place, newest: HeldMember | None, today: int
    ) -> Sequence[MemberEntry]:
        """Return the entries, on a day, of a collection whose last change is ``newest``, on the same snapshot."""
        if newest is None:
            return []
        with self._lock:
            kept = self._kept.pop(place.collection, None)
            if kept is None or kept.change > newest.change:  # another thread is ahead of this snapshot
                kept = _Kept()
            if kept.change < newest.change:
                for held in members.changed_since(store, connection, place, kept.change, None):
                    kept.entries.pop(held.head.name, None)
                    kept.leaving.pop(held.head.name, None)
                    if not held.gone:
                        kept.entries[held.head.name] = entry_of(held.head)
                    if held.head.leaves_on:
                        kept.leaving[held.head.name] = held.head.leaves_on
                kept.change = newest.change
            self._kept[place.collection] = kept
            while len(self._kept) > 1 and sum(len(listed.entries) for listed in self._kept.values()) > _MOST_ENTRIES:
                self._kept.popitem(last=False)
            left = {name for name, day in kept.leaving.items() if day <= today}
            return [entry for name, entry in kept.entries.items() if name not in left]


def entry_of(head: MemberHead) -> MemberEntry:
    """Return a member as the protocol lists it."""
    return MemberEntry(head.name, head.etag, head.length, head.created_at, head.changed_at)
