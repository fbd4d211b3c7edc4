"""A keyed digest beside the columns of a row that stand in the clear: who has no key cannot write one that fits."""

import hmac
from collections.abc import Iterable, Sequence

from app.security.keyed_digest import KeyedDigest

_OCTETS = 16


class RowProofs:
    """Makes and compares the digests of rows, HMAC-SHA256 under one key of the ring."""

    def __init__(self, key: bytes) -> None:
        self._digest = KeyedDigest(key).of

    def of(self, table: str, values: Sequence[object]) -> bytes:
        """Return the 16 octets that prove a row: octets, texts, numbers, truths, instants and None, in fixed order."""
        # repr spells no two such rows alike, and is the fastest that does not.
        return self._digest(repr((table, *values)).encode())[:_OCTETS]

    def fits(self, table: str, values: Sequence[object], proof: object) -> bool:
        """Tell whether a proof, whatever stands there, is that of a row."""
        return isinstance(proof, bytes) and hmac.compare_digest(self.of(table, values), proof)

    def altered(self, table: str, rows: Iterable[Sequence[object]]) -> int:
        """Return how many rows, each its values and then its proof, are not as they were written."""
        digest, count = self._digest, 0
        for *values, proof in rows:  # as ``of``, for a million rows
            count += digest(repr((table, *values)).encode())[:_OCTETS] != proof
        return count
