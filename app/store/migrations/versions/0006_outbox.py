"""The outbox (recipients, notifications, messages), and answers kept for an Idempotency-Key."""

import sqlalchemy as sa
from alembic import op

from app.store.instants import Instant

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make four empty tables."""
    op.create_table(
        "recipients",
        sa.Column("id", sa.String(length=20), nullable=False),
        sa.Column("user_id", sa.LargeBinary(length=16), nullable=True),
        sa.Column("kinds", sa.String(length=120), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("removed_at", Instant(), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_recipients_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recipients")),
    )
    op.create_table(
        "messages",
        sa.Column("id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("recipient_id", sa.String(length=20), nullable=False),
        sa.Column("made_at", Instant(), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("due_at", Instant(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("settled_at", Instant(), nullable=True),
        sa.Column("fault", sa.String(length=120), nullable=False),
        sa.ForeignKeyConstraint(["recipient_id"], ["recipients.id"], name=op.f("fk_messages_recipient_id_recipients")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_messages")),
    )
    op.create_index("ix_messages_state_due_at", "messages", ["state", "due_at"], unique=False)
    op.create_table(
        "notifications",
        sa.Column("id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("recipient_id", sa.String(length=20), nullable=False),
        sa.Column("recorded_at", Instant(), nullable=False),
        sa.Column("message_id", sa.LargeBinary(length=16), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["message_id"], ["messages.id"], name=op.f("fk_notifications_message_id_messages")),
        sa.ForeignKeyConstraint(
            ["recipient_id"], ["recipients.id"], name=op.f("fk_notifications_recipient_id_recipients")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notifications")),
    )
    op.create_index(
        "ix_notifications_message_id_recipient_id", "notifications", ["message_id", "recipient_id"], unique=False
    )
    op.create_table(
        "kept_answers",
        sa.Column("id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("user_id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("asked", sa.LargeBinary(length=16), nullable=False),
        sa.Column("kept_at", Instant(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_kept_answers_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_kept_answers")),
    )
    op.create_index(op.f("ix_kept_answers_kept_at"), "kept_answers", ["kept_at"], unique=False)
