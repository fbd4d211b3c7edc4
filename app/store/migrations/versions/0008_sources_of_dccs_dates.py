"""A source without a User: a calendar of DCC's own dates. The sources that are there stay as they are."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Let a source have no User; SQLite makes the table anew for that and takes every row over."""
    with op.batch_alter_table("sources") as table:
        table.alter_column("user_id", existing_type=sa.LargeBinary(length=16), nullable=True)
