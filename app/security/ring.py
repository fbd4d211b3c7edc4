"""The ring of keys as a value: what is wrapped by the key-encryption key (KEK), and how that is written down.

The root secret and every data key are wrapped with AES-256-GCM, each under associated data that names whose it is, its
version and the KEK. The whole is authenticated under a key derived from the root secret, which outlives every KEK: a
process that holds the root can still tell a true ring from an altered one when it was not given the newest KEK.
"""

import base64
import hmac
import json
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from app.domain.refusal import StoreUnfit

KEY_OCTETS = 32
ENVIRONMENT = "environment"
"""The name of the KEK where the environment gives it; else it is the name of the file that holds it."""

_NONCE_OCTETS = 12
_ROOT = "root"
_KEK_NAME = re.compile(r"environment|kek(-[0-9a-f]{8})?")


@dataclass(frozen=True, slots=True)
class Ring:
    """``kek`` names the KEK; ``root`` is the wrapped root secret.

    ``owners`` gives the wrapped data keys of each owner by version, from 1. An owner without any was shredded.
    """

    kek: str
    root: bytes
    owners: Mapping[bytes, Mapping[int, bytes]]

    def open_root(self, kek: bytes) -> bytes:
        """Return the root secret. Raise ``StoreUnfit`` if ``kek`` is not the key of this ring."""
        try:
            return _unwrapped(kek, self.root, _place(self.kek, _ROOT, 0))
        except InvalidTag as problem:
            raise StoreUnfit(
                "This key does not belong to this data.", "Give the KEK that the key folder was made with."
            ) from problem

    def open_keys(self, kek: bytes, owner: bytes) -> dict[int, bytes]:
        """Return the data keys of ``owner`` by version. Raise ``StoreUnfit`` if one does not open."""
        try:
            return {
                version: _unwrapped(kek, wrapped, _place(self.kek, owner.hex(), version))
                for version, wrapped in self.owners[owner].items()
            }
        except InvalidTag as problem:
            raise damaged() from problem

    def with_new_keys(self, kek: bytes, owners: Iterable[bytes]) -> "Ring":
        """Return the ring with a new data key, of the next version, for each of ``owners``."""
        grown = dict(self.owners)
        for owner in owners:
            held = grown.get(owner, {})
            version = max(held, default=0) + 1
            place = _place(self.kek, owner.hex(), version)
            grown[owner] = {**held, version: _wrapped(kek, os.urandom(KEY_OCTETS), place)}
        return replace(self, owners=grown)

    def without_keys(self, owner: bytes) -> "Ring":
        """Return the ring in which ``owner`` is shredded."""
        return replace(self, owners={**self.owners, owner: {}})

    def rewrapped(self, old: bytes, new: bytes, name: str) -> "Ring":
        """Return the same keys, wrapped by the KEK ``new``, which is called ``name``."""
        return Ring(
            name,
            _wrapped(new, self.open_root(old), _place(name, _ROOT, 0)),
            {
                owner: {
                    version: _wrapped(new, key, _place(name, owner.hex(), version))
                    for version, key in self.open_keys(old, owner).items()
                }
                for owner in self.owners
            },
        )


def new_ring(kek: bytes, name: str) -> Ring:
    """Return a ring with a new root secret and no data key, wrapped by ``kek``, which is called ``name``."""
    return Ring(name, _wrapped(kek, os.urandom(KEY_OCTETS), _place(name, _ROOT, 0)), {})


def derived(root: bytes, purpose: str) -> bytes:
    """Return 32 octets for one purpose, by HKDF-SHA256 (RFC 5869) of the root secret."""
    kdf = HKDF(algorithm=SHA256(), length=KEY_OCTETS, salt=None, info=b"closures " + purpose.encode())
    return kdf.derive(root)


def write_ring(ring: Ring, root: bytes) -> bytes:
    """Return the ring as it is written down: JSON, one spelling for one ring, authenticated under the root secret."""
    stated = {
        "kek": ring.kek,
        "root": _text(ring.root),
        "owners": {
            owner.hex(): {str(version): _text(wrapped) for version, wrapped in keys.items()}
            for owner, keys in ring.owners.items()
        },
    }
    proof = hmac.digest(derived(root, "ring"), _json(stated), "sha256")
    return _json({**stated, "proof": proof.hex()})


def read_ring(octets: bytes) -> Ring:
    """Read what ``write_ring`` wrote, unproven as yet. Raise ``StoreUnfit`` for anything else."""
    try:
        stated = json.loads(octets)
        ring = Ring(
            stated["kek"],
            base64.b64decode(stated["root"], validate=True),
            {
                bytes.fromhex(owner): {
                    int(version): base64.b64decode(wrapped, validate=True) for version, wrapped in keys.items()
                }
                for owner, keys in stated["owners"].items()
            },
        )
        named = _KEK_NAME.fullmatch(ring.kek)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as problem:
        raise damaged() from problem
    if named is None:  # it becomes a file name before anything is proven
        raise damaged()
    return ring


def prove(ring: Ring, root: bytes, octets: bytes) -> None:
    """Raise ``StoreUnfit`` unless ``octets`` are, to the bit, how a holder of the root secret wrote this ring."""
    if not hmac.compare_digest(write_ring(ring, root), octets):
        raise damaged()


def damaged() -> StoreUnfit:
    """Return the refusal of a ring that was altered or cut off."""
    return StoreUnfit("The key ring is damaged.", "Restore the newest copy of the key folder.")


def _place(kek: str, owner: str, version: int) -> bytes:
    # Neither a KEK's name nor hexadecimal digits hold a bar, so that no two places share one spelling.
    return f"{kek}|{owner}|{version}".encode()


def _wrapped(kek: bytes, key: bytes, place: bytes) -> bytes:
    nonce = os.urandom(_NONCE_OCTETS)
    return nonce + AESGCM(kek).encrypt(nonce, key, place)


def _unwrapped(kek: bytes, wrapped: bytes, place: bytes) -> bytes:
    try:
        return AESGCM(kek).decrypt(wrapped[:_NONCE_OCTETS], wrapped[_NONCE_OCTETS:], place)
    except ValueError as problem:  # too short to hold a nonce
        raise InvalidTag from problem


def _text(octets: bytes) -> str:
    return base64.b64encode(octets).decode()


def _json(stated: Mapping[str, object]) -> bytes:
    return json.dumps(stated, indent=1, sort_keys=True).encode()
