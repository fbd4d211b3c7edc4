"""The head says how often something was forgotten, apart from new Users and gateways (ADR 15)."""

import sqlalchemy as sa
from alembic import op

revision = "r0007"
down_revision = "r0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Count from nothing: processes of this release begin anew. ``proven.prove_head`` proves the head with it."""
    op.add_column("head", sa.Column("forgotten", sa.BigInteger, nullable=False, server_default="0"))
