"""DCC's own windows with their history, and the notes of exports."""

import sqlalchemy as sa
from alembic import op

from app.store.instants import Instant

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make both tables."""
    op.create_table(
        "maintenance",
        sa.Column("id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("entry", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("received_at", Instant(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", "entry", name=op.f("pk_maintenance")),
    )
    op.create_table(
        "exports",
        sa.Column("id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("exported_at", Instant(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exports")),
    )
    op.create_index(op.f("ix_exports_exported_at"), "exports", ["exported_at"], unique=False)
