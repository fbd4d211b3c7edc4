"""What was told since midnight UTC, by channel and by the notice it gave: read of the record once, and followed."""

import threading
from collections import Counter
from datetime import UTC, datetime, time

from app.domain.closure import Revision
from app.domain.refusal import Shredded
from app.register.register import Register
from app.store import histories as rows
from app.store.engine import Connection, Head, read_head

_NEVER = datetime.min.replace(tzinfo=UTC)
Told = Counter[tuple[str, str]]
"""How many plans were told, by (channel, band of the notice that the telling gave)."""


class ToldToday:
    """A count of one day that every process comes to by itself, since all read one record. Threads share it.

    The first question of a process opens the day's entries, each later one those that came since: ``at_once`` places of
    the log at most, since whoever asks does not wait long.
    """

    def __init__(self, register: Register, at_once: int = 10_000) -> None:
        self._register, self._at_once = register, at_once
        self._lock = threading.Lock()
        self._told = Told()
        self._begins = _NEVER
        self._forgotten = self._log_size = 0

    def count(self, now: datetime) -> Told | None:
        """Return what was told on the UTC day of ``now`` until now; None while more is to be opened.

        Raise ``SealBroken``.
        """
        with self._lock:
            try:
                is_whole = self._follow(datetime.combine(now.astimezone(UTC).date(), time(), UTC))
            except Shredded:  # a User's key went while this read: the next question begins anew
                self._begins, is_whole = _NEVER, False
            return self._told.copy() if is_whole else None

    def _follow(self, midnight: datetime) -> bool:
        store, users = self._register.store, self._register.history.parties().users
        with store.reading() as connection:
            head = read_head(connection)
            if (midnight, head.forgotten) != (self._begins, self._forgotten) or head.log_size < self._log_size:
                self._begin(connection, midnight, head)
            after = min(head.log_size, self._log_size + self._at_once)
            recorded = rows.recorded_between(store, connection, self._log_size, after, users)
            self._told.update(_told(written.revision) for _, written in recorded if self._counts(written.revision))
            self._log_size = after
            return after == head.log_size

    def _counts(self, revision: Revision) -> bool:
        # Received as the day ended, it may be recorded after what is of the next one.
        return revision.received_at >= self._begins and revision.step.is_judged and bool(revision.channel)

    def _begin(self, connection: Connection, midnight: datetime, head: Head) -> None:
        first = rows.first_place_since(connection, midnight)
        self._told, self._log_size = Told(), head.log_size if first is None else first
        self._begins, self._forgotten = midnight, head.forgotten


def _told(revision: Revision) -> tuple[str, str]:
    assert revision.verdict is not None
    return revision.channel, revision.verdict.change.band
