"""The outbox on disk: notifications, written with what they tell of, and the messages that they are put into."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from app.domain.notification import Kind, Notification, due_from
from app.domain.refusal import Unknown
from app.domain.utc_day import day_of
from app.security.keyring import SERVICE_OWNER
from app.security.tokens import new_row_id
from app.store.chains import chains_of
from app.store.engine import Store
from app.store.outbox_tables import messages, notifications
from app.store.proven import proven, require_proven
from app.store.recipients import Listener

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

    ``attempts`` were begun, ``failures`` of them are known to have failed; ``fault`` words the last failure. ``letter``
    names what goes to an account about its sign-in, or in answer to a mail; "" is what notifications tell.
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
    letter: str = ""

    @property
    def unknown(self) -> int:
        """How many attempts ended without our knowing how: the process died in the middle."""
        return self.attempts - self.failures


def notification_id(store: Store, connection: sa.Connection, notification: Notification) -> bytes:
    """Return the row id of a notification: the same for the same recipient, kind, closure and revision."""
    digest = store.blind.notification(
        notification.recipient_id, notification.kind, notification.closure_id, notification.number
    )
    return chains_of(connection).index(digest)


def untold(
    store: Store, connection: sa.Connection, found: Iterable[tuple[Listener, Notification]]
) -> list[tuple[Listener, Notification]]:
    """Return those notifications that were never written."""
    by_id = {
        notification_id(store, connection, notification): (listener, notification) for listener, notification in found
    }
    known = _known(connection, list(by_id))
    return [new for row_id, new in by_id.items() if row_id not in known]


def insert_notifications(
    store: Store, connection: sa.Connection, new: Iterable[tuple[Listener, Notification]], now: datetime
) -> int:
    """Write notifications that are not there yet; return how many. The caller holds the head: nobody comes between."""
    rows = [
        {
            "id": row_id,
            "recipient_id": listener.id,
            "due_at": due_from(listener.digest_hour, now),
            "message_id": None,
            "sealed": store.keyring.seal(
                SERVICE_OWNER, "notifications", "sealed", row_id, 1,
                json.dumps([notification.kind, notification.closure_id.hex(), notification.number]).encode(),
            ),
        }
        for listener, notification in untold(store, connection, new)
        for row_id in [notification_id(store, connection, notification)]
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
    """What a recipient waits to be told: how many notifications are in no message yet, and when the first is due.

    ``due_at`` None is at once.
    """

    count: int
    due_at: datetime | None


_WAITING = (
    sa.select(notifications.c.recipient_id, sa.func.count(), sa.func.min(notifications.c.due_at))
    .where(notifications.c.message_id.is_(None))
    .group_by(notifications.c.recipient_id)
)


def list_waiting(connection: sa.Connection) -> dict[str, Waiting]:
    """Return who waits to be told something, and how much."""
    return {row[0]: Waiting(row[1], row[2]) for row in connection.execute(_WAITING)}


def put_off(connection: sa.Connection, recipient_id: str, due_at: datetime | None) -> None:
    """Let what waits for a recipient be due at another time; None is at once."""
    mine = sa.and_(notifications.c.recipient_id == recipient_id, notifications.c.message_id.is_(None))
    _rewrite(connection, connection.execute(sa.select(notifications).where(mine)).all(), {"due_at": due_at})


_COUNT_BY_STATE = (
    sa.select(messages.c.state, sa.func.count())
    .where(messages.c.state.in_([MessageState.WAITING.value, MessageState.DEAD.value]))
    .group_by(messages.c.state)
)


def count_open(connection: sa.Connection) -> dict[str, int]:
    """Return how many messages are in each state that somebody or something has to end: waiting, and dead."""
    counted = {row[0]: row[1] for row in connection.execute(_COUNT_BY_STATE)}
    return {state.value: counted.get(state.value, 0) for state in (MessageState.WAITING, MessageState.DEAD)}


def has_dead_before(connection: sa.Connection, day: datetime) -> bool:
    """Tell whether a message was given up before a day, which is in clear: its instant is not."""
    query = sa.select(messages.c.id).where(messages.c.state == MessageState.DEAD.value, messages.c.settled_on < day)
    return connection.execute(query.limit(1)).first() is not None


def make_messages(  # noqa: PLR0917 - where, for whom, how many of what
    store: Store, connection: sa.Connection, recipient_id: str, most: int, each: int, now: datetime
) -> None:
    """Put the first ``most`` waiting notifications of a recipient into new messages, up to ``each`` in one.

    The caller holds the head.
    """
    query = (
        sa.select(notifications)
        .where(notifications.c.message_id.is_(None), notifications.c.recipient_id == recipient_id)
        .order_by(notifications.c.due_at, notifications.c.id)
        .limit(most)
    )
    chosen = connection.execute(query).all()
    for first in range(0, len(chosen), each):
        new = Message(new_row_id(), recipient_id, now, MessageState.WAITING, now, 0, 0, None, "")
        connection.execute(sa.insert(messages).values(message_row(store, connection, new)))
        _rewrite(connection, chosen[first : first + each], {"message_id": new.id})


def insert_letter(store: Store, connection: sa.Connection, recipient_id: str, letter: str, now: datetime) -> bytes:
    """Let a letter wait for its recipient, and return its id; what it says is made when it is sent."""
    new = Message(new_row_id(), recipient_id, now, MessageState.WAITING, now, 0, 0, None, "", letter)
    connection.execute(sa.insert(messages).values(message_row(store, connection, new)))
    return new.id


def _rewrite(connection: sa.Connection, rows: Sequence[Any], changes: dict[str, object]) -> None:
    """Write other values into notifications that were read whole. Raise ``SealBroken`` for one that was altered."""
    names = (*changes, "proof")
    query = sa.update(notifications).where(notifications.c.id == sa.bindparam("b_id"))
    query = query.values({name: sa.bindparam(f"b_{name}") for name in names})
    written = []
    for row in rows:
        require_proven(connection, notifications, row)
        values = proven(connection, notifications, row._asdict() | changes)
        written.append({"b_id": row.id} | {f"b_{name}": values[name] for name in names})
    if written:
        connection.execute(query, written)


def notifications_of(store: Store, connection: sa.Connection, message_id: bytes) -> list[Notification]:
    """Return what a message is to tell, in no order."""
    query = sa.select(notifications).where(notifications.c.message_id == message_id)
    return [_open(store, connection, row) for row in connection.execute(query)]


def _open(store: Store, connection: sa.Connection, row: Any) -> Notification:
    require_proven(connection, notifications, row)
    body = store.keyring.unseal(SERVICE_OWNER, "notifications", "sealed", row.id, 1, row.sealed)
    kind, closure_id, number = json.loads(body)
    return Notification(row.recipient_id, Kind(kind), bytes.fromhex(closure_id), number)


def due_messages(store: Store, connection: sa.Connection, now: datetime, latest: datetime, most: int) -> list[Message]:
    """Return messages whose next attempt is due, the longest due first.

    No attempt is put off beyond ``latest``: one that is was put off by a clock that has since been set back.
    """
    query = sa.select(messages).where(messages.c.state == MessageState.WAITING.value)
    waiting = [_message(store, connection, row) for row in connection.execute(query)]
    due = [message for message in waiting if message.due_at <= now or message.due_at > latest]
    return sorted(due, key=lambda message: (message.due_at, message.id))[:most]


def list_messages(store: Store, connection: sa.Connection, states: Sequence[MessageState], most: int) -> list[Message]:
    """Return the newest messages in one of these states, newest first."""
    chosen = sa.select(messages).where(messages.c.state.in_([state.value for state in states]))
    by_day = chosen.order_by(messages.c.made_on.desc())
    # Rows are in order of their days alone: every message of the last day that is shown has to be looked at.
    last = connection.execute(by_day.offset(most - 1).limit(1)).first()
    if last is not None:
        by_day = by_day.where(messages.c.made_on >= last.made_on)
    found = [_message(store, connection, row) for row in connection.execute(by_day)]
    return sorted(sorted(found, key=lambda one: one.id), key=lambda one: one.made_at, reverse=True)[:most]


def change_message(store: Store, connection: sa.Connection, seen: Message, changed: Message) -> bool:
    """Change a message if it is still as it was seen; tell whether it was. Nobody else got there first then."""
    query = (
        sa.update(messages)
        .where(
            messages.c.id == seen.id,
            messages.c.state == seen.state.value,
            messages.c.attempts == seen.attempts,
            messages.c.failures == seen.failures,
        )
        .values(message_row(store, connection, changed))
    )
    return connection.execute(query).rowcount == 1


def find_message(store: Store, connection: sa.Connection, message_id: bytes) -> Message:
    """Return one message. Raise ``Unknown``."""
    row = connection.execute(sa.select(messages).where(messages.c.id == message_id)).first()
    if row is None:
        raise Unknown("There is no such message.", "The outbox shows those that are there.")
    return _message(store, connection, row)


def purge_messages(connection: sa.Connection, before: datetime) -> int:
    """Delete messages, with their notifications, that were settled before the day of an instant; return how many."""
    old = messages.c.settled_on < day_of(before)
    gone = sa.select(messages.c.id).where(old)
    connection.execute(sa.delete(notifications).where(notifications.c.message_id.in_(gone)))
    return connection.execute(sa.delete(messages).where(old)).rowcount


def message_row(store: Store, connection: sa.Connection, message: Message) -> dict[str, object]:
    """Return the row of a message; its version is the number of attempts and failures."""
    instants = [one and one.isoformat() for one in (message.made_at, message.due_at, message.settled_at)]
    facts = [*instants, message.letter] if message.letter else instants
    version, body = message.attempts + message.failures, json.dumps(facts).encode()
    values = {
        "id": message.id,
        "recipient_id": message.recipient_id,
        "made_on": day_of(message.made_at),
        "state": message.state.value,
        "attempts": message.attempts,
        "failures": message.failures,
        "settled_on": message.settled_at and day_of(message.settled_at),
        "fault": message.fault,
        "sealed": store.keyring.seal(SERVICE_OWNER, "messages", "sealed", message.id, version, body),
    }
    return proven(connection, messages, values)


def _message(store: Store, connection: sa.Connection, row: Any) -> Message:
    require_proven(connection, messages, row)
    version = row.attempts + row.failures
    body = store.keyring.unseal(SERVICE_OWNER, "messages", "sealed", row.id, version, row.sealed)
    *instants, letter = [*json.loads(body), ""][:4]
    made_at, due_at, settled_at = (one and datetime.fromisoformat(one).astimezone(UTC) for one in instants)
    return Message(
        id=row.id,
        recipient_id=row.recipient_id,
        made_at=made_at,
        state=MessageState(row.state),
        due_at=due_at,
        attempts=row.attempts,
        failures=row.failures,
        settled_at=settled_at,
        fault=row.fault,
        letter=letter,
    )
