"""The outbox at work: what there is to tell by the clock, who is due a message, and what became of each attempt.

A message is put together in one transaction and claimed in another before each attempt, so that its id is durable
before it leaves. Whoever is killed in between leaves a claim behind, and the message goes out again under the same id;
after two attempts of which nobody knows the end it waits for a person instead, so that none leaves a third time.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from app.domain.notification import BY_THE_CLOCK, EXPIRED_WITHIN, Kind, Notification, is_due, kinds_of_hour
from app.domain.refusal import Unknown
from app.domain.window import weeks_touched
from app.register.register import Register
from app.store import closures as rows
from app.store import outbox, parties, recipients
from app.store.engine import Connection, Store
from app.store.outbox import Message, MessageState

MOST_NOTIFICATIONS = 200  # in one message; the rest follows in the next
MOST_REVISIONS = 50  # each a message of its own; one run sends as many
MOST_ATTEMPTS = 12  # with the waits below, over 29 hours: a receiver may be away for a day
_FIRST_WAIT = timedelta(minutes=1)
_WAIT_GROWS = 4
_LONGEST_WAIT = timedelta(hours=4)
_MOST_UNKNOWN = 2
_AHEAD = timedelta(days=21)  # further than the reminder's Working Days ever reach, over Christmas too
_UNKNOWN_FAULT = "the service stopped in the middle of two attempts; nobody knows whether they arrived"


def tell_by_the_clock(register: Register, now: datetime) -> int:
    """Write into the outbox what the clock gives to tell at ``now``; return how many notifications. Safe to repeat."""
    store, rulebook = register.store, register.rulebook()
    calendar = rulebook.calendar_for(rulebook.policy_for(now))
    with store.reading() as connection:
        listeners = [entry for entry in recipients.listeners(connection) if entry.kinds & BY_THE_CLOCK]
        if not listeners:
            return 0
        codes = {user.id: user.code for user in parties.read_parties(store, connection).users.values()}
        found = [
            (listener, Notification(listener.id, kind, held.closure.id, held.closure.number))
            for held in rows.touching(store, connection, weeks_touched(now - EXPIRED_WITHIN, now + _AHEAD), codes)
            for listener in listeners
            if listener.user_id in {None, held.user_id}
            for kind in kinds_of_hour(held.closure, now, calendar) & listener.kinds
        ]
        fresh = outbox.untold(store, connection, found)
    if not fresh:
        return 0
    with store.writing() as connection:
        register.lock(connection)
        return outbox.insert_notifications(store, connection, fresh, now)


def make_messages(register: Register, now: datetime) -> None:
    """Put together messages for every recipient that is due any: one of everything, or one of each revision."""
    store = register.store
    with store.reading() as connection:
        waiting = outbox.list_waiting(connection)
    due = [recipient_id for recipient_id, held in waiting.items() if is_due(held.due_at, now)]
    if due:
        with store.writing() as connection:
            register.lock(connection)
            followers = {one.id for one in recipients.listeners(connection) if Kind.REVISION in one.kinds}
            for recipient_id in due:
                most, each = (MOST_REVISIONS, 1) if recipient_id in followers else (MOST_NOTIFICATIONS,) * 2
                outbox.make_messages(store, connection, recipient_id, most, each, now)


def due_messages(register: Register, now: datetime, most: int) -> list[Message]:
    """Return messages that are to be sent now, the longest due first."""
    with register.store.reading() as connection:
        return outbox.due_messages(register.store, connection, now, now + _LONGEST_WAIT, most)


def claim_message(register: Register, message: Message, now: datetime) -> Message | None:
    """Begin an attempt, durably; return the message as claimed, or None if it is not to be sent (any more)."""
    if message.unknown >= _MOST_UNKNOWN:
        _settle(register, message, MessageState.DEAD, now, _UNKNOWN_FAULT)
        return None
    wait = min(_FIRST_WAIT * _WAIT_GROWS**message.attempts, _LONGEST_WAIT)
    begun = replace(message, attempts=message.attempts + 1, due_at=now + wait)
    with register.store.writing() as connection:
        # Where somebody else got there first, there is nothing to do.
        return begun if outbox.change_message(register.store, connection, message, begun) else None


def drop_message(register: Register, message: Message, now: datetime) -> None:
    """Send nothing: nothing that the message was to tell holds any more."""
    _settle(register, message, MessageState.DROPPED, now, "")


def note_sent(register: Register, claimed: Message, now: datetime) -> None:
    """Note that an attempt arrived."""
    _settle(register, claimed, MessageState.SENT, now, "")


def note_failed(register: Register, claimed: Message, fault: str, now: datetime, *, for_good: bool) -> None:
    """Note that an attempt failed; the next one is due already, unless this was the last or can never succeed."""
    failed = replace(claimed, failures=claimed.failures + 1, fault=fault)
    if for_good or claimed.attempts >= MOST_ATTEMPTS:
        failed = replace(failed, state=MessageState.DEAD, settled_at=now)
    with register.store.writing() as connection:
        outbox.change_message(register.store, connection, claimed, failed)


def note_bounced(store: Store, connection: Connection, message_id: bytes, status: str, now: datetime) -> bool:
    """Note that the mail server of a mail's recipient could not deliver it for good; tell whether there is such a mail.

    ``status`` is a code of RFC 3463, such as ``5.1.1``. It goes for one that counts as sent, or is about to be.
    """
    try:
        found = outbox.find_message(store, connection, message_id)
    except Unknown:
        return False
    if found.state in {MessageState.SENT, MessageState.WAITING}:
        dead = replace(found, state=MessageState.DEAD, settled_at=now, fault=f"the mail bounced: {status}")
        outbox.change_message(store, connection, found, dead)
    return True


def resend_message(register: Register, message_id: str, now: datetime) -> Message:
    """Let a dead message be tried again from the start, under the same id. Raise ``Unknown``."""
    store = register.store
    with store.writing() as connection:
        found = outbox.find_message(store, connection, _row_id(message_id))
        if found.state is not MessageState.DEAD:
            return found
        again = replace(found, state=MessageState.WAITING, due_at=now, attempts=0, failures=0, settled_at=None)
        outbox.change_message(store, connection, found, again)
        return again


def _row_id(text: str) -> bytes:
    try:
        return bytes.fromhex(text.strip())
    except ValueError:
        return b""


def _settle(register: Register, seen: Message, state: MessageState, now: datetime, fault: str) -> None:
    with register.store.writing() as connection:
        outbox.change_message(register.store, connection, seen, replace(seen, state=state, settled_at=now, fault=fault))
