"""The ring of keys as a value: what is wrapped by the key-encryption key (KEK), and how that is written down.

The root secret and every data key are wrapped with AES-256-GCM, each under associated data that names whose it is, its
version and the KEK. The whole is authenticated under a key derived from the root secret, which outlives every KEK: a
process that holds the root can still tell a true ring from an altered one when it was not given the newest KEK.

An epoch is the time of one root secret. Of those before the newest the ring keeps no root: only the keys of ``KEPT``,
which open nothing of an owner by themselves, and the public half of the key that signed.
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
from app.security.signing import SigningKey, raw_public_key

KEY_OCTETS = 32
PURPOSES = frozenset({"envelope", "index", "mark", "proof", "session", "signing", "token"})
KEPT = frozenset({"envelope", "index", "mark", "proof", "token"})
"""The purposes whose keys are kept when their root is not."""
ENVIRONMENT = "environment"
"""The name of the KEK where the environment gives it; else it is the name of the file that holds it."""

_NONCE_OCTETS = 12
_ROOT = "root"
_KEK_NAME = re.compile(r"environment|kek(-[0-9a-f]{8})?")


@dataclass(frozen=True, slots=True)
class PastEpoch:
    """What is kept of an epoch: the wrapped keys of ``KEPT`` by purpose, and the public key of what it signed."""

    keys: Mapping[str, bytes]
    public: bytes


@dataclass(frozen=True, slots=True)
class Ring:
    """``kek`` names the KEK; ``root`` is the wrapped root secret.

    ``owners`` gives the wrapped data keys of each owner by version, from 1. An owner without any was shredded.
    ``past`` are the epochs before this one, oldest first. Data keys below ``first`` are of those; ``is_settled`` tells
    that nothing is left in the database that they open, or that the keys of those epochs prove.
    """

    kek: str
    root: bytes
    owners: Mapping[bytes, Mapping[int, bytes]]
    past: tuple[PastEpoch, ...] = ()
    first: int = 1
    is_settled: bool = True

    @property
    def epoch(self) -> int:
        """The number of the epoch, from 1."""
        return len(self.past) + 1

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
            version = max(max(held, default=0) + 1, self.first)
            place = _place(self.kek, owner.hex(), version)
            grown[owner] = {**held, version: _wrapped(kek, os.urandom(KEY_OCTETS), place)}
        return replace(self, owners=grown)

    def without_keys(self, owner: bytes) -> "Ring":
        """Return the ring in which ``owner`` is shredded."""
        return replace(self, owners={**self.owners, owner: {}})

    def rewrapped(self, old: bytes, new: bytes, name: str) -> "Ring":
        """Return the same keys, wrapped by the KEK ``new``, which is called ``name``."""
        return replace(
            self,
            kek=name,
            root=_wrapped(new, self.open_root(old), _place(name, _ROOT, 0)),
            owners={
                owner: {
                    version: _wrapped(new, key, _place(name, owner.hex(), version))
                    for version, key in self.open_keys(old, owner).items()
                }
                for owner in self.owners
            },
            past=tuple(
                _past_epoch(new, name, number, self.open_past(old, number), epoch.public)
                for number, epoch in enumerate(self.past, 1)
            ),
        )

    def open_past(self, kek: bytes, number: int) -> dict[str, bytes]:
        """Return the keys that are kept of an epoch, by purpose. Raise ``StoreUnfit`` if one does not open."""
        try:
            return {
                purpose: _unwrapped(kek, wrapped, _place(self.kek, f"epoch {number}", purpose))
                for purpose, wrapped in self.past[number - 1].keys.items()
            }
        except InvalidTag as problem:
            raise damaged() from problem

    def with_new_root(self, kek: bytes) -> "Ring":
        """Return the ring of the next epoch: a new root secret, and of the old one what is kept of it.

        No data key is made; those that are made from now on have versions above all of before.
        """
        root = self.open_root(kek)
        kept = {purpose: derived(root, purpose) for purpose in KEPT}
        public = raw_public_key(SigningKey(derived(root, "signing")).public)
        return replace(
            self,
            root=_wrapped(kek, os.urandom(KEY_OCTETS), _place(self.kek, _ROOT, 0)),
            past=(*self.past, _past_epoch(kek, self.kek, self.epoch, kept, public)),
            first=max(self.first, *(max(keys, default=0) + 1 for keys in self.owners.values())),
            is_settled=False,
        )


def _past_epoch(kek: bytes, name: str, number: int, keys: Mapping[str, bytes], public: bytes) -> PastEpoch:
    wrapped = {purpose: _wrapped(kek, key, _place(name, f"epoch {number}", purpose)) for purpose, key in keys.items()}
    return PastEpoch(wrapped, public)


def new_ring(kek: bytes, name: str) -> Ring:
    """Return a ring with a new root secret and no data key, wrapped by ``kek``, which is called ``name``."""
    return Ring(name, _wrapped(kek, os.urandom(KEY_OCTETS), _place(name, _ROOT, 0)), {})


def derived(root: bytes, purpose: str) -> bytes:
    """Return 32 octets for one purpose, by HKDF-SHA256 (RFC 5869) of the root secret."""
    kdf = HKDF(algorithm=SHA256(), length=KEY_OCTETS, salt=None, info=b"closures " + purpose.encode())
    return kdf.derive(root)


def write_ring(ring: Ring, root: bytes) -> bytes:
    """Return the ring as it is written down: JSON, one spelling for one ring, authenticated under the root secret.

    One of the first epoch says nothing of epochs, as before there were any.
    """
    stated: dict[str, object] = {
        "kek": ring.kek,
        "root": _text(ring.root),
        "owners": {
            owner.hex(): {str(version): _text(wrapped) for version, wrapped in keys.items()}
            for owner, keys in ring.owners.items()
        },
    }
    if ring.past:
        stated["past"] = [
            {"keys": {purpose: _text(key) for purpose, key in epoch.keys.items()}, "public": _text(epoch.public)}
            for epoch in ring.past
        ]
        stated |= {"first": ring.first, "settled": ring.is_settled}
    proof = hmac.digest(derived(root, "ring"), _json(stated), "sha256")
    return _json({**stated, "proof": proof.hex()})


def read_ring(octets: bytes) -> Ring:
    """Read what ``write_ring`` wrote, unproven as yet. Raise ``StoreUnfit`` for anything else."""
    try:
        stated = json.loads(octets)
        ring = Ring(
            stated["kek"],
            _octets(stated["root"]),
            {
                bytes.fromhex(owner): {int(version): _octets(wrapped) for version, wrapped in keys.items()}
                for owner, keys in stated["owners"].items()
            },
            tuple(
                PastEpoch({purpose: _octets(key) for purpose, key in epoch["keys"].items()}, _octets(epoch["public"]))
                for epoch in stated.get("past", ())
            ),
            stated.get("first", 1),
            stated.get("settled", True),
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


def _place(kek: str, whose: str, which: int | str) -> bytes:
    # Neither a KEK's name nor hexadecimal digits nor what names an epoch hold a bar: no two places share one spelling.
    return f"{kek}|{whose}|{which}".encode()


def _wrapped(kek: bytes, key: bytes, place: bytes) -> bytes:
    nonce = os.urandom(_NONCE_OCTETS)
    return nonce + AESGCM(kek).encrypt(nonce, key, place)


def _unwrapped(kek: bytes, wrapped: bytes, place: bytes) -> bytes:
    try:
        return AESGCM(kek).decrypt(wrapped[:_NONCE_OCTETS], wrapped[_NONCE_OCTETS:], place)
    except ValueError as problem:  # too short to hold a nonce
        raise InvalidTag from problem


def _octets(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


def _text(octets: bytes) -> str:
    return base64.b64encode(octets).decode()


def _json(stated: Mapping[str, object]) -> bytes:
    return json.dumps(stated, indent=1, sort_keys=True).encode()
