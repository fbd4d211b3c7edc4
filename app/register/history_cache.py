"""The record in the memory of one process: every entry unsealed once, so that a question on any instant is a filter.

It follows the log, in which nothing is ever changed; what was purged or shredded makes it begin anew.
"""

import threading
from bisect import bisect_left, insort
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.domain.closure import PlannedClosure, Step, advance, begin
from app.domain.party import Names
from app.domain.refusal import Shredded
from app.domain.window import ClosureWindow
from app.store import closures as rows
from app.store import parties
from app.store.engine import Connection, Head, Store, read_head
from app.store.parties import Parties
from app.store.proven import altered
from app.store.tables import revisions

_INSTANT = timedelta(microseconds=1)

Visible = Callable[[Parties], set[bytes]]
"""Which Users, by row id, an asker may see and asked for, of those that there are."""


@dataclass(frozen=True, slots=True)
class RecordedChange:
    """One entry in the record: whose it is, what it did, and the closure before and after it.

    ``number`` is None where it made no revision that feeds show.
    """

    closure_id: bytes
    user_id: bytes
    entry: int
    number: int | None
    step: Step
    received_at: datetime
    channel: str
    before: PlannedClosure | None
    after: PlannedClosure

    @property
    def is_late(self) -> bool:
        """Tell whether this was a late change: a plan told later than recommended."""
        return self.step.is_judged and self.after.verdict.late_change


class HistoryCache:
    """Every closure's history, kept up with the register by the size of its log. Safe to ask from any thread."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._parties_change = -1
        self._set_parties(Parties({}, {}))
        self._forget(-1)

    def _forget(self, at_forgotten: int) -> None:
        self._log_size = 0
        self._forgotten = at_forgotten
        self._histories: dict[bytes, list[RecordedChange]] = {}
        self._weeks: dict[int, set[bytes]] = {}  # closures of which any revision ever touched the week
        self._watched: set[bytes] = set()  # closures that were ever told closed as it happened
        self._timeline: list[tuple[datetime, int, bytes, int]] = []  # receipt, log position, closure, place in history

    def _set_parties(self, everyone: Parties) -> None:
        self._parties, self._names = everyone, everyone.names

    @property
    def names(self) -> Names:
        """Return what Users and gateways were called when the cache was last asked: the names to its answer."""
        return self._names

    def parties(self) -> Parties:
        """Return every User and gateway, as of now."""
        with self._lock:
            self._catch_up()
            return self._parties

    def closures(self, span: ClosureWindow | None, instant: datetime | None, visible: Visible) -> list[PlannedClosure]:
        """Return what stood at ``instant`` (None: now) of visible Users' closures, those alone that overlap ``span``.

        In no order. Without a span every closure is asked.
        """
        found = []
        with self._lock:
            self._catch_up()
            users = visible(self._parties)
            for closure_id in self._histories if span is None else self._touching(span):
                history = self._histories[closure_id]
                if history[0].user_id not in users:
                    continue
                closure = history[-1].after if instant is None else _closure_at(history, instant)
                if closure is not None and (span is None or closure.window.overlaps(span)):
                    found.append(closure)
        return found

    def watched(self, instant: datetime | None, visible: Visible) -> list[PlannedClosure]:
        """Return the closures that at ``instant`` (None: now) were told closed, with their re-opening waited for."""
        found = []
        with self._lock:
            self._catch_up()
            users = visible(self._parties)
            for closure_id in self._watched:
                history = self._histories[closure_id]
                closure = history[-1].after if instant is None else _closure_at(history, instant)
                if history[0].user_id in users and closure is not None and closure.is_watched:
                    found.append(closure)
        return found

    def recorded(self, since: datetime, until: datetime, visible: Visible) -> list[RecordedChange]:
        """Return the entries of visible Users received at ``since`` <= t < ``until``, in order of receipt."""
        with self._lock:
            self._catch_up()
            users = visible(self._parties)
            first, after = (bisect_left(self._timeline, (instant,)) for instant in (since, until))
            found = (self._histories[closure_id][place] for _, _, closure_id, place in self._timeline[first:after])
            return [change for change in found if change.user_id in users]

    def _touching(self, span: ClosureWindow) -> set[bytes]:
        found: set[bytes] = set()
        # A span may be far longer than what is held.
        if len(self._weeks) < _week(span.ends) - _week(span.starts):
            weeks = [week for week in self._weeks if _week(span.starts) <= week <= _week(span.ends)]
        else:
            weeks = list(range(_week(span.starts), _week(span.ends) + 1))
        for week in weeks:
            found |= self._weeks.get(week, set())
        return found

    def _catch_up(self) -> None:
        with self._store.reading() as connection:
            head = read_head(connection)
            if head.parties != self._parties_change:
                self._read_parties(connection, head)
            while head.forgotten != self._forgotten or head.log_size != self._log_size:
                if head.forgotten != self._forgotten:
                    self._forget(head.forgotten)
                try:
                    self._read_on(connection, head)
                except Shredded:
                    # A User's key went while this read: begin anew without that User.
                    self._forget(-1)
                    self._read_parties(connection, head)

    def _read_parties(self, connection: Connection, head: Head) -> None:
        self._set_parties(parties.read_parties(self._store, connection))
        self._parties_change = head.parties

    def _read_on(self, connection: Connection, head: Head) -> None:
        users = self._parties.users
        for reference, written in rows.recorded_since(self._store, connection, self._log_size - 1, users):
            self._take(written, reference, users[written.user_id].code)
            # Step by step, so that a database that fails half-way leaves what was read, and nothing twice.
            self._log_size = written.log_index + 1
        self._log_size = head.log_size

    def _take(self, written: rows.Written, reference: str, user: str) -> None:
        history = self._histories.get(written.closure_id, [])
        if written.revision.entry != len(history) + 1:  # an earlier one was altered, and comes out of its turn
            raise altered(revisions)
        self._histories[written.closure_id] = history
        revision = written.revision
        before = history[-1].after if history else None
        if before is None:
            after = begin(revision, closure_id=written.closure_id, reference=reference, user=user)
        else:
            after = advance(before, revision)
        self._timeline_add((revision.received_at, written.log_index, written.closure_id, len(history)))
        history.append(
            RecordedChange(
                closure_id=written.closure_id,
                user_id=written.user_id,
                entry=revision.entry,
                number=revision.number,
                step=revision.step,
                received_at=revision.received_at,
                channel=revision.channel,
                before=before,
                after=after,
            )
        )
        if after.is_watched:
            self._watched.add(written.closure_id)
        if before is None or after.window != before.window:
            for week in range(_week(after.window.starts), _week(after.window.ends - _INSTANT) + 1):
                self._weeks.setdefault(week, set()).add(written.closure_id)

    def _timeline_add(self, place: tuple[datetime, int, bytes, int]) -> None:
        if not self._timeline or self._timeline[-1] < place:
            self._timeline.append(place)
        else:
            # Our clock was set back in between.
            insort(self._timeline, place)


def _closure_at(history: list[RecordedChange], instant: datetime) -> PlannedClosure | None:
    """Return what stood at an instant; the entries are in the order in which they were recorded."""
    for change in reversed(history):
        if change.received_at <= instant:
            return change.after
    return None


def _week(instant: datetime) -> int:
    return instant.toordinal() // 7
