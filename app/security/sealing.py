"""AES-256-GCM over one stored value, bound to its place, so that a row moved, swapped or rolled back does not open.

A value that a data key of an earlier epoch opens has an outer layer (format 2) under a key of the newest epoch. Within
it stands the record as it was (format 1), which is what leaves of the log, proofs and digests are over (ADR 32).
"""

import os
import struct
from collections.abc import Callable, Mapping

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from app.domain.refusal import Refusal

FORMAT = 1
OUTER = 2
_HEADER = struct.Struct(">BH12s")  # format, version of the data key or number of the epoch, 96-bit nonce
_KEY = struct.Struct(">BH")  # how a header begins: format, data key version
_LENGTHS = struct.Struct(">BBBBI")


class SealBroken(Refusal):
    """A sealed value that does not open: altered, moved from its place, or of another key."""

    code = "seal-broken"


def aad_for(table: str, column: str, owner: bytes, row: bytes, row_version: int) -> bytes:
    """Return the associated data that names a value's place; lengths first, so that no two places share one.

    Raise ``SealBroken`` for a place that cannot be one.
    """
    names = (table.encode(), column.encode(), owner, row)
    try:
        return _LENGTHS.pack(*map(len, names), row_version) + b"".join(names)
    except struct.error as problem:  # no row was ever written with such a version
        raise _broken() from problem


def seal(key: AESGCM, key_version: int, plaintext: bytes, aad: bytes) -> bytes:
    """Return the record: format | data key version | random nonce | ciphertext and tag."""
    nonce = os.urandom(12)
    return _HEADER.pack(FORMAT, key_version, nonce) + key.encrypt(nonce, plaintext, aad)


def version_of(record: bytes) -> int:
    """Return the version of the data key that a record names; raise ``SealBroken`` if it is no record."""
    if len(record) < _HEADER.size or record[0] != FORMAT:
        raise _broken()
    return int.from_bytes(record[1:3], "big")


def unseal(key: AESGCM, record: bytes, aad: bytes) -> bytes:
    """Return the plaintext; raise ``SealBroken``. ``version_of`` has said which key to bring."""
    try:
        return key.decrypt(record[3 : _HEADER.size], record[_HEADER.size :], aad)
    except InvalidTag as problem:
        raise _broken() from problem


def lay_over(key: AESGCM, epoch: int, record: bytes) -> bytes:
    """Return a record with an outer layer: format | number of the epoch | random nonce | ciphertext and tag."""
    nonce = os.urandom(12)
    header = _HEADER.pack(OUTER, epoch, nonce)
    return header + key.encrypt(nonce, record, header[: _KEY.size])


def epoch_of(octets: bytes) -> int:
    """Return the number of the epoch whose key opens the outer layer; 0 where there is none."""
    return int.from_bytes(octets[1:3], "big") if len(octets) >= _HEADER.size and octets[0] == OUTER else 0


def peel(key: AESGCM, octets: bytes) -> bytes | None:
    """Return the record within an outer layer; None where that was altered."""
    try:
        return key.decrypt(octets[3 : _HEADER.size], octets[_HEADER.size :], octets[: _KEY.size])
    except InvalidTag:
        return None


def is_of_key_below(version: int, record: bytes) -> bool:
    """Tell whether octets are a record without an outer layer, of a data key of a lower version."""
    return len(record) >= _HEADER.size and record[0] == FORMAT and int.from_bytes(record[1:3], "big") < version


def opener(keys: Mapping[tuple[bytes, int], AESGCM], table: str, column: str) -> Callable[..., bytes | None]:
    """Return what opens many values of one column by (owner, row, row version, record); None where no key is there.

    ``keys`` are by owner and data key version. For verification, which opens a million of them: as ``unseal``, but
    what is the same of each is done once.
    """
    names, lengths = table.encode() + column.encode(), (len(table.encode()), len(column.encode()))
    by_header = {(owner, _KEY.pack(FORMAT, version)): key.decrypt for (owner, version), key in keys.items()}

    def open_one(owner: bytes, row: bytes, row_version: int, record: bytes) -> bytes | None:
        decrypt = by_header.get((owner, record[: _KEY.size]))
        if decrypt is None:
            return None
        aad = _LENGTHS.pack(*lengths, len(owner), len(row), row_version) + names + owner + row
        try:
            return decrypt(record[3 : _HEADER.size], record[_HEADER.size :], aad)
        except InvalidTag as problem:
            raise _broken() from problem

    return open_one


def _broken() -> SealBroken:
    return SealBroken(
        "A stored value does not open: it was altered or moved.", "Run `closures record verify`; restore a backup."
    )
