"""One transaction of the register: revisions, week index, log leaves, outbox and head, written together."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from app.domain.closure import PlannedClosure, State, Step
from app.domain.late_change import Assessment
from app.domain.notification import Kind, Notification, kinds_of_step
from app.security.tokens import new_row_id
from app.store import closures as rows
from app.store import outbox, recipients
from app.store.bodies import Revision, Standing
from app.store.closures import Held
from app.store.engine import Connection, Head, Store, write_head
from app.store.log import LogWriter

_SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Entry:
    """One step of one closure, ready to be written: what stood, what stands after it, and the leads reckoned."""

    held: Held | None
    after: PlannedClosure
    step: Step
    assessment: Assessment | None
    remarks: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()


@dataclass(slots=True)
class Transaction:
    """Collects entries under the locked head; nothing is sent to the database before ``write``.

    A mutable value on purpose: it lives for one transaction and is dropped.
    """

    store: Store
    head: Head
    received_at: datetime
    user_id: bytes
    notice_id: bytes | None = None
    channel: str = ""
    given_by: str = ""
    log: LogWriter = field(init=False)
    _inserts: list[Standing] = field(default_factory=list)
    _updates: list[tuple[Held, Standing]] = field(default_factory=list)
    _restated: list[tuple[Held, Standing]] = field(default_factory=list)
    _revisions: list[dict[str, object]] = field(default_factory=list)
    _windows: list[tuple[Standing, int]] = field(default_factory=list)
    _moved: list[bytes] = field(default_factory=list)
    _to_tell: list[tuple[PlannedClosure, frozenset[Kind]]] = field(default_factory=list)
    _stamped_at: datetime = field(init=False)

    def __post_init__(self) -> None:
        self.log = LogWriter(self.head)
        self._stamped_at = self.head.stamped_at

    def add(self, entry: Entry) -> tuple[Standing, tuple[int, bytes]]:
        """Take one entry; return what stands after it and its leaf (position, hash)."""
        standing = self._standing(entry)
        closure = entry.after
        revision = Revision(
            entry=closure.entries,
            number=closure.number if entry.step.is_numbered else None,
            step=entry.step,
            received_at=self.received_at,
            window_received_at=closure.window_received_at,
            window=closure.window,
            gateway=closure.gateway,
            state=closure.state,
            channel=self.channel,
            given_by=self.given_by,
            assessment=entry.assessment,
            remarks=entry.remarks,
            left_out=entry.left_out,
        )
        sealed = rows.seal_revision(self.store, self.user_id, closure.id, revision)
        leaf = self.log.append("revision", rows.revision_content(closure.id, sealed))
        self._revisions.append(
            rows.revision_row(
                self.user_id, closure.id, revision, notice_id=self.notice_id, log_index=leaf[0], sealed=sealed
            )
        )
        late = entry.assessment is not None and entry.assessment.is_late_change
        kinds = kinds_of_step(entry.step, late=late, from_notice=self.notice_id is not None)
        self._to_tell.append((closure, kinds))
        if entry.held is None:
            self._inserts.append(standing)
            self._windows.append((standing, revision.entry))
        else:
            target = self._updates if entry.step.is_numbered else self._restated
            target.append((entry.held, standing))
            if closure.window != entry.held.standing.closure.window:
                self._windows.append((standing, revision.entry))
                self._moved.append(closure.id)
        return standing, leaf

    def restate(self, held: Held, after: PlannedClosure) -> None:
        """Keep the sender's newer mark of a closure about which there is nothing new."""
        if after != held.standing.closure:
            self._restated.append((held, replace(held.standing, closure=after)))

    def write(self, connection: Connection) -> None:
        """Write everything but the notice, and the head. ``log.close`` comes first."""
        numbered = bool(self._inserts or self._updates)
        change = self.head.change + 1 if numbered else self.head.change
        rows.insert_closures(self.store, connection, self.user_id, self._inserts, change)
        rows.update_closures(self.store, connection, self._updates, change)
        rows.update_closures(self.store, connection, self._restated, None)
        rows.insert_revisions(connection, self._revisions)
        rows.index_weeks(self.store, connection, self._windows, self._moved)
        self._tell(connection)
        write_head(connection, replace(self.log.flush(connection), change=change, stamped_at=self._stamped_at))

    def _tell(self, connection: Connection) -> None:
        """Put into the outbox what is to be told: it is there if, and only if, the revisions are."""
        if not self._to_tell:
            return
        told = [
            Notification(listener.id, kind, closure.id, closure.number)
            for listener in recipients.listeners(connection)
            if listener.user_id in {None, self.user_id}
            for closure, kinds in self._to_tell
            for kind in sorted(kinds & listener.kinds)
        ]
        outbox.insert_notifications(self.store, connection, told, self.received_at)

    def _standing(self, entry: Entry) -> Standing:
        if not entry.step.is_numbered:
            assert entry.held is not None
            return replace(entry.held.standing, closure=entry.after)
        assert entry.assessment is not None
        # Whole seconds, as iCalendar states them; never back with the clock, and a new second for each revision.
        stamp = max(self.received_at.replace(microsecond=0), self.head.stamped_at)
        if entry.held is not None:
            stamp = max(stamp, entry.held.standing.stamped_at + _SECOND)
        self._stamped_at = max(self._stamped_at, stamp)
        return Standing(entry.after, entry.assessment, entry.assessment.is_late_change, stamp)


def new_closure_id() -> bytes:
    """Return a random row id for a new closure."""
    return new_row_id()


def is_ahead(closure: PlannedClosure, now: datetime) -> bool:
    """Tell whether a closure is planned and has not started."""
    return closure.state is State.PLANNED and closure.window.starts > now.astimezone(UTC)
