"""What many closures show together: notice given, lateness by User and quarter, re-openings by hour, and churn.

Facts for learning from, and nobody's fault. Each function takes closures that count: see ``is_counted``.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from statistics import median

from app.domain.closure import PlannedClosure, State
from app.domain.fact import Difference
from app.domain.load import reopenings
from app.domain.london import LONDON, london_date
from app.domain.notice_period import AFTER_END, AFTER_START
from app.domain.notice_policy import NoticePolicy


@dataclass(frozen=True, slots=True)
class QuarterFigures:
    """The closures of one User planned to start in one quarter: at short notice, and how they went by what was told."""

    user: str
    quarter: str
    closures: int
    short_notice: int
    early: int
    over_time: int
    not_taken_place: int


@dataclass(frozen=True, slots=True)
class Churn:
    """How often one User's closures were moved, beside the median Working Days of their first notices.

    A long lead that was always moved is worth less.
    """

    user: str
    closures: int
    moves: int
    first_notice_days: float

    @property
    def moves_per_closure(self) -> float:
        """Return how often one was moved on average, to a hundredth."""
        return round(self.moves / self.closures, 2)


def is_counted(closure: PlannedClosure) -> bool:
    """Tell whether a closure counts: one withdrawn before its start was only a plan."""
    return closure.state is not State.WITHDRAWN or closure.difference is Difference.NOT_TAKEN_PLACE


def quarter_of(day: date) -> str:
    """Return the calendar quarter of a day: ``2026-Q4``."""
    return f"{day.year}-Q{(day.month + 2) // 3}"


def notice_given(closures: Iterable[PlannedClosure], policy: NoticePolicy) -> dict[str, int]:
    """Count the closures by band of the notice of the times that stand, most notice first; empty bands are there.

    The days are those that were counted at receipt; their bands are those of ``policy``, so that closures judged by
    different policies stand side by side. Retrospective notices have bands of their own.
    """
    bands = dict.fromkeys([policy.band(days) for days in range(policy.recommended_days, -1, -1)], 0)
    found = bands | {AFTER_START: 0, AFTER_END: 0}
    for closure in closures:
        notice = closure.verdict.current_date
        found[notice.band if notice.band in {AFTER_START, AFTER_END} else policy.band(notice.working_days)] += 1
    return found


def figures_by_quarter(closures: Iterable[PlannedClosure], now: datetime) -> list[QuarterFigures]:
    """Return the figures of each User and quarter in which it has a closure, by User and quarter.

    A closure belongs to the quarter of the London day on which it was planned to start.
    """
    held: defaultdict[tuple[str, str], list[PlannedClosure]] = defaultdict(list)
    for closure in closures:
        held[closure.user, quarter_of(london_date(closure.planned.starts))].append(closure)
    return [_figures(user, quarter, found, now) for (user, quarter), found in sorted(held.items())]


def _figures(user: str, quarter: str, found: Sequence[PlannedClosure], now: datetime) -> QuarterFigures:
    went = Counter(closure.difference_at(now) for closure in found)
    return QuarterFigures(
        user=user,
        quarter=quarter,
        closures=len(found),
        short_notice=sum(closure.verdict.short_notice for closure in found),
        early=went[Difference.EARLY],
        over_time=went[Difference.OVER_TIME],
        not_taken_place=went[Difference.NOT_TAKEN_PLACE],
    )


def reopenings_by_hour(closures: Iterable[PlannedClosure]) -> Counter[tuple[int, int]]:
    """Count, by (weekday from Monday 0, hour) on London's clocks, how often a gateway opens again.

    That is as it was told, else as planned; one that was withdrawn did not close.
    """
    standing = [closure for closure in closures if closure.state is not State.WITHDRAWN]
    local = (instant.astimezone(LONDON) for instant, _ in reopenings(standing))
    return Counter((instant.weekday(), instant.hour) for instant in local)


def churn_by_user(closures: Iterable[PlannedClosure]) -> list[Churn]:
    """Return how often each User's closures were moved, the most moves for a closure first."""
    held: defaultdict[str, list[PlannedClosure]] = defaultdict(list)
    for closure in closures:
        held[closure.user].append(closure)
    found = [
        Churn(
            user,
            len(own),
            sum(closure.moves for closure in own),
            float(median(closure.verdict.first_notice.working_days for closure in own)),
        )
        for user, own in held.items()
    ]
    return sorted(found, key=lambda churn: (-churn.moves_per_closure, churn.user))
