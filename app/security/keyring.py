"""The keys of the service: a key-encryption key (KEK), one root secret, and one data key for each User.

``ring.json`` in the key folder holds the root secret and the data keys, wrapped by the KEK. It stands apart from the
database, with a retention of its own: once a User's data keys are gone from it, old backups of the database are
unreadable for that User too. What it cannot undo is a copy of the ring itself: a shredded key can be had from an older
``ring.json`` by whoever holds the KEK of that time. Keep few copies, and rotate after a shred that must be final.

Several processes share the file: a writer takes the lock, replaces it whole and durably, and the others look for a new
one at most once a second, and at once when they miss a key.
"""

import base64
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from time import monotonic
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from app.domain.refusal import Refusal, Shredded, StoreUnfit
from app.security import sealing
from app.security.high_water import HighWater
from app.security.key_folder import KeyFolder
from app.security.ring import ENVIRONMENT, KEY_OCTETS, Ring, derived, new_ring, prove, read_ring, write_ring
from app.security.security_log import SecurityAction, security_event
from app.security.verified import Verified

SERVICE_OWNER = b"service"
PURPOSES = frozenset({"index", "mark", "proof", "session", "signing", "token"})

_RING = "ring.json"
_FIRST_KEK = "kek"
_LOOK_AGAIN = 1.0  # seconds between looks at the ring file, so that a key shredded elsewhere is dropped soon


def read_kek(text: str) -> bytes:
    """Read a key-encryption key of 32 octets from hexadecimal or base64. Raise ``StoreUnfit``, never echoing it."""
    text = text.strip()
    for read in (bytes.fromhex, _from_base64):
        try:
            key = read(text)
        except ValueError:
            continue
        if len(key) == KEY_OCTETS:
            return key
    raise StoreUnfit("That is not a key.", "Give 32 random octets as 64 hexadecimal digits or in base64.")


def _from_base64(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


@dataclass(frozen=True, slots=True)
class _OwnerKeys:
    """The data keys of one owner, ready for use; none where the owner was shredded. ``newest`` seals."""

    newest: int
    keys: Mapping[int, AESGCM]


@dataclass(frozen=True, slots=True)
class _Held:
    """What one reading of the ring file gave, replaced whole so that threads see one ring or the next.

    ``kek`` is None where the ring was rotated to a KEK that this process was not given: the keys that it held before
    serve until its restart, but for those shredded since.
    """

    stamp: tuple[int, int, int]
    ring: Ring
    kek: bytes | None
    root: bytes
    owners: Mapping[bytes, _OwnerKeys]


class Keyring:
    """The open ring. Threads share it; processes share its file."""

    def __init__(self, folder: KeyFolder, given_kek: bytes | None, held: _Held) -> None:
        self._folder = folder
        self._given_kek = given_kek
        self._held = held
        self._guard = Lock()
        self._look_after = monotonic() + _LOOK_AGAIN
        # The root secret is the same for good, whatever is rotated.
        self._derived = {purpose: derived(held.root, purpose) for purpose in PURPOSES}
        self.high_water = HighWater(folder, self._derived["mark"])
        self.verified = Verified(folder, self._derived["mark"])

    @classmethod
    def open(cls, key_dir: Path, *, kek: bytes | None, create: bool) -> "Keyring":
        """Open the ring in ``key_dir``; with ``create``, for a database that is not there yet, make what is missing.

        ``kek`` is the key-encryption key where the environment gives it; else it is a file in the folder.
        Raise ``StoreUnfit`` where keys are missing, open to others, or not those of this data.
        """
        folder = KeyFolder(key_dir)
        if create:
            folder.make()
        folder.check()
        with folder.locked():
            if create and not folder.holds(_RING):
                _make_first(folder, kek)
            return cls(folder, kek, _read(folder, kek, None))

    # What the rest of the service uses.

    def derive(self, purpose: str) -> bytes:
        """Return the 32 octets of one of ``PURPOSES``, which stay the same for good."""
        return self._derived[purpose]

    def ensure(self, owner: bytes) -> None:
        """Make sure that ``owner`` has a data key, durable before it is used.

        Raise ``Shredded``, ``StoreFull``, or ``StoreUnfit`` if the KEK of this process is no longer the ring's.
        """
        if owner not in self._look().owners:
            with self._changing() as (held, kek):
                if owner not in held.owners:
                    self._put(held.ring.with_new_keys(kek, [owner]), held, self._given_kek)
        if self.is_shredded(owner):
            raise _shredded()

    def seal(self, owner: bytes, table: str, column: str, row: bytes, row_version: int, plaintext: bytes) -> bytes:  # noqa: PLR0917 - a place has four parts
        """Seal a value of ``owner`` for one place. Raise ``Shredded``, or ``StoreUnfit`` without ``ensure``."""
        held = self._held if monotonic() < self._look_after else self._look()
        own = held.owners.get(owner) or self._look(at_once=True).owners.get(owner)
        if own is None:
            raise StoreUnfit("A User has no data key.", "Restore the key folder that belongs to this data.")
        if not own.newest:
            raise _shredded()
        aad = sealing.aad_for(table, column, owner, row, row_version)
        return sealing.seal(own.keys[own.newest], own.newest, plaintext, aad)

    def unseal(self, owner: bytes, table: str, column: str, row: bytes, row_version: int, sealed: bytes) -> bytes:  # noqa: PLR0917 - as seal
        """Open a value of ``owner`` from its place.

        Raise ``Shredded``, ``SealBroken``, or ``StoreUnfit`` if the value needs a KEK that this process was not given.
        """
        held = self._held if monotonic() < self._look_after else self._look()
        own = held.owners.get(owner)
        if own is not None and not own.newest:
            raise _shredded()
        version = sealing.version_of(sealed)
        key = own.keys.get(version) if own is not None else None
        return sealing.unseal(
            key or self._missing_key(owner, version),
            sealed,
            sealing.aad_for(table, column, owner, row, row_version),
        )

    def opener(self, table: str, column: str) -> Callable[[Any, Any, Any, Any], bytes]:
        """Return what opens many values of one column, given (owner, row, row version, sealed), as ``unseal`` does.

        It looks at the ring once, at the beginning: what it does not find there, ``unseal`` is asked for.
        """
        owners = self._look(at_once=True).owners
        keys = {(owner, version): key for owner, own in owners.items() for version, key in own.keys.items()}
        known = sealing.opener(keys, table, column)

        def open_one(owner: bytes, row: bytes, row_version: int, sealed: bytes) -> bytes:
            opened = known(owner, row, row_version, sealed)
            return self.unseal(owner, table, column, row, row_version, sealed) if opened is None else opened

        return open_one

    def is_shredded(self, owner: bytes) -> bool:
        """Tell whether the data keys of ``owner`` were destroyed."""
        own = self._look().owners.get(owner)
        return own is not None and not own.newest

    def knows(self, owner: bytes) -> bool:
        """Tell whether ``owner`` ever had a data key in this ring, shredded since or not."""
        return owner in self._look().owners

    def is_unused(self) -> bool:
        """Tell whether no User ever had a data key in this ring."""
        return self._look().owners.keys() <= {SERVICE_OWNER}

    def owners(self) -> frozenset[bytes]:
        """Return the owners that have a data key."""
        return frozenset(owner for owner, own in self._look().owners.items() if own.newest)

    def require_there(self) -> None:
        """Raise ``StoreUnfit`` unless the key folder is there, and its ring can be read, now."""
        self._look(at_once=True)

    # What an operator does.

    def rotate(self, new_kek: bytes | None = None) -> None:
        """Wrap everything under a new KEK and give every owner a new data key for what is sealed from now on.

        Older data keys stay for reading. Where the environment gives the KEK, ``new_kek`` is the one that it will give
        from now on, and running processes serve with the keys that they hold until they are restarted with it; else a
        new file is made, and running processes find it. At every moment the folder holds a ring with a KEK that opens
        it: the new file is written beside the old one, then the ring, and only then is the old one removed.
        Raise ``StoreUnfit`` if ``new_kek`` is missing, out of place or the old one, and ``StoreFull``.
        """
        with self._changing() as (held, kek):
            if held.ring.kek == ENVIRONMENT:
                if new_kek is None or new_kek == kek:
                    raise StoreUnfit("The KEK comes from the environment.", "Give the new one with --new-kek-file.")
                name, fresh = ENVIRONMENT, new_kek
            else:
                if new_kek is not None:
                    raise StoreUnfit("The KEK is a file, which is made anew here.", "Leave out the new KEK.")
                name, fresh = f"{_FIRST_KEK}-{os.urandom(4).hex()}", os.urandom(KEY_OCTETS)
                _write_kek(self._folder, name, fresh)
            living = [owner for owner, own in held.owners.items() if own.newest]
            self._put(held.ring.rewrapped(kek, fresh, name).with_new_keys(fresh, living), held, new_kek)
            if name != ENVIRONMENT:
                self._folder.remove_others(f"{_FIRST_KEK}*", keep=name)
            security_event(SecurityAction.KEYS_ROTATED)

    def shred(self, owner: bytes) -> None:
        """Destroy every data key of ``owner``. Within a second no process opens what they sealed.

        Raise ``Refusal`` for the service's own keys, ``StoreFull``, and ``StoreUnfit`` as ``ensure`` does.
        """
        if owner == SERVICE_OWNER:
            raise Refusal("The service's own keys open every feed and account.", "Shred a User.")
        with self._changing() as (held, _):
            self._put(held.ring.without_keys(owner), held, self._given_kek)

    # The file.

    def _look(self, *, at_once: bool = False) -> _Held:
        """Notice a ring that another process replaced; look at most once a second, unless ``at_once``."""
        if at_once or monotonic() >= self._look_after:
            with self._guard:
                if self._folder.stamp(_RING) != self._held.stamp:
                    with self._folder.locked():
                        self._held = _read(self._folder, self._given_kek, self._held)
                self._look_after = monotonic() + _LOOK_AGAIN
        return self._held

    @contextmanager
    def _changing(self) -> Iterator[tuple[_Held, bytes]]:
        """Give the ring as it stands, with its KEK, while nobody else may change it."""
        with self._guard, self._folder.locked():
            self._held = held = _read(self._folder, self._given_kek, self._held)
            if held.kek is None:
                raise _behind()
            yield held, held.kek

    def _put(self, ring: Ring, held: _Held, given_kek: bytes | None) -> None:
        self._folder.write(_RING, write_ring(ring, held.root), 0o600)
        self._given_kek = given_kek
        self._held = _read(self._folder, self._given_kek, held)

    def _missing_key(self, owner: bytes, version: int) -> AESGCM:
        """Return a data key that another process made since the last look. Raise as ``unseal`` does."""
        held = self._look(at_once=True)
        own = held.owners.get(owner)
        if own is not None and not own.newest:
            raise _shredded()
        key = own.keys.get(version) if own is not None else None
        if key is not None:
            return key
        if version in held.ring.owners.get(owner, {}):
            raise _behind()
        raise sealing.SealBroken(
            "A stored value names a key that is not in the ring.", "Restore the key folder that belongs to this data."
        )


def _make_first(folder: KeyFolder, given_kek: bytes | None) -> None:
    if any(folder.path.glob(f"{_FIRST_KEK}-*")):  # only a rotation makes these: there was a ring
        raise StoreUnfit(f"The key ring {_RING} is missing.", "Restore the newest copy of the key folder.")
    if given_kek is not None:
        name, kek = ENVIRONMENT, given_kek
    else:
        name = _FIRST_KEK
        if not folder.holds(name):  # else a first start was interrupted here
            _write_kek(folder, name, os.urandom(KEY_OCTETS))
        kek = _kek_file(folder, name)
    ring = new_ring(kek, name)
    folder.write(_RING, write_ring(ring.with_new_keys(kek, [SERVICE_OWNER]), ring.open_root(kek)), 0o600)


def _read(folder: KeyFolder, given_kek: bytes | None, before: _Held | None) -> _Held:
    """Read and open the ring file; ``before`` is what this process held until now. Raise ``StoreUnfit``."""
    stamp, octets = folder.stamp(_RING), folder.read(_RING)
    ring = read_ring(octets)
    try:
        kek = _kek_of(folder, ring, given_kek)
        root = ring.open_root(kek)
    except StoreUnfit:
        if before is None:
            raise
        prove(ring, before.root, octets)
        owners = {owner: own for owner, own in before.owners.items() if ring.owners.get(owner)}
        gone = {owner: _OwnerKeys(0, {}) for owner, keys in ring.owners.items() if not keys}
        return _Held(stamp, ring, None, before.root, owners | gone)
    if before is not None and before.root != root:
        raise StoreUnfit("The key ring was replaced by one of other data.", "Restore the one that belongs here.")
    prove(ring, root, octets)
    opened = {owner: ring.open_keys(kek, owner) for owner in ring.owners}
    return _Held(
        stamp,
        ring,
        kek,
        root,
        {
            owner: _OwnerKeys(max(keys, default=0), {version: AESGCM(key) for version, key in keys.items()})
            for owner, keys in opened.items()
        },
    )


def _kek_of(folder: KeyFolder, ring: Ring, given_kek: bytes | None) -> bytes:
    if ring.kek != ENVIRONMENT:
        if given_kek is not None:
            raise StoreUnfit(f"CLOSURES_KEK is set, but the key is the file {ring.kek}.", "Unset it, then start again.")
        return _kek_file(folder, ring.kek)
    if given_kek is None:
        raise StoreUnfit("The keys are wrapped by CLOSURES_KEK, which is not set.", "Set it, then start again.")
    return given_kek


def _kek_file(folder: KeyFolder, name: str) -> bytes:
    return read_kek(folder.read(name).decode("ascii", "replace"))


def _write_kek(folder: KeyFolder, name: str, kek: bytes) -> None:
    folder.write(name, kek.hex().encode(), 0o400)


def _shredded() -> Shredded:
    return Shredded("The data key of this User was destroyed.", "What it sealed cannot be read again by anyone.")


def _behind() -> StoreUnfit:
    return StoreUnfit("The keys were rotated to another KEK.", "Restart the service with the new CLOSURES_KEK.")
