"""Signed checkpoints of the record, and signed receipts: Ed25519 over text that anybody can check."""

import base64
import json
import re
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from app.domain.refusal import Refusal

_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)
_ED25519 = b"\x01"  # the signature type of C2SP signed-note
_CHECKPOINT = re.compile(
    r"(?P<body>(?P<origin>[^\n]+)\n(?P<size>0|[1-9][0-9]{0,17})\n(?P<root>[A-Za-z0-9+/=]+)\n(?P<at>[^\n]+)\n)\n"
    r"— (?P<name>\S+) (?P<signature>[A-Za-z0-9+/=]+)\n"
)


class CheckpointBroken(Refusal):
    """A checkpoint that is not one, or not signed by this service."""

    code = "checkpoint-broken"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The head of the record at one time: how many entries, and the root of their tree."""

    origin: str
    size: int
    root: bytes
    at: datetime


class SigningKey:
    """The Ed25519 key of the service, made from 32 secret octets; ``id`` is the short name of its public half."""

    def __init__(self, seed: bytes) -> None:
        self._private = Ed25519PrivateKey.from_private_bytes(seed)
        self.public = self._private.public_key()
        self.id = key_id(self.public)

    def sign(self, message: bytes) -> bytes:
        """Return the 64 octets of the signature."""
        return self._private.sign(message)


def public_key_pem(key: Ed25519PublicKey) -> str:
    """Return the public key as PEM, for whoever checks receipts elsewhere."""
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def key_id(key: Ed25519PublicKey) -> str:
    """Return the short name of a public key: 16 hexadecimal digits of its SHA-256."""
    return sha256(key.public_bytes(Encoding.Raw, PublicFormat.Raw)).hexdigest()[:16]


def sign_checkpoint(key: SigningKey, origin: str, size: int, root: bytes, at: datetime) -> str:
    """Return the checkpoint as a signed note (C2SP tlog-checkpoint): origin, size, root, time, signature."""
    body = f"{origin}\n{size}\n{base64.b64encode(root).decode()}\n{at.isoformat()}\n"
    signature = _note_key_hash(origin, key.public) + key.sign(body.encode())
    return f"{body}\n— {origin} {base64.b64encode(signature).decode()}\n"


def open_checkpoint(text: str, key: Ed25519PublicKey) -> Checkpoint:
    """Read and check a checkpoint; raise ``CheckpointBroken``."""
    found = _CHECKPOINT.fullmatch(text)
    if found is None or found["origin"] != found["name"]:
        raise CheckpointBroken("That is not a checkpoint.", "Give the text of /checkpoint as it was served.")
    try:
        signature = _from_base64(found["signature"])
        root = _from_base64(found["root"])
        at = datetime.fromisoformat(found["at"])
        if signature[:4] != _note_key_hash(found["origin"], key):
            raise CheckpointBroken("The checkpoint is signed by another key.", "It belongs to another service.")
        key.verify(signature[4:], found["body"].encode())
    except (ValueError, InvalidSignature) as problem:
        raise CheckpointBroken("The checkpoint's signature does not hold.", "It was altered.") from problem
    return Checkpoint(found["origin"], int(found["size"]), root, at)


def _note_key_hash(name: str, key: Ed25519PublicKey) -> bytes:
    raw = key.public_bytes(Encoding.Raw, PublicFormat.Raw)
    return sha256(name.encode() + b"\n" + _ED25519 + raw).digest()[:4]


def sign_receipt(key: SigningKey, body: dict[str, str | int]) -> dict[str, Any]:
    """Return ``body`` with the key's short name and the signature over its canonical JSON."""
    stated = {**body, "key": key.id}
    return {**stated, "signature": base64.b64encode(key.sign(_canonical(stated))).decode()}


def verify_receipt(key: Ed25519PublicKey, receipt: dict[str, Any]) -> bool:
    """Tell whether this service signed a receipt, and nothing in it was altered since."""
    stated = {name: value for name, value in receipt.items() if name != "signature"}
    signature = receipt.get("signature")
    # Nothing else is ever signed, and what others hand in may nest without end.
    if not isinstance(signature, str) or not all(isinstance(value, str | int) for value in stated.values()):
        return False
    try:
        key.verify(_from_base64(signature), _canonical(stated))
    except (ValueError, InvalidSignature):
        return False
    return stated.get("key") == key_id(key)


def _from_base64(text: str) -> bytes:
    """Read base64 in its one proper spelling: the last character has bits that decoding would ignore."""
    octets = base64.b64decode(text, validate=True)
    if base64.b64encode(octets).decode() != text:
        raise ValueError("That is not the spelling of these octets.")
    return octets


def _canonical(body: dict[str, Any]) -> bytes:
    """Return JSON with sorted names and no spaces, in UTF-8: one spelling for one content."""
    return _CANONICAL.encode(body).encode()
