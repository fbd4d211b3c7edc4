"""Acts are entries of the record, and what decides in the clear has a seal beside it (ADR 30)."""

from alembic import op
from sqlalchemy import BigInteger, Column, Integer, LargeBinary

from app.store.instants import Instant

revision = "r0002"
down_revision = "r0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table of acts, and room for the seals. ``standing.record_standing`` fills both: it has the keys."""
    op.create_table(
        "acts",
        Column("position", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
        Column("made_at", Instant, nullable=False),
        Column("sealed", LargeBinary, nullable=False),
    )
    for table in ("user_gateways", "policies", "holiday_tables"):
        op.add_column(table, Column("sealed", LargeBinary, nullable=False, server_default=""))
