"""A planned closure: its states, the steps between them, and the one fold from its revisions to what stands.

The table of steps is the whole rule of what may follow what; whoever reads a history or makes a new revision goes
through ``begin`` and ``advance``.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from app.domain.notice import Announcement, SenderMark
from app.domain.verdict import Verdict
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
    REINSTATED = "reinstated"

    @property
    def is_numbered(self) -> bool:
        """Tell whether the step gets a revision number: superseded notices, expiry and its undoing do not (ADR 11)."""
        return self not in {Step.SUPERSEDED, Step.EXPIRED, Step.REINSTATED}


_CHANGES = {
    Step.MOVED: State.PLANNED,
    Step.LENGTHENED: State.PLANNED,
    Step.SHORTENED: State.PLANNED,
    Step.GATEWAY_CHANGED: State.PLANNED,
    Step.WITHDRAWN: State.WITHDRAWN,
}
NEXT_STATE: Mapping[State | None, Mapping[Step, State]] = {
    # A withdrawal of what nobody announced is a problem of the notice, and no step.
    None: {Step.FIRST: State.PLANNED},
    # Only what is planned expires, and only once.
    State.PLANNED: {**_CHANGES, Step.SUPERSEDED: State.PLANNED, Step.EXPIRED: State.EXPIRED},
    # Whatever is told of a withdrawn closure but its withdrawal plans it again, with whichever times.
    State.WITHDRAWN: {Step.PLANNED_AGAIN: State.PLANNED, Step.SUPERSEDED: State.WITHDRAWN},
    # Retrospective notices are welcome: what they leave planned expires again. What a clock that ran ahead had expire
    # early is reinstated once the clock is right.
    State.EXPIRED: {**_CHANGES, Step.SUPERSEDED: State.EXPIRED, Step.REINSTATED: State.PLANNED},
}
"""Which steps may follow on a state (None: nothing was heard yet), and the state that each leads to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """One entry in the history of a closure, as it was recorded.

    ``entry`` counts from 1; ``number`` is the revision's, None for a superseded notice, for expiry and for its undoing.
    ``changed_at`` is what feeds state as LAST-MODIFIED, in whole seconds: it rises with every numbered revision, even
    where two are received in one second or our clock is set back. ``window_received_at`` is when we heard of the window
    that stands after it: for a later occurrence of a rule, when we received the rule. ``channel`` and ``given_by`` say
    who told us and how; ``verdict`` is None where nothing was told. ``remarks`` say how times were read; ``left_out``
    names what was not kept beyond date, time, gateway and reference.
    """

    entry: int
    number: int | None
    step: Step
    received_at: datetime
    window_received_at: datetime
    changed_at: datetime
    window: ClosureWindow
    gateway: str
    channel: str = ""
    given_by: str = ""
    verdict: Verdict | None = None
    remarks: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedClosure:
    """A closure as it stands after its last revision.

    ``number`` is that of its last numbered revision, our feed's SEQUENCE. ``entries`` counts the whole history,
    superseded notices and expiry included. ``first_received_at`` is when we first heard of the closure,
    ``window_received_at`` when we heard of the window that stands, ``changed_at`` when what feeds show last changed.
    ``verdict`` is the one on the last numbered revision. ``moved_from`` is the window before the last move, ``moves``
    how many there were. ``former_gateways`` are those that it was announced for before, oldest first.
    """

    id: bytes
    reference: str
    user: str
    gateway: str
    window: ClosureWindow
    state: State
    number: int
    entries: int
    first_received_at: datetime
    window_received_at: datetime
    changed_at: datetime
    verdict: Verdict
    moved_from: ClosureWindow | None = None
    moves: int = 0
    former_gateways: tuple[str, ...] = ()

    def state_at(self, now: datetime) -> State:
        """Return what stands at ``now``: what is planned has expired as its window ends, whether or not that is noted.

        "Withdrawn" stays so.
        """
        if self.state is State.WITHDRAWN:
            return State.WITHDRAWN
        return State.EXPIRED if self.window.ends <= now else State.PLANNED

    def is_open(self, now: datetime) -> bool:
        """Tell whether the gateway is inside this window now. A withdrawn closure never is."""
        return self.state is not State.WITHDRAWN and self.window.contains(now)

    def has_passed(self, now: datetime) -> bool:
        """Tell whether the window of a planned closure is over, so that it is due to expire."""
        return self.state is State.PLANNED and self.window.ends <= now

    def expired_early(self, now: datetime) -> bool:
        """Tell whether it was noted that the window is over, and it is not: our clock ran ahead then."""
        return self.state is State.EXPIRED and self.window.ends > now

    def is_ahead(self, now: datetime) -> bool:
        """Tell whether the closure is planned and has not started."""
        return self.state is State.PLANNED and self.window.starts > now


def begin(revision: Revision, *, closure_id: bytes, reference: str, user: str) -> PlannedClosure:
    """Return what stands after the first revision of a closure."""
    assert revision.number is not None
    assert revision.verdict is not None
    return PlannedClosure(
        id=closure_id,
        reference=reference,
        user=user,
        gateway=revision.gateway,
        window=revision.window,
        state=NEXT_STATE[None][revision.step],
        number=revision.number,
        entries=revision.entry,
        first_received_at=revision.window_received_at,
        window_received_at=revision.window_received_at,
        changed_at=revision.changed_at,
        verdict=revision.verdict,
    )


def advance(closure: PlannedClosure, revision: Revision) -> PlannedClosure:
    """Return what stands after ``revision``, the next of ``closure``. Raise ``KeyError`` for a step that may not be."""
    state = NEXT_STATE[closure.state][revision.step]
    if revision.number is None or revision.verdict is None:
        return replace(closure, state=state, entries=revision.entry)
    # The window of a closure that is planned again is a new beginning, not a move.
    moved = revision.window != closure.window and revision.step is not Step.PLANNED_AGAIN
    left = () if revision.gateway == closure.gateway else (closure.gateway,)
    return replace(
        closure,
        gateway=revision.gateway,
        window=revision.window,
        state=state,
        number=revision.number,
        entries=revision.entry,
        window_received_at=revision.window_received_at,
        changed_at=revision.changed_at,
        verdict=revision.verdict,
        moved_from=closure.window if moved else closure.moved_from,
        moves=closure.moves + moved,
        former_gateways=(*closure.former_gateways, *left),
    )


def fold(history: Iterable[Revision], *, closure_id: bytes, reference: str, user: str) -> Iterator[PlannedClosure]:
    """Yield what stood after each revision of one closure's history, in the order in which they were recorded."""
    closure: PlannedClosure | None = None
    for revision in history:
        if closure is None:
            closure = begin(revision, closure_id=closure_id, reference=reference, user=user)
        else:
            closure = advance(closure, revision)
        yield closure


def step_of(closure: PlannedClosure, mark: SenderMark, announcement: Announcement) -> Step | None:
    """Tell what ``announcement`` does to ``closure``, whose sender last marked it so; None where it says nothing new.

    An announcement without a window can only be a withdrawal.
    """
    if is_older(announcement, mark):
        return Step.SUPERSEDED
    if announcement.withdrawn:
        return None if closure.state is State.WITHDRAWN else Step.WITHDRAWN
    if closure.state is State.WITHDRAWN:
        return Step.PLANNED_AGAIN
    if announcement.gateway != closure.gateway:
        return Step.GATEWAY_CHANGED
    return _window_step(closure.window, announcement.window or closure.window)


def is_older(announcement: Announcement, mark: SenderMark) -> bool:
    """Tell whether the sender itself calls the announcement older than what stands (RFC 5546 2.1.5).

    SEQUENCE decides, then DTSTAMP. A sender that states neither (a form, a sheet) makes no such claim, and nor does
    what stands in a sender's collection.
    """
    if announcement.by_receipt:
        return False
    if announcement.sender_dtstamp is None and announcement.sender_sequence == 0:
        return False
    if announcement.sender_sequence != mark.sequence:
        return announcement.sender_sequence < mark.sequence
    if announcement.sender_dtstamp is None or mark.dtstamp is None:
        return False
    return announcement.sender_dtstamp < mark.dtstamp


def _window_step(old: ClosureWindow, new: ClosureWindow) -> Step | None:
    """Name the change between two windows: one end moved outwards or inwards, or the whole of it elsewhere."""
    if new == old:
        return None
    if new.starts <= old.starts and new.ends >= old.ends:
        return Step.LENGTHENED
    if new.starts >= old.starts and new.ends <= old.ends:
        return Step.SHORTENED
    return Step.MOVED
