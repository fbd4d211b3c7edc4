"""After the root was rotated: pass through the tables until nothing is left that keys of before open or prove.

It is done a little at a time, beside everything else. What is done shows in each row, so that a scheduler that was
killed has only to begin again. The rotation ends with a whole pass that found nothing to do.
"""

import threading
from datetime import datetime
from time import monotonic

from app.register.key_rotation import end_rotation
from app.store import runs
from app.store.chains import index_epoch
from app.store.engine import Store
from app.store.runs import JobRun
from app.store.sealing_anew import TABLES, Key, count_left, seal_batch

JOB = "sealing anew"
SETTLES = 12.0
"""Seconds after which nobody writes by the keys of before: the longest wait for a turn, and a look at the ring."""
_AT_ONCE = 0.5  # seconds of work before others of this process are let in
_TELL = 30.0  # seconds: what is left is counted over all tables


class SealingAnew:
    """Where the scheduler is in its pass. ``stopping`` ends the work between two batches.

    ``settles`` is how long a rotation may be known of until nobody writes by the keys of before.
    """

    def __init__(self, store: Store, stopping: threading.Event, settles: float = SETTLES) -> None:
        self._store = store
        self._stopping = stopping
        self._settles = settles
        self._epoch = 0
        self._sure_at = 0.0
        self._told_at = 0.0
        self._begin()

    def go_on(self, now: datetime) -> None:
        """Work for a moment, if there is anything to do. Raise ``StoreBusy``, ``StoreFull`` or ``StoreUnfit``."""
        keyring = self._store.keyring
        if keyring.is_settled:
            return
        if self._epoch != keyring.epoch:
            self._epoch, self._sure_at = keyring.epoch, monotonic() + self._settles
            self._begin()
        if monotonic() < self._from:
            return
        if monotonic() >= self._told_at + _TELL:
            self._tell(now)
        until = monotonic() + _AT_ONCE
        while monotonic() < until and not self._stopping.is_set():
            if self._do_batch():
                self._end_pass(now)
                return

    def _begin(self, at: float = 0.0) -> None:
        """Begin a pass, not before ``at``."""
        self._from = at
        self._counts = max(at, monotonic()) >= self._sure_at
        self._table, self._written = 0, 0
        self._after: Key | None = None

    def _do_batch(self) -> bool:
        """Do the next rows, then let others write for as long as that took; tell whether the pass is at its end."""
        began = monotonic()
        batch = seal_batch(self._store, TABLES[self._table], self._after)
        self._written += batch.written
        self._after = batch.after
        if batch.after is None:
            self._table += 1
        if batch.written:
            self._stopping.wait(monotonic() - began)
        return self._table == len(TABLES)

    def _end_pass(self, now: datetime) -> None:
        if self._counts and not self._written and self._is_index_moved():
            end_rotation(self._store, self._epoch)
            self._note(now, 0, f"nothing is left of the keys before epoch {self._epoch}: the rotation has ended")
        self._begin(self._sure_at)

    def _is_index_moved(self) -> bool:
        """Tell whether stored digests have left the key of before too, which is work of its own (ADR 2)."""
        with self._store.reading() as connection:
            return index_epoch(connection) == self._epoch

    def _tell(self, now: datetime) -> None:
        with self._store.reading() as connection:
            left = count_left(self._store, connection)
        self._note(now, left, f"epoch {self._epoch}: {left} values left that keys of before open")
        self._told_at = monotonic()

    def _note(self, now: datetime, left: int, outcome: str) -> None:
        with self._store.writing() as connection:
            runs.write_run(connection, JobRun(JOB, left, now, outcome))
