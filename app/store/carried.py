"""What a database of before r0003 holds in other shapes: its outbox and its week index, made anew with the keys."""

import json
from typing import Any

import sqlalchemy as sa

from app.domain.notification import due_from
from app.domain.refusal import Refusal
from app.security.keyring import SERVICE_OWNER
from app.store.engine import Store
from app.store.instants import Instant
from app.store.outbox import Message, MessageState, message_row
from app.store.outbox_tables import messages, notifications, recipients
from app.store.proven import proven
from app.store.week_index import index_again

FIRST_WITH_DAYS = "r0003"
"""The migration that took the hours out of the outbox, and the weeks of one User from those of another."""


def carry(store: Store, connection: sa.Connection) -> None:
    """Bring recipients, messages, notifications and the week index along. What does not open stays as it is."""
    hours = _carry_recipients(store, connection)
    if sa.inspect(connection).has_table("notifications_before"):
        _carry_outbox(store, connection, hours)
    index_again(store, connection)


def _carry_outbox(store: Store, connection: sa.Connection, hours: dict[str, int | None]) -> None:
    for row in _before(connection, messages.name, "made_at", "due_at", "settled_at"):
        held = Message(
            row.id, row.recipient_id, row.made_at, MessageState(row.state), row.due_at,
            row.attempts, row.failures, row.settled_at, row.fault,
        )  # fmt: skip
        connection.execute(sa.insert(messages).values(message_row(store, connection, held)))
    for row in _before(connection, notifications.name, "recorded_at"):
        due_at = due_from(hours.get(row.recipient_id), row.recorded_at)
        values = {name: getattr(row, name) for name in ("id", "recipient_id", "message_id", "sealed")}
        connection.execute(
            sa.insert(notifications).values(proven(connection, notifications, values | {"due_at": due_at}))
        )
    connection.execute(sa.text("DROP TABLE notifications_before"))
    connection.execute(sa.text("DROP TABLE messages_before"))


def _before(connection: sa.Connection, table: str, *instants: str) -> list[Any]:
    """Return the rows of a table as it was."""
    found = sa.inspect(connection).get_columns(f"{table}_before")
    columns = [sa.column(one["name"], Instant() if one["name"] in instants else one["type"]) for one in found]
    return list(connection.execute(sa.select(*columns).select_from(sa.table(f"{table}_before"))).all())


def _carry_recipients(store: Store, connection: sa.Connection) -> dict[str, int | None]:
    """Take the hour of the digest out of what is sealed of each recipient; return it by recipient."""
    hours: dict[str, int | None] = {}
    for row in connection.execute(sa.select(recipients.c.id, recipients.c.user_id, recipients.c.sealed)).all():
        owner, named = row.user_id or SERVICE_OWNER, row.id.encode()
        try:
            body = store.keyring.unseal(owner, "recipients", "sealed", named, 1, row.sealed)
            label, carrier, address, hour, secret = json.loads(body)
            body = json.dumps([label, carrier, address, secret]).encode()
            sealed = store.keyring.seal(owner, "recipients", "sealed", named, 1, body)
        except Refusal:
            continue
        hours[row.id] = hour
        query = sa.update(recipients).where(recipients.c.id == row.id)
        connection.execute(query.values(digest_hour=hour, sealed=sealed))
    return hours
