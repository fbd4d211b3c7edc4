"""Which gateways are closed in a span, and at most how many (Q1); at an instant (Q8); incident triage of one (Q7)."""

from datetime import datetime, timedelta

from typing_extensions import TypedDict

from app.domain.access import Principal
from app.domain.closure import PlannedClosure, State
from app.domain.fact import NO_FACT
from app.domain.load import peak_of
from app.domain.london import london_text, utc_text
from app.domain.party import Names
from app.domain.told_fact import told_words
from app.domain.triage import Triage, TriageState, triage
from app.domain.window import ClosureWindow
from app.register.closure_json import SpanJson, given_words, json_of, span_facts, window_facts
from app.register.questions.answer import count_words, sentence_of, span_words
from app.register.reading import (
    Question,
    read_closed,
    read_of_gateways,
    read_over_time,
    read_schedule,
    require_gateway,
)
from app.register.register import Register
from feeds.closure_json import ClosureJson, WindowJson

_INSTANT, _MINUTE = timedelta(microseconds=1), timedelta(minutes=1)
_NEAR = timedelta(days=56)


class PeakJson(WindowJson):
    """The window in which most gateways are closed at once, and how many."""

    closed: int


class ClosedInSpanJson(SpanJson):
    """Which gateways are closed at any part of a span; the Link header leads to the next page of closures."""

    answer: str
    gateways: list[str]
    peak: PeakJson
    closures: list[ClosureJson]


class ToldLaterJson(ClosureJson):
    """A closure whose window was told of only after the instant that is asked about."""

    told_at: str


class _Instant(TypedDict):
    at: str
    at_london: str
    as_of: str | None


class _Triaged(TypedDict):
    inside: list[ClosureJson]
    told_later: list[ToldLaterJson]
    nearest: ClosureJson | None


class ClosedAtJson(_Instant, _Triaged):
    """Which gateways are in a planned closure at an instant."""

    answer: str
    gateways: list[str]


class ClosedGatewayJson(_Instant, _Triaged):
    """Whether one gateway is in a planned closure at an instant; if not, the nearest, and what was told later."""

    answer: str
    gateway: str
    closed: bool


def closed_in(
    register: Register, principal: Principal, span: ClosureWindow, as_of: datetime | None, now: datetime
) -> ClosedInSpanJson:
    """Answer which gateways are closed at any part of ``span``, and how many at the peak (Q1)."""
    found = _standing(read_schedule(register, principal, Question(span, as_of=as_of)))
    gateways = sorted({closure.gateway for closure in found})
    peak = peak_of(found, span)
    words = f"{count_words(len(gateways), 'gateway')} closed in {span_words(span)}"
    if peak.closed:
        words += f"; at most {peak.closed} at once, {span_words(ClosureWindow(peak.starts, peak.ends))}"
    names = register.history.names
    return {
        "answer": sentence_of(words),
        **span_facts(span, as_of),
        "gateways": gateways,
        "peak": {"closed": peak.closed, **window_facts(ClosureWindow(peak.starts, peak.ends))},
        "closures": [json_of(closure, names, as_of or now) for closure in found],
    }


def closed_at(register: Register, principal: Principal, at: datetime, as_of: datetime | None) -> ClosedAtJson:
    """Answer which gateways are inside a window at an instant; those told of only later stand apart (Q8)."""
    question = Question(ClosureWindow(at, at + _INSTANT), as_of=as_of)
    met = [*read_closed(register, principal, at, as_of), *read_schedule(register, principal, question)]
    found = triage(dict.fromkeys(met), at)
    gateways = sorted({closure.gateway for closure in found.inside})
    words = f"{count_words(len(gateways), 'gateway')} in a planned closure at {london_text(at)}"
    if gateways:
        words += f": {', '.join(gateways)}"
    if found.told_later:
        words += f"; {count_words(len(found.told_later), 'window')} told of only later"
    names = register.history.names
    return {
        "answer": sentence_of(words),
        **_at_facts(at, as_of),
        "gateways": gateways,
        **_triage_facts(found, names, at),
    }


def triage_gateway(
    register: Register, principal: Principal, gateway: str, at: datetime, as_of: datetime | None
) -> ClosedGatewayJson:
    """Answer whether one gateway is in a planned closure at an instant, or what is nearest (Q7).

    Raise ``Unknown`` for a gateway that is not there, or not for the principal to see.
    """
    require_gateway(register, principal, gateway)
    near = Question(ClosureWindow(at - _NEAR, at + _NEAR), gateway=gateway, as_of=as_of)
    over = [one for one in read_over_time(register, principal, at, as_of) if one.gateway == gateway]
    found = triage(dict.fromkeys([*over, *read_schedule(register, principal, near)]), at)
    if not (found.inside or found.told_later or found.nearest):
        # Nothing within weeks: what is nearest is further away than that.
        found = triage(read_of_gateways(register, principal, {gateway}, as_of), at)
    names = register.history.names
    return {
        "answer": sentence_of(_triage_words(gateway, found, at)),
        **_at_facts(at, as_of),
        "gateway": gateway,
        "closed": bool(found.inside),
        **_triage_facts(found, names, at),
    }


def _told_words(gateway: str, found: Triage, at: datetime) -> str:
    """Word a closure of which something was told as it happened, or by which the gateway is closed; "" for none."""
    if found.state is TriageState.OVER_TIME:
        one = found.about[0]
        over = f"{-(-(at - one.planned.ends) // _MINUTE)} min over"
        return f"{gateway} is over time, {told_words(one)}, not told re-opened: {over}"
    if found.state is TriageState.PLANNED:
        one = found.about[0]
        is_told = one.plan is not None or one.fact != NO_FACT
        return f"{gateway} is in a planned closure, {told_words(one) if is_told else _with_notice(one)}"
    if found.state is TriageState.REOPENED:
        return f"{gateway} has re-opened, {told_words(found.about[0])}"
    return ""


def _triage_words(gateway: str, found: Triage, at: datetime) -> str:
    told = _told_words(gateway, found, at)
    if told:
        return told
    outside = f"{gateway} is not in a planned closure at {london_text(at)}"
    if found.told_later:
        one = found.told_later[0]
        return f"{outside}; {span_words(one.window)} was told of later, on {london_text(one.window_received_at)}"
    if found.nearest is None:
        return f"{outside}, and none is known"
    if found.nearest.window.starts > at:
        return f"{outside}; its next closure is {_with_notice(found.nearest)}"
    return f"{outside}; its last closure ended {london_text(found.nearest.window.ends)}"


def _with_notice(one: PlannedClosure) -> str:
    words = given_words(one.verdict.current_date)
    return f"{span_words(one.window)}: {words[0].lower()}{words[1:]}"


def _standing(found: list[PlannedClosure]) -> list[PlannedClosure]:
    return [closure for closure in found if closure.state is not State.WITHDRAWN]


def _at_facts(at: datetime, as_of: datetime | None) -> _Instant:
    return {"at": utc_text(at), "at_london": london_text(at), "as_of": None if as_of is None else utc_text(as_of)}


def _triage_facts(found: Triage, names: Names, at: datetime) -> _Triaged:
    return {
        "inside": [json_of(closure, names, at) for closure in found.inside],
        "told_later": [
            {**json_of(closure, names, at), "told_at": utc_text(closure.window_received_at)}
            for closure in found.told_later
        ],
        "nearest": None if found.nearest is None else json_of(found.nearest, names, at),
    }
