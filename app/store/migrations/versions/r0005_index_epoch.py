"""The head says how many keys of the chain the blind digests went through (ADR 2)."""

import sqlalchemy as sa
from alembic import op

revision = "r0005"
down_revision = "r0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Say that every digest is by the first key. ``proven.prove_head`` proves the head with it: it has the keys."""
    op.add_column("head", sa.Column("index_epoch", sa.Integer, nullable=False, server_default="1"))
