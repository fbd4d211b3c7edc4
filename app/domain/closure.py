"""A planned closure: its states, the steps between them, and the one fold from its revisions to what stands.

The table of steps is the whole rule of what may follow what; whoever reads a history or makes a new revision goes
through ``begin`` and ``advance``.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from app.domain.fact import NO_FACT, Difference, Fact
from app.domain.notice import Announcement, SenderMark
from app.domain.verdict import Verdict
from app.domain.window import ClosureWindow

_INSTANT = timedelta(microseconds=1)


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
    MADE_PROVISIONAL = "made provisional"
    CONFIRMED = "confirmed"
    TOLD_CLOSED = "told closed"
    REOPENED = "re-opened"
    TAKEN_BACK = "taken back"

    @property
    def is_shown(self) -> bool:
        """Tell whether anything that is said of the closure differs after it, in any answer."""
        return self not in {Step.SUPERSEDED, Step.EXPIRED, Step.REINSTATED}

    @property
    def is_judged(self) -> bool:
        """Tell whether notice is counted for it: it tells a plan. What is told as it happens gives no notice."""
        return self in _JUDGED


_CHANGES = {
    Step.MOVED: State.PLANNED,
    Step.LENGTHENED: State.PLANNED,
    Step.SHORTENED: State.PLANNED,
    Step.GATEWAY_CHANGED: State.PLANNED,
    Step.WITHDRAWN: State.WITHDRAWN,
}
_JUDGED = frozenset({Step.FIRST, Step.PLANNED_AGAIN, *_CHANGES})
_STANDS = frozenset({Step.WITHDRAWN, Step.MADE_PROVISIONAL, Step.CONFIRMED})
"""Notices after which the plan, and what was told beside it, are as before."""
NEXT_STATE: Mapping[State | None, Mapping[Step, State]] = {
    # A withdrawal of what nobody announced is a problem of the notice, and no step.
    None: {Step.FIRST: State.PLANNED},
    # Only what is planned expires, and only once.
    State.PLANNED: {
        **_CHANGES,
        Step.SUPERSEDED: State.PLANNED,
        Step.EXPIRED: State.EXPIRED,
        Step.MADE_PROVISIONAL: State.PLANNED,
        Step.CONFIRMED: State.PLANNED,
        Step.TOLD_CLOSED: State.PLANNED,
        Step.REOPENED: State.PLANNED,
        Step.TAKEN_BACK: State.PLANNED,
    },
    # Whatever is told of a withdrawn closure but its withdrawal plans it again, with whichever times.
    State.WITHDRAWN: {Step.PLANNED_AGAIN: State.PLANNED, Step.SUPERSEDED: State.WITHDRAWN},
    # Retrospective notices are welcome: what they leave planned expires again. What a clock that ran ahead had expire
    # early is reinstated once the clock is right.
    # What is told late of how it went leaves it over, unless the gateway is closed for longer than planned.
    State.EXPIRED: {
        **_CHANGES,
        Step.SUPERSEDED: State.EXPIRED,
        Step.REINSTATED: State.PLANNED,
        Step.MADE_PROVISIONAL: State.EXPIRED,
        Step.CONFIRMED: State.EXPIRED,
        Step.TOLD_CLOSED: State.EXPIRED,
        Step.REOPENED: State.PLANNED,
        Step.TAKEN_BACK: State.PLANNED,
    },
}
"""Which steps may follow on a state (None: nothing was heard yet), and the state that each leads to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """One entry in the history of a closure, as it was recorded.

    ``entry`` counts from 1; ``number`` is the revision's, None where no feed shows it: a superseded notice, expiry and
    its undoing, and what was told as it happened where it left the window as it was (ADR 11, ADR 34).
    ``changed_at`` is what feeds state as LAST-MODIFIED, in whole seconds: it rises with every numbered revision, even
    where two are received in one second or our clock is set back. ``window_received_at`` is when we heard of the window
    that stands after it: for a later occurrence of a rule, when we received the rule. ``channel`` and ``given_by`` say
    who told us and how; ``verdict`` is None where nothing was planned by it. ``remarks`` say how times were read;
    ``left_out`` names what was not kept beyond date, time, gateway and reference. ``fact`` is what was told of how it
    went, by this entry and those before it; None where the entry tells a plan. ``provisional``: so its sender said.
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
    fact: Fact | None = None
    provisional: bool = False

    @property
    def is_late(self) -> bool:
        """Tell whether this was a late change: a plan told later than recommended."""
        return self.step.is_judged and self.verdict is not None and self.verdict.late_change


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedClosure:
    """A closure as it stands after its last revision.

    ``number`` is that of its last numbered revision, our feed's SEQUENCE. ``entries`` counts the whole history,
    superseded notices and expiry included. ``first_received_at`` is when we first heard of the closure,
    ``window_received_at`` when we heard of the window that stands, ``changed_at`` when what feeds show last changed.
    ``verdict`` is the one on the last revision that told a plan. ``moved_from`` is the window before the last move,
    ``moves`` how many there were. ``former_gateways`` are those that it was announced for before, oldest first.
    ``window`` ends when the gateway re-opens by what was told last; ``plan`` is the window as it was planned, where
    what was told since its start has another end. ``fact`` is what was told of how it went.
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
    plan: ClosureWindow | None = None
    fact: Fact = NO_FACT
    provisional: bool = False

    def __hash__(self) -> int:
        """Hash the id alone: lists of thousands are made free of doubles, and the rest says little more."""
        return hash(self.id)

    @property
    def planned(self) -> ClosureWindow:
        """Return the window as it was planned, whatever was told of how it went."""
        return self.plan or self.window

    @property
    def is_watched(self) -> bool:
        """Tell whether it was told closed and its re-opening is waited for: then it does not end by itself."""
        return self.state is State.PLANNED and self.fact.is_watched

    @property
    def difference(self) -> Difference | None:
        """Tell how what was told differs from the plan; None where nothing was told that tells."""
        if self.state is State.WITHDRAWN:
            # The last word on one that had begun is that it did not take place.
            return Difference.NOT_TAKEN_PLACE if self.changed_at >= self.planned.starts else None
        if self.window.ends == self.planned.ends:
            return None if self.fact.reopened_at is None else Difference.ON_PLAN
        return Difference.EARLY if self.window.ends < self.planned.ends else Difference.OVER_TIME

    def difference_at(self, now: datetime) -> Difference | None:
        """Tell the same as it is at ``now``: what was told closed and is not told re-opened is over time."""
        return Difference.OVER_TIME if self.is_over_time(now) else self.difference

    def is_over_time(self, now: datetime) -> bool:
        """Tell whether it was told closed, was to re-open by now by plan and by what was told, and is not."""
        return self.is_watched and max(self.window.ends, self.planned.ends) <= now

    def lasting(self, now: datetime) -> "PlannedClosure":
        """Return it with the window for which its gateway is closed as far as is known at ``now``.

        What is over time lasts until now, and that instant is in it.
        """
        if not self.is_over_time(now):
            return self
        return replace(self, window=ClosureWindow(self.window.starts, now + _INSTANT), plan=self.planned)

    def state_at(self, now: datetime) -> State:
        """Return what stands at ``now``: what is planned has expired as its window ends, whether or not that is noted.

        "Withdrawn" stays so, and what is over time has not ended.
        """
        if self.state is State.WITHDRAWN:
            return State.WITHDRAWN
        return State.EXPIRED if self.window.ends <= now and not self.is_watched else State.PLANNED

    def is_open(self, now: datetime) -> bool:
        """Tell whether the gateway is closed by this at ``now``: by what was told of it, else by its plan.

        A withdrawn closure never is.
        """
        if self.state is State.WITHDRAWN:
            return False
        starts = self.fact.closed_at or self.window.starts
        return starts <= now and (now < self.window.ends or self.is_watched)

    def has_passed(self, now: datetime) -> bool:
        """Tell whether the window of a planned closure is over, so that it is due to expire."""
        return self.state is State.PLANNED and self.window.ends <= now and not self.is_watched

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
        provisional=revision.provisional,
    )


def advance(closure: PlannedClosure, revision: Revision) -> PlannedClosure:
    """Return what stands after ``revision``, the next of ``closure``. Raise ``KeyError`` for a step that may not be."""
    state = NEXT_STATE[closure.state][revision.step]
    if not revision.step.is_shown:
        return replace(closure, state=state, entries=revision.entry)
    told, stands = revision.fact is not None, revision.step in _STANDS
    plan = closure.planned if told or stands else revision.window
    # The window of a closure that is planned again is a new beginning, not a move; what happened is none either.
    moved = not told and revision.window != closure.window and revision.step is not Step.PLANNED_AGAIN
    left = () if revision.gateway == closure.gateway else (closure.gateway,)
    return replace(
        closure,
        gateway=revision.gateway,
        window=revision.window,
        state=state,
        number=closure.number if revision.number is None else revision.number,
        entries=revision.entry,
        window_received_at=revision.window_received_at,
        changed_at=revision.changed_at,
        verdict=revision.verdict or closure.verdict,
        moved_from=closure.window if moved else closure.moved_from,
        moves=closure.moves + moved,
        former_gateways=(*closure.former_gateways, *left),
        plan=None if plan == revision.window else plan,
        fact=revision.fact or (closure.fact if stands else NO_FACT),
        provisional=revision.provisional,
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


def step_of(closure: PlannedClosure, mark: SenderMark, announcement: Announcement, now: datetime) -> Step | None:
    """Tell what ``announcement``, received ``now``, does to ``closure``, whose sender last marked it so.

    None where it says nothing new. An announcement without a window can only be a withdrawal.
    """
    if is_older(announcement, mark):
        return Step.SUPERSEDED
    if closure.state is State.WITHDRAWN:
        return None if announcement.withdrawn else Step.PLANNED_AGAIN
    if announcement.withdrawn:
        return Step.WITHDRAWN
    if announcement.gateway != closure.gateway:
        return Step.GATEWAY_CHANGED
    window = announcement.window or closure.window
    if window == closure.window and announcement.provisional != closure.provisional:
        return Step.MADE_PROVISIONAL if announcement.provisional else Step.CONFIRMED
    has_reopened = window.ends <= now and tells_the_end(closure, window, now) and window != closure.window
    return Step.REOPENED if has_reopened else _window_step(closure.window, window)


def tells_the_end(closure: PlannedClosure, window: ClosureWindow, now: datetime) -> bool:
    """Tell whether a window told ``now`` says when the gateway re-opens, and leaves the plan as it was.

    It does where the closure has begun and its start stays the same (ADR 34).
    """
    return closure.state is not State.WITHDRAWN and window.starts == closure.window.starts <= now


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
