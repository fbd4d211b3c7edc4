"""What becomes of each announcement, as values: the revision, what stands after it, the verdict, and the words back."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from app.domain.closure import PlannedClosure, Revision, State, Step, advance, begin, step_of, tells_the_end
from app.domain.fact import Fact
from app.domain.london import london_text
from app.domain.notice import Announcement, SenderMark, mark_of
from app.domain.notice_policy import NoticePolicy
from app.domain.party import Names
from app.domain.refusal import IntakeProblem
from app.domain.told_fact import FactStep
from app.domain.verdict import Receipts, Verdict, judge
from app.domain.window import ClosureWindow
from app.domain.working_days import WorkingDayCalendar
from app.ical.recurrence import original_start
from app.register.conflict_json import NOTHING_MET, Met
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
        return self.revision.number is not None

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
        provisional=announcement.provisional,
    )
    closure = begin(revision, closure_id=new_row_id(), reference=new_reference(), user=occasion.user)
    return Decision(None, closure, mark_of(announcement), revision, announcement)


def _decide_next(held: Held, announcement: Announcement, occasion: Occasion) -> Decision:
    closure, mark = held.closure, held.mark.after(announcement)
    step = step_of(closure, held.mark, announcement, occasion.received_at)
    if step is None:
        return Decision(held, closure, mark, None, announcement)
    if step is Step.SUPERSEDED:
        revision = unnumbered(closure, step, occasion.received_at, announcement, occasion)
        return Decision(held, advance(closure, revision), held.mark, revision, announcement)
    withdrawn = step is Step.WITHDRAWN
    window = closure.window if withdrawn else announcement.window or closure.window
    fact = _fact_of(closure, step, window, occasion)
    keeps_notice = withdrawn or not step.is_judged
    window_received_at = closure.window_received_at if keeps_notice else occasion.heard_at
    received = Receipts(closure.first_received_at, window_received_at, occasion.received_at)
    replaced = None if closure.state is State.WITHDRAWN else closure.window
    revision = Revision(
        entry=closure.entries + 1,
        number=closure.number + 1,
        step=step,
        received_at=occasion.received_at,
        window_received_at=window_received_at,
        changed_at=_stamp_after(closure, occasion),
        window=window,
        gateway=closure.gateway if withdrawn else announcement.gateway,
        channel=occasion.channel,
        given_by=occasion.given_by,
        verdict=_judge(received, window, replaced, occasion) if step.is_judged else None,
        remarks=announcement.remarks,
        left_out=announcement.left_out,
        fact=fact,
        provisional=closure.provisional if withdrawn else announcement.provisional,
    )
    return Decision(held, advance(closure, revision), mark, revision, announcement)


def decide_fact(held: Held, told: FactStep, before: PlannedClosure | None, occasion: Occasion) -> Decision:
    """Return what becomes of what was told as it happened.

    ``before`` is how the closure stood before what is taken back, None where nothing is. Only a new time at which the
    gateway re-opens is a revision of what feeds show, and only a longer or shorter closure is judged as a change.
    """
    closure, is_new = held.closure, told.window != held.closure.window
    window_received_at, verdict = closure.window_received_at, None
    if before is not None:
        window_received_at, verdict = before.window_received_at, before.verdict
    elif told.step.is_judged:
        window_received_at = occasion.heard_at
        received = Receipts(closure.first_received_at, window_received_at, occasion.received_at)
        verdict = _judge(received, told.window, closure.window, occasion)
    revision = Revision(
        entry=closure.entries + 1,
        number=closure.number + 1 if is_new else None,
        step=told.step,
        received_at=occasion.received_at,
        window_received_at=window_received_at,
        changed_at=_stamp_after(closure, occasion) if is_new else closure.changed_at,
        window=told.window,
        gateway=closure.gateway,
        channel=occasion.channel,
        given_by=occasion.given_by,
        verdict=verdict,
        fact=told.fact,
        provisional=closure.provisional,
    )
    return Decision(held, advance(closure, revision), held.mark, revision)


def _fact_of(closure: PlannedClosure, step: Step, window: ClosureWindow, occasion: Occasion) -> Fact | None:
    """Return what a notice tells of how it went; None where it tells a plan."""
    if step is Step.REOPENED:
        return Fact(closure.fact.closed_at, window.ends)
    told = step in {Step.LENGTHENED, Step.SHORTENED} and tells_the_end(closure, window, occasion.received_at)
    return replace(closure.fact, reopened_at=None) if told else None


def _stamp_after(closure: PlannedClosure, occasion: Occasion) -> datetime:
    """Return when the next revision was made, for feeds.

    Whole seconds, as iCalendar states them; never back with the clock, and a new second for each revision.
    """
    return max(occasion.received_at.replace(microsecond=0), occasion.stamped_at, closure.changed_at + _SECOND)


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
        provisional=closure.provisional,
    )


def _judge(received: Receipts, window: ClosureWindow, replaced: ClosureWindow | None, occasion: Occasion) -> Verdict:
    return judge(received, window, replaced, occasion.policy, occasion.working_days)


def acknowledge(
    decision: Decision,
    clashes: Mapping[str, tuple[str, ...]],
    also_at: Mapping[str, tuple[str, ...]],
    met: Mapping[str, Met],
) -> Acknowledgement:
    """Return what the sender is told of a decision, without the receipt that only recording gives."""
    closure, told = decision.closure, decision.announcement
    # The window of a closure that is planned again replaces nothing: there was none.
    again = decision.step is Step.PLANNED_AGAIN
    replaced = None if decision.held is None or again else decision.held.closure.window
    return Acknowledgement(
        closure=closure,
        step=decision.step,
        is_numbered=decision.revision is not None and decision.revision.number is not None,
        replaced=None if replaced == closure.window else replaced,
        remarks=() if told is None else told.remarks,
        left_out=() if told is None else told.left_out,
        clashes=clashes.get(closure.reference, ()),
        also_at=also_at.get(closure.reference, ()),
        met=met.get(closure.reference, NOTHING_MET),
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
