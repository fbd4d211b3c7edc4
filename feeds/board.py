"""What a scope shows on one day, kept up change by change, and what a client that follows it has yet to hear of. Pure.

Places are kept in order, so that a change costs the same however much is held, and an answer costs what it holds.
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Generic, Protocol, TypeVar

from feeds.entry import FeedEntry, MaintenanceEntry
from feeds.scope import EPOCH, Code, FeedScope, last_edge, of_population, takes

FeedPlace = tuple[int, str]
"""A change number or a day, and a reference: one revision or one closure's edge, in an order that never changes."""


class Item(Protocol):
    """What feeds are made of."""

    @property
    def entry(self) -> FeedEntry | MaintenanceEntry:
        """Return what a feed says of it."""
        ...

    @property
    def change(self) -> int:
        """Return the change number of its last applied revision."""
        ...

    @property
    def former_gateways(self) -> Collection[str]:
        """Return the codes of the gateways that it was at before."""
        ...


S = TypeVar("S", bound=Item)


@dataclass(frozen=True, slots=True)
class Heard:
    """How far a client has come: the last revision that it heard of, and the last edge."""

    revision: FeedPlace = (0, "")
    edge: FeedPlace = (0, "")


@dataclass(frozen=True, slots=True)
class FeedStep(Generic[S]):
    """What came after a place, oldest first, and the place that it reaches. ``is_cut``: more waits behind it.

    ``shown`` is what the scope shows; ``gone`` are the references of what it does not.
    """

    shown: Sequence[S]
    gone: Sequence[str]
    reached: Heard
    is_cut: bool


class Everything(Generic[S]):
    """All that feeds are made of, as it stands, by reference, in the order of feeds and in that of the last changes."""

    def __init__(self, items: Sequence[S] = ()) -> None:
        self._items: dict[str, S] = {}
        self.places: list[tuple[datetime, str]] = []
        self.revisions: list[FeedPlace] = []
        self.take(items)

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._items)

    def __getitem__(self, reference: str) -> S:
        return self._items[reference]

    def get(self, reference: str) -> S | None:
        """Return what has a reference."""
        return self._items.get(reference)

    def in_order(self) -> list[S]:
        """Return everything in the order of feeds."""
        return [self._items[reference] for _, reference in self.places]

    def take(self, items: Sequence[S]) -> list[tuple[S | None, S]]:
        """Take what is new or changed; return each with what stood before it."""
        stood = [(self._items.get(item.entry.reference), item) for item in items]
        gone = [before for before, _ in stood if before is not None]
        self._items |= {item.entry.reference: item for item in items}
        _exchange(self.places, [one.entry.sort_key for one in gone], [one.entry.sort_key for one in items])
        _exchange(self.revisions, [_revision_of(one) for one in gone], [_revision_of(one) for one in items])
        return stood


class FeedBoard(Generic[S]):
    """What ``scope`` shows on the UTC day ``today`` of ``everything``, which tells it of each later change.

    Like that, a value of whoever keeps it, who lets one thread at a time come to it.
    """

    def __init__(self, scope: FeedScope, today: date, everything: Everything[S]) -> None:
        self._scope, self._today, self._everything = scope, today, everything
        self._shown: list[tuple[datetime, str]] = []
        self._edges: list[FeedPlace] = []
        self._longest, self._latest = timedelta(0), EPOCH
        self.follow((None, item) for item in everything.in_order())

    def follow(self, stood: Iterable[tuple[S | None, S]]) -> None:
        """Follow changes of everything, each as what stood before and what stands now."""
        gone: list[S] = []
        fresh: list[S] = []
        for before, after in stood:
            if before is not None:
                gone.append(before)
            fresh.append(after)
            self._longest = max(self._longest, after.entry.ends - after.entry.starts)
            if self._is_touched_by(after):
                # A change counts even where it took the closure out of the feed: that, too, is a change of the feed.
                self._latest = max(self._latest, after.entry.changed)
        _exchange(self._shown, self._places(gone), self._places(fresh))
        _exchange(self._edges, self._edges_of(gone), self._edges_of(fresh))

    @property
    def changed_at(self) -> datetime:
        """Return when a feed of the scope last changed, as every worker would: aware UTC, ``EPOCH`` for never.

        It is the latest of the ``changed`` stamps and of the midnights at which something entered or left the window of
        days, up to today. What is of another User or gateway than the scope's leaves no trace.
        """
        edge = self._edges[-1][0] if self._edges else EPOCH.toordinal()
        return max(self._latest, datetime.fromordinal(edge).replace(tzinfo=UTC))

    @property
    def newest(self) -> Heard:
        """Return where a client is that has heard of everything.

        Every closure's revision counts, whatever the scope takes of it: a closure that it no longer takes has left.
        """
        revisions = self._everything.revisions
        return Heard(revisions[-1] if revisions else (0, ""), self._edges[-1] if self._edges else (0, ""))

    def shown(self) -> list[S]:
        """Return what is shown, in the order of the feed."""
        return [self._everything[reference] for _, reference in self._shown]

    def named(self, reference: str) -> S | None:
        """Return what is shown under a reference."""
        item = self._everything.get(reference)
        return item if item is not None and takes(self._scope, item.entry, self._today) else None

    def touching(self, starts: datetime | None, ends: datetime | None) -> list[S]:
        """Return what is shown and shares an instant with the span, in the order of the feed; None is unbounded."""
        first = 0 if starts is None else bisect_left(self._shown, (_earlier(starts, self._longest), ""))
        after = len(self._shown) if ends is None else bisect_left(self._shown, (ends, ""))
        found = (self._everything[reference] for _, reference in self._shown[first:after])
        return [item for item in found if starts is None or starts < item.entry.ends]

    def after(self, since: Heard, most: int | None) -> FeedStep[S]:
        """Return what comes after ``since``, at most ``most`` of it: revisions first, then edges, none passed over.

        What an edge moved and no revision changed since is found by its day; a closure that changes meanwhile gets a
        new place at the end of the revisions.
        """
        revised = self._everything.revisions[bisect_right(self._everything.revisions, since.revision) :]
        told = {reference for _, reference in revised}
        moved = [place for place in self._edges[bisect_right(self._edges, since.edge) :] if place[1] not in told]
        queue = [*((False, place) for place in revised), *((True, place) for place in moved)]
        taken = queue[:most]
        references = [reference for _, (_, reference) in taken]
        shown = [item for reference in references if (item := self.named(reference)) is not None]
        gone = [reference for reference in references if self.named(reference) is None]
        if len(taken) == len(queue):
            return FeedStep(shown, gone, self.newest, is_cut=False)
        reached = [[place for is_edge, place in taken if is_edge is kind] for kind in (False, True)]
        heard = Heard(max(reached[0], default=since.revision), max(reached[1], default=since.edge))
        return FeedStep(shown, gone, heard, is_cut=True)

    def _is_touched_by(self, item: S) -> bool:
        if self._scope.row.code is Code.GATEWAY and self._scope.code in item.former_gateways:
            return True
        return of_population(self._scope, item.entry)

    def _places(self, items: Iterable[S]) -> list[tuple[datetime, str]]:
        return [item.entry.sort_key for item in items if takes(self._scope, item.entry, self._today)]

    def _edges_of(self, items: Iterable[S]) -> list[FeedPlace]:
        found = ((last_edge(self._scope, item.entry, self._today), item.entry.reference) for item in items)
        return [(day, reference) for day, reference in found if day]


def _revision_of(item: Item) -> FeedPlace:
    return item.change, item.entry.reference


_P = TypeVar("_P", bound=tuple[datetime, str] | tuple[int, str])


def _exchange(places: list[_P], gone: Sequence[_P], fresh: Sequence[_P]) -> None:
    """Take places out of an ordered list, and put others in: few one by one, many by sorting once."""
    if len(fresh) <= len(places) // 10:
        for place in gone:
            del places[bisect_left(places, place)]
        for place in fresh:
            insort(places, place)
        return
    left = set(gone)
    places[:] = sorted([*(place for place in places if place not in left), *fresh])


def _earlier(instant: datetime, span: timedelta) -> datetime:
    earliest = datetime.min.replace(tzinfo=UTC)
    return instant - span if instant - earliest > span else earliest
