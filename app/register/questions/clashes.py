"""What clashes in a span: gateways closed together, closures on DCC's own dates (Q2), and hours above a threshold."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from functools import cache
from itertools import islice

from typing_extensions import TypedDict

from app.domain.access import Principal
from app.domain.clash import Clash, MaintenanceClash, find_clashes, find_maintenance_clashes
from app.domain.closure import PlannedClosure
from app.domain.load import crowds, hour_number, hourly_load, hours_around
from app.domain.maintenance import MaintenanceKind
from app.domain.refusal import Unknown
from app.register.closure_json import SpanJson, json_of, span_facts, window_facts
from app.register.questions.answer import count_words, sentence_of
from app.register.questions.load import HourJson, categories_of, hour_facts
from app.register.reading import Question, read_schedule
from app.register.register import Register
from feeds.closure_json import ClosureJson, WindowJson

MOST_PAIRS = 1_000
"""How many pairs one answer names: where hundreds are closed in one night, the hours say more than the pairs."""


class ClashJson(WindowJson):
    """Two closures of different gateways, and the window in which both are closed."""

    closures: list[ClosureJson]


class MaintenanceNamedJson(WindowJson):
    """One of DCC's own windows, by its reference."""

    reference: str
    kind: MaintenanceKind


class MaintenanceClashJson(WindowJson):
    """A closure on DCC's own dates, and the window that both share."""

    closure: ClosureJson
    maintenance: MaintenanceNamedJson


class ThresholdsJson(TypedDict):
    """Above how many gateways an hour counts as crowded."""

    version: int
    closed: int
    reopening: int


class ClashesJson(SpanJson):
    """What clashes in a span: advice, and nobody's fault. ``more``: there are more pairs than are named."""

    answer: str
    clashes: list[ClashJson]
    more: bool
    maintenance_clashes: list[MaintenanceClashJson]
    release_days: int
    crowded_hours: list[HourJson]
    thresholds: ThresholdsJson


def clashes_in(
    register: Register,
    principal: Principal,
    question: Question,
    now: datetime,
    *,
    release_days: int | None = None,
    maintenance: str | None = None,
) -> ClashesJson:
    """Answer what clashes among the closures that the principal may see.

    ``release_days`` says how far around a SEC Release counts (None: as the thresholds say), ``maintenance`` picks one
    of DCC's own windows by its reference; raise ``Unknown`` where there is none. A pair is in the answer where its
    overlap touches the span.
    """
    rulebook = register.rulebook()
    limits = rulebook.thresholds_at(question.as_of)
    days = limits.release_days if release_days is None else release_days
    planned = rulebook.maintenance_at(question.as_of)
    if maintenance is not None:
        planned = [entry for entry in planned if entry.reference == maintenance.strip().upper() and not entry.withdrawn]
        if not planned:
            raise Unknown("There is no such maintenance.", "Check the reference; it looks like DM-0123456789.")
    found = read_schedule(register, principal, replace(question, span=hours_around(question.span)))
    near = [clash for clash in find_maintenance_clashes(found, planned, days) if clash.overlap.overlaps(question.span)]
    pairs = (clash for clash in find_clashes(found) if clash.overlap.overlaps(question.span))
    named = [] if maintenance is not None else list(islice(pairs, MOST_PAIRS + 1))
    more = len(named) > MOST_PAIRS
    above = crowds(found, question.span, limits)
    crowded = [
        hour
        for hour in hourly_load(found, question.span, categories_of(register, principal))
        if hour_number(hour.starts) in above
    ]
    words = (
        f"{'more than ' if more else ''}{count_words(len(named[:MOST_PAIRS]), 'clash', 'clashes')} between gateways, "
        f"{count_words(len(near), 'closure')} on DCC's own dates, {count_words(len(crowded), 'hour')} above a threshold"
    )
    names = register.history.names

    @cache  # on a crowded night a closure stands in many pairs
    def side(one: PlannedClosure) -> ClosureJson:
        return json_of(one, names, question.as_of or now)

    return {
        "answer": sentence_of(words),
        **span_facts(question.span, question.as_of),
        "clashes": [_clash_facts(clash, side) for clash in named[:MOST_PAIRS]],
        "more": more,
        "maintenance_clashes": [_maintenance_facts(clash, side) for clash in near],
        "release_days": days,
        "crowded_hours": [hour_facts(hour) for hour in crowded],
        "thresholds": {"version": limits.version, "closed": limits.closed, "reopening": limits.reopening},
    }


def _clash_facts(one: Clash, side: Callable[[PlannedClosure], ClosureJson]) -> ClashJson:
    return {"closures": [side(one.first), side(one.second)], **window_facts(one.overlap)}


def _maintenance_facts(one: MaintenanceClash, side: Callable[[PlannedClosure], ClosureJson]) -> MaintenanceClashJson:
    return {
        "closure": side(one.closure),
        "maintenance": {
            "reference": one.maintenance.reference,
            "kind": one.maintenance.kind,
            **window_facts(one.maintenance.window),
        },
        **window_facts(one.overlap),
    }
