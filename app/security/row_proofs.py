"""A keyed digest beside the columns of a row that stand in the clear: who has no key cannot write one that fits."""

import hmac
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache

from app.security.keyed_digest import KeyedDigest
from app.security.proving_keys import ProvingKeys

_OCTETS = 16


class RowProofs:
    """Makes the digests of rows, HMAC-SHA256 under the newest of some keys of the ring, and compares those of all."""

    def __init__(self, keys: ProvingKeys) -> None:
        self._keys = keys

    def of(self, table: str, values: Sequence[object]) -> bytes:
        """Return the 16 octets that prove a row: octets, texts, numbers, truths, instants and None, in fixed order."""
        # repr spells no two such rows alike, and is the fastest that does not.
        return _digest(self._keys.newest())(repr((table, *values)).encode())[:_OCTETS]

    def fits(self, table: str, values: Sequence[object], proof: object) -> bool:
        """Tell whether a proof, whatever stands there, is that of a row."""
        if not isinstance(proof, bytes):
            return False
        return hmac.compare_digest(self.of(table, values), proof) or self._fits_another(table, values, proof)

    def altered(self, table: str, rows: Iterable[Sequence[object]]) -> int:
        """Return how many rows, each its values and then its proof, are not as they were written."""
        digest, count = _digest(self._keys.newest()), 0
        for *values, proof in rows:  # as ``fits``, for a million rows
            if digest(repr((table, *values)).encode())[:_OCTETS] != proof:
                count += not self.fits(table, values, proof)
        return count

    def _fits_another(self, table: str, values: Sequence[object], proof: bytes) -> bool:
        spelled = repr((table, *values)).encode()
        return any(hmac.compare_digest(_digest(key)(spelled)[:_OCTETS], proof) for key in self._keys.others())


@lru_cache(maxsize=64)
def _digest(key: bytes) -> Callable[[bytes], bytes]:
    return KeyedDigest(key).of
