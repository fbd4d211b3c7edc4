"""The outbox on disk: notifications, written with what they tell of, and the messages that they are put into."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from app.domain.notification import Kind, Notification
from app.domain.refusal import Unknown
from app.security.keyring import SERVICE_OWNER
from app.security.tokens import new_row_id
from app.store.engine import Store
from app.store.outbox_tables import messages, notifications
from app.store.proven import proven, require_proven

_MOST_AT_ONCE = 500


class MessageState(StrEnum):
    """What became of a message. ``dropped``: when it was to be sent, nothing in it held any more."""

    WAITING = "waiting"
    SENT = "sent"
    DROPPED = "dropped"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class Message:
    """What goes to one recipient at one time. Its id stays the same however often it is sent.

    ``attempts`` were begun, ``failures`` of them are known to have failed; ``fault`` words the last failure.
    """

    id: bytes
    recipient_id: str
    made_at: datetime
    state: MessageState
    due_at: datetime
    attempts: int
    failures: int
    settled_at: datetime | None
    fault: str

    @property
    def unknown(self) -> int:
        """How many attempts ended without our knowing how: the process died in the middle."""
        return self.attempts - self.failures


def notification_id(store: Store, notification: Notification) -> bytes:
    """Return the row id of a notification: the same for the same recipient, kind, closure and revision."""
    return store.blind.notification(
        notification.recipient_id, notification.kind, notification.closure_id, notification.number
    )


def untold(store: Store, connection: sa.Connection, found: Iterable[Notification]) -> list[Notification]:
    """Return those notifications that were never written."""
    by_id = {notification_id(store, notification): notification for notification in found}
    known = _known(connection, list(by_id))
    return [notification for row_id, notification in by_id.items() if row_id not in known]


def insert_notifications(store: Store, connection: sa.Connection, new: Iterable[Notification], now: datetime) -> int:
    """Write notifications that are not there yet; return how many. The caller holds the head: nobody comes between."""
    rows = [
        {
            "id": row_id,
            "recipient_id": notification.recipient_id,
            "recorded_at": now,
            "message_id": None,
            "sealed": store.keyring.seal(
                SERVICE_OWNER, "notifications", "sealed", row_id, 1,
                json.dumps([notification.kind, notification.closure_id.hex(), notification.number]).encode(),
            ),
        }
        for notification in untold(store, connection, new)
        for row_id in [notification_id(store, notification)]
    ]  # fmt: skip
    if rows:
        connection.execute(sa.insert(notifications), [proven(connection, notifications, row) for row in rows])
    return len(rows)


def _known(connection: sa.Connection, ids: Sequence[bytes]) -> set[bytes]:
    found: set[bytes] = set()
    for first in range(0, len(ids), _MOST_AT_ONCE):
        query = sa.select(notifications.c.id).where(notifications.c.id.in_(ids[first : first + _MOST_AT_ONCE]))
        found.update(connection.execute(query).scalars())
    return found


@dataclass(frozen=True, slots=True)
class Waiting:
    """What a recipient waits to be told: how many notifications are in no message yet, and since when the oldest."""

    count: int
    since: datetime


_WAITING = (
    sa.select(notifications.c.recipient_id, sa.func.count(), sa.func.min(notifications.c.recorded_at))
    .where(notifications.c.message_id.is_(None))
    .group_by(notifications.c.recipient_id)
)


def list_waiting(connection: sa.Connection) -> dict[str, Waiting]:
    """Return who waits to be told something, and how much."""
    return {row[0]: Waiting(row[1], row[2]) for row in connection.execute(_WAITING)}


def make_message(connection: sa.Connection, recipient_id: str, most: int, now: datetime) -> None:
    """Put the oldest ``most`` waiting notifications of a recipient into one new message. The caller holds the head."""
    query = (
        sa.select(notifications)
        .where(notifications.c.message_id.is_(None), notifications.c.recipient_id == recipient_id)
        .order_by(notifications.c.recorded_at, notifications.c.id)
        .limit(most)
    )
    chosen = connection.execute(query).all()
    if not chosen:
        return
    made = Message(new_row_id(), recipient_id, now, MessageState.WAITING, now, 0, 0, None, "")
    connection.execute(sa.insert(messages).values(proven(connection, messages, _facts(made))))
    told = []
    for row in chosen:
        require_proven(connection, notifications, row)
        values = proven(connection, notifications, row._asdict() | {"message_id": made.id})
        told.append({"b_id": row.id, "b_message": made.id, "b_proof": values["proof"]})
    connection.execute(_TELL, told)


_TELL = (
    sa.update(notifications)
    .where(notifications.c.id == sa.bindparam("b_id"))
    .values(message_id=sa.bindparam("b_message"), proof=sa.bindparam("b_proof"))
)


def _facts(message: Message) -> dict[str, Any]:
    return {**asdict(message), "state": message.state.value}


def notifications_of(store: Store, connection: sa.Connection, message_id: bytes) -> list[Notification]:
    """Return what a message is to tell, oldest first."""
    query = sa.select(notifications).where(notifications.c.message_id == message_id)
    rows = connection.execute(query.order_by(notifications.c.recorded_at, notifications.c.id)).all()
    return [_open(store, connection, row) for row in rows]


def _open(store: Store, connection: sa.Connection, row: Any) -> Notification:
    require_proven(connection, notifications, row)
    body = store.keyring.unseal(SERVICE_OWNER, "notifications", "sealed", row.id, 1, row.sealed)
    kind, closure_id, number = json.loads(body)
    return Notification(row.recipient_id, Kind(kind), bytes.fromhex(closure_id), number)


def due_messages(connection: sa.Connection, now: datetime, latest: datetime, most: int) -> list[Message]:
    """Return messages whose next attempt is due, the longest due first.

    No attempt is put off beyond ``latest``: one that is was put off by a clock that has since been set back.
    """
    query = (
        sa.select(messages)
        .where(
            messages.c.state == MessageState.WAITING.value,
            sa.or_(messages.c.due_at <= now, messages.c.due_at > latest),
        )
        .order_by(messages.c.due_at, messages.c.id)
        .limit(most)
    )
    return [_message(connection, row) for row in connection.execute(query).all()]


def list_messages(connection: sa.Connection, states: Sequence[MessageState], most: int) -> list[Message]:
    """Return the newest messages in one of these states, newest first."""
    query = (
        sa.select(messages)
        .where(messages.c.state.in_([state.value for state in states]))
        .order_by(messages.c.made_at.desc(), messages.c.id)
        .limit(most)
    )
    return [_message(connection, row) for row in connection.execute(query).all()]


def change_message(connection: sa.Connection, seen: Message, **facts: object) -> bool:
    """Change a message if it is still as it was seen; tell whether it was. Nobody else got there first then."""
    query = (
        sa.update(messages)
        .where(
            messages.c.id == seen.id,
            messages.c.state == seen.state.value,
            messages.c.attempts == seen.attempts,
            messages.c.failures == seen.failures,
        )
        .values(**facts, proof=proven(connection, messages, _facts(seen) | facts)["proof"])
    )
    return connection.execute(query).rowcount == 1


def find_message(connection: sa.Connection, message_id: bytes) -> Message:
    """Return one message. Raise ``Unknown``."""
    row = connection.execute(sa.select(messages).where(messages.c.id == message_id)).first()
    if row is None:
        raise Unknown("There is no such message.", "The outbox shows those that are there.")
    return _message(connection, row)


def purge_messages(connection: sa.Connection, before: datetime) -> int:
    """Delete messages, with their notifications, that were settled before an instant; return how many."""
    old = sa.select(messages.c.id).where(messages.c.settled_at < before)
    connection.execute(sa.delete(notifications).where(notifications.c.message_id.in_(old)))
    return connection.execute(sa.delete(messages).where(messages.c.settled_at < before)).rowcount


def _message(connection: sa.Connection, row: Any) -> Message:
    require_proven(connection, messages, row)
    return Message(
        id=row.id,
        recipient_id=row.recipient_id,
        made_at=row.made_at,
        state=MessageState(row.state),
        due_at=row.due_at,
        attempts=row.attempts,
        failures=row.failures,
        settled_at=row.settled_at,
        fault=row.fault,
    )
