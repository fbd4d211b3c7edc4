"""The tables of who is told what, of mails that came in, and of answers kept for an Idempotency-Key.

``tables`` has all others.
"""

from sqlalchemy import Column, ForeignKey, Index, Integer, String, Table

from app.store.instants import Instant
from app.store.metadata import Blind, Octets, Sealed, metadata

# Who is told of what happens to closures. ``user_id`` is set where a User is told of its own ones, NULL for DCC.
recipients = Table(
    "recipients",
    metadata,
    Column("id", String(20), primary_key=True),
    Column("user_id", ForeignKey("users.id")),
    Column("kinds", String(120), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("removed_at", Instant),
    Column("sealed", Sealed, nullable=False),
    Column("digest_hour", Integer),  # of the day in London; NULL: at once
)

# What is handed to a mail server or a webhook, once it was put together. No text is kept: it is made when it is sent.
# When it was made, is due and was settled is sealed: a message may leave as a window starts or ends. In clear are days,
# for the order of the lists and for retention, and in SQLite rows have no order of their own (ADR 18).
messages = Table(
    "messages",
    metadata,
    Column("id", Octets(16), primary_key=True),
    Column("recipient_id", ForeignKey("recipients.id"), nullable=False),
    Column("made_on", Instant, nullable=False),
    Column("state", String(8), nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("failures", Integer, nullable=False),  # attempts known to have failed; of the others we know nothing
    Column("settled_on", Instant),
    Column("fault", String(120), nullable=False),
    Column("sealed", Sealed, nullable=False),
    Column("proof", Octets(16), nullable=False, server_default=""),
    Index("ix_messages_state_made_on", "state", "made_on"),
    sqlite_with_rowid=False,
)

# The outbox: what is to be told, written with the revision that it is about. A row says neither of which closure nor
# what, nor when it was written, which would tell when a window starts: ``due_at`` is the recipient's next digest, or
# NULL, at once.
notifications = Table(
    "notifications",
    metadata,
    Column("id", Blind(16), primary_key=True),  # blind: (recipient, kind, closure, revision number)
    Column("recipient_id", ForeignKey("recipients.id"), nullable=False),
    Column("due_at", Instant),
    Column("message_id", ForeignKey("messages.id")),
    Column("sealed", Sealed, nullable=False),
    Column("proof", Octets(16), nullable=False, server_default=""),
    Index("ix_notifications_message_id_recipient_id", "message_id", "recipient_id"),
    sqlite_with_rowid=False,
)

# Answers to notices that were sent with an Idempotency-Key. ``sealed`` is NULL in rows alone that a killed process left
# when it was written after the work, and such a row answers nothing.
kept_answers = Table(
    "kept_answers",
    metadata,
    Column("id", Blind(16), primary_key=True),  # blind: (who asked, the key)
    Column("user_id", ForeignKey("users.id"), nullable=False),
    Column("asked", Blind(16), nullable=False),  # blind: what was asked
    Column("kept_at", Instant, nullable=False, index=True),
    Column("sealed", Sealed),
)

# Mails that came in, so that none is taken twice. ``user_id`` is whose notice one was, NULL where it was put aside;
# ``message_id`` is the message that answers it, whose words are sealed here (ADR 39).
mails = Table(
    "mails",
    metadata,
    Column("id", Blind(16), primary_key=True),  # blind: its octets
    Column("user_id", ForeignKey("users.id")),
    Column("message_id", ForeignKey("messages.id"), index=True),
    Column("signed", Blind(16), unique=True),  # blind: what is signed of it; NULL where nothing is, or it is no notice
    Column("kept_at", Instant, nullable=False, index=True),
    Column("sealed", Sealed, nullable=False),
)
