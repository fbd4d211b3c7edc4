"""Who writes next: one at a time, of those who wait in a process each User in turn, and each process in turn.

The database has one writer anyway. Left to itself it lets in whoever asks at the right moment; here a User who sends
forty notices at once waits behind itself, and another's single one goes next (docs/operating.md#fair-shares).
"""

import fcntl
import os
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from app.domain.refusal import StoreBusy
from app.store.database_file import gone_away

_LOOKS_AGAIN_SECONDS = 0.001


class WriterTurns:
    """The writer's place. ``seconds`` is how long anybody waits for it.

    ``beside`` is the embedded database, beside which two files say whose turn it is among processes; None where the
    database lets its writers in as they came.
    """

    def __init__(self, seconds: float, beside: Path | None) -> None:
        self._seconds = seconds
        self._beside = beside
        self._lock = threading.Lock()
        self._is_taken = False
        self._waiting: OrderedDict[bytes, deque[threading.Event]] = OrderedDict()  # in the order of their next turns

    @contextmanager
    def turn(self, whose: bytes, patience: float | None = None) -> Iterator[None]:
        """Hold the place for a User (its row id; any other key is a group of its own). Raise ``StoreBusy``.

        ``patience`` is for how many seconds it is waited for, None for as long as anybody waits.
        """
        seconds = self._seconds if patience is None else patience
        self._take(whose, seconds)
        try:
            with self._among_processes(time.monotonic() + seconds):
                yield
        finally:
            self._pass_on()

    def _take(self, whose: bytes, seconds: float) -> None:
        with self._lock:
            if not self._is_taken:
                self._is_taken = True
                return
            mine = threading.Event()
            self._waiting.setdefault(whose, deque()).append(mine)
        if mine.wait(seconds):
            return
        with self._lock:
            if mine.is_set():  # it came at the last moment
                return
            self._waiting[whose].remove(mine)
            if not self._waiting[whose]:
                del self._waiting[whose]
        raise _busy()

    def _pass_on(self) -> None:
        with self._lock:
            if not self._waiting:
                self._is_taken = False
                return
            whose, queue = self._waiting.popitem(last=False)
            queue.popleft().set()
            if queue:
                self._waiting[whose] = queue  # behind everybody else

    @contextmanager
    def _among_processes(self, until: float) -> Iterator[None]:
        """Hold the place among the processes of this machine.

        Whoever has written must queue again, and the queue's head is held until its holder writes: so the next to write
        is one who waited, and never the process that is quickest to ask again.
        """
        if self._beside is None:
            yield
            return
        with ExitStack() as writer:
            with _held(f"{self._beside}-queue", until):
                writer.enter_context(_held(f"{self._beside}-writer", until))
            yield


@contextmanager
def _held(path: str, until: float) -> Iterator[None]:
    """Hold a file's lock, which ends with its process at the latest. Raise ``StoreBusy``, or ``StoreUnfit``.

    The file is opened each time: a lock belongs to what was opened, and a fork would share that.
    """
    try:
        opened = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except FileNotFoundError as problem:
        raise gone_away() from problem
    try:
        while True:
            try:
                fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > until:
                    raise _busy() from None
                time.sleep(_LOOKS_AGAIN_SECONDS)
        yield
    finally:
        os.close(opened)


def _busy() -> StoreBusy:
    return StoreBusy("The database is busy; nothing was recorded.", "Send it again in a moment.")
