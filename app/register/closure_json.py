"""Closures, revisions and late changes as JSON: the same facts for the API and for the command line."""

from collections.abc import Iterable
from datetime import datetime

from typing_extensions import TypedDict

from app.domain.closure import PlannedClosure, Revision, State, Step
from app.domain.london import Reading, london_date, london_text, utc_text
from app.domain.notice_period import NoticePeriod, last_on_time_day, reckon_start
from app.domain.party import Names
from app.domain.window import ClosureWindow
from app.register.reading import Question
from app.register.recorded_change import RecordedChange
from app.register.rulebook import Rulebook
from feeds.closure_json import ClosureJson, RecordedJson, WindowJson, closure_json, recorded_json, window_json
from feeds.entry import FeedEntry
from feeds.wording import notice_words, told_words

_Span = TypedDict("_Span", {"from": str, "to": str})  # "from" is a word of the language


def before_words(period: NoticePeriod) -> str:
    """Word how long before a window something was told, where that is named: ``3 Working Days before``."""
    return told_words(period.working_days, period.band)


class PastJson(_Span):
    """An answer about a span that is over: ``from`` <= t < ``to``."""


class SpanJson(_Span):
    """An answer about a span: ``from`` <= t < ``to``, as it was known at ``as_of`` if that was stated."""

    as_of: str | None


def span_facts(span: ClosureWindow, as_of: datetime | None) -> SpanJson:
    """Return what was asked about: the span, and the instant at which it was known."""
    return {
        "from": utc_text(span.starts),
        "to": utc_text(span.ends),
        "as_of": None if as_of is None else utc_text(as_of),
    }


def window_facts(window: ClosureWindow) -> WindowJson:
    """Return a window in UTC and in London time."""
    return window_json(window.starts, window.ends)


def given_words(period: NoticePeriod) -> str:
    """Word the notice given, without a full stop: ``7 Working Days' notice; 20 are recommended``.

    Where it was not counted from the day of receipt, that is said, and why.
    """
    words = notice_words(period.working_days, period.band, period.recommended_days)
    day, cut_off = period.counted_from, period.cut_off
    if day is None:
        return words
    why = "on a day that is no Working Day" if cut_off is None else f"after {cut_off:%H:%M}"
    return f"{words}; counted from the next Working Day, {day:%a} {day.day} {day:%b %Y}, because it came {why}"


def json_of(closure: PlannedClosure, names: Names, now: datetime) -> ClosureJson:
    """Return a closure as JSON, as it stands at ``now``: with as-of, at that instant."""
    return closure_json(entry_of(closure, names), now)


def counted_from_text(period: NoticePeriod) -> str | None:
    """Return the day from which a notice is counted, where that is not the day of its receipt."""
    return None if period.counted_from is None else period.counted_from.isoformat()


class ScheduleJson(SpanJson):
    """The closures in a span; in the API the Link header leads to the next page."""

    closures: list[ClosureJson]


def schedule_facts(question: Question, found: Iterable[PlannedClosure], names: Names, now: datetime) -> ScheduleJson:
    """Return the closures that were found in answer to a question."""
    at = question.as_of or now
    return {**span_facts(question.span, question.as_of), "closures": [json_of(closure, names, at) for closure in found]}


def entry_of(closure: PlannedClosure, names: Names) -> FeedEntry:
    """Return what anybody may be told of a closure: names joined in, the verdict as stored, the rest left behind."""
    verdict, moved = closure.verdict, closure.moved_from
    return FeedEntry(
        reference=closure.reference,
        user_code=closure.user,
        user_name=names.users.get(closure.user, ""),  # shredded since the closure was read
        gateway_code=closure.gateway,
        gateway_name=names.gateways.get(closure.gateway, ""),
        starts=closure.window.starts,
        ends=closure.window.ends,
        withdrawn=closure.state is State.WITHDRAWN,
        sequence=closure.number,
        created=closure.first_received_at.replace(microsecond=0),
        changed=closure.changed_at,
        notice_days=verdict.working_days_notice,
        first_notice_days=verdict.first_notice.working_days,
        recommended_days=verdict.current_date.recommended_days,
        band=verdict.current_date.band,
        short_notice=verdict.short_notice,
        late_change=verdict.late_change,
        moves=closure.moves,
        moved_from_starts=moved.starts if moved else None,
        moved_from_ends=moved.ends if moved else None,
        planned_ends=closure.plan.ends if closure.plan else None,
        closed_at=closure.fact.closed_at,
        reopened_at=closure.fact.reopened_at,
        is_watched=closure.is_watched,
        difference=None if closure.difference is None else closure.difference.value,
        provisional=closure.provisional,
    )


class NoticeGivenJson(TypedDict):
    """The notice that a revision gave, in Working Days, with the versions of the rules that counted it.

    ``working_days_notice`` and ``band`` are of the times that stood after it, ``change_days`` of the change itself.
    ``counted_from`` is the day from which the former is counted, where that is not the day on which they were told.
    """

    working_days_notice: int
    first_notice_days: int
    change_days: int
    band: str
    short_notice: bool
    late_change: bool
    counted_from: str | None
    policy_version: int
    holiday_table: str


class RevisionJson(TypedDict):
    """One entry of a history; ``revision`` is null for a superseded notice and for expiry."""

    entry: int
    revision: int | None
    change: Step
    received_at: str
    received_at_london: str
    channel: str | None
    gateway: str
    starts: str
    ends: str
    state: State
    notice: NoticeGivenJson | None
    remarks: list[str]
    left_out: list[str]


class HistoryJson(TypedDict):
    """Every entry of a closure's history, oldest first."""

    reference: str
    revisions: list[RevisionJson]


def revision_facts(revision: Revision, after: PlannedClosure) -> RevisionJson:
    """Return one entry of a history as JSON; ``after`` is what stood after it."""
    verdict = revision.verdict
    return {
        "entry": revision.entry,
        "revision": revision.number,
        "change": revision.step,
        "received_at": utc_text(revision.received_at),
        "received_at_london": london_text(revision.received_at),
        "channel": revision.channel or None,
        "gateway": revision.gateway,
        "starts": utc_text(revision.window.starts),
        "ends": utc_text(revision.window.ends),
        "state": after.state,
        "notice": None
        if verdict is None
        else {
            "working_days_notice": verdict.working_days_notice,
            "first_notice_days": verdict.first_notice.working_days,
            "change_days": verdict.change.working_days,
            "band": verdict.current_date.band,
            "short_notice": verdict.short_notice,
            "late_change": verdict.late_change,
            "counted_from": counted_from_text(verdict.current_date),
            "policy_version": verdict.change.policy_version,
            "holiday_table": verdict.change.holiday_version,
        },
        "remarks": list(revision.remarks),
        "left_out": list(revision.left_out),
    }


class LateChangeJson(RecordedJson):
    """One change known later than recommended, and the closure as it stood after it, at its receipt.

    A fact, and nobody's fault. ``change_days`` are the Working Days between the change and the window concerned.
    """

    change: Step
    received_at: str
    change_days: int
    policy_version: int
    holiday_table: str


def late_facts(late: RecordedChange, names: Names) -> LateChangeJson:
    """Return one late change as JSON: the closure as it stood after it, and what was late."""
    told = late.after.verdict.change
    return {
        **recorded_json(entry_of(late.after, names), late.received_at),
        "change": late.step,
        "received_at": utc_text(late.received_at),
        "change_days": told.working_days,
        "policy_version": told.policy_version,
        "holiday_table": told.holiday_version,
    }


class NoticePeriodJson(TypedDict):
    """The notice that a closure has that starts then and is told on ``given_on``.

    ``cut_off`` is the hour in London after which notice counts as given on the next Working Day, if there is one; the
    last on-time day ends then. ``counted_from`` is the day from which this notice is counted, where that is another
    than ``given_on``; ``notice`` is the notice in words.
    """

    start: str
    start_london: str
    start_read_as: Reading
    given_on: str
    cut_off: str | None
    counted_from: str | None
    notice: str
    working_days_notice: int
    band: str
    short_notice: bool
    recommended: int
    last_on_time_day: str
    policy_version: int
    holiday_table: str
    region: str


def notice_period_facts(rulebook: Rulebook, starts: datetime, read_as: Reading, told_at: datetime) -> NoticePeriodJson:
    """Return the notice that a closure starting then has when it is told at ``told_at``, by the policy of that day."""
    policy = rulebook.policy_for(told_at)
    working_days = rulebook.calendar_for(policy)
    period = reckon_start(told_at, starts, policy, working_days)
    cut_off = policy.cut_off
    return {
        "start": utc_text(starts),
        "start_london": london_text(starts),
        "start_read_as": read_as,
        "given_on": london_date(told_at).isoformat(),
        "cut_off": None if cut_off is None else f"{cut_off:%H:%M}",
        "counted_from": counted_from_text(period),
        "notice": f"{given_words(period)}.",
        "working_days_notice": period.working_days,
        "band": period.band,
        "short_notice": period.short_notice,
        "recommended": policy.recommended_days,
        "last_on_time_day": last_on_time_day(london_date(starts), policy, working_days).isoformat(),
        "policy_version": policy.version,
        "holiday_table": working_days.version,
        "region": policy.holiday_region,
    }
