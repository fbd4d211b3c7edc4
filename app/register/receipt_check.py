"""Receipts again: the one of any revision, as it was given, and whether one that somebody holds is good."""

import json
from dataclasses import dataclass
from typing import Any

from app.domain.access import Principal
from app.domain.refusal import Refusal, StoreUnfit, Unknown
from app.register.reading import find_written
from app.register.receipts import ReceiptJson, sign_revision, window_hash
from app.register.register import Register
from app.security.sealing import SealBroken
from app.security.signing import verify_receipt
from app.store import log, notices
from app.store.closures import Written

_LONGEST = 20_000


class ReceiptUnreadable(Refusal):
    """A text that is no receipt."""

    code = "receipt-unreadable"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at: whether it holds, and what was found, in words."""

    holds: bool
    words: str


@dataclass(frozen=True, slots=True)
class ReceiptCheck:
    """What was found. ``written`` is the revision that it is about, where the asker may see it."""

    reference: str
    revision: int
    findings: tuple[Finding, ...]
    written: Written | None

    @property
    def holds(self) -> bool:
        """Tell whether the receipt holds in everything that was looked at."""
        return all(finding.holds for finding in self.findings)


def receipt_of(register: Register, principal: Principal, reference: str, number: int) -> ReceiptJson:
    """Return the receipt of a revision. Raise ``Unknown``, also for one that came without a notice of its own."""
    standing, history = find_written(register, principal, reference)
    found = next(
        (written for written in history if written.revision.number == number and written.notice_id is not None), None
    )
    if found is None or found.notice_id is None:
        raise Unknown("There is no receipt of that revision.", "See the closure's history for those that there are.")
    with register.store.reading() as connection:
        tree = notices.tree_after(connection, found.notice_id)
        leaf = log.leaf_at(connection, found.log_index)
    assert leaf is not None
    revision, reference = found.revision, standing.closure.reference
    digest = window_hash(reference, number, revision.gateway, revision.window)
    return sign_revision(
        register.signing_key, (reference, number, digest), revision.received_at, (found.log_index, leaf), tree
    )


def check_receipt(register: Register, principal: Principal, text: str) -> ReceiptCheck:
    """Hold a receipt against our key, the record, and what the record says of its revision.

    An acknowledgement that holds a receipt will do as well. Raise ``ReceiptUnreadable``.
    """
    receipt = _read(text)
    reference, number = str(receipt.get("reference", "")), receipt.get("revision")
    if not verify_receipt(register.public_keys, receipt) or not isinstance(number, int):
        words = "It is not signed by this service, or something in it was altered since."
        return ReceiptCheck(
            reference, number if isinstance(number, int) else 0, (Finding(holds=False, words=words),), None
        )
    findings = [Finding(holds=True, words="It is signed by this service, and nothing in it was altered since.")]
    findings += _against_log(register, receipt)
    written = _visible(register, principal, reference, receipt["leaf_index"])
    if written is not None:
        revision = written.revision
        said = window_hash(reference, revision.number or revision.step, revision.gateway, revision.window)
        holds = said == receipt["window_sha256"]
        findings.append(
            Finding(
                holds,
                "It is about the gateway and window that the record has for this revision."
                if holds
                else "The record has another gateway or window for this revision.",
            )
        )
    return ReceiptCheck(reference, number, tuple(findings), written)


def _read(text: str) -> dict[str, Any]:
    remedy = "Give the signed receipt as it was shown or downloaded: JSON, from { to }."
    if len(text) > _LONGEST:
        raise ReceiptUnreadable("That is far too long for a receipt.", remedy)
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as problem:
        raise ReceiptUnreadable("That is not a receipt.", remedy) from problem
    if isinstance(found, dict) and isinstance(found.get("receipt"), dict):
        found = found["receipt"]
    if not isinstance(found, dict) or "signature" not in found:
        raise ReceiptUnreadable("That is not a receipt.", remedy)
    return found


def _against_log(register: Register, receipt: dict[str, Any]) -> list[Finding]:
    """Hold the leaf and the tree that a receipt of ours names against the log as it is now."""
    position, size = receipt["leaf_index"], receipt["tree_size"]
    with register.store.reading() as connection:
        try:
            leaf = log.leaf_at(connection, position)
        except SealBroken:
            leaf = None  # its row is not as it was written
        try:
            root = register.tree.subtrees(connection, size)(0, size)
        except (StoreUnfit, SealBroken):
            root = b""  # entries are missing, or not those that they were
    stands = leaf is not None and leaf.hex() == receipt["leaf"]
    grew = root.hex() == receipt["root"]
    return [
        Finding(
            stands,
            f"Entry {position} of the record is the one that it names."
            if stands
            else f"Entry {position} of the record is not the one that it names: the record was altered.",
        ),
        Finding(
            grew,
            f"The first {size} entries of the record are those that it was signed over."
            if grew
            else f"The first {size} entries of the record are not those that it was signed over.",
        ),
    ]


def _visible(register: Register, principal: Principal, reference: str, position: int) -> Written | None:
    """Return the entry at a place in the log; None where there is none, or none that the principal may see.

    The two look alike.
    """
    try:
        _, history = find_written(register, principal, reference)
    except Unknown:
        return None
    return next((written for written in history if written.log_index == position), None)
