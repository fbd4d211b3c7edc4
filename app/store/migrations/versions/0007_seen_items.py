"""What each account has looked at on its first page."""

import sqlalchemy as sa
from alembic import op

from app.store.instants import Instant

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "seen_items",
        sa.Column("account_id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("item", sa.LargeBinary(length=16), nullable=False),
        sa.Column("seen_at", Instant(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_seen_items_account_id_accounts")),
        sa.PrimaryKeyConstraint("account_id", "item", name=op.f("pk_seen_items")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_seen_items_seen_at"), "seen_items", ["seen_at"], unique=False)
