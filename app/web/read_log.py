"""The read log, written in batches: a subscriber who already has the latest must not cost a durable write."""

import threading

import structlog

from app.domain.refusal import Refusal
from app.store.engine import Store
from app.store.subscriptions import FeedRead, insert_reads

_LOG = structlog.get_logger()
_EVERY_SECONDS = 1.0
_MOST_WAITING = 10_000


class ReadLog:
    """Collects reads and writes them once a second, and when told that the process ends.

    A process killed in between loses at most the last second of this log; notices are never written this way.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waiting: list[FeedRead] = []
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._timer: threading.Timer | None = None

    def add(self, read: FeedRead) -> None:
        """Take one read; the oldest go first where the database is away for long."""
        with self._lock:
            self._waiting.append(read)
            del self._waiting[:-_MOST_WAITING]
            if self._timer is None:
                # Started by the first read, so that it belongs to the process that serves, not to one that forked it.
                self._timer = threading.Timer(_EVERY_SECONDS, self.flush)
                self._timer.daemon = True
                self._timer.start()

    def flush(self) -> None:
        """Write what waits; keep it for the next time where the database cannot take it.

        Once this returns nothing is on its way any more: a batch that the timer took may still be written when the
        process is told to end.
        """
        with self._writing:
            with self._lock:
                batch, self._waiting, self._timer = self._waiting, [], None
            if not batch:
                return
            try:
                with self._store.writing() as connection:
                    insert_reads(connection, batch)
            except Refusal as problem:
                _LOG.warning("the read log could not be written", reads=len(batch), reason=problem.text)
                with self._lock:
                    self._waiting = [*batch, *self._waiting][-_MOST_WAITING:]
