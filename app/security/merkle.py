"""Merkle trees over SHA-256 as RFC 6962 section 2.1 defines them: roots, growth, and proofs.

Proofs are for whoever checks a receipt or a checkpoint away from this service (ADR 3). They ask for the roots of
subtrees and for nothing else, so that whoever keeps some of these need not read every leaf.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256

from app.domain.refusal import StoreUnfit

_HASH_OCTETS = 32

Subtree = Callable[[int, int], bytes]
"""Gives the root over the leaves from the first number up to the second, without that one (D[a:b] in RFC 6962 2.1)."""


def leaf_hash(content: bytes) -> bytes:
    """Return the hash of a leaf: SHA-256(0x00 || content)."""
    return sha256(b"\x00" + content).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of a node: SHA-256(0x01 || left || right)."""
    return sha256(b"\x01" + left + right).digest()


@dataclass(frozen=True, slots=True)
class Frontier:
    """The right edge of a tree: the roots of its complete subtrees, largest first. All that appending needs."""

    size: int = 0
    edge: tuple[bytes, ...] = ()

    def extend(self, leaves: Iterable[bytes]) -> "Frontier":
        """Return the frontier after more leaf hashes."""
        size, edge = self.size, list(self.edge)
        for leaf in leaves:
            # One complete subtree is on the edge for each bit of the size; carrying joins equals, as in adding one.
            node, carry = leaf, size
            while carry & 1:
                node = node_hash(edge.pop(), node)
                carry >>= 1
            edge.append(node)
            size += 1
        return Frontier(size, tuple(edge))

    def root(self) -> bytes:
        """Return the root of the tree; of an empty one, SHA-256 of nothing."""
        if not self.edge:
            return sha256().digest()
        root = self.edge[-1]
        for subtree in reversed(self.edge[:-1]):
            root = node_hash(subtree, root)
        return root

    def to_bytes(self) -> bytes:
        """Return the edge as octets; the size goes beside it."""
        return b"".join(self.edge)

    @classmethod
    def from_bytes(cls, size: int, octets: bytes) -> "Frontier":
        """Return the frontier that ``to_bytes`` wrote. Raise ``StoreUnfit`` if the edge is not one of that size."""
        if len(octets) != size.bit_count() * _HASH_OCTETS:
            raise StoreUnfit("The head of the record is damaged.", "Run `closures record verify`; restore a backup.")
        return cls(size, tuple(octets[at : at + _HASH_OCTETS] for at in range(0, len(octets), _HASH_OCTETS)))


class Tree:
    """A tree over these leaf hashes, with the root that it had at every smaller size."""

    def __init__(self, leaves: Sequence[bytes]) -> None:
        """Hash everything once: each level holds the roots of the complete subtrees of its height."""
        self.size = len(leaves)
        self._levels = [leaves]
        while len(below := self._levels[-1]) > 1:
            pairs = zip(below[::2], below[1::2], strict=False)
            self._levels.append([sha256(b"\x01" + left + right).digest() for left, right in pairs])

    def root(self, size: int) -> bytes:
        """Return the root over the first ``size`` leaves. Raise ``IndexError`` for more than there are."""
        if not 0 <= size <= self.size:
            raise IndexError(size)
        if not size:
            return sha256().digest()
        # One complete subtree for each bit of the size, the smallest first.
        root, rest = b"", size
        while rest:
            height = (rest & -rest).bit_length() - 1
            subtree = self._levels[height][(size >> height) - 1]
            root = sha256(b"\x01" + subtree + root).digest() if root else subtree
            rest &= rest - 1
        return root


def root_of(leaves: Iterable[bytes]) -> bytes:
    """Return the root of the tree over these leaf hashes."""
    return Frontier().extend(leaves).root()


def inclusion_proof(subtree: Subtree, index: int, size: int) -> list[bytes]:
    """Return the audit path of one leaf of a tree of ``size`` (RFC 6962 2.1.1).

    Raise ``IndexError`` if there is no such leaf.
    """
    if not 0 <= index < size:
        raise IndexError(index)
    start, end, path = 0, size, []
    while end - start > 1:
        split = start + _split(end - start)
        if index < split:
            path.append(subtree(split, end))
            end = split
        else:
            path.append(subtree(start, split))
            start = split
    return path[::-1]


def consistency_proof(subtree: Subtree, first: int, second: int) -> list[bytes]:
    """Return the proof that the tree of ``second`` leaves began as that of ``first`` (RFC 6962 2.1.2).

    Raise ``IndexError`` unless ``first`` is from 1 to ``second``: the empty tree needs no proof.
    """
    if not 0 < first <= second:
        raise IndexError(first)
    start, end, path = 0, second, []
    while first != end:
        split = start + _split(end - start)
        if first <= split:
            path.append(subtree(split, end))
            end = split
        else:
            path.append(subtree(start, split))
            start = split
    if start:  # a first tree that is a subtree of the second from its beginning is known to whoever asks
        path.append(subtree(start, end))
    return path[::-1]


def _split(size: int) -> int:
    """Return the largest power of two below ``size``."""
    return 1 << (size - 1).bit_length() - 1
