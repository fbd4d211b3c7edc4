"""One transaction of the register: revisions, week index, log leaves, outbox and head, written together."""

from dataclasses import dataclass, field, replace
from datetime import datetime

from app.domain.closure import PlannedClosure, Revision
from app.domain.notice import SenderMark
from app.domain.notification import Kind, Notification, kinds_of_step
from app.domain.told_fact import CLOSES_EARLY
from app.store import closures as rows
from app.store import outbox, recipients, week_index
from app.store.closures import Held
from app.store.engine import Connection, Head, Store, write_head
from app.store.log import LogWriter


@dataclass(frozen=True, slots=True)
class Entry:
    """One revision of one closure, ready to be written: what stood, what stands after it, and the sender's mark."""

    held: Held | None
    revision: Revision
    closure: PlannedClosure
    mark: SenderMark


@dataclass(slots=True)
class Transaction:
    """Collects entries under the locked head; nothing is sent to the database before ``write``.

    A mutable value on purpose: it lives for one transaction and is dropped. ``places`` says where the log holds the
    last revision of each closure that was added, by row id.
    """

    store: Store
    head: Head
    received_at: datetime
    user_id: bytes
    notice_id: bytes | None = None
    log: LogWriter = field(init=False)
    places: dict[bytes, int] = field(default_factory=dict)
    _inserts: list[tuple[PlannedClosure, SenderMark]] = field(default_factory=list)
    _updates: list[tuple[Held, PlannedClosure, SenderMark]] = field(default_factory=list)
    _restated: list[tuple[Held, PlannedClosure, SenderMark]] = field(default_factory=list)
    _revisions: list[dict[str, object]] = field(default_factory=list)
    _windows: list[PlannedClosure] = field(default_factory=list)
    _moved: list[bytes] = field(default_factory=list)
    _watches: list[tuple[PlannedClosure, tuple[str, ...]]] = field(default_factory=list)
    _to_tell: list[tuple[PlannedClosure, frozenset[Kind]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.log = LogWriter(self.head)

    def add(self, entry: Entry) -> tuple[int, bytes]:
        """Take one entry; return its leaf (position, hash)."""
        held, revision, closure = entry.held, entry.revision, entry.closure
        sealed = rows.seal_revision(self.store, self.user_id, closure.id, revision)
        leaf = self.log.append("revision", rows.revision_content(closure.id, sealed))
        self.places[closure.id] = leaf[0]
        self._revisions.append(
            rows.revision_row(
                self.user_id, closure.id, revision, notice_id=self.notice_id, log_index=leaf[0], sealed=sealed
            )
        )
        late = revision.verdict is not None and revision.verdict.late_change
        kinds = kinds_of_step(
            revision.step, late=late, from_notice=self.notice_id is not None, numbered=revision.number is not None
        )
        self._to_tell.append((closure, kinds))
        if held is None:
            self._inserts.append((closure, entry.mark))
            self._windows.append(closure)
        else:
            target = self._updates if revision.step.is_shown else self._restated
            target.append((held, closure, entry.mark))
            if (closure.window, closure.is_watched) != (held.closure.window, held.closure.is_watched):
                self._windows.append(closure)
                self._moved.append(closure.id)
            if held.closure.is_watched and not closure.is_watched:
                # Nothing is told of a closure as it happens before it may begin.
                began = held.closure.window.starts - CLOSES_EARLY
                self._watches.append((closure, week_index.watched_weeks(began, self.received_at)))
        return leaf

    def restate(self, held: Held, mark: SenderMark) -> None:
        """Keep the sender's newer mark of a closure about which there is nothing new."""
        if mark != held.mark:
            self._restated.append((held, held.closure, mark))

    def write(self, connection: Connection) -> None:
        """Write everything but the notice, and the head. ``log.close`` comes first."""
        changed = [closure for closure, _ in self._inserts] + [closure for _, closure, _ in self._updates]
        change = self.head.change + 1 if changed else self.head.change
        stamped_at = max([self.head.stamped_at, *(closure.changed_at for closure in changed)])
        rows.insert_closures(self.store, connection, self.user_id, self._inserts, change)
        rows.update_closures(self.store, connection, self._updates, change)
        rows.update_closures(self.store, connection, self._restated, None)
        rows.insert_revisions(connection, self._revisions)
        week_index.index_weeks(self.store, connection, self.user_id, self._windows, self._moved, self._watches)
        self._tell(connection)
        write_head(connection, replace(self.log.flush(connection), change=change, stamped_at=stamped_at))

    def _tell(self, connection: Connection) -> None:
        """Put into the outbox what is to be told: it is there if, and only if, the revisions are."""
        if not self._to_tell:
            return
        told = [
            (listener, Notification(listener.id, kind, closure.id, closure.number))
            for listener in recipients.listeners(connection)
            if listener.user_id in {None, self.user_id}
            for closure, kinds in self._to_tell
            for kind in sorted(kinds & listener.kinds)
        ]
        outbox.insert_notifications(self.store, connection, told, self.received_at)
