"""A keyed digest beside the columns of a row that stand in the clear: who has no key cannot write one that fits."""

import hmac
from collections.abc import Sequence

from app.security.proving_keys import ProvingKeys

_OCTETS = 16


class RowProofs:
    """Makes the digests of rows, HMAC-SHA256 under the newest of some keys of the ring, and compares those of all."""

    def __init__(self, keys: ProvingKeys) -> None:
        self._keys = keys

    def of(self, table: str, values: Sequence[object]) -> bytes:
        """Return the 16 octets that prove a row: octets, texts, numbers, truths, instants and None, in fixed order."""
        return hmac.digest(self._keys.newest(), _spelled(table, values), "sha256")[:_OCTETS]

    def fits(self, table: str, values: Sequence[object], proof: object) -> bool:
        """Tell whether a proof, whatever stands there, is that of a row."""
        if not isinstance(proof, bytes):
            return False
        spelled = _spelled(table, values)
        if hmac.compare_digest(hmac.digest(self._keys.newest(), spelled, "sha256")[:_OCTETS], proof):
            return True
        return any(
            hmac.compare_digest(hmac.digest(key, spelled, "sha256")[:_OCTETS], proof) for key in self._keys.others()
        )


def _spelled(table: str, values: Sequence[object]) -> bytes:
    # repr spells no two such rows alike, and is the fastest that does not.
    return repr((table, *values)).encode()
