"""What a sender gets back: acknowledgements with their signed receipts, and the whole answer to one notice."""

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from app.domain.closure import PlannedClosure, Step
from app.domain.london import london_text, utc_text
from app.domain.refusal import IntakeProblem
from app.domain.window import ClosureWindow
from app.security.signing import SigningKey, sign_receipt


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """What we tell the sender about one closure after a notice.

    ``closure`` is what stands. ``step`` is what this notice did; None where it said nothing new. ``clashes`` are the
    references of the sender's own closures at other gateways that overlap; ``also_at`` are other gateways of the sender
    at which the same event stands.
    """

    closure: PlannedClosure
    step: Step | None
    moved_from: ClosureWindow | None = None
    remarks: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    clashes: tuple[str, ...] = ()
    also_at: tuple[str, ...] = ()
    receipt: dict[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """The whole answer to one notice. ``recorded`` is false for a preview and for an all-or-nothing notice refused.

    ``missing`` are the sender's planned closures ahead that the notice does not mention; only a preview looks for them.
    """

    received_at: datetime
    recorded: bool
    accepted: tuple[Acknowledgement, ...] = ()
    unchanged: tuple[Acknowledgement, ...] = ()
    superseded: tuple[Acknowledgement, ...] = ()
    withdrawn: tuple[Acknowledgement, ...] = ()
    problems: tuple[IntakeProblem, ...] = ()
    remarks: tuple[str, ...] = ()
    missing: tuple[Acknowledgement, ...] = ()


def window_hash(reference: str, number: int | None, gateway: str, window: ClosureWindow) -> str:
    """Return the hex SHA-256 by which a receipt is bound to date, time and gateway without stating them."""
    text = f"{reference}|{number or 'superseded'}|{gateway}|{utc_text(window.starts)}|{utc_text(window.ends)}"
    return sha256(text.encode()).hexdigest()


def make_receipt(
    key: SigningKey,
    acknowledgement: Acknowledgement,
    received_at: datetime,
    leaf: tuple[int, bytes],
    tree: tuple[int, bytes],
) -> dict[str, Any]:
    """Sign that a revision was recorded: where its leaf stands in the log, and the tree (size, root) that holds it."""
    closure = acknowledgement.closure
    number = None if acknowledgement.step is Step.SUPERSEDED else closure.number
    digest = window_hash(closure.reference, number, closure.gateway, closure.window)
    return sign_revision(key, (closure.reference, closure.number, digest), received_at, leaf, tree)


def sign_revision(
    key: SigningKey,
    stated: tuple[str, int, str],
    received_at: datetime,
    leaf: tuple[int, bytes],
    tree: tuple[int, bytes],
) -> dict[str, Any]:
    """Sign a receipt of what is ``stated``: reference, revision, window hash. The same facts give the same octets."""
    reference, number, digest = stated
    return sign_receipt(
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


def acknowledgement_facts(acknowledgement: Acknowledgement) -> dict[str, Any]:
    """Return the acknowledgement as JSON (docs/api.md), with the words that people read beside the values."""
    closure, verdict = acknowledgement.closure, acknowledgement.closure.verdict
    window = closure.window
    moved_from = acknowledgement.moved_from
    return {
        "reference": closure.reference,
        "gateway": closure.gateway,
        "starts": utc_text(window.starts),
        "ends": utc_text(window.ends),
        "starts_london": london_text(window.starts),
        "ends_london": london_text(window.ends),
        "state": closure.state.value,
        "revision": closure.number,
        "change": acknowledgement.step.value if acknowledgement.step else None,
        "moved_from": None
        if moved_from is None
        else {"starts": utc_text(moved_from.starts), "ends": utc_text(moved_from.ends)},
        "working_days_notice": verdict.working_days_notice,
        "first_notice_days": verdict.first_notice.working_days,
        "recommended": verdict.current_date.recommended_days,
        "band": verdict.current_date.band,
        "short_notice": verdict.short_notice,
        "late_change": verdict.late_change,
        "notice": notice_words(closure),
        "remarks": list(acknowledgement.remarks),
        "left_out": list(acknowledgement.left_out),
        "clashes": list(acknowledgement.clashes),
        "also_at": list(acknowledgement.also_at),
        "receipt": acknowledgement.receipt,
    }


def notice_words(closure: PlannedClosure) -> str:
    """Word the notice of the times that stand, kindly: it is information, and nobody is in breach of anything."""
    period = closure.verdict.current_date
    if period.band == "after end":
        return f"Told after the window had ended; {period.recommended_days} Working Days are recommended."
    if period.band == "after start":
        return f"Told after the window had started; {period.recommended_days} Working Days are recommended."
    days = "1 Working Day's" if period.working_days == 1 else f"{period.working_days} Working Days'"
    return f"{days} notice; {period.recommended_days} are recommended."


def problem_facts(problem: IntakeProblem) -> dict[str, Any]:
    """Return a problem as JSON (docs/api.md)."""
    return {
        "line": problem.line,
        "property": problem.property,
        "text": problem.text,
        "remedy": problem.remedy,
        "code": problem.code,
    }


def outcome_facts(outcome: Outcome) -> dict[str, Any]:
    """Return the answer to a notice as JSON (docs/api.md)."""
    facts: dict[str, Any] = {
        name: [acknowledgement_facts(entry) for entry in getattr(outcome, name)]
        for name in ("accepted", "unchanged", "superseded", "withdrawn")
    }
    facts["problems"] = [problem_facts(problem) for problem in outcome.problems]
    facts["remarks"] = list(outcome.remarks)
    facts["recorded"] = outcome.recorded
    facts["received_at"] = utc_text(outcome.received_at)
    if not outcome.recorded:
        facts["missing"] = [acknowledgement_facts(entry) for entry in outcome.missing]
    return facts
