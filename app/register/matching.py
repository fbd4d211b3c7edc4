"""Which held closure an announcement is about, also after a whole series was moved; and which occurrences vanished."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from app.domain.closure import PlannedClosure, State
from app.domain.notice import Announcement


@dataclass(frozen=True, slots=True)
class Match:
    """One announcement and the closure that it is about; None where we first hear of it."""

    announcement: Announcement
    closure: PlannedClosure | None


def match_announcements(
    announcements: Sequence[Announcement],
    held: Iterable[PlannedClosure],
    whole_uids: frozenset[str],
    received_at: datetime,
) -> list[Match]:
    """Pair each announcement with its closure, in the order given, then add a withdrawal for what has vanished.

    A closure is found by (UID, RECURRENCE-ID). Where a notice states a UID whole and none of its RECURRENCE-IDs is
    known, the series as a whole was moved: occurrences are found by their place in the rule instead. An occurrence
    that a whole UID no longer has is withdrawn, unless it has started (docs/domain.md#series).
    """
    by_uid: dict[str, dict[str, PlannedClosure]] = defaultdict(dict)
    for closure in held:
        by_uid[closure.uid][closure.recurrence_id] = closure
    stated: dict[str, list[Announcement]] = defaultdict(list)
    for announcement in announcements:
        stated[announcement.uid].append(announcement)
    moved = {
        uid: {_place(closure.position): closure for closure in by_uid[uid].values()}
        for uid in whole_uids
        if by_uid[uid] and not any(entry.recurrence_id in by_uid[uid] for entry in stated[uid])
    }
    matches = []
    taken: set[bytes] = set()
    for announcement in announcements:
        if _cancels_series(announcement, by_uid[announcement.uid]):
            continue
        found = by_uid[announcement.uid].get(announcement.recurrence_id)
        if found is None and announcement.uid in moved:
            found = moved[announcement.uid].pop(_place(announcement.position), None)
        if found is not None:
            taken.add(found.id)
        matches.append(Match(announcement, found))
    for uid in sorted(whole_uids):
        newest = max(stated[uid], key=_mark, default=None)
        for closure in by_uid[uid].values():
            gone = closure.id not in taken and closure.state is State.PLANNED
            if newest is not None and gone and closure.window.starts > received_at:
                matches.append(Match(withdrawal_of(closure, newest), closure))
    return matches


def withdrawal_of(closure: PlannedClosure, like: Announcement | None = None) -> Announcement:
    """Return the announcement that withdraws ``closure``, with the sender's mark of ``like`` where it has one."""
    plain = Announcement(
        uid=closure.uid,
        gateway=closure.gateway,
        window=closure.window,
        recurrence_id=closure.recurrence_id,
        withdrawn=True,
        position=closure.position,
    )
    if like is None:
        return plain
    return replace(
        plain,
        sender_sequence=like.sender_sequence,
        sender_dtstamp=like.sender_dtstamp,
        by_receipt=like.by_receipt,
        line=like.line,
    )


def _cancels_series(announcement: Announcement, known: dict[str, PlannedClosure]) -> bool:
    """Tell whether this is the cancellation of a whole series: its occurrences vanish one by one."""
    return announcement.withdrawn and not announcement.recurrence_id and bool(known) and "" not in known


def _place(position: int | None) -> int:
    """Return an occurrence's place in its rule; an event that does not repeat is its own first occurrence."""
    return position or 0


def _mark(announcement: Announcement) -> tuple[int, float]:
    stamp = announcement.sender_dtstamp
    return announcement.sender_sequence, stamp.timestamp() if stamp else 0.0
