"""How closures and revisions are written before they are sealed: short JSON lists, instants as microseconds."""

import json
from datetime import date, datetime, time
from functools import lru_cache
from sys import intern
from typing import Any, NamedTuple

from app.domain.closure import PlannedClosure, Revision, State, Step
from app.domain.fact import NO_FACT, Fact
from app.domain.notice import SenderMark
from app.domain.notice_period import NoticePeriod
from app.domain.verdict import Verdict
from app.domain.window import ClosureWindow
from app.store.instants import from_micros, to_micros

_ENCODER = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, check_circular=False)
_DECODER = json.JSONDecoder()
_NOTHING_TOLD = (None, None, 0)
"""Plan, fact and whether it is provisional, as a body of before they were written has them."""


def _dump(values: list[Any]) -> bytes:
    return _ENCODER.encode(values).encode()


def _micros(instant: datetime | None) -> int | None:
    return None if instant is None else to_micros(instant)


def _instant(micros: int | None) -> datetime | None:
    return None if micros is None else from_micros(micros)


def _span(window: ClosureWindow) -> list[int]:
    return [to_micros(window.starts), to_micros(window.ends)]


def _window(span: list[int]) -> ClosureWindow:
    return ClosureWindow(from_micros(span[0]), from_micros(span[1]))


def _dump_fact(fact: Fact | None) -> list[Any] | None:
    """Write what was told; None where nothing was, which is what most closures hold."""
    if fact is None:
        return None
    return [_micros(fact.closed_at), _micros(fact.reopened_at), int(fact.is_watched)]


def _load_fact(values: list[Any]) -> Fact:
    closed_at, reopened_at, is_watched = values
    return Fact(_instant(closed_at), _instant(reopened_at), bool(is_watched))


def dump_verdict(verdict: Verdict) -> list[Any]:
    """Write a verdict as it was judged; its three periods share the policy, so its facts are written once."""
    first = verdict.first_notice
    periods = [
        [period.working_days, period.band, int(period.short_notice), *_dump_counted_from(period)]
        for period in (first, verdict.current_date, verdict.change)
    ]
    return [*periods, first.recommended_days, first.policy_version, first.holiday_version]


def load_verdict(values: list[Any]) -> Verdict:
    """Read what ``dump_verdict`` wrote; nothing is judged again, whatever the rule is by now."""
    first, current, change, *rule = values
    return Verdict(_load_period(*rule, *first), _load_period(*rule, *current), _load_period(*rule, *change))


@lru_cache(maxsize=4096)
def _load_period(  # noqa: PLR0917 - as they are written
    recommended: int,
    policy_version: int,
    holiday_version: str,
    days: int,
    band: str,
    short: int,
    day: str | None = None,
    cut_off: str | None = None,
) -> NoticePeriod:
    """Read one period. They are few: a hundred thousand closures that are held share a few hundred of them."""
    from_day, from_time = _load_counted_from(day, cut_off)
    return NoticePeriod(days, band, bool(short), recommended, policy_version, holiday_version, from_day, from_time)


_received_at = lru_cache(maxsize=1024)(from_micros)
"""What a notice tells was received at one instant: closures that are held together share it."""


def _dump_counted_from(period: NoticePeriod) -> list[str | None]:
    """Write from when a period was counted and the cut-off, only where it was not the day of receipt: few are."""
    day, cut_off = period.counted_from, period.cut_off
    return [] if day is None else [day.isoformat(), None if cut_off is None else cut_off.isoformat("minutes")]


def _load_counted_from(day: str | None = None, cut_off: str | None = None) -> tuple[date | None, time | None]:
    return (
        None if day is None else date.fromisoformat(day),
        None if cut_off is None else time.fromisoformat(cut_off),
    )


def dump_closure(closure: PlannedClosure, mark: SenderMark, change: int) -> bytes:
    """Write a closure as it stands, the sender's mark, and the change number that its row states in the clear.

    Its id and User are the row's, not the body's.
    """
    return _dump(
        [
            [closure.reference, closure.gateway, mark.uid, mark.recurrence_id, mark.position],
            [_span(closure.window), closure.state, closure.number, closure.entries],
            [
                to_micros(closure.first_received_at),
                to_micros(closure.window_received_at),
                to_micros(closure.changed_at),
            ],
            [mark.sequence, _micros(mark.dtstamp)],
            [closure.moved_from and _span(closure.moved_from), closure.moves, closure.former_gateways],
            dump_verdict(closure.verdict),
            change,
            [
                closure.plan and _span(closure.plan),
                None if closure.fact == NO_FACT else _dump_fact(closure.fact),
                int(closure.provisional),
            ],
        ]
    )


class ClosureMarks(NamedTuple):
    """What of ``dump_closure`` the rows beside it state too; times in microseconds since 1970."""

    reference: str
    gateway: str
    uid: str
    recurrence_id: str
    starts: int
    ends: int
    state: str
    number: int
    entries: int
    change: int | None
    is_watched: bool


def closure_marks(body: bytes) -> ClosureMarks:
    """Read them, and nothing else: verification reads a million bodies."""
    (reference, gateway, uid, recurrence_id, _), standing, _, _, _, _, *later = json.loads(body)
    (starts, ends), state, number, entries = standing
    change, fact = later[0] if later else None, later[1][1] if len(later) > 1 else None
    is_watched = state == State.PLANNED and fact is not None and bool(fact[2])
    return ClosureMarks(
        reference, gateway, uid, recurrence_id, starts, ends, state, number, entries, change, is_watched
    )


def load_closure(closure_id: bytes, user: str, body: bytes) -> tuple[PlannedClosure, SenderMark, int | None]:
    """Read what ``dump_closure`` wrote; the change number is None in one of before 0.1.0."""
    identity, standing, received, sender, history, verdict, *later = json.loads(body)
    change, (plan, fact, provisional) = later[0] if later else None, later[1] if len(later) > 1 else _NOTHING_TOLD
    reference, gateway, uid, recurrence_id, position = identity
    span, state, number, entries = standing
    first_received, window_received, changed = received
    sequence, dtstamp = sender
    moved_from, moves, former = history
    closure = PlannedClosure(
        id=closure_id,
        reference=reference,
        user=user,
        gateway=intern(gateway),  # few, each of many closures that are held
        window=_window(span),
        state=State(state),
        number=number,
        entries=entries,
        first_received_at=_received_at(first_received),
        window_received_at=_received_at(window_received),
        changed_at=_received_at(changed),
        verdict=load_verdict(verdict),
        moved_from=moved_from and _window(moved_from),
        moves=moves,
        former_gateways=tuple(former),
        plan=plan and _window(plan),
        fact=_load_fact(fact) if fact else NO_FACT,
        provisional=bool(provisional),
    )
    return closure, SenderMark(uid, recurrence_id, position, sequence, _instant(dtstamp)), change


def dump_revision(revision: Revision) -> bytes:
    """Write one entry of a history. Entry, number and receipt are bound to the row as well and checked on reading."""
    return _dump(
        [
            [revision.entry, revision.number, revision.step, to_micros(revision.received_at)],
            [_span(revision.window), revision.gateway, to_micros(revision.window_received_at)],
            [to_micros(revision.changed_at), revision.channel, revision.given_by],
            [revision.verdict and dump_verdict(revision.verdict), revision.remarks, revision.left_out],
            [_dump_fact(revision.fact), int(revision.provisional)],
        ]
    )


def revision_marks(body: bytes) -> tuple[int, int | None, int]:
    """Read what of ``dump_revision`` its row states as well: entry, number and receipt, in microseconds since 1970."""
    # The first list alone: verification reads a million of them.
    (entry, number, _, received), _ = _DECODER.raw_decode(body.decode(), 1)
    return entry, number, received


def verdict_marks(body: bytes) -> tuple[int, str, bool]:
    """Read what of ``dump_verdict`` an assessment's row states too: policy, holiday table and whether it is late."""
    (_, _, change, _, policy_version, holiday_version), _ = _DECODER.raw_decode(body.decode())
    return policy_version, holiday_version, bool(change[2])


def load_revision(body: bytes) -> Revision:
    """Read what ``dump_revision`` wrote."""
    mark, standing, source, findings, *later = json.loads(body)
    fact, provisional = later[0] if later else (None, 0)
    entry, number, step, received = mark
    span, gateway, window_received = standing
    changed, channel, given_by = source
    verdict, remarks, left_out = findings
    return Revision(
        entry=entry,
        number=number,
        step=Step(step),
        received_at=_received_at(received),
        window_received_at=_received_at(window_received),
        changed_at=_received_at(changed),
        window=_window(span),
        gateway=intern(gateway),
        channel=channel,
        given_by=given_by,
        verdict=verdict and load_verdict(verdict),
        remarks=tuple(remarks),
        left_out=tuple(left_out),
        fact=_load_fact(fact) if fact else None,
        provisional=bool(provisional),
    )
