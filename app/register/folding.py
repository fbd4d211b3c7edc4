"""What stood after each entry of a closure's history: revisions in, lines of the schedule out."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from app.domain.closure import State, Step
from app.domain.schedule import ScheduledClosure
from app.store.bodies import Revision


def line_after(before: ScheduledClosure | None, reference: str, user: str, revision: Revision) -> ScheduledClosure:
    """Return what stands after ``revision``, which is the next one after ``before``; None before the first notice."""
    if before is None:
        assert revision.assessment is not None
        assert revision.number is not None
        return ScheduledClosure(
            reference=reference,
            user=user,
            gateway=revision.gateway,
            window=revision.window,
            state=revision.state,
            number=revision.number,
            first_received_at=revision.window_received_at,
            window_received_at=revision.window_received_at,
            moves=0,
            moved_from=None,
            lead=revision.assessment,
        )
    if revision.step is Step.SUPERSEDED:
        # Known but never applied: what stood before it still stands.
        return before
    if revision.state is State.EXPIRED:
        return replace(before, state=State.EXPIRED)
    assert revision.assessment is not None
    assert revision.number is not None
    # The window of a closure that is planned again is a new beginning, not a move.
    moved = revision.window != before.window and revision.step is not Step.PLANNED_AGAIN
    return replace(
        before,
        gateway=revision.gateway,
        window=revision.window,
        state=revision.state,
        number=revision.number,
        window_received_at=revision.window_received_at,
        moves=before.moves + moved,
        moved_from=before.window if moved else before.moved_from,
        lead=revision.assessment,
    )


def line_at(
    reference: str, user: str, history: Iterable[Revision], instant: datetime | None = None
) -> ScheduledClosure | None:
    """Return what stood at an instant (None: what stands now); None where nothing was known then."""
    line = None
    for revision in history:
        if instant is None or revision.received_at <= instant:
            line = line_after(line, reference, user, revision)
    return line
