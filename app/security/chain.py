"""Keyed digests that leave a leaked key: after each rotation a digest is that of what it was before, under the new key.

So each is made anew from the one that is stored, and nothing has to be opened. Whoever has an older key and not the
newest computes nothing that stands in the database.
"""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass


class Chain:
    """The keys that a digest goes through after the first one, which made it, in their order; none for most."""

    def __init__(self, later: Sequence[bytes] = ()) -> None:
        self._later = tuple(later)

    def __call__(self, digest: bytes) -> bytes:
        """Return what a digest has become; it keeps its length."""
        for key in self._later:
            digest = hmac.digest(key, digest, "sha256")[: len(digest)]
        return digest


@dataclass(frozen=True, slots=True)
class Chains:
    """What digests of the blind index, and of tokens under the pepper, have become by one epoch of the root secret."""

    epoch: int
    index: Chain
    token: Chain
