"""Which scheduler leads stands in a row of the database, and ends by the database's clock unless it is put off."""

import sqlalchemy as sa
from alembic import op

revision = "r0008"
down_revision = "r0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Nobody leads yet: the first scheduler that looks takes over."""
    lead = op.create_table(
        "lead",
        sa.Column("epoch", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("holder", sa.LargeBinary(16), nullable=False),
        sa.Column("ends", sa.BigInteger, nullable=False),
    )
    op.bulk_insert(lead, [{"epoch": 0, "holder": b"", "ends": 0}])
