"""Mails that came in: which were taken, with what is answered, and which were put aside."""

import sqlalchemy as sa
from alembic import op

from app.store.instants import Instant

revision = "r0011"
down_revision = "r0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Keep none yet."""
    op.create_table(
        "mails",
        sa.Column("id", sa.LargeBinary(16), primary_key=True),
        sa.Column("user_id", sa.LargeBinary(16), sa.ForeignKey("users.id")),
        sa.Column("message_id", sa.LargeBinary(16), sa.ForeignKey("messages.id")),
        sa.Column("signed", sa.LargeBinary(16), unique=True),
        sa.Column("kept_at", Instant, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
    )
    op.create_index("ix_mails_kept_at", "mails", ["kept_at"])
    op.create_index("ix_mails_message_id", "mails", ["message_id"])
