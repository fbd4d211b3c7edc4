"""Whether the database takes a write, found out by one: the way that a notice would go, and nothing left behind."""

import threading
from time import monotonic

import sqlalchemy as sa

from app.domain.refusal import Refusal
from app.security.tokens import new_row_id
from app.store.engine import Store
from app.store.tables import job_runs

_AGAIN_SECONDS = 15.0
_LONGEST_NAME = 20  # of a job, see ``tables.job_runs``


class WriteProbe:
    """Tries a write where the last try is old, for whoever asks. Threads share it; each process has its own."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._tried_at: float | None = None
        self._found: Refusal | None = None

    def ask(self) -> Refusal | None:
        """Return why nothing can be written, None where something can; at most one write in 15 seconds.

        It waits as long as a notice does for its turn, ten seconds at most. Whoever asks meanwhile is told what the
        last try found.
        """
        if self._lock.acquire(blocking=self._tried_at is None):
            try:
                if self._tried_at is None or monotonic() > self._tried_at + _AGAIN_SECONDS:
                    self._found = self._try()
                    self._tried_at = monotonic()
            finally:
                self._lock.release()
        return self._found

    def _try(self) -> Refusal | None:
        # A row that comes and goes in one transaction, since SQLite writes nothing where a row stays as it was.
        name = new_row_id().hex()[:_LONGEST_NAME]
        try:
            with self._store.writing() as connection:
                row = {"name": name, "position": 0, "ran_at": self._store.now(), "outcome": ""}
                connection.execute(sa.insert(job_runs).values(row))
                connection.execute(sa.delete(job_runs).where(job_runs.c.name == name))
        except Refusal as problem:
            return problem
        return None
