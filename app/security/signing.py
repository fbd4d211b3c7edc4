"""The key that signs, and signed receipts: Ed25519 over text that anybody can check."""

import base64
import json
from collections.abc import Iterable
from hashlib import sha256
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)

PublicKey = Ed25519PublicKey
"""The public half of a signing key. Named here, since nothing above this layer imports the library."""


class SigningKey:
    """The Ed25519 key of the service, made from 32 secret octets; ``id`` is the short name of its public half."""

    def __init__(self, seed: bytes) -> None:
        self._private = Ed25519PrivateKey.from_private_bytes(seed)
        self.public = self._private.public_key()
        self.id = key_id(self.public)

    def sign(self, message: bytes) -> bytes:
        """Return the 64 octets of the signature."""
        return self._private.sign(message)


def public_key_pem(key: PublicKey) -> str:
    """Return the public key as PEM, for whoever checks receipts elsewhere."""
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def raw_public_key(key: PublicKey) -> bytes:
    """Return the 32 octets of a public key (RFC 8032)."""
    return key.public_bytes(Encoding.Raw, PublicFormat.Raw)


def public_key_of(octets: bytes) -> PublicKey:
    """Return the public key of 32 octets, as ``raw_public_key`` gives them."""
    return PublicKey.from_public_bytes(octets)


def key_id(key: PublicKey) -> str:
    """Return the short name of a public key: 16 hexadecimal digits of its SHA-256."""
    return sha256(raw_public_key(key)).hexdigest()[:16]


def sign_receipt(key: SigningKey, body: dict[str, str | int]) -> dict[str, Any]:
    """Return ``body`` with the key's short name and the signature over its canonical JSON."""
    stated = {**body, "key": key.id}
    return {**stated, "signature": base64.b64encode(key.sign(_canonical(stated))).decode()}


def verify_receipt(keys: Iterable[PublicKey], receipt: dict[str, Any]) -> bool:
    """Tell whether one of these keys, the one that it names, signed a receipt, and nothing in it was altered since."""
    stated = {name: value for name, value in receipt.items() if name != "signature"}
    signature = receipt.get("signature")
    # Nothing else is ever signed, and what others hand in may nest without end.
    if not isinstance(signature, str) or not all(isinstance(value, str | int) for value in stated.values()):
        return False
    key = next((one for one in keys if key_id(one) == stated.get("key")), None)
    if key is None:
        return False
    try:
        key.verify(from_base64(signature), _canonical(stated))
    except (ValueError, InvalidSignature):
        return False
    return True


def from_base64(text: str) -> bytes:
    """Read base64 in its one proper spelling: the last character has bits that decoding would ignore."""
    octets = base64.b64decode(text, validate=True)
    if base64.b64encode(octets).decode() != text:
        raise ValueError("That is not the spelling of these octets.")
    return octets


def _canonical(body: dict[str, Any]) -> bytes:
    """Return JSON with sorted names and no spaces, in UTF-8: one spelling for one content."""
    return _CANONICAL.encode(body).encode()
