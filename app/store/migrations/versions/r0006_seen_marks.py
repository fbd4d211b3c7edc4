"""What was seen is marked for all of DCC's staff, by whom and with a note, and a User's notices are found in order."""

import sqlalchemy as sa
from alembic import op

from app.store.instants import Instant

revision = "r0006"
down_revision = "r0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Let go of each account's own marks: they are digests that name their account, and nobody else can read them."""
    op.drop_table("seen_items")
    op.create_table(
        "seen_marks",
        sa.Column("item", sa.LargeBinary, primary_key=True),
        sa.Column("seen_at", Instant, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
    )
    op.create_index("ix_seen_marks_seen_at", "seen_marks", ["seen_at"])
    op.create_index("ix_notices_user_id_log_index", "notices", ["user_id", "log_index"])
