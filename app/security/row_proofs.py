"""A keyed digest beside the columns of a row that stand in the clear: who has no key cannot write one that fits."""

import hmac
from collections.abc import Iterable, Sequence
from hashlib import sha256

_OCTETS = 16
_BLOCK = 64  # of SHA-256, in octets


class RowProofs:
    """Makes and compares the digests of rows, HMAC-SHA256 under one key of the ring."""

    def __init__(self, key: bytes) -> None:
        # HMAC (RFC 2104 2) as its two hashes: OpenSSL's own sets up the key each time, which takes six times as long.
        block = key.ljust(_BLOCK, b"\0")
        self._inner = bytes(octet ^ 0x36 for octet in block)
        self._outer = bytes(octet ^ 0x5C for octet in block)

    def of(self, table: str, values: Sequence[object]) -> bytes:
        """Return the 16 octets that prove a row: octets, texts, numbers, truths, instants and None, in fixed order."""
        # repr spells no two such rows alike, and is the fastest that does not.
        inner = sha256(self._inner + repr((table, *values)).encode()).digest()
        return sha256(self._outer + inner).digest()[:_OCTETS]

    def fits(self, table: str, values: Sequence[object], proof: object) -> bool:
        """Tell whether a proof, whatever stands there, is that of a row."""
        return isinstance(proof, bytes) and hmac.compare_digest(self.of(table, values), proof)

    def altered(self, table: str, rows: Iterable[Sequence[object]]) -> int:
        """Return how many rows, each its values and then its proof, are not as they were written."""
        inner, outer, count = self._inner, self._outer, 0
        for *values, proof in rows:  # as ``of``, for a million rows
            hashed = sha256(inner + repr((table, *values)).encode()).digest()
            count += sha256(outer + hashed).digest()[:_OCTETS] != proof
        return count
