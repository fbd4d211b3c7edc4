"""What changed in a feed's collection since a client last asked: by a revision, or at a day's edge. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

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
    edges = (_edge_of(scope, one, today) for one in everything)
    return Heard(max(map(revision_of, everything), default=(0, "")), max(edges, default=(0, "")))


def step_from(since: Heard, scope: FeedScope, everything: Sequence[Shown], today: date, most: int | None) -> FeedStep:
    """Return what comes after ``since``, at most ``most`` closures: revisions first, then edges, none passed over.

    What an edge moved and no revision changed since is found by its day; a closure that changes meanwhile gets a new
    place at the end of the revisions.
    """
    revised = sorted(
        (revision_of(one), one.entry.reference, one) for one in everything if revision_of(one) > since.revision
    )
    moved = sorted(
        (edge, one.entry.reference, one)
        for one in everything
        if revision_of(one) <= since.revision and (edge := _edge_of(scope, one, today)) > since.edge
    )
    queue = [*revised, *moved]
    if most is None or len(queue) <= most:
        return FeedStep([one for _, _, one in queue], newest(scope, everything, today), is_cut=False)
    taken = queue[:most]
    last = taken[-1][0]
    if most <= len(revised):
        reached = Heard(last, since.edge)
    else:
        reached = Heard(revised[-1][0] if revised else since.revision, last)
    return FeedStep([one for _, _, one in taken], reached, is_cut=True)


def _edge_of(scope: FeedScope, rendered: Shown, today: date) -> FeedPlace:
    day = last_edge(scope, rendered.entry, today)
    return (day, rendered.entry.reference) if day else (0, "")
