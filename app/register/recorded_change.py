"""A closure's history as the record has it: each entry with what stood before and after it, and where it is found."""

from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import repeat

from app.domain.closure import PlannedClosure, Step, advance, begin
from app.store.closures import Written
from app.store.proven import altered
from app.store.receipt_order import Passage
from app.store.tables import revisions
from app.store.week_index import WATCHED, watched_weeks


@dataclass(frozen=True, slots=True)
class RecordedChange:
    """One entry in the record: whose it is, what it did, and the closure before and after it.

    ``number`` is None where it made no revision that feeds show. ``is_late``: it was a late change.
    """

    closure_id: bytes
    user_id: bytes
    entry: int
    number: int | None
    step: Step
    is_late: bool
    received_at: datetime
    channel: str
    before: PlannedClosure | None
    after: PlannedClosure


@dataclass(frozen=True, slots=True)
class Received:
    """Entries of a passage, in its order. ``left`` is what is yet to be read, None if nothing."""

    entries: Sequence[RecordedChange]
    left: Passage | None


_STEPS = tuple(Step)
UNKNOWN_KIND = 0


def kind_of(step: Step, *, is_late: bool) -> int:
    """Return the octet that stands for what an entry did, and whether it was a late change."""
    return 2 * (_STEPS.index(step) + 1) + is_late


EVERY_KIND = frozenset(kind_of(step, is_late=late) for step in Step for late in (False, True))
LATE_KINDS = frozenset(kind_of(step, is_late=True) for step in Step)


class Kinds:
    """Of which kind each entry is, by its place in the log, as far as it was asked for: nine octets each.

    A mark tells which entry stood there when it was opened.
    """

    def __init__(self) -> None:
        self._kinds, self._marks = bytearray(), array("q")

    def grow(self, size: int) -> None:
        """Make room for a log of this size."""
        more = size - len(self._kinds)
        if more > 0:
            self._kinds.extend(bytes(more))
            self._marks.extend(repeat(0, more))

    def note(self, written: Written) -> None:
        """Note of which kind an entry is that was opened. There is room for it."""
        revision = written.revision
        self._marks[written.log_index] = hash((written.closure_id, revision.entry))
        self._kinds[written.log_index] = kind_of(revision.step, is_late=revision.is_late)

    def of(self, closure_id: bytes, entry: int, position: int) -> int:
        """Return the kind of an entry that says it stands in a place; ``UNKNOWN_KIND`` if it is not known there."""
        if not 0 <= position < len(self._kinds) or self._marks[position] != hash((closure_id, entry)):
            return UNKNOWN_KIND
        return self._kinds[position]


def kinds_without(*steps: Step) -> frozenset[int]:
    """Return the kinds of every other step."""
    return EVERY_KIND - {kind_of(step, is_late=late) for step in steps for late in (False, True)}


History = tuple[RecordedChange, ...]
"""Every entry of one closure, in the order in which they were recorded."""


def history_of(reference: str, user: str, entries: Iterable[Written]) -> History:
    """Return the history that entries make, all of one closure."""
    history: History = ()
    for written in entries:
        history = grown(history, reference, user, written)
    return history


def grown(history: History, reference: str, user: str, written: Written) -> History:
    """Return a history with its next entry. Raise ``SealBroken`` for one that is not the next."""
    if written.revision.entry != len(history) + 1:  # an earlier one was altered, and comes out of its turn
        raise altered(revisions)
    revision = written.revision
    before = history[-1].after if history else None
    if before is None:
        after = begin(revision, closure_id=written.closure_id, reference=reference, user=user)
    else:
        after = advance(before, revision)
    change = RecordedChange(
        closure_id=written.closure_id,
        user_id=written.user_id,
        entry=revision.entry,
        number=revision.number,
        step=revision.step,
        is_late=revision.is_late,
        received_at=revision.received_at,
        channel=revision.channel,
        before=before,
        after=after,
    )
    return (*history, change)


def stood_at(history: History, instant: datetime | None) -> PlannedClosure | None:
    """Return what stood at an instant (None: now); None where nothing was known then."""
    if instant is None:
        return history[-1].after
    for change in reversed(history):
        if change.received_at <= instant:
            return change.after
    return None


def places_of(history: History) -> set[str]:
    """Return where the week index finds a closure, now or by any entry of before."""
    found = {WATCHED} if history[-1].after.is_watched else set()
    last: RecordedChange | None = None
    for change in history:
        if last is None or change.after.window != last.after.window:
            found.update(change.after.window.weeks())
        if last is not None and last.after.is_watched:
            found.update(watched_weeks(last.received_at, change.received_at))
        last = change
    return found
