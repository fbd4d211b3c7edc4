"""What changed in a feed's collection since a client last asked: by a revision, or at a day's edge. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from operator import itemgetter

from app.publishing import Rendered, RenderedDate
from feeds.scope import FeedScope, last_edge

Shown = Rendered | RenderedDate
FeedPlace = tuple[int, str]
"""A change number or a day, and a reference: one revision or one closure's edge, in an order that never changes."""


@dataclass(frozen=True, slots=True)
class Heard:
    """How far a client has come: the last revision that it heard of, and the last edge."""

    revision: FeedPlace = (0, "")
    edge: FeedPlace = (0, "")


@dataclass(frozen=True, slots=True)
class FeedStep:
    """What came after a place, oldest first, and the place that it reaches. ``is_cut``: more waits behind it."""

    shown: Sequence[Shown]
    reached: Heard
    is_cut: bool


def revision_of(rendered: Shown) -> FeedPlace:
    """Return the place of a closure's last applied revision, or of the last entry of one of DCC's own windows."""
    return rendered.change, rendered.entry.reference


def newest(scope: FeedScope, everything: Sequence[Shown], today: date) -> Heard:
    """Return where a client is that has heard of everything.

    Every closure's revision counts, whatever the scope takes of it: a closure that it no longer takes has left.
    """
    edges = (_edge_of(scope, rendered, today) for rendered in everything)
    return Heard(max(map(revision_of, everything), default=(0, "")), max(edges, default=(0, "")))


def step_from(since: Heard, scope: FeedScope, everything: Sequence[Shown], today: date, most: int | None) -> FeedStep:
    """Return what comes after ``since``, at most ``most`` closures: revisions first, then edges, none passed over.

    What an edge moved and no revision changed since is found by its day; a closure that changes meanwhile gets a new
    place at the end of the revisions.
    """
    queue: list[tuple[bool, FeedPlace, Shown]] = []  # whether an edge comes of it, its place, and what it is of
    for rendered in everything:
        if revision_of(rendered) > since.revision:
            queue.append((False, revision_of(rendered), rendered))
        elif (edge := _edge_of(scope, rendered, today)) > since.edge:
            queue.append((True, edge, rendered))
    queue.sort(key=itemgetter(0, 1))
    taken = queue[:most]
    shown = [rendered for _, _, rendered in taken]
    if len(taken) == len(queue):
        return FeedStep(shown, newest(scope, everything, today), is_cut=False)
    revised = [place for is_edge, place, _ in taken if not is_edge]
    moved = [place for is_edge, place, _ in taken if is_edge]
    reached = Heard(max(revised, default=since.revision), max(moved, default=since.edge))
    return FeedStep(shown, reached, is_cut=True)


def _edge_of(scope: FeedScope, rendered: Shown, today: date) -> FeedPlace:
    day = last_edge(scope, rendered.entry, today)
    return (day, rendered.entry.reference) if day else (0, "")
