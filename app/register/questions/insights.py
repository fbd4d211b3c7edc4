"""What the closures of some quarters show together: notice, lateness, re-openings, silence, moves beside lead."""

from datetime import date, datetime

from typing_extensions import TypedDict

from app.domain.access import Principal
from app.domain.closure import PlannedClosure
from app.domain.figures import (
    QuarterFigures,
    churn_by_user,
    figures_by_quarter,
    is_counted,
    notice_given,
    reopenings_by_hour,
)
from app.domain.london import london_date, utc_text, whole_days
from app.domain.window import ClosureWindow
from app.register.closure_json import SpanJson, span_facts
from app.register.questions.answer import count_words, sentence_of, span_words
from app.register.questions.silent_users import SilentUserJson, silent_users
from app.register.reading import Question, read_schedule
from app.register.register import Register

SILENT_MONTHS = 6
_MOST_MOVED = 20
_TWICE = 2
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


class BandCountJson(TypedDict):
    """How many closures have notice of one band."""

    band: str
    closures: int


class QuarterJson(TypedDict):
    """A User's closures planned to start in a quarter: with short notice, and how they went by what was told."""

    user: str
    quarter: str
    closures: int
    short_notice: int
    early: int
    over_time: int
    not_taken_place: int


class HourOfWeekJson(TypedDict):
    """How often a gateway re-opens in an hour of the week, on London's clocks: as told, else as planned."""

    weekday: str
    hour: int
    reopenings: int


class MostMovedJson(TypedDict):
    """A closure that was moved twice or more."""

    reference: str
    user: str
    gateway: str
    starts: str
    moves: int


class ChurnJson(TypedDict):
    """A User's moves beside the median Working Days of its first notices."""

    user: str
    closures: int
    moves: int
    moves_per_closure: float
    first_notice_days: float


class InsightsJson(SpanJson):
    """What the closures planned to start in a span show together; those withdrawn before it are not counted.

    ``silent`` are Users without any notice for ``silent_months`` before now.
    """

    answer: str
    closures: int
    short_notice: int
    notice: list[BandCountJson]
    quarters: list[QuarterJson]
    reopenings: list[HourOfWeekJson]
    silent_months: int
    silent: list[SilentUserJson]
    moved: list[MostMovedJson]
    churn: list[ChurnJson]


def four_quarters(now: datetime) -> ClosureWindow:
    """Return the span that is meant where none is named: the quarter of ``now`` in London, and the three before it."""
    today = london_date(now)
    month = today.year * 12 + today.month - 1
    begins, after = (_month_begins(month - month % 3 + added) for added in (-9, 3))
    return whole_days(begins, after)


def _month_begins(month: int) -> date:
    """Return the first day of a month that is counted from year 0."""
    return date(month // 12, month % 12 + 1, 1)


def insights_of(register: Register, principal: Principal, span: ClosureWindow, now: datetime) -> InsightsJson:
    """Answer what the closures that start in a span, and that the principal may see, show together."""
    found = [
        closure
        for closure in read_schedule(register, principal, Question(span))
        if span.contains(closure.planned.starts) and is_counted(closure)
    ]
    short = sum(closure.verdict.short_notice for closure in found)
    moved = sorted((one for one in found if one.moves >= _TWICE), key=lambda one: (-one.moves, one.window.starts))
    words = (
        f"of {count_words(len(found), 'closure')} that {'starts' if len(found) == 1 else 'start'} in "
        f"{span_words(span)}, {short or 'none'} {'has' if short == 1 else 'have'} short notice "
        f"and {len(moved) or 'none'} {'was' if len(moved) == 1 else 'were'} moved twice or more"
    )
    policy = register.rulebook().policy_for(now)
    return {
        "answer": sentence_of(words),
        **span_facts(span, None),
        "closures": len(found),
        "short_notice": short,
        "notice": [{"band": band, "closures": count} for band, count in notice_given(found, policy).items()],
        "quarters": [_quarter_facts(one) for one in figures_by_quarter(found, now)],
        "reopenings": [
            {"weekday": WEEKDAYS[weekday], "hour": hour, "reopenings": count}
            for (weekday, hour), count in sorted(reopenings_by_hour(found).items())
        ],
        "silent_months": SILENT_MONTHS,
        "silent": silent_users(register, principal, SILENT_MONTHS, None, now)["users"],
        "moved": [_moved_facts(one) for one in sorted(moved, key=lambda one: (-one.moves, one.window.starts))][
            :_MOST_MOVED
        ],
        "churn": [
            {
                "user": one.user,
                "closures": one.closures,
                "moves": one.moves,
                "moves_per_closure": one.moves_per_closure,
                "first_notice_days": one.first_notice_days,
            }
            for one in churn_by_user(found)
        ],
    }


def _quarter_facts(one: QuarterFigures) -> QuarterJson:
    return {
        "user": one.user,
        "quarter": one.quarter,
        "closures": one.closures,
        "short_notice": one.short_notice,
        "early": one.early,
        "over_time": one.over_time,
        "not_taken_place": one.not_taken_place,
    }


def _moved_facts(closure: PlannedClosure) -> MostMovedJson:
    return {
        "reference": closure.reference,
        "user": closure.user,
        "gateway": closure.gateway,
        "starts": utc_text(closure.window.starts),
        "moves": closure.moves,
    }
