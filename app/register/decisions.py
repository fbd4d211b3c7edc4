"""What becomes of each announcement, as values: the step, what stands after it, the leads, and the words back."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from app.domain.closure import PlannedClosure, Step, apply_step, first_heard, restated, step_of
from app.domain.late_change import Assessment, assess
from app.domain.notice import Announcement
from app.domain.notice_policy import NoticePolicy
from app.domain.refusal import IntakeProblem
from app.domain.working_days import WorkingDayCalendar
from app.register.matching import Match
from app.register.receipts import Acknowledgement, Outcome
from app.register.transaction import Entry, new_closure_id
from app.security.tokens import new_reference
from app.store.closures import Held


@dataclass(frozen=True, slots=True)
class Occasion:
    """Who told us, when, and the rule by which notice is counted then."""

    user: str
    received_at: datetime
    policy: NoticePolicy
    working_days: WorkingDayCalendar


@dataclass(frozen=True, slots=True)
class Decided:
    """What is to become of one announcement; ``step`` is None where it says nothing new."""

    match: Match
    held: Held | None
    step: Step | None
    after: PlannedClosure
    assessment: Assessment


def decide(
    matches: Iterable[Match], held: Iterable[Held], occasion: Occasion
) -> tuple[list[Decided], list[IntakeProblem]]:
    """Decide what becomes of each announcement; a withdrawal of what nobody announced is a problem, not a step."""
    user, received_at = occasion.user, occasion.received_at
    policy, working_days = occasion.policy, occasion.working_days
    by_id = {one.standing.closure.id: one for one in held}
    decided: list[Decided] = []
    problems: list[IntakeProblem] = []
    for match in matches:
        announcement = match.announcement
        if match.closure is None:
            if announcement.withdrawn or announcement.window is None:
                problems.append(_nothing_to_withdraw(announcement))
                continue
            after = first_heard(
                announcement, closure_id=new_closure_id(), reference=new_reference(), user=user,
                received_at=received_at,
            )  # fmt: skip
            assessment = assess(None, after, received_at, policy, working_days)
            decided.append(Decided(match, None, Step.FIRST, after, assessment))
            continue
        before = by_id[match.closure.id]
        step = step_of(match.closure, announcement)
        if step is None or step is Step.SUPERSEDED:
            unchanged = step is None
            after = restated(match.closure, announcement) if unchanged else apply_step(
                match.closure, announcement, Step.SUPERSEDED, received_at
            )  # fmt: skip
            decided.append(Decided(match, before, step, after, before.standing.assessment))
            continue
        after = apply_step(match.closure, announcement, step, received_at)
        assessment = assess(match.closure, after, received_at, policy, working_days)
        decided.append(Decided(match, before, step, after, assessment))
    return decided, problems


def entry_of(one: Decided) -> Entry:
    """Return what is to be written of a decision that has a step."""
    announcement = one.match.announcement
    assessment = None if one.step is Step.SUPERSEDED else one.assessment
    assert one.step is not None
    return Entry(one.held, one.after, one.step, assessment, announcement.remarks, announcement.left_out)


def acknowledge(one: Decided, clashes: dict[str, tuple[str, ...]]) -> Acknowledgement:
    """Return what the sender is told of a decision, without the receipt that only recording gives."""
    after, announcement = one.after, one.match.announcement
    moved = one.held is not None and one.held.standing.closure.window != after.window
    numbered = one.step is not None and one.step.is_numbered
    stands = one.held is not None and not numbered
    late = one.held.standing.late_change if one.held and stands else one.assessment.is_late_change
    return Acknowledgement(
        reference=after.reference,
        gateway=after.gateway,
        window=after.window,
        state=after.state,
        number=after.number,
        step=one.step,
        assessment=one.assessment,
        late_change=late,
        moved_from=after.moved_from if moved else None,
        remarks=announcement.remarks,
        left_out=announcement.left_out,
        clashes=clashes.get(after.reference, ()),
    )


def as_it_stands(held: Held) -> Acknowledgement:
    """Return a closure that a notice did not touch, in the words of an acknowledgement."""
    closure, standing = held.standing.closure, held.standing
    return Acknowledgement(
        reference=closure.reference,
        gateway=closure.gateway,
        window=closure.window,
        state=closure.state,
        number=closure.number,
        step=None,
        assessment=standing.assessment,
        late_change=standing.late_change,
    )


def outcome_of(
    received_at: datetime,
    acknowledged: Sequence[Acknowledgement],
    problems: tuple[IntakeProblem, ...],
    remarks: tuple[str, ...],
    *,
    recorded: bool,
) -> Outcome:
    """Sort acknowledgements by what the notice did: accepted are the new and the changed ones."""
    kinds: dict[Step | None, list[Acknowledgement]] = {None: [], Step.SUPERSEDED: [], Step.WITHDRAWN: []}
    accepted: list[Acknowledgement] = []
    for entry in acknowledged:
        kinds.get(entry.step, accepted).append(entry)
    return Outcome(
        received_at=received_at,
        recorded=recorded,
        accepted=tuple(accepted),
        unchanged=tuple(kinds[None]),
        superseded=tuple(kinds[Step.SUPERSEDED]),
        withdrawn=tuple(kinds[Step.WITHDRAWN]),
        problems=problems,
        remarks=remarks,
    )


def _nothing_to_withdraw(announcement: Announcement) -> IntakeProblem:
    return IntakeProblem(
        text="This withdraws a closure that we have not heard of.",
        remedy="Nothing is needed if it was never announced; else send the notice with the UID that announced it.",
        line=announcement.line,
        property="UID",
        code="nothing-to-withdraw",
    )
