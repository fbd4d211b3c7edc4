"""A planned closure, the record that successive notices build, and what a new announcement does to it."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from app.domain.notice import Announcement
from app.domain.window import ClosureWindow


class State(StrEnum):
    """What stands of a closure. "Open" is not a state: it is read off the clock."""

    PLANNED = "planned"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"


class Step(StrEnum):
    """What one entry in the history of a closure did."""

    FIRST = "first notice"
    MOVED = "moved"
    LENGTHENED = "lengthened"
    SHORTENED = "shortened"
    GATEWAY_CHANGED = "gateway changed"
    WITHDRAWN = "withdrawn"
    PLANNED_AGAIN = "planned again"
    SUPERSEDED = "superseded"
    EXPIRED = "expired"

    @property
    def is_numbered(self) -> bool:
        """Tell whether the step gets a revision number: superseded notices and expiry do not (ADR 4, ADR 11)."""
        return self not in {Step.SUPERSEDED, Step.EXPIRED}


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedClosure:
    """A closure as it stands after its last applied revision.

    ``number`` is that revision's number, our feed's SEQUENCE. ``entries`` counts the whole history, superseded notices
    and expiry included. ``first_received_at`` is when we first heard of the closure, ``window_received_at`` when we
    heard of the window that stands. ``moved_from`` is the window before the last move, ``moves`` how many there were.
    ``former_gateways`` are those that the closure was announced for before, oldest first.
    """

    id: bytes
    reference: str
    user: str
    gateway: str
    uid: str
    recurrence_id: str
    position: int | None
    window: ClosureWindow
    state: State
    number: int
    entries: int
    first_received_at: datetime
    window_received_at: datetime
    sender_sequence: int
    sender_dtstamp: datetime | None
    moved_from: ClosureWindow | None = None
    moves: int = 0
    former_gateways: tuple[str, ...] = ()

    def is_open(self, now: datetime) -> bool:
        """Tell whether the gateway is inside this window now. A withdrawn closure never is."""
        return self.state is not State.WITHDRAWN and self.window.contains(now)

    def has_passed(self, now: datetime) -> bool:
        """Tell whether the window of a planned closure is over, so that it is due to expire."""
        return self.state is State.PLANNED and self.window.ends <= now


def step_of(closure: PlannedClosure, announcement: Announcement) -> Step | None:
    """Tell what ``announcement`` does to ``closure``; None where it says nothing new.

    An announcement without a window can only be a withdrawal.
    """
    if is_older(announcement, closure):
        return Step.SUPERSEDED
    if announcement.withdrawn:
        return None if closure.state is State.WITHDRAWN else Step.WITHDRAWN
    if closure.state is State.WITHDRAWN:
        return Step.PLANNED_AGAIN
    if announcement.gateway != closure.gateway:
        return Step.GATEWAY_CHANGED
    return _window_step(closure.window, announcement.window or closure.window)


def is_older(announcement: Announcement, closure: PlannedClosure) -> bool:
    """Tell whether the sender itself calls the announcement older than what stands (RFC 5546 2.1.5).

    SEQUENCE decides, then DTSTAMP. A sender that states neither (a form, a sheet) makes no such claim, and nor does
    what stands in a sender's collection.
    """
    if announcement.by_receipt:
        return False
    if announcement.sender_dtstamp is None and announcement.sender_sequence == 0:
        return False
    if announcement.sender_sequence != closure.sender_sequence:
        return announcement.sender_sequence < closure.sender_sequence
    if announcement.sender_dtstamp is None or closure.sender_dtstamp is None:
        return False
    return announcement.sender_dtstamp < closure.sender_dtstamp


def _window_step(old: ClosureWindow, new: ClosureWindow) -> Step | None:
    """Name the change between two windows: one end moved outwards or inwards, or the whole of it elsewhere."""
    if new == old:
        return None
    if new.starts <= old.starts and new.ends >= old.ends:
        return Step.LENGTHENED
    if new.starts >= old.starts and new.ends <= old.ends:
        return Step.SHORTENED
    return Step.MOVED


def first_heard(
    announcement: Announcement,
    *,
    closure_id: bytes,
    reference: str,
    user: str,
    received_at: datetime,
) -> PlannedClosure:
    """Return the closure that a first announcement makes. ``announcement.window`` must be there."""
    assert announcement.window is not None
    return PlannedClosure(
        id=closure_id,
        reference=reference,
        user=user,
        gateway=announcement.gateway,
        uid=announcement.uid,
        recurrence_id=announcement.recurrence_id,
        position=announcement.position,
        window=announcement.window,
        state=State.PLANNED,
        number=1,
        entries=1,
        first_received_at=received_at,
        window_received_at=received_at,
        sender_sequence=announcement.sender_sequence,
        sender_dtstamp=announcement.sender_dtstamp,
    )


def apply_step(
    closure: PlannedClosure, announcement: Announcement, step: Step, received_at: datetime
) -> PlannedClosure:
    """Return the closure after ``step``. A superseded announcement only lengthens the history."""
    if step is Step.SUPERSEDED:
        return replace(closure, entries=closure.entries + 1)
    closure = restated(closure, announcement)
    after = replace(closure, number=closure.number + 1, entries=closure.entries + 1)
    if step is Step.WITHDRAWN:
        return replace(after, state=State.WITHDRAWN)
    window = announcement.window or closure.window
    if step is not Step.PLANNED_AGAIN and window != closure.window:
        after = replace(after, moved_from=closure.window, moves=closure.moves + 1)
    if announcement.gateway != closure.gateway:
        after = replace(after, former_gateways=(*closure.former_gateways, closure.gateway))
    return replace(
        after, window=window, gateway=announcement.gateway, state=State.PLANNED, window_received_at=received_at
    )


def restated(closure: PlannedClosure, announcement: Announcement) -> PlannedClosure:
    """Return the closure with the sender's newer mark: what an announcement without news leaves behind.

    The occurrence keeps its identity even where the sender's rule now names it otherwise (a moved series), and its
    place in the rule where one occurrence is sent without the rule (RFC 5546 3.2.5, a cancelled instance). The mark of
    what stands by receipt replaces a higher one: it is what later notices of other channels are held against.
    """
    sequence, dtstamp = announcement.sender_sequence, announcement.sender_dtstamp
    if not announcement.by_receipt:
        sequence, dtstamp = max(closure.sender_sequence, sequence), dtstamp or closure.sender_dtstamp
    return replace(
        closure,
        recurrence_id=announcement.recurrence_id,
        position=closure.position if announcement.position is None else announcement.position,
        sender_sequence=sequence,
        sender_dtstamp=dtstamp,
    )


def expired(closure: PlannedClosure) -> PlannedClosure:
    """Return the closure after its window has passed: an entry in the history, no number (ADR 11)."""
    return replace(closure, state=State.EXPIRED, entries=closure.entries + 1)
