"""What a message may tell when it is sent: each closure as it stands then, and nothing that was overtaken meanwhile."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from app.domain.access import Principal, Role
from app.domain.clash import find_maintenance_clashes
from app.domain.closure import PlannedClosure, State, Step
from app.domain.maintenance import Maintenance
from app.domain.notification import Kind, Notification, still_holds
from app.register.reading import visible_users
from app.register.register import Register
from app.register.rulebook import Rulebook
from app.store import closures as rows
from app.store import outbox, parties, recipients
from app.store.closures import Held
from app.store.engine import Connection, Store
from app.store.outbox import Message
from app.store.parties import Parties
from app.store.recipients import Recipient


@dataclass(frozen=True, slots=True)
class Told:
    """What a message tells of one closure: why, how it stands, and with which others and DCC's own dates it clashes."""

    kinds: tuple[Kind, ...]
    closure: PlannedClosure
    clashes: tuple[PlannedClosure, ...]
    maintenance: tuple[Maintenance, ...]


@dataclass(frozen=True, slots=True)
class Telling:
    """Whom a message is for and all that it may tell now, by start; ``parties`` gives the names."""

    recipient: Recipient
    told: tuple[Told, ...]
    parties: Parties


def read_telling(register: Register, message: Message, now: datetime) -> Telling | None:
    """Return what a message may tell at ``now``; None where nothing of it holds, or its recipient is gone."""
    store, rulebook = register.store, register.rulebook()
    with store.reading() as connection:
        recipient = recipients.read_recipient(store, connection, message.recipient_id)
        if recipient is None or recipient.removed_at is not None:
            return None
        everyone = parties.read_parties(store, connection)
        codes = visible_users(principal_of(recipient, everyone), everyone)
        sight = _Sight(store, connection, codes, rulebook, now)
        found = sight.told(outbox.notifications_of(store, connection, message.id))
    told = sorted(found, key=lambda entry: (entry.closure.window.starts, entry.closure.reference))
    return Telling(recipient, tuple(told), everyone) if told else None


def principal_of(recipient: Recipient, everyone: Parties) -> Principal:
    """Return for whom a recipient reads: the one scoped door decides what it may see."""
    if recipient.user_id is None:
        return Principal(recipient.label, Role.DCC)
    return Principal(recipient.label, Role.USER, frozenset({everyone.users[recipient.user_id].code}))


@dataclass(frozen=True, slots=True)
class _Sight:
    """One snapshot of the register, through the eyes of one recipient: ``codes`` are the Users that it may see."""

    store: Store
    connection: Connection
    codes: Mapping[bytes, str]
    rulebook: Rulebook
    now: datetime

    def told(self, notifications: Iterable[Notification]) -> list[Told]:
        by_closure: dict[bytes, list[Notification]] = {}
        for notification in notifications:
            by_closure.setdefault(notification.closure_id, []).append(notification)
        standing = rows.by_ids(self.store, self.connection, by_closure, dict(self.codes))
        found = (self._told(held, by_closure[closure_id]) for closure_id, held in standing.items())
        return [told for told in found if told.kinds]

    def _told(self, held: Held, notifications: Iterable[Notification]) -> Told:
        closure = held.closure
        since = self._planned_since(closure)
        holding = {
            notification.kind
            for notification in notifications
            if still_holds(notification.kind, notification.number, closure, since, self.now)
        }
        asked = Kind.CLASH in holding and closure.state_at(self.now) is State.PLANNED
        clashes = self._clashes(held) if asked else ()
        maintenance = self._maintenance(closure) if asked else ()
        if not clashes and not maintenance:
            holding.discard(Kind.CLASH)
        return Told(tuple(kind for kind in Kind if kind in holding), held.closure, clashes, maintenance)

    def _planned_since(self, closure: PlannedClosure) -> int:
        """Return the number of the revision that last planned a closure."""
        if closure.number == 1:
            return 1
        history = (written.revision for written in rows.history(self.store, self.connection, closure))
        plans = {Step.FIRST, Step.PLANNED_AGAIN}
        return max(
            (revision.number for revision in history if revision.step in plans and revision.number is not None),
            default=0,
        )

    def _clashes(self, held: Held) -> tuple[PlannedClosure, ...]:
        """Return the closures, among those that may be seen, with which this one came to clash.

        Of two that clash, the one recorded later tells of it, so that a clash is told once.
        """
        closure = held.closure
        found = [
            other.closure
            for other in rows.touching(self.store, self.connection, closure.window.weeks(), dict(self.codes))
            if other.closure.state_at(self.now) is State.PLANNED
            and other.closure.gateway != closure.gateway
            and other.closure.window.overlaps(closure.window)
            and (other.change, other.closure.reference) < (held.change, closure.reference)
        ]
        return tuple(sorted(found, key=lambda entry: (entry.window, entry.reference)))

    def _maintenance(self, closure: PlannedClosure) -> tuple[Maintenance, ...]:
        """Return DCC's own windows, as they stand, on which a closure falls."""
        days = self.rulebook.thresholds.release_days
        return tuple(
            met.maintenance for met in find_maintenance_clashes([closure], self.rulebook.maintenance_at(None), days)
        )
