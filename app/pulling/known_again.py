"""A look at a source set against the last one: under which UID the register knows what each event shows now.

Some publishers give their events other UIDs at every look, some give none at all. Only what this source itself showed
is compared, so that nothing is said of other senders, and a closure keeps its reference.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from app.domain.london import london_text
from app.domain.refusal import IntakeProblem
from app.domain.window import ClosureWindow
from app.pulling.fetch import Look
from app.pulling.same_event import Traits, which_moved, which_stayed
from app.pulling.source_state import SourceState, Taken
from app.pulling.split_by_uid import Piece

Windows = Mapping[str, ClosureWindow]
"""The first window that is read of each event, by UID; none of those of which none is."""

_MOST_NAMED = 5  # of those not known again


@dataclass(frozen=True, slots=True)
class KnownAgain:
    """What is taken, by the UID shown now, as it was before this look; the last look's UID where it is not shown.

    ``followed`` are the UIDs shown now of events that had another. ``names`` are the register's UIDs of events that
    were not there before. ``held_back`` are UIDs that cannot be judged in a file that breaks off.
    """

    taken: Mapping[str, Taken]
    followed: frozenset[str]
    names: Mapping[str, str]
    held_back: frozenset[str]
    renames: bool
    problems: tuple[IntakeProblem, ...]

    def name_of(self, uid: str) -> str:
        """Return the register's UID of an event that is shown under this one."""
        held = self.taken.get(uid)
        return self.names[uid] if held is None else held.name


def know_again(
    state: SourceState,
    look: Look,
    summaries: Mapping[str, str],
    windows_of: Callable[[Sequence[Piece]], Windows],
    now: datetime,
) -> KnownAgain:
    """Set a look against what was taken; ``summaries`` are keyed digests by UID, ``windows_of`` reads pieces.

    An event under a UID that was not there is one that was, if it stands where that stood, or if the UID is that by
    which the register knows it. It may have moved too where it states no UID, or where all UIDs are new and the source
    was seen to do so while events stood still: else it is as likely another event.
    """
    taken = state.taken
    new = {piece.uid: piece for piece in look.read if piece.uid not in taken}
    old = {uid: entry for uid, entry in taken.items() if uid not in look.present}
    search = _Search(new, old, summaries)
    found = search.among(which_stayed, {}, {})
    by_name = {entry.name: uid for uid, entry in search.without(found).old.items()}
    found |= {uid: by_name[uid] for uid in search.without(found).new if uid in by_name}
    windows: Windows = {}
    if len(found) < min(len(new), len(old)):
        windows = windows_of(list(search.without(found).new.values()))
        found |= search.among(which_stayed, found, windows)
    stated = [uid for uid, entry in taken.items() if not entry.keyless]
    all_new = bool(stated) and look.present.isdisjoint(stated)
    renames = state.renames or (all_new and any(not new[uid].keyless for uid in found))
    left = search.without(found).ahead(windows, now, any_uid=all_new)
    movable = left if renames else left.ahead(windows, now, any_uid=False)
    held_back = {uid for uid, piece in new.items() if not look.whole and piece.repeats and uid not in found}
    if look.whole or len(movable.old) <= len(movable.new):
        found |= movable.among(which_moved, {}, windows)
    else:
        held_back |= movable.new.keys()
    left = left.without(found)
    gone = set(found.values())
    entries = {
        uid: replace(entry, summary=summaries.get(uid, entry.summary))
        for uid, entry in taken.items()
        if uid not in gone
    }
    for uid, before in found.items():
        entries[uid] = replace(taken[before], summary=summaries[uid], keyless=new[uid].keyless)
    return KnownAgain(
        taken=entries,
        followed=frozenset(found),
        names=_names(search.without(found).new, {entry.name for entry in taken.values()}),
        held_back=frozenset(held_back),
        renames=renames,
        problems=_not_known_again([windows[uid] for uid in left.new if left.old and uid not in held_back]),
    )


@dataclass(frozen=True, slots=True)
class _Search:
    """Events of this look and of the last, among which some are the same."""

    new: Mapping[str, Piece]
    old: Mapping[str, Taken]
    summaries: Mapping[str, str]

    def without(self, found: Mapping[str, str]) -> "_Search":
        """Return those that are not found yet."""
        done = set(found.values())
        return replace(
            self,
            new={uid: piece for uid, piece in self.new.items() if uid not in found},
            old={uid: entry for uid, entry in self.old.items() if uid not in done},
        )

    def ahead(self, windows: Windows, now: datetime, *, any_uid: bool) -> "_Search":
        """Return those that lie ahead and state no UID, or with ``any_uid`` whichever. What is over does not move."""
        return replace(
            self,
            new={
                uid: piece
                for uid, piece in self.new.items()
                if (any_uid or piece.keyless) and uid in windows and windows[uid].ends > now
            },
            old={
                uid: entry
                for uid, entry in self.old.items()
                if (any_uid or entry.keyless) and entry.latest is not None and entry.latest > now
            },
        )

    def among(
        self,
        which: Callable[[Mapping[str, Traits], Mapping[str, Traits]], dict[str, str]],
        found: Mapping[str, str],
        windows: Windows,
    ) -> dict[str, str]:
        """Return which of those that are not ``found`` yet are the same."""
        left = self.without(found)
        return which(
            {uid: Traits(piece.digest, self.summaries[uid], windows.get(uid)) for uid, piece in left.new.items()},
            {uid: Traits(entry.digest, entry.summary, entry.window) for uid, entry in left.old.items()},
        )


def _names(new: Collection[str], used: set[str]) -> dict[str, str]:
    """Return the register's UID of each event: its own, unless another event has that already."""
    names: dict[str, str] = {}
    for uid in new:
        name, number = uid, 1
        while name in used:
            number += 1
            name = f"{uid} {number}"
        used.add(name)
        names[uid] = name
    return names


def _not_known_again(windows: Collection[ClosureWindow]) -> tuple[IntakeProblem, ...]:
    """Name the events that may be moved ones, and were taken as new."""
    return tuple(
        IntakeProblem(
            text=f"The event at {london_text(window.starts)} has a new UID and could not be known again; it was taken "
            "as a new closure.",
            remedy="Nothing is needed if it is new. If it was moved, the old time is withdrawn when it is still "
            "missing at the next look.",
            property="UID",
            code="not-known-again",
        )
        for window in sorted(windows)[:_MOST_NAMED]
    )
