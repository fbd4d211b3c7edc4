"""The outbox tells no hour in clear; the clock, the published checkpoint and cosignatures are kept."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, LargeBinary, String

from app.store.instants import Instant

revision = "r0003"
down_revision = "r0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the outbox anew; ``carried.carry`` fills it from the tables of before: it has the keys."""
    op.create_table(
        "clock",
        Column("id", Integer, primary_key=True, autoincrement=False),
        Column("boot", String(40), nullable=False),
        Column("booted_at", Instant, nullable=False),
        Column("seen_at", Instant, nullable=False),
        Column("against", String(40), nullable=False),
        Column("off", BigInteger, nullable=False),
        Column("since", BigInteger, nullable=False),
    )
    op.create_table(
        "checkpoints",
        Column("id", Integer, primary_key=True, autoincrement=False),
        Column("made_at", Instant, nullable=False),
        Column("text", String, nullable=False),
    )
    op.create_table(
        "cosignatures",
        Column("witness", String(255), primary_key=True),
        Column("size", BigInteger, nullable=False),
        Column("root", LargeBinary(32), nullable=False),
        Column("line", String, nullable=False),
        Column("cosigned_at", Instant),
        Column("trouble", String(120), nullable=False),
    )
    op.add_column("recipients", Column("digest_hour", Integer))
    if op.get_bind().execute(sa.text("SELECT 1 FROM notifications LIMIT 1")).first():
        op.execute(sa.text("CREATE TABLE notifications_before AS SELECT * FROM notifications"))
        op.execute(sa.text("CREATE TABLE messages_before AS SELECT * FROM messages"))
    op.drop_table("notifications")
    op.drop_table("messages")
    op.create_table(
        "messages",
        Column("id", LargeBinary(16), primary_key=True),
        Column("recipient_id", String(20), ForeignKey("recipients.id"), nullable=False),
        Column("made_on", Instant, nullable=False),
        Column("state", String(8), nullable=False),
        *(Column(name, Integer, nullable=False) for name in ("attempts", "failures")),
        Column("settled_on", Instant),
        Column("fault", String(120), nullable=False),
        Column("sealed", LargeBinary, nullable=False),
        Index("ix_messages_state_made_on", "state", "made_on"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "notifications",
        Column("id", LargeBinary(16), primary_key=True),
        Column("recipient_id", String(20), ForeignKey("recipients.id"), nullable=False),
        Column("due_at", Instant),
        Column("message_id", LargeBinary(16), ForeignKey("messages.id")),
        Column("sealed", LargeBinary, nullable=False),
        Index("ix_notifications_message_id_recipient_id", "message_id", "recipient_id"),
        sqlite_with_rowid=False,
    )
