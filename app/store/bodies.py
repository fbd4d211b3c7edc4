"""How closures and revisions are written before they are sealed: short JSON lists, instants as microseconds."""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.domain.closure import PlannedClosure, State, Step
from app.domain.late_change import Assessment
from app.domain.notice_period import NoticePeriod
from app.domain.window import ClosureWindow
from app.store.instants import from_micros, to_micros


@dataclass(frozen=True, slots=True)
class Standing:
    """A closure as it stands, with the lead times of its last applied revision.

    ``stamped_at`` is what the feed states as DTSTAMP and LAST-MODIFIED, in whole seconds: it rises with every numbered
    revision, even where two are received in one second or our clock is set back.
    """

    closure: PlannedClosure
    assessment: Assessment
    late_change: bool
    stamped_at: datetime


@dataclass(frozen=True, slots=True)
class Revision:
    """One entry in the history of a closure. ``number`` is None for a superseded notice and for expiry.

    ``window_received_at`` is when we heard of the window that stands after it: for a later occurrence of a rule, when
    we received the rule. ``channel`` and ``given_by`` say who told us and how; ``remarks`` say how times were read;
    ``left_out`` names what was not kept beyond date, time, gateway and reference.
    """

    entry: int
    number: int | None
    step: Step
    received_at: datetime
    window_received_at: datetime
    window: ClosureWindow
    gateway: str
    state: State
    channel: str
    given_by: str
    assessment: Assessment | None
    remarks: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()


def _dump(values: list[Any]) -> bytes:
    return json.dumps(values, separators=(",", ":"), ensure_ascii=False).encode()


def _micros(instant: datetime | None) -> int | None:
    return None if instant is None else to_micros(instant)


def _instant(micros: int | None) -> datetime | None:
    return None if micros is None else from_micros(micros)


def _span(window: ClosureWindow) -> list[int]:
    return [to_micros(window.starts), to_micros(window.ends)]


def _window(span: list[int]) -> ClosureWindow:
    return ClosureWindow(from_micros(span[0]), from_micros(span[1]))


def dump_assessment(assessment: Assessment) -> list[Any]:
    """Write the three lead times; they share the policy, so its facts are written once."""
    first, current, change = assessment.first_notice, assessment.current_date, assessment.change
    return [
        *(first.working_days, first.band, current.working_days, current.band, change.working_days, change.band),
        *(first.recommended_days, first.policy_version, first.holiday_version),
    ]


def load_assessment(values: list[Any]) -> Assessment:
    """Read what ``dump_assessment`` wrote."""
    recommended, policy_version, holiday_version = values[6:]

    def period(days: int, band: str) -> NoticePeriod:
        return NoticePeriod(days, band, days < recommended, recommended, policy_version, holiday_version)

    return Assessment(period(*values[0:2]), period(*values[2:4]), period(*values[4:6]))


def dump_standing(standing: Standing) -> bytes:
    """Write a closure as it stands. Its id and User are the row's, not the body's."""
    closure = standing.closure
    return _dump(
        [
            [closure.reference, closure.gateway, closure.uid, closure.recurrence_id, closure.position],
            [_span(closure.window), closure.state, closure.number, closure.entries],
            [to_micros(closure.first_received_at), to_micros(closure.window_received_at)],
            [closure.sender_sequence, _micros(closure.sender_dtstamp)],
            [closure.moved_from and _span(closure.moved_from), closure.moves, closure.former_gateways],
            [dump_assessment(standing.assessment), standing.late_change, to_micros(standing.stamped_at)],
        ]
    )


def load_standing(closure_id: bytes, user: str, body: bytes) -> Standing:
    """Read what ``dump_standing`` wrote."""
    identity, standing, received, sender, history, leads = json.loads(body)
    reference, gateway, uid, recurrence_id, position = identity
    span, state, number, entries = standing
    first_received, window_received = received
    sequence, dtstamp = sender
    moved_from, moves, former = history
    assessment, late, stamped = leads
    closure = PlannedClosure(
        id=closure_id,
        reference=reference,
        user=user,
        gateway=gateway,
        uid=uid,
        recurrence_id=recurrence_id,
        position=position,
        window=_window(span),
        state=State(state),
        number=number,
        entries=entries,
        first_received_at=from_micros(first_received),
        window_received_at=from_micros(window_received),
        sender_sequence=sequence,
        sender_dtstamp=_instant(dtstamp),
        moved_from=moved_from and _window(moved_from),
        moves=moves,
        former_gateways=tuple(former),
    )
    return Standing(closure, load_assessment(assessment), late, from_micros(stamped))


def dump_revision(revision: Revision) -> bytes:
    """Write one entry of a history. Entry, number and receipt are bound to the row as well and checked on reading."""
    return _dump(
        [
            [revision.entry, revision.number, revision.step, to_micros(revision.received_at)],
            [_span(revision.window), revision.gateway, revision.state, to_micros(revision.window_received_at)],
            [revision.channel, revision.given_by],
            [revision.assessment and dump_assessment(revision.assessment), revision.remarks, revision.left_out],
        ]
    )


def load_revision(body: bytes) -> Revision:
    """Read what ``dump_revision`` wrote."""
    mark, standing, source, findings = json.loads(body)
    entry, number, step, received = mark
    span, gateway, state, window_received = standing
    channel, given_by = source
    assessment, remarks, left_out = findings
    return Revision(
        entry=entry,
        number=number,
        step=Step(step),
        received_at=from_micros(received),
        window_received_at=from_micros(window_received),
        window=_window(span),
        gateway=gateway,
        state=State(state),
        channel=channel,
        given_by=given_by,
        assessment=assessment and load_assessment(assessment),
        remarks=tuple(remarks),
        left_out=tuple(left_out),
    )
