"""What was received is found in its order, entry by entry, and whose each is."""

from alembic import op

revision = "r0010"
down_revision = "r0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Put one index in the place of that by receipt alone."""
    op.drop_index("ix_revisions_received_at", "revisions")
    op.create_index("ix_revisions_receipt", "revisions", ["received_at", "log_index", "user_id"])
