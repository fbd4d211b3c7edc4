"""Checkpoints as C2SP has them: signed notes (signed-note, tlog-checkpoint), and cosignatures (tlog-cosignature)."""

import base64
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256

from cryptography.exceptions import InvalidSignature

from app.domain.refusal import Refusal
from app.security.signing import PublicKey, SigningKey, from_base64, raw_public_key

_ED25519 = b"\x01"  # the signature type of a log, in C2SP signed-note
_COSIGNATURE = b"\x04"  # that of a witness, in C2SP tlog-cosignature
_HASH_OCTETS = 4
_TIME_OCTETS = 8
# Before the first release a fourth line said when. No witness takes one; who kept such a checkpoint can still use it.
_BODY = re.compile(
    r"(?P<origin>[^\s+]+)\n(?P<size>0|[1-9][0-9]{0,17})\n(?P<root>[A-Za-z0-9+/]{43}=)\n(?:20[0-9T:.+-]{15,40}\n)?"
)
_LINE = re.compile(r"— (?P<name>[^\s+]+) (?P<signature>[A-Za-z0-9+/]+={0,2})")


class CheckpointBroken(Refusal):
    """A checkpoint that is not one, or not signed by this service."""

    code = "checkpoint-broken"


class WitnessKeyBroken(Refusal):
    """A verifier key of a witness that cannot be read."""

    code = "witness-key"


class CosignatureBroken(Refusal):
    """An answer of a witness that is not its signature over the checkpoint that it was given."""

    code = "cosignature"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The head of the record: how many entries, and the root of their tree. ``body`` is the text that is signed."""

    origin: str
    size: int
    root: bytes
    body: str


@dataclass(frozen=True, slots=True)
class WitnessKey:
    """The key of a witness: its name, the four octets that name the key, and the key."""

    name: str
    hash: bytes
    public: PublicKey


def sign_checkpoint(key: SigningKey, origin: str, size: int, root: bytes) -> str:
    """Return the checkpoint as a signed note: origin, size, root, an empty line, the signature."""
    body = f"{origin}\n{size}\n{base64.b64encode(root).decode()}\n"
    signature = _key_hash(origin, _ED25519, key.public) + key.sign(body.encode())
    return f"{body}\n— {origin} {base64.b64encode(signature).decode()}\n"


def open_checkpoint(text: str, keys: Iterable[PublicKey]) -> Checkpoint:
    """Read a checkpoint that one of ``keys`` signed; lines of others are left alone. Raise ``CheckpointBroken``."""
    head, gap, tail = text.partition("\n\n")
    found = _BODY.fullmatch(f"{head}\n")
    lines = [_LINE.fullmatch(line) for line in tail.split("\n")[:-1]]
    if not gap or found is None or not tail.endswith("\n") or not all(lines):
        raise CheckpointBroken("That is not a checkpoint.", "Give the text of /checkpoint as it was served.")
    body, origin = found.group(), found["origin"]
    is_signed = False
    try:
        known = {_key_hash(origin, _ED25519, key): key for key in keys}
        for line in filter(None, lines):
            signature = from_base64(line["signature"])
            if line["name"] == origin and signature[:_HASH_OCTETS] in known:
                known[signature[:_HASH_OCTETS]].verify(signature[_HASH_OCTETS:], body.encode())
                is_signed = True
        root = from_base64(found["root"])
    except (ValueError, InvalidSignature) as problem:
        raise CheckpointBroken("The checkpoint's signature does not hold.", "It was altered.") from problem
    if not is_signed:
        raise CheckpointBroken("The checkpoint is signed by another key.", "It belongs to another service.")
    return Checkpoint(origin, int(found["size"]), root, body)


def verifier_key(name: str, key: PublicKey) -> str:
    """Return the key that checks our checkpoints as C2SP signed-note writes it: name+hash+base64 of type and key."""
    octets = base64.b64encode(_ED25519 + raw_public_key(key)).decode()
    return f"{name}+{_key_hash(name, _ED25519, key).hex()}+{octets}"


def read_witness_key(text: str) -> WitnessKey:
    """Read the verifier key of a witness (type 0x04). Raise ``WitnessKeyBroken``."""
    name, _, rest = text.partition("+")
    stated, _, encoded = rest.partition("+")
    try:
        octets = from_base64(encoded)
        public = PublicKey.from_public_bytes(octets[1:])
        sound = octets[:1] == _COSIGNATURE and stated == _key_hash(name, _COSIGNATURE, public).hex()
    except ValueError:
        sound = False
    if not sound:
        raise WitnessKeyBroken(
            "A verifier key in CLOSURES_WITNESSES is not that of a witness.",
            "Copy it whole from whoever runs the witness: name+hash+key, for cosignatures.",
        )
    return WitnessKey(name, bytes.fromhex(stated), public)


def read_cosignature(key: WitnessKey, body: str, answer: str) -> tuple[datetime, str]:
    """Find the line of a witness in its answer and check it: a signature over a time and the checkpoint's ``body``.

    Return that time and the line. Raise ``CosignatureBroken``.
    """
    for line in answer.splitlines():
        found = _LINE.fullmatch(line)
        if found is None or found["name"] != key.name:
            continue
        try:
            octets = from_base64(found["signature"])
            if octets[:_HASH_OCTETS] != key.hash:
                continue
            stamp, signature = octets[_HASH_OCTETS:][:_TIME_OCTETS], octets[_HASH_OCTETS + _TIME_OCTETS :]
            at = int.from_bytes(stamp)
            key.public.verify(signature, f"cosignature/v1\ntime {at}\n{body}".encode())
            return datetime.fromtimestamp(at, UTC), line
        except (ValueError, OverflowError, OSError, InvalidSignature) as problem:
            raise CosignatureBroken("The cosignature does not hold.", "Ask whoever runs the witness.") from problem
    raise CosignatureBroken("The answer holds no cosignature of this witness.", "Check its key and its address.")


def _key_hash(name: str, kind: bytes, key: PublicKey) -> bytes:
    return sha256(name.encode() + b"\n" + kind + raw_public_key(key)).digest()[:_HASH_OCTETS]
