"""What stands in the Users' calendar collections, and what clients keep beside it."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables of the CalDAV door."""
    op.create_table(
        "members",
        sa.Column("id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("user_id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("collection", sa.LargeBinary(length=16), nullable=False),
        sa.Column("name_index", sa.LargeBinary(length=16), nullable=False),
        sa.Column("uid_index", sa.LargeBinary(length=16), nullable=True),
        sa.Column("change", sa.BigInteger(), nullable=False),
        sa.Column("gone", sa.Boolean(), nullable=False),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_members_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_members")),
        sa.UniqueConstraint("name_index", name=op.f("uq_members_name_index")),
        sa.UniqueConstraint("uid_index", name=op.f("uq_members_uid_index")),
    )
    op.create_index("ix_members_collection_change", "members", ["collection", "change"], unique=False)
    op.create_table(
        "properties",
        sa.Column("place", sa.LargeBinary(length=16), nullable=False),
        sa.Column("element", sa.LargeBinary(length=16), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("place", "element", name=op.f("pk_properties")),
    )
    op.create_table(
        "member_bodies",
        sa.Column("member_id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["member_id"], ["members.id"], name=op.f("fk_member_bodies_member_id_members")),
        sa.PrimaryKeyConstraint("member_id", name=op.f("pk_member_bodies")),
    )
    op.create_table(
        "member_weeks",
        sa.Column("week", sa.LargeBinary(length=8), nullable=False),
        sa.Column("member_id", sa.LargeBinary(length=16), nullable=False),
        sa.ForeignKeyConstraint(["member_id"], ["members.id"], name=op.f("fk_member_weeks_member_id_members")),
        sa.PrimaryKeyConstraint("week", "member_id", name=op.f("pk_member_weeks")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_member_weeks_member_id", "member_weeks", ["member_id"], unique=False)
