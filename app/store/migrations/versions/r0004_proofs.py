"""Each database has a name of its own, and rows have proofs of what stands in the clear (docs/threat-model.md)."""

import os

import sqlalchemy as sa
from alembic import op

revision = "r0004"
down_revision = "r0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Name the database, and make room for the proofs. ``proven.prove_standing`` fills that: it has the keys."""
    op.add_column("head", sa.Column("database_id", sa.LargeBinary(16), nullable=False, server_default=""))
    named = sa.text("UPDATE head SET database_id = :name").bindparams(sa.bindparam("name", type_=sa.LargeBinary))
    op.get_bind().execute(named, {"name": os.urandom(16)})
    for table in (
        "head", "closures", "revisions", "log", "series", "job_runs", "members", "messages", "notifications",
    ):  # fmt: skip
        op.add_column(table, sa.Column("proof", sa.LargeBinary(16), nullable=False, server_default=""))
        # SQLite takes the default for a text, whatever the column is of.
        op.get_bind().execute(sa.update(sa.table(table, sa.column("proof", sa.LargeBinary))).values(proof=b""))
