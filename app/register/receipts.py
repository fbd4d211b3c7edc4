"""What a sender gets back: acknowledgements with their signed receipts, and the whole answer to one notice."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import NotRequired, cast

from typing_extensions import TypedDict

from app.domain.closure import PlannedClosure, Step
from app.domain.london import utc_text
from app.domain.party import Names
from app.domain.refusal import IntakeProblem
from app.domain.window import ClosureWindow
from app.register.closure_json import counted_from_text, given_words, json_of, window_facts
from app.register.conflict_json import NOTHING_MET, ConflictJson, Met
from app.register.event_counts import CountsJson
from app.security.signing import SigningKey, sign_receipt
from feeds.closure_json import ClosureJson, WindowJson


class ReceiptJson(TypedDict):
    """The signed receipt of a revision. Keep it: it proves what was recorded, and when."""

    reference: str
    revision: int
    window_sha256: str
    received_at: str
    leaf_index: int
    leaf: str
    tree_size: int
    root: str
    key: str
    signature: str


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """What we tell the sender about one closure after a notice.

    ``closure`` is what stands. ``step`` is what this notice did; None where it said nothing new. ``is_numbered``: it is
    a revision. ``replaced`` is the window that it moved. ``clashes`` are the references of the sender's own closures at
    other gateways that overlap; ``also_at`` are other gateways of the sender at which the same event stands. ``met`` is
    what it meets.
    """

    closure: PlannedClosure
    step: Step | None
    is_numbered: bool = False
    replaced: ClosureWindow | None = None
    remarks: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    clashes: tuple[str, ...] = ()
    also_at: tuple[str, ...] = ()
    met: Met = NOTHING_MET
    receipt: ReceiptJson | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """The whole answer to one notice. ``recorded`` is false for a preview and for an all-or-nothing notice refused.

    ``names`` are the sender's own. ``missing`` are its planned closures ahead that the notice does not mention; only a
    preview looks for them.
    """

    received_at: datetime
    recorded: bool
    names: Names
    counts: CountsJson
    accepted: tuple[Acknowledgement, ...] = ()
    unchanged: tuple[Acknowledgement, ...] = ()
    superseded: tuple[Acknowledgement, ...] = ()
    withdrawn: tuple[Acknowledgement, ...] = ()
    problems: tuple[IntakeProblem, ...] = ()
    remarks: tuple[str, ...] = ()
    missing: tuple[Acknowledgement, ...] = ()


def window_hash(reference: str, what: int | Step, gateway: str, window: ClosureWindow) -> str:
    """Return the hex SHA-256 by which a receipt is bound to date, time and gateway without stating them.

    ``what`` is the number of a revision, or the step that got none.
    """
    text = f"{reference}|{what}|{gateway}|{utc_text(window.starts)}|{utc_text(window.ends)}"
    return sha256(text.encode()).hexdigest()


def make_receipt(
    key: SigningKey,
    acknowledgement: Acknowledgement,
    received_at: datetime,
    leaf: tuple[int, bytes],
    tree: tuple[int, bytes],
) -> ReceiptJson:
    """Sign that a revision was recorded: where its leaf stands in the log, and the tree (size, root) that holds it."""
    closure = acknowledgement.closure
    what = closure.number if acknowledgement.is_numbered else acknowledgement.step
    assert what is not None
    digest = window_hash(closure.reference, what, closure.gateway, closure.window)
    return sign_revision(key, (closure.reference, closure.number, digest), received_at, leaf, tree)


def sign_revision(
    key: SigningKey,
    stated: tuple[str, int, str],
    received_at: datetime,
    leaf: tuple[int, bytes],
    tree: tuple[int, bytes],
) -> ReceiptJson:
    """Sign a receipt of what is ``stated``: reference, revision, window hash. The same facts give the same octets."""
    reference, number, digest = stated
    signed = sign_receipt(
        key,
        {
            "reference": reference,
            "revision": number,
            "window_sha256": digest,
            "received_at": received_at.isoformat(),
            "leaf_index": leaf[0],
            "leaf": leaf[1].hex(),
            "tree_size": tree[0],
            "root": tree[1].hex(),
        },
    )
    return cast("ReceiptJson", signed)


class IntakeProblemJson(TypedDict):
    """One thing in a notice that could not be read, and what helps. ``event`` names the event, to its sender alone."""

    line: int | None
    property: str | None
    text: str
    remedy: str
    code: str
    event: str


class AcknowledgementJson(ClosureJson):
    """What a sender is told of one closure: how it stands after the notice, and what the notice did.

    ``replaced`` is the window that the notice moved; ``notice`` is the notice given in words, and ``counted_from`` the
    day from which it is counted, where that is not the day of receipt. ``clashes`` are the sender's own closures that
    overlap, ``also_at`` the sender's other gateways at which the same event stands. ``conflicts`` are what it meets:
    the same times told already, its gateway closed then, DCC's own dates, and in a dry run more gateways than DCC's
    thresholds; a dry run also names the ``next_free_slot``, the same hours of a later day that meet none of these.
    """

    change: Step | None
    replaced: WindowJson | None
    notice: str
    counted_from: str | None
    remarks: list[str]
    left_out: list[str]
    clashes: list[str]
    also_at: list[str]
    conflicts: list[ConflictJson]
    next_free_slot: WindowJson | None
    receipt: ReceiptJson | None


class OutcomeJson(TypedDict):
    """The answer to a notice. ``missing``, where nothing was recorded: closures ahead that it does not mention."""

    accepted: list[AcknowledgementJson]
    unchanged: list[AcknowledgementJson]
    superseded: list[AcknowledgementJson]
    withdrawn: list[AcknowledgementJson]
    problems: list[IntakeProblemJson]
    remarks: list[str]
    counts: CountsJson
    recorded: bool
    received_at: str
    missing: NotRequired[list[AcknowledgementJson]]


def problem_facts(problem: IntakeProblem) -> IntakeProblemJson:
    """Return a problem as JSON."""
    return {
        "line": problem.line,
        "property": problem.property,
        "text": problem.text,
        "remedy": problem.remedy,
        "code": problem.code,
        "event": problem.event,
    }


def outcome_facts(outcome: Outcome) -> OutcomeJson:
    """Return the answer to a notice as JSON."""
    facts: OutcomeJson = {
        "accepted": _told(outcome, outcome.accepted),
        "unchanged": _told(outcome, outcome.unchanged),
        "superseded": _told(outcome, outcome.superseded),
        "withdrawn": _told(outcome, outcome.withdrawn),
        "problems": [problem_facts(problem) for problem in outcome.problems],
        "remarks": list(outcome.remarks),
        "counts": outcome.counts,
        "recorded": outcome.recorded,
        "received_at": utc_text(outcome.received_at),
    }
    if not outcome.recorded:
        facts["missing"] = _told(outcome, outcome.missing)
    return facts


def _told(outcome: Outcome, acknowledged: Iterable[Acknowledgement]) -> list[AcknowledgementJson]:
    return [
        {
            **json_of(acknowledgement.closure, outcome.names, outcome.received_at),
            "change": acknowledgement.step,
            "replaced": None if acknowledgement.replaced is None else window_facts(acknowledgement.replaced),
            "notice": f"{given_words(acknowledgement.closure.verdict.current_date)}.",
            "counted_from": counted_from_text(acknowledgement.closure.verdict.current_date),
            "remarks": list(acknowledgement.remarks),
            "left_out": list(acknowledgement.left_out),
            "clashes": list(acknowledgement.clashes),
            "also_at": list(acknowledgement.also_at),
            "conflicts": list(acknowledgement.met.conflicts),
            "next_free_slot": _slot_facts(acknowledgement.met.next_free),
            "receipt": acknowledgement.receipt,
        }
        for acknowledgement in acknowledged
    ]


def _slot_facts(slot: ClosureWindow | None) -> WindowJson | None:
    return None if slot is None else window_facts(slot)
