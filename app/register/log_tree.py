"""The tree over the log, asked in parts: the roots of its complete subtrees are kept, the rest is read by range."""

import threading
from collections.abc import Iterator

from app.domain.refusal import StoreUnfit
from app.security.merkle import Frontier, Subtree, node_hash, root_of
from app.store.engine import Connection
from app.store.log import leaves_between

_TILE = 256  # leaves of a subtree whose root is kept, once for all: it never changes
_ROOT_OCTETS = 32
_TILES_AT_ONCE = 64


class LogTree:
    """The roots that a process keeps, read once in order: 64 octets for 256 leaves.

    Of each height, from 256 leaves up, all complete subtrees in order: a proof takes a few of them.
    """

    def __init__(self) -> None:
        self._levels = [bytearray()]
        self._growing = threading.Lock()

    def subtrees(self, connection: Connection, size: int) -> Subtree:
        """Return what gives the roots of subtrees of the first ``size`` leaves; it reads by ``connection``.

        It, too, raises ``StoreUnfit`` where leaves are missing or are not those that were read before.
        """
        self._grow(connection, size // _TILE)
        read: dict[int, list[bytes]] = {}

        def leaves(tile: int) -> list[bytes]:
            if tile not in read:
                start, end = tile * _TILE, min(tile * _TILE + _TILE, size)
                read[tile] = _exactly(connection, start, end)
                if end - start == _TILE and root_of(read[tile]) != self._root(0, tile):
                    raise _damaged()
            return read[tile]

        def subtree(start: int, end: int) -> bytes:
            tile, last = start // _TILE, end // _TILE
            if tile == (end - 1) // _TILE and end - start < _TILE:
                return root_of(leaves(tile)[start - tile * _TILE : end - tile * _TILE])
            # Whatever is longer begins with a complete one (RFC 6962 2.1: it is split at powers of two).
            rest = Frontier().extend(leaves(last)[: end % _TILE] if end % _TILE else ())
            return Frontier(end - start, (*self._edge(tile, last), *rest.edge)).root()

        return subtree

    def forget(self) -> None:
        """Read everything anew when it is asked for next: what was read does not fit what was signed."""
        with self._growing:
            self._levels = [bytearray()]

    def _root(self, height: int, number: int) -> bytes:
        return bytes(self._levels[height][number * _ROOT_OCTETS : (number + 1) * _ROOT_OCTETS])

    def _edge(self, tile: int, last: int) -> Iterator[bytes]:
        """Give the roots of the complete subtrees that these tiles make up, the largest first."""
        while tile < last:
            height = (last - tile).bit_length() - 1
            yield self._root(height, tile >> height)
            tile += 1 << height

    def _add(self, root: bytes) -> None:
        """Keep the root of the next tile, and of each subtree that it completes."""
        for level in self._levels:
            level.extend(root)
            if len(level) // _ROOT_OCTETS % 2:
                return
            root = node_hash(bytes(level[-2 * _ROOT_OCTETS : -_ROOT_OCTETS]), root)
        self._levels.append(bytearray(root))

    def _grow(self, connection: Connection, tiles: int) -> None:
        with self._growing:
            while (held := len(self._levels[0]) // _ROOT_OCTETS) < tiles:
                until = min(held + _TILES_AT_ONCE, tiles)
                found = _exactly(connection, held * _TILE, until * _TILE)
                for at in range(0, len(found), _TILE):
                    self._add(_root_of_tile(found[at : at + _TILE]))


def _root_of_tile(level: list[bytes]) -> bytes:
    while len(level) > 1:
        level = [node_hash(left, right) for left, right in zip(level[::2], level[1::2], strict=True)]
    return level[0]


def _exactly(connection: Connection, start: int, end: int) -> list[bytes]:
    found = leaves_between(connection, start, end)
    if len(found) != end - start:
        raise _damaged()
    return found


def _damaged() -> StoreUnfit:
    return StoreUnfit("The log of the record is damaged.", "Run `closures record verify`; restore a backup.")
