"""Numbers that only rise, counted by every web process and read by each of them: memory shared before they are forked.

Memory and no file: a process that counts in a mapped file dies on a full disk, when it is needed most.
"""

import fcntl
import mmap
import os
import tempfile
import threading
import weakref
from collections.abc import Iterable

_ROWS = 64  # processes that live at once; two serve, and during a change of workers a few more
_OCTETS = 8


class SharedCounts:
    """``size`` numbers, zero at first. Each process adds in a row of its own; what is read is the sum of all rows.

    A process holds its row by a lock that ends with it. The next takes the row over with what stands in it, so that no
    sum ever falls while one process of the service lives.
    """

    def __init__(self, size: int) -> None:
        self._size = 1 + size  # whether the row was ever taken, then its numbers
        # One row more: of a process for which none is left, and which is not counted then.
        self._memory = memoryview(mmap.mmap(-1, (_ROWS + 1) * self._size * _OCTETS)).cast("d")
        self._claims, path = (
            tempfile.mkstemp()
        )  # it stays empty; whoever holds an octet of it has the row of that number
        os.unlink(path)  # noqa: PTH108 - beside mkstemp, its other half
        weakref.finalize(self, os.close, self._claims)
        self._lock = threading.Lock()
        self._process, self._first = 0, 0

    def add(self, changes: Iterable[tuple[int, float]]) -> None:
        """Add to numbers, each given by its place from 0 and by how much."""
        with self._lock:
            if self._process != os.getpid():  # this process was forked since
                self._first = next(filter(self._take, range(_ROWS)), _ROWS) * self._size
                self._memory[self._first] = 1
                self._process = os.getpid()
            for place, amount in changes:
                self._memory[self._first + 1 + place] += amount

    def read(self) -> list[float]:
        """Return the numbers as all processes counted them."""
        firsts = (row * self._size for row in range(_ROWS))
        rows = [self._memory[first + 1 : first + self._size] for first in firsts if self._memory[first]]
        return [sum(column) for column in zip(*rows, strict=True)] if rows else [0.0] * (self._size - 1)

    def _take(self, row: int) -> bool:
        try:
            fcntl.lockf(self._claims, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, row)
        except OSError:
            return False
        return True
