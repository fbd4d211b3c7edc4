"""The key ring stands in the database where many machines share it; beside SQLite the table stays empty."""

import sqlalchemy as sa
from alembic import op

revision = "r0009"
down_revision = "r0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table. The ring is moved into it by the first process that opens it after this: it takes the KEK.

    Where a backup is restored over a database, the ring of that is there and stays.
    """
    op.create_table(
        "ring",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("generation", sa.BigInteger, nullable=False),
        sa.Column("octets", sa.LargeBinary, nullable=False),
        if_not_exists=True,
    )
