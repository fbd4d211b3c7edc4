"""What becomes of each announcement, as values: the revision, what stands after it, the verdict, and the words back."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.domain.closure import PlannedClosure, Revision, State, Step, advance, begin, step_of
from app.domain.london import london_text
from app.domain.notice import Announcement, SenderMark, mark_of
from app.domain.notice_policy import NoticePolicy
from app.domain.party import Names
from app.domain.refusal import IntakeProblem
from app.domain.verdict import Receipts, Verdict, judge
from app.domain.window import ClosureWindow
from app.domain.working_days import WorkingDayCalendar
from app.ical.recurrence import original_start
from app.register.event_counts import CountsJson
from app.register.matching import Match
from app.register.receipts import Acknowledgement, Outcome
from app.security.tokens import new_reference, new_row_id
from app.store.closures import Held

_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Occasion:
    """Who told us, when and how, and the rule by which notice is counted then.

    ``heard_at`` is when we heard of what is told: for a later occurrence of a rule, when we received the rule.
    ``stamped_at`` is the latest ``changed_at`` that the register gave out.
    """

    user: str
    received_at: datetime
    heard_at: datetime
    policy: NoticePolicy
    working_days: WorkingDayCalendar
    stamped_at: datetime
    channel: str = ""
    given_by: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to become of one announcement; ``revision`` is None where it says nothing new.

    ``held`` is the closure that stood before, ``closure`` what stands after, ``mark`` the sender's mark after it.
    """

    held: Held | None
    closure: PlannedClosure
    mark: SenderMark
    revision: Revision | None
    announcement: Announcement | None = None

    @property
    def is_shown(self) -> bool:
        """Tell whether a calendar that shows the closure looks different after it."""
        if self.revision is None:
            return self.held is not None and self.held.mark.recurrence_id != self.mark.recurrence_id
        return self.revision.step.is_numbered

    @property
    def added(self) -> int:
        """Return by how many it changes what its User has planned: 1, 0 or -1."""
        before = self.held is not None and self.held.closure.state is State.PLANNED
        return (self.closure.state is State.PLANNED) - before

    @property
    def step(self) -> Step | None:
        """Return what the announcement did; None where it said nothing new."""
        return None if self.revision is None else self.revision.step


def decide(matches: Iterable[Match], occasion: Occasion) -> tuple[list[Decision], list[IntakeProblem]]:
    """Decide what becomes of each announcement; a withdrawal of what nobody announced is a problem, not a step."""
    decisions: list[Decision] = []
    problems: list[IntakeProblem] = []
    for match in matches:
        announcement, held = match.announcement, match.held
        if held is not None:
            decisions.append(_decide_next(held, announcement, occasion))
        elif announcement.withdrawn or announcement.window is None:
            problems.append(_nothing_to_withdraw(announcement))
        else:
            decisions.append(_decide_first(announcement, announcement.window, occasion))
    return decisions, problems


def _decide_first(announcement: Announcement, window: ClosureWindow, occasion: Occasion) -> Decision:
    heard_at = occasion.heard_at
    revision = Revision(
        entry=1,
        number=1,
        step=Step.FIRST,
        received_at=occasion.received_at,
        window_received_at=heard_at,
        changed_at=max(occasion.received_at.replace(microsecond=0), occasion.stamped_at),
        window=window,
        gateway=announcement.gateway,
        channel=occasion.channel,
        given_by=occasion.given_by,
        verdict=_judge(Receipts(heard_at, heard_at, heard_at), window, None, occasion),
        remarks=announcement.remarks,
        left_out=announcement.left_out,
    )
    closure = begin(revision, closure_id=new_row_id(), reference=new_reference(), user=occasion.user)
    return Decision(None, closure, mark_of(announcement), revision, announcement)


def _decide_next(held: Held, announcement: Announcement, occasion: Occasion) -> Decision:
    closure, mark = held.closure, held.mark.after(announcement)
    step = step_of(closure, held.mark, announcement)
    if step is None:
        return Decision(held, closure, mark, None, announcement)
    if step is Step.SUPERSEDED:
        revision = unnumbered(closure, step, occasion.received_at, announcement, occasion)
        return Decision(held, advance(closure, revision), held.mark, revision, announcement)
    withdrawn = step is Step.WITHDRAWN
    window = closure.window if withdrawn else announcement.window or closure.window
    window_received_at = closure.window_received_at if withdrawn else occasion.heard_at
    received = Receipts(closure.first_received_at, window_received_at, occasion.received_at)
    replaced = None if closure.state is State.WITHDRAWN else closure.window
    revision = Revision(
        entry=closure.entries + 1,
        number=closure.number + 1,
        step=step,
        received_at=occasion.received_at,
        window_received_at=window_received_at,
        # Whole seconds, as iCalendar states them; never back with the clock, and a new second for each revision.
        changed_at=max(occasion.received_at.replace(microsecond=0), occasion.stamped_at, closure.changed_at + _SECOND),
        window=window,
        gateway=closure.gateway if withdrawn else announcement.gateway,
        channel=occasion.channel,
        given_by=occasion.given_by,
        verdict=_judge(received, window, replaced, occasion),
        remarks=announcement.remarks,
        left_out=announcement.left_out,
    )
    return Decision(held, advance(closure, revision), mark, revision, announcement)


def unnumbered(
    closure: PlannedClosure,
    step: Step,
    received_at: datetime,
    announcement: Announcement | None = None,
    occasion: Occasion | None = None,
) -> Revision:
    """Return an entry that changes nothing of what stands but its place in time: expiry, or a superseded notice."""
    return Revision(
        entry=closure.entries + 1,
        number=None,
        step=step,
        received_at=received_at,
        window_received_at=closure.window_received_at,
        changed_at=closure.changed_at,
        window=closure.window,
        gateway=closure.gateway,
        channel="" if occasion is None else occasion.channel,
        given_by="" if occasion is None else occasion.given_by,
        remarks=() if announcement is None else announcement.remarks,
        left_out=() if announcement is None else announcement.left_out,
    )


def _judge(received: Receipts, window: ClosureWindow, replaced: ClosureWindow | None, occasion: Occasion) -> Verdict:
    return judge(received, window, replaced, occasion.policy, occasion.working_days)


def acknowledge(
    decision: Decision, clashes: Mapping[str, tuple[str, ...]], also_at: Mapping[str, tuple[str, ...]]
) -> Acknowledgement:
    """Return what the sender is told of a decision, without the receipt that only recording gives."""
    closure, told = decision.closure, decision.announcement
    # The window of a closure that is planned again replaces nothing: there was none.
    again = decision.step is Step.PLANNED_AGAIN
    replaced = None if decision.held is None or again else decision.held.closure.window
    return Acknowledgement(
        closure=closure,
        step=decision.step,
        replaced=None if replaced == closure.window else replaced,
        remarks=() if told is None else told.remarks,
        left_out=() if told is None else told.left_out,
        clashes=clashes.get(closure.reference, ()),
        also_at=also_at.get(closure.reference, ()),
    )


def as_it_stands(held: Held) -> Acknowledgement:
    """Return a closure that a notice did not touch, in the words of an acknowledgement."""
    return Acknowledgement(held.closure, None)


def outcome_of(
    received_at: datetime,
    acknowledged: Sequence[Acknowledgement],
    problems: tuple[IntakeProblem, ...],
    remarks: tuple[str, ...],
    names: Names,
    *,
    counts: CountsJson,
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
        names=names,
        counts=counts,
        accepted=tuple(accepted),
        unchanged=tuple(kinds[None]),
        superseded=tuple(kinds[Step.SUPERSEDED]),
        withdrawn=tuple(kinds[Step.WITHDRAWN]),
        problems=problems,
        remarks=remarks,
    )


def _nothing_to_withdraw(announcement: Announcement) -> IntakeProblem:
    instant = original_start(announcement.recurrence_id)
    what = "a closure" if instant is None else f"an occurrence, that of {london_text(instant)},"
    return IntakeProblem(
        text=f"This withdraws {what} that we have not heard of.",
        remedy="Nothing is needed if it was never announced; else send the notice with the UID that announced it.",
        line=announcement.line,
        property="UID",
        code="nothing-to-withdraw",
    )
