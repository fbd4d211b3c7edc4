"""What others check without us: proofs about the published checkpoint, and a receipt with all that it takes."""

from collections.abc import Iterator
from contextlib import contextmanager

from typing_extensions import TypedDict

from app.domain.access import Principal
from app.domain.refusal import StoreUnfit, Unknown
from app.register.receipt_check import receipt_of
from app.register.receipts import ReceiptJson
from app.register.register import Register
from app.register.witnesses import cosigned_checkpoint, shown_checkpoint
from app.security.merkle import Subtree, consistency_proof, inclusion_proof
from app.security.notes import Checkpoint, open_checkpoint, verifier_key
from app.security.signing import key_id, public_key_pem

_EACH_HOUR = "A new checkpoint is published each hour: ask again then, or for less."


class KeyJson(TypedDict):
    """A public key. ``vkey`` is how C2SP signed-note writes it, ``id`` the name that receipts know it by."""

    id: str
    vkey: str
    pem: str


class KeysJson(TypedDict):
    """The keys that sign or have signed, the newest first."""

    keys: list[KeyJson]


class InclusionJson(TypedDict):
    """The proof that ``leaf`` is at ``index`` of the tree of ``size`` (RFC 6962 2.1.1). Hashes are hexadecimal."""

    index: int
    size: int
    leaf: str
    proof: list[str]


class ConsistencyJson(TypedDict):
    """The proof that the tree of size ``second`` began as that of ``first`` (RFC 6962 2.1.2), hexadecimal."""

    first: int
    second: int
    proof: list[str]


class EvidenceJson(TypedDict):
    """A receipt with the proof that its leaf is in the tree of a signed checkpoint: docs/evidence.md."""

    receipt: ReceiptJson
    inclusion_proof: list[str]
    checkpoint: str


def keys_of(register: Register) -> KeysJson:
    """Return the public keys of a record."""
    return {
        "keys": [
            {"id": key_id(key), "vkey": verifier_key(register.origin, key), "pem": public_key_pem(key)}
            for key in register.public_keys
        ]
    }


def prove_inclusion(register: Register, index: int, size: int | None) -> InclusionJson:
    """Prove that an entry is in the tree of a size, by default the published one. Raise ``Unknown`` beyond it."""
    with _tree(register, shown_checkpoint(register)[1]) as (shown, subtree):
        size = shown.size if size is None else size
        _require(size <= shown.size, "The published checkpoint counts fewer entries than that.")
        _require(index < size, "A tree of that size has no such entry.")
        proof = inclusion_proof(subtree, index, size)
        return {"index": index, "size": size, "leaf": subtree(index, index + 1).hex(), "proof": _hex(proof)}


def prove_consistency(register: Register, first: int, second: int | None) -> ConsistencyJson:
    """Prove that one tree grew from another, by default into the published one. Raise ``Unknown`` beyond it."""
    with _tree(register, shown_checkpoint(register)[1]) as (shown, subtree):
        second = shown.size if second is None else second
        _require(second <= shown.size, "The published checkpoint counts fewer entries than that.")
        _require(0 < first <= second, "The first size is from 1 up to the second.")
        return {"first": first, "second": second, "proof": _hex(consistency_proof(subtree, first, second))}


def growth_since(register: Register, shown: Checkpoint, size: int) -> list[bytes]:
    """Return the proof that the tree of ``shown`` grew from that of ``size``; of nothing, none is needed."""
    with _tree(register, shown) as (_, subtree):
        return consistency_proof(subtree, size, shown.size) if size else []


def evidence_of(register: Register, principal: Principal, reference: str, number: int) -> EvidenceJson:
    """Return the receipt of a revision as it is checked without us.

    Raise ``Unknown``, also where the published checkpoint does not hold it yet.
    """
    receipt = receipt_of(register, principal, reference, number)
    note = cosigned_checkpoint(register)
    with _tree(register, open_checkpoint(note, register.public_keys)) as (shown, subtree):
        index = receipt["leaf_index"]
        _require(index < shown.size, "The published checkpoint does not hold this receipt's entry yet.")
        proof = inclusion_proof(subtree, index, shown.size)
    return {"receipt": receipt, "inclusion_proof": _hex(proof), "checkpoint": note}


@contextmanager
def _tree(register: Register, shown: Checkpoint) -> Iterator[tuple[Checkpoint, Subtree]]:
    """Give the tree under a checkpoint of ours. Raise ``StoreUnfit`` where the log is not what was signed."""
    with register.store.reading() as connection:
        subtree = register.tree.subtrees(connection, shown.size)
        if subtree(0, shown.size) != shown.root:
            register.tree.forget()
            raise StoreUnfit(
                "The log is not the one that the checkpoint was signed over.", "Run `closures record verify`."
            )
        yield shown, subtree


def _require(holds: bool, text: str) -> None:  # noqa: FBT001 - what holds is the whole of the call
    if not holds:
        raise Unknown(text, _EACH_HOUR)


def _hex(hashes: list[bytes]) -> list[str]:
    return [one.hex() for one in hashes]
