"""The keys of the service: a key-encryption key (KEK), one root secret, and one data key for each User.

The ring holds the root secret and the data keys, wrapped by the KEK: the file ``ring.json`` in the key folder or, on
PostgreSQL, a table that no backup has (ADR 13). It has a retention of its own: once a User's data keys are gone from
it, old backups of the database are unreadable for that User too. What it cannot undo is a copy of the ring itself: a
shredded key can be had from an older one by whoever holds the KEK of that time. Keep few copies, and rotate the root
after a shred that must be final: what is stored then goes under an outer layer that no copy of before opens (ADR 32).

Several processes share the ring: a writer replaces it whole and durably, only if it still is what was read, and the
others look for a new one at most once a second, at once when they miss a key, and as the head says that something was
forgotten.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from threading import Lock
from time import monotonic
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from app.domain.refusal import Refusal, Shredded, StoreBusy, StoreUnfit
from app.security import sealing
from app.security.held_ring import (
    FIRST_KEK,
    HeldRing,
    fresh_kek,
    make_first_ring,
    read_held,
)
from app.security.held_ring import SERVICE_OWNER as SERVICE_OWNER  # noqa: PLC0414 - handed on
from app.security.held_ring import read_kek as read_kek  # noqa: PLC0414 - handed on
from app.security.high_water import HighWater
from app.security.key_folder import KeyFolder
from app.security.moved_ring import move_ring
from app.security.proving_keys import ProvingKeys
from app.security.ring import ENVIRONMENT, Ring, write_ring
from app.security.ring_place import RingFile, RingPlace
from app.security.security_log import SecurityAction, security_event
from app.security.signing import PublicKey, SigningKey
from app.security.verified import Verified

_LOOK_AGAIN = 1.0  # seconds between looks at the ring, so that a key shredded elsewhere is dropped soon


Change = Callable[[HeldRing, bytes], tuple[Ring, bytes] | None]
"""Makes a ring, and the KEK that opens it, of the one that stands and its KEK; None where nothing is to be done."""


class Keyring:
    """The open ring. Threads share it; processes share the ``place`` that it is kept in."""

    def __init__(self, folder: KeyFolder, place: RingPlace, given: tuple[bytes, ...], held: HeldRing) -> None:
        self._folder = folder
        self._place = place
        self._given = given
        self._held = held
        self._guard = Lock()
        self._look_after = monotonic() + _LOOK_AGAIN
        self._forgotten = -1
        self.high_water = HighWater(folder, self._mark_keys())
        self.verified = Verified(folder, self.proving_keys("mark"))

    @classmethod
    def open(
        cls,
        key_dir: Path,
        *,
        kek: bytes | None,
        create: bool,
        old_kek: bytes | None = None,
        shared: RingPlace | None = None,
    ) -> "Keyring":
        """Open the ring in ``key_dir``; with ``create``, for a database that is not there yet, make what is missing.

        ``kek`` is the key-encryption key where the environment gives it, and ``old_kek`` one that is on its way out;
        else it is a file in the folder. ``shared`` is where many machines keep the ring: the folder's is moved there.
        Raise ``StoreUnfit`` where keys are missing, open to others, or not those of this data.
        """
        folder, given = KeyFolder(key_dir), tuple(one for one in (kek, old_kek) if one is not None)
        if create or shared is not None:
            folder.make()
        folder.check()
        place = shared or RingFile(folder)
        with folder.locked():
            if shared is not None:
                move_ring(folder, shared, given)
            elif create and not place.holds():
                make_first_ring(folder, given)
            return cls(folder, place, given, read_held(folder, place.read(), given, None))

    # What the rest of the service uses.

    def derive(self, purpose: str) -> bytes:
        """Return the 32 octets of one of ``PURPOSES``: the same until the root is rotated."""
        return self._held.epochs.derived[purpose][-1]

    def derived(self, purpose: str) -> tuple[bytes, ...]:
        """Return the keys of one of ``KEPT`` of every epoch there was, the oldest first, the newest last."""
        return self._held.epochs.derived[purpose]

    def proving_keys(self, purpose: str) -> ProvingKeys:
        """Return the keys of ``purpose`` that prove: once nothing is left of the epochs before, the newest alone."""
        return ProvingKeys(lambda: self._held.epochs.proving[purpose], lambda: self._newer().epochs.proving[purpose])

    def _mark_keys(self) -> ProvingKeys:
        """Return the keys of the mark: of every epoch where a machine may have been off while the root was rotated."""
        if not self._place.is_shared:
            return self.proving_keys("mark")
        return ProvingKeys(lambda: self.derived("mark"), lambda: self._newer().epochs.derived["mark"])

    @property
    def epoch(self) -> int:
        """The number of the epoch, from 1: it rises when the root is rotated."""
        return self._held.ring.epoch

    @property
    def is_settled(self) -> bool:
        """Tell whether nothing is left in the database that the keys of an earlier epoch open or prove, as of now."""
        return self._look(at_once=True).ring.is_settled

    @property
    def signing_key(self) -> SigningKey:
        """The key that signs, of the newest epoch."""
        return self._look().epochs.signing

    @property
    def public_keys(self) -> tuple[PublicKey, ...]:
        """The public keys of every epoch, the newest first: what was signed by an earlier one still verifies."""
        return self._look().epochs.public_keys

    def ensure(self, owner: bytes) -> None:
        """Make sure that ``owner`` has a data key, durable before it is used.

        Raise ``Shredded``, ``StoreFull``, or ``StoreUnfit`` if the KEK of this process is no longer the ring's.
        """
        if owner not in self._look().owners:
            self._change(
                lambda held, kek: None if owner in held.owners else (held.ring.with_new_keys(kek, [owner]), kek)
            )
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

    def peel(self, octets: bytes) -> bytes:
        """Return what is sealed without its outer layer; as it is where it has none, or one that does not open.

        What that leaves does not open either: whoever unseals it is told.
        """
        number = sealing.epoch_of(octets)
        if not number:
            return octets
        key = self._held.epochs.outer.get(number) or self._newer().epochs.outer.get(number)
        record = None if key is None else sealing.peel(key, octets)
        return octets if record is None else record

    def cover(self, octets: bytes) -> bytes | None:
        """Return what belongs in place of a stored value that keys of before would open; None where nothing does.

        That is the record as it was under an outer layer of the newest epoch, whichever layer it had.
        """
        held, record = self._held, self.peel(octets)
        if sealing.epoch_of(octets) == held.ring.epoch or not sealing.is_of_key_below(held.ring.first, record):
            return None
        return sealing.lay_over(held.epochs.outer[held.ring.epoch], held.ring.epoch, record)

    @property
    def first_version(self) -> int:
        """The lowest version of data keys that are of the newest epoch."""
        return self._held.ring.first

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

    def follow(self, forgotten: int) -> None:
        """Look at once where the number that rises as something is forgotten is above all seen before.

        Whatever is read and kept under such a number is then read without the keys of a User that was shredded.
        """
        if forgotten > self._forgotten:
            self._look(at_once=True)
            self._forgotten = forgotten

    def require_there(self) -> None:
        """Raise ``StoreUnfit`` unless the ring can be read, now, and nothing by later keys would be overlooked.

        Where machines share the ring, another one may have ended a rotation that this process cannot see.
        """
        if self._look(at_once=True).is_behind and self._place.is_shared:
            raise _behind()

    def require_newest(self) -> None:
        """Raise ``StoreUnfit`` unless this process can open the ring that stands now."""
        if self._look(at_once=True).kek is None:
            raise _behind()

    def written(self) -> bytes:
        """Return the ring that stands, wrapped as it is, for a copy of it. Raise ``StoreUnfit``."""
        self.require_newest()
        return write_ring(self._held.ring, self._held.root)

    # What an operator does.

    def rotate(self, new_kek: bytes | None = None, *, root: bool = False) -> None:
        """Wrap everything under a new KEK and give every owner a new data key for what is sealed from now on.

        With ``root``, begin a new epoch: another root secret, and of the old one what ``ring.KEPT`` says.
        Older data keys stay for reading. Where the environment gives the KEK, ``new_kek`` is the one that it will give
        from now on, and running processes serve with the keys that they hold until they are restarted with it; else a
        new file is made, and running processes find it. At every moment the folder holds a ring with a KEK that opens
        it: the new file is written beside the old one, then the ring, and only then is the old one removed.
        Raise ``StoreUnfit`` if ``new_kek`` is missing, out of place or the old one, and ``StoreFull``.
        """

        def rotated(held: HeldRing, kek: bytes) -> tuple[Ring, bytes]:
            name, fresh = fresh_kek(self._folder, held.ring, kek, new_kek)
            living = [owner for owner, own in held.owners.items() if own.newest]
            ring = held.ring.rewrapped(kek, fresh, name)
            return (ring.with_new_root(fresh) if root else ring).with_new_keys(fresh, living), fresh

        self._change(rotated)
        security_event(SecurityAction.ROOT_ROTATED if root else SecurityAction.KEYS_ROTATED)
        if root and self._held.ring.kek != ENVIRONMENT:  # else running processes could not read it until their restart
            self.high_water.renew()

    def settle(self, epoch: int) -> None:
        """Take nothing any more that keys of epochs before ``epoch`` prove. They stay, for backups of before.

        Raise ``StoreBusy`` if that is no longer the newest, ``StoreFull``, and ``StoreUnfit`` as ``ensure`` does.
        """
        self.high_water.renew()

        def settled(held: HeldRing, kek: bytes) -> tuple[Ring, bytes]:
            if held.ring.epoch != epoch:
                raise StoreBusy("The root was rotated once more meanwhile.", "The scheduler seals anew again.")
            return replace(held.ring, is_settled=True), kek

        self._change(settled)

    def unsettle(self) -> None:
        """Take again what the keys of earlier epochs prove: a database of before was put back. Raise as ``settle``."""
        if self._look(at_once=True).ring.epoch > 1:
            self._change(lambda held, kek: (replace(held.ring, is_settled=False), kek))

    def shred(self, owner: bytes) -> None:
        """Destroy every data key of ``owner``. Within a second no process opens what they sealed.

        Raise ``Refusal`` for the service's own keys, ``StoreFull``, and ``StoreUnfit`` as ``ensure`` does.
        """
        if owner == SERVICE_OWNER:
            raise Refusal("The service's own keys open every feed and account.", "Shred a User.")
        self._change(lambda held, kek: (held.ring.without_keys(owner), kek))

    def forget_replaced(self) -> None:
        """Have a database give up rings that were replaced: a small select where there is none."""
        self._place.forget_replaced()

    # The ring as it is kept.

    def _look(self, *, at_once: bool = False) -> HeldRing:
        """Notice a ring that another process replaced; look at most once a second, unless ``at_once``."""
        if at_once or monotonic() >= self._look_after:
            # One that did not open is tried again: a file with its KEK may have come.
            if self._held.kek is None or self._place.has_another(self._held.stamp):
                self._take()
            self._look_after = monotonic() + _LOOK_AGAIN
        return self._held

    def _take(self) -> None:
        """Hold the ring as it stands by now."""
        # A file and the KEK beside it belong together: they are read under the lock. A database is asked before it, so
        # that who has a connection never waits for somebody who waits for one.
        found = self._place.read() if self._place.is_shared else None
        with self._guard, self._folder.locked():
            if found is None:
                found = self._place.read()
            elif found[0] < self._held.stamp:
                return  # another thread has seen a later one
            self._held = read_held(self._folder, found, self._given, self._held)

    def _newer(self) -> HeldRing:
        """Return the ring as it is now, for what the one held before does not know. Raise ``StoreUnfit``."""
        held = self._look(at_once=True)
        if held.is_behind:
            raise _behind()
        return held

    def _read(self) -> HeldRing:
        # Who replaces the ring does so apart from any transaction, and must see what others put there meanwhile.
        return read_held(self._folder, self._place.read(apart=True), self._given, self._held)

    def _change(self, change: Change) -> None:
        """Put in place of the ring what is made of it, durably; of a newer one, where another machine was first.

        The lock of the folder keeps other processes of this machine out. Raise ``StoreUnfit``, ``StoreFull``, or
        ``StoreBusy``.
        """
        with self._guard, self._folder.locked():
            while True:
                self._held = held = self._read()
                if held.kek is None:
                    raise _behind()
                changed = change(held, held.kek)
                if changed is None:
                    return
                ring, kek = changed
                if self._place.write(write_ring(ring, ring.open_root(kek)), held.stamp):
                    break
            if ring.kek == ENVIRONMENT:
                self._given = (kek, *(one for one in self._given if one != kek))
            self._held = self._read()
            if ring.kek != held.ring.kek:
                self._folder.remove_others(f"{FIRST_KEK}*", keep=ring.kek)

    def _missing_key(self, owner: bytes, version: int) -> AESGCM:
        """Return a data key that another process made since the last look. Raise as ``unseal`` does."""
        held = self._look(at_once=True)
        own = held.owners.get(owner)
        if own is not None and not own.newest:
            raise _shredded()
        key = own.keys.get(version) if own is not None else None
        if key is not None:
            return key
        if version in held.ring.owners.get(owner, {}) or held.is_behind:
            raise _behind()
        raise sealing.SealBroken(
            "A stored value names a key that is not in the ring.", "Restore the key folder that belongs to this data."
        )


def _shredded() -> Shredded:
    return Shredded("The data key of this User was destroyed.", "What it sealed cannot be read again by anyone.")


def _behind() -> StoreUnfit:
    return StoreUnfit(
        "The keys were rotated to another KEK.",
        "Restart the service with the new CLOSURES_KEK. Where the KEK is a file, copy the new one into the key folder.",
    )
