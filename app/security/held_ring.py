"""The ring read and opened: what a process holds of it, and how one reading may follow upon another."""

import base64
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from app.domain.refusal import StoreUnfit
from app.security.high_water import MARK_FILE
from app.security.key_folder import KeyFolder
from app.security.ring import (
    ENVIRONMENT,
    KEPT,
    KEY_OCTETS,
    PURPOSES,
    Ring,
    derived,
    new_ring,
    prove,
    read_ring,
    write_ring,
)
from app.security.ring_place import RING_FILE, Stamp
from app.security.signing import PublicKey, SigningKey, public_key_of

SERVICE_OWNER = b"service"
FIRST_KEK = "kek"


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
class OwnerKeys:
    """The data keys of one owner, ready for use; none where the owner was shredded. ``newest`` seals."""

    newest: int
    keys: Mapping[int, AESGCM]


@dataclass(frozen=True, slots=True)
class HeldRing:
    """What one reading of the ring gave, replaced whole so that threads see one ring or the next.

    ``kek`` is None where the ring was rotated to a KEK that this process was not given: the keys that it held before
    serve until its restart, but for those shredded since. ``is_behind`` tells that the ring that stands is of a later
    epoch, of which nothing is known here.
    """

    stamp: Stamp
    ring: Ring
    kek: bytes | None
    root: bytes
    owners: Mapping[bytes, OwnerKeys]
    epochs: "Epochs"
    is_behind: bool = False


@dataclass(frozen=True, slots=True)
class Epochs:
    """What is derived from the roots. ``derived`` are the keys of each purpose that are there, the newest last.

    ``proving`` are those by which something may be proven: once the rotation is settled, the newest alone.
    ``outer`` opens and makes the outer layer, by the number of the epoch; ``public_keys`` begin with the newest.
    """

    derived: Mapping[str, tuple[bytes, ...]]
    proving: Mapping[str, tuple[bytes, ...]]
    outer: Mapping[int, AESGCM]
    signing: SigningKey
    public_keys: tuple[PublicKey, ...]


def make_first_ring(folder: KeyFolder, given: Sequence[bytes]) -> None:
    """Write the first ring, and its KEK where none is given. Raise ``StoreUnfit`` where there was a ring."""
    if folder.holds(MARK_FILE):
        raise StoreUnfit(
            "The database is missing or empty, and the key folder is that of one that was there, without its key ring.",
            "Nothing was made in its place. Check CLOSURES_DATABASE_URL or CLOSURES_DATA_DIR. If the database is lost, "
            f"put the newest copy of its key ring into {folder.path} as {RING_FILE} and run `closures restore FILE` "
            "with the newest backup. To begin anew without what it held, name an empty folder in CLOSURES_KEY_DIR.",
        )
    if any(folder.path.glob(f"{FIRST_KEK}-*")):  # only a rotation makes these: there was a ring
        raise StoreUnfit(f"The key ring {RING_FILE} is missing.", "Restore the newest copy of the key folder.")
    if given:
        name, kek = ENVIRONMENT, given[0]
    else:
        name = FIRST_KEK
        if not folder.holds(name):  # else a first start was interrupted here
            write_kek(folder, name, os.urandom(KEY_OCTETS))
        kek = kek_file(folder, name)
    ring = new_ring(kek, name)
    folder.write(RING_FILE, write_ring(ring.with_new_keys(kek, [SERVICE_OWNER]), ring.open_root(kek)), 0o600)


def read_held(
    folder: KeyFolder, found: tuple[Stamp, bytes], given: Sequence[bytes], before: HeldRing | None
) -> HeldRing:
    """Open a ring that was ``found``; ``before`` is what this process held until now. Raise ``StoreUnfit``.

    ``given`` are the KEKs of the environment, the newest first. A ring of a later epoch is of the same data where it
    kept the keys of ours.
    """
    stamp, octets = found
    ring = read_ring(octets)
    try:
        kek, root = _opened(folder, ring, given)
    except StoreUnfit:
        if before is None:
            raise
        if ring.epoch == before.ring.epoch:
            prove(ring, before.root, octets)
        elif ring.epoch < before.ring.epoch:
            raise _of_other_data() from None
        else:  # proven under a root that only the new KEK opens: until the restart, what was held goes on
            return replace(before, stamp=stamp, kek=None, is_behind=True)
        owners = {owner: own for owner, own in before.owners.items() if ring.owners.get(owner)}
        gone = {owner: OwnerKeys(0, {}) for owner, keys in ring.owners.items() if not keys}
        return HeldRing(stamp, ring, None, before.root, owners | gone, before.epochs)
    prove(ring, root, octets)
    if before is not None and before.root == root and before.ring.epoch == ring.epoch:
        epochs = replace(before.epochs, proving=_proving(ring, before.epochs.derived))
    else:
        epochs = _epochs(ring, kek, root)
        if before is not None and not _follows(epochs, ring, before):
            raise _of_other_data()
    opened = {owner: ring.open_keys(kek, owner) for owner in ring.owners}
    return HeldRing(
        stamp,
        ring,
        kek,
        root,
        {
            owner: OwnerKeys(max(keys, default=0), {version: AESGCM(key) for version, key in keys.items()})
            for owner, keys in opened.items()
        },
        epochs,
    )


def _epochs(ring: Ring, kek: bytes, root: bytes) -> Epochs:
    past = [ring.open_past(kek, number) for number in range(1, ring.epoch)]
    keys = {
        purpose: (*(one[purpose] for one in past if purpose in KEPT), derived(root, purpose)) for purpose in PURPOSES
    }
    signing = SigningKey(keys["signing"][-1])
    publics = [public_key_of(epoch.public) for epoch in ring.past]
    outer = {number: AESGCM(key) for number, key in enumerate(keys["envelope"], 1)}
    return Epochs(keys, _proving(ring, keys), outer, signing, (signing.public, *reversed(publics)))


def _proving(ring: Ring, keys: Mapping[str, tuple[bytes, ...]]) -> Mapping[str, tuple[bytes, ...]]:
    return {purpose: each[-1:] if ring.is_settled else each for purpose, each in keys.items()}


def _follows(epochs: Epochs, ring: Ring, before: HeldRing) -> bool:
    """Tell whether a ring is of a later epoch than the one held before, and of the same data."""
    held = before.epochs.derived["index"]
    return ring.epoch > before.ring.epoch and epochs.derived["index"][: len(held)] == held


def _opened(folder: KeyFolder, ring: Ring, given: Sequence[bytes]) -> tuple[bytes, bytes]:
    """Return the KEK of a ring, and the root secret that it opens."""
    if ring.kek != ENVIRONMENT:
        if given:
            raise StoreUnfit(f"CLOSURES_KEK is set, but the key is the file {ring.kek}.", "Unset it, then start again.")
        kek = kek_file(folder, ring.kek)
        return kek, ring.open_root(kek)
    if not given:
        raise StoreUnfit("The keys are wrapped by CLOSURES_KEK, which is not set.", "Set it, then start again.")
    for kek in given[:-1]:
        try:
            return kek, ring.open_root(kek)
        except StoreUnfit:
            continue  # wrapped by the other one, as yet
    return given[-1], ring.open_root(given[-1])


def kek_file(folder: KeyFolder, name: str) -> bytes:
    """Return the KEK that a file holds. Raise ``StoreUnfit``."""
    return read_kek(folder.read(name).decode("ascii", "replace"))


def write_kek(folder: KeyFolder, name: str, kek: bytes) -> None:
    """Write a KEK to a file. Raise ``StoreFull``."""
    folder.write(name, kek.hex().encode(), 0o400)


def fresh_kek(folder: KeyFolder, ring: Ring, kek: bytes, given: bytes | None) -> tuple[str, bytes]:
    """Return the name and the octets of the KEK that comes after the ring's; where it is a file, that is written.

    ``given`` is the one that the environment will give. Raise ``StoreUnfit`` if it is missing, out of place or the old
    one, ``StoreFull``.
    """
    if ring.kek == ENVIRONMENT:
        if given is None or given == kek:
            raise StoreUnfit("The KEK comes from the environment.", "Give the new one with --new-kek-file.")
        return ENVIRONMENT, given
    if given is not None:
        raise StoreUnfit("The KEK is a file, which is made anew here.", "Leave out the new KEK.")
    name, fresh = f"{FIRST_KEK}-{os.urandom(4).hex()}", os.urandom(KEY_OCTETS)
    write_kek(folder, name, fresh)
    return name, fresh


def _of_other_data() -> StoreUnfit:
    return StoreUnfit("The key ring was replaced by one of other data.", "Restore the one that belongs here.")
