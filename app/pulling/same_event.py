"""Which event of the last look one of this look is, where its UID says nothing: by what stayed the same."""

from collections import defaultdict, deque
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from datetime import datetime
from heapq import heapify, heappop, heappush
from typing import NamedTuple

from app.domain.window import ClosureWindow


@dataclass(frozen=True, slots=True)
class Traits:
    """By what an event is known again.

    ``digest`` is of what is read of it, its UID apart, ``summary`` a keyed digest of its title. ``window`` is its first
    window; None where none is told of it.
    """

    digest: str
    summary: str
    window: ClosureWindow | None


_Key = Callable[[Traits], Hashable]

_STAYED: tuple[_Key, ...] = (
    lambda traits: (traits.digest, traits.summary),
    lambda traits: traits.digest,
    lambda traits: traits.window and (traits.window, traits.summary),
    lambda traits: traits.window,
)
_MOVED: tuple[_Key, ...] = (
    lambda traits: traits.window and (traits.summary, traits.window.duration),
    lambda traits: traits.summary,
    lambda traits: traits.window and traits.window.duration,
)


def which_stayed(new: Mapping[str, Traits], old: Mapping[str, Traits]) -> dict[str, str]:
    """Return, by the UID of now, the UID of the last look of each event that is where it was."""
    found: dict[str, str] = {}
    for key in _STAYED:
        waiting: dict[Hashable, deque[str]] = defaultdict(deque)
        done = set(found.values())
        for uid, traits in old.items():
            if uid not in done:
                waiting[key(traits)].append(uid)
        for uid, traits in new.items():
            stood = waiting.get(key(traits))
            if uid not in found and key(traits) is not None and stood:
                found[uid] = stood.popleft()
    return found


def which_moved(new: Mapping[str, Traits], old: Mapping[str, Traits]) -> dict[str, str]:
    """Return, by the UID of now, the UID of the last look of each event that was moved.

    First those are paired that have their title and length still, then those with their title, then those with their
    length; among several, those whose starts lie nearest to each other.
    """
    found: dict[str, str] = {}
    for key in _MOVED:
        places: dict[Hashable, list[_Place]] = defaultdict(list)
        for is_new, traits_of, done in ((True, new, found.keys()), (False, old, set(found.values()))):
            for uid, traits in traits_of.items():
                if uid not in done and traits.window is not None:
                    places[key(traits)].append(_Place(traits.window.starts, uid, is_new))
        for alike in places.values():
            found |= _nearest_pairs(sorted(alike))
    return found


class _Place(NamedTuple):
    starts: datetime
    uid: str
    is_new: bool


def _nearest_pairs(places: list[_Place]) -> dict[str, str]:
    """Pair new places with old ones, the nearest two of all first; ``places`` are in order of time.

    The nearest two stand beside each other, and still do when those between them are paired: so each place is looked at
    a few times, however many there are.
    """
    before, after = [*range(-1, len(places) - 1)], [*range(1, len(places) + 1)]
    near = [(places[at + 1].starts - places[at].starts, at, at + 1) for at in range(len(places) - 1)]
    near = [entry for entry in near if places[entry[1]].is_new != places[entry[2]].is_new]
    heapify(near)
    pairs: dict[str, str] = {}
    paired: set[int] = set()
    while near:
        _, left, right = heappop(near)
        if left in paired or right in paired:
            continue
        paired |= {left, right}
        first, second = places[left], places[right]
        pairs[first.uid if first.is_new else second.uid] = second.uid if first.is_new else first.uid
        left, right = before[left], after[right]
        if left >= 0:
            after[left] = right
        if right < len(places):
            before[right] = left
        if left >= 0 and right < len(places) and places[left].is_new != places[right].is_new:
            heappush(near, (places[right].starts - places[left].starts, left, right))
    return pairs
