"""Numbers that every web process writes and each of them reads: memory shared before they are forked.

Memory and no file: a process that counts in a mapped file dies on a full disk, when it is needed most.
"""

import fcntl
import mmap
import os
import tempfile
import threading
import weakref
from array import array
from collections.abc import Iterable, Iterator, Sequence

_ROWS = 64  # processes that live at once; two serve, and during a change of workers a few more
_OCTETS = 8


class SharedCounts:
    """``size`` numbers, zero at first, in a row of each process. It adds to them, or puts others in their place.

    A process holds its row by a lock that ends with it. The next takes the row over with what stands in it, so that no
    sum ever falls while one process of the service lives.
    """

    def __init__(self, size: int) -> None:
        self._size = 1 + size  # the id of the process that took the row last, 0 for none; then its numbers
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
            first = self._own()
            for place, amount in changes:
                self._memory[first + place] += amount

    def put(self, numbers: Sequence[float]) -> None:
        """Write all the numbers of this process: what rises and falls."""
        with self._lock:
            first = self._own()
            self._memory[first : first + len(numbers)] = memoryview(array("d", numbers))

    def read(self) -> list[float]:
        """Return the sum of what all processes counted, those that have ended too."""
        rows = [numbers for _, _, numbers in self._rows()]
        return [sum(column) for column in zip(*rows, strict=True)] if rows else [0.0] * (self._size - 1)

    def of_each(self) -> dict[int, tuple[int, list[float]]]:
        """Return (process id, its numbers) of each process that lives, by its row."""
        return {row: (process, numbers) for row, process, numbers in self._rows() if _lives(process)}

    def _rows(self) -> Iterator[tuple[int, int, list[float]]]:
        for row in range(_ROWS):
            first = row * self._size
            if process := int(self._memory[first]):
                yield row, process, list(self._memory[first + 1 : first + self._size])

    def _own(self) -> int:
        """Return where the numbers of this process begin."""
        if self._process != os.getpid():  # this process was forked since
            self._first = next(filter(self._take, range(_ROWS)), _ROWS) * self._size
            self._memory[self._first] = self._process = os.getpid()
        return self._first + 1

    def _take(self, row: int) -> bool:
        try:
            fcntl.lockf(self._claims, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, row)
        except OSError:
            return False
        return True


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True
