"""The database's absence as the scheduler meets it: told as it begins and as it ends, and tried ever less often."""

import threading
from time import monotonic

import structlog

from app.domain.refusal import Refusal

_LOG = structlog.get_logger()
_FIRST_WAIT, _LONGEST_WAIT = 1.0, 5.0  # seconds


class Outage:
    """Whether the database answers. Threads share it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._since: float | None = None
        self._failed_at = self._answered_at = 0.0
        self._wait = _FIRST_WAIT

    @property
    def lets_try(self) -> bool:
        """Tell whether a job may try: at once where the database answers, else a while after the last one failed."""
        return self._since is None or monotonic() >= self._failed_at + self._wait

    def failed(self, problem: Refusal, asked_at: float) -> None:
        """Note that the database did not answer what was begun at ``asked_at``, on the monotonic clock."""
        with self._lock:
            now = monotonic()
            if asked_at < self._answered_at:
                return  # it has answered since, which says more
            if self._since is None:
                self._since, self._wait = now, _FIRST_WAIT
                _LOG.error("the database does not answer", reason=problem.text)
            elif now >= self._failed_at + self._wait:
                self._wait = min(2 * self._wait, _LONGEST_WAIT)
            self._failed_at = now

    def answered(self, asked_at: float) -> None:
        """Note that the database answered what was begun at ``asked_at``."""
        with self._lock:
            if asked_at <= self._failed_at:
                return  # it may have been answered before the last failure too
            self._answered_at = monotonic()
            if self._since is not None:
                _LOG.info("the database answers again", seconds=round(self._answered_at - self._since, 1))
                self._since = None
