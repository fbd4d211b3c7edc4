"""The first tables: parties, accounts, notices, closures, the record and the feeds."""

import sqlalchemy as sa
from alembic import op

from app.store.engine import insert_first_head
from app.store.instants import Instant

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables of an empty register, and its head."""
    op.create_table(
        "accounts",
        sa.Column("id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("email_index", sa.LargeBinary(length=16), nullable=False),
        sa.Column("role", sa.String(length=8), nullable=False),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_accounts")),
        sa.UniqueConstraint("email_index", name=op.f("uq_accounts_email_index")),
    )
    op.create_table(
        "gateways",
        sa.Column("id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("code_index", sa.LargeBinary(length=16), nullable=False),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gateways")),
        sa.UniqueConstraint("code_index", name=op.f("uq_gateways_code_index")),
    )
    op.create_table(
        "head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("change", sa.BigInteger(), nullable=False),
        sa.Column("parties", sa.BigInteger(), nullable=False),
        sa.Column("rules", sa.BigInteger(), nullable=False),
        sa.Column("log_size", sa.BigInteger(), nullable=False),
        sa.Column("log_edge", sa.LargeBinary(), nullable=False),
        sa.Column("stamped_at", Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_head")),
    )
    op.create_table(
        "holiday_tables",
        sa.Column("version", sa.String(length=80), nullable=False),
        sa.Column("region", sa.String(length=20), nullable=False),
        sa.Column("made_at", Instant(), nullable=False),
        sa.Column("body", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_holiday_tables")),
    )
    op.create_table(
        "job_runs",
        sa.Column("name", sa.String(length=20), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("ran_at", Instant(), nullable=False),
        sa.Column("outcome", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_job_runs")),
    )
    op.create_table(
        "log",
        sa.Column(
            "position", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("leaf", sa.LargeBinary(length=32), nullable=False),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_log")),
    )
    op.create_table(
        "policies",
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("set_at", Instant(), nullable=False),
        sa.Column("body", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "version", name=op.f("pk_policies")),
    )
    op.create_table(
        "subscriptions",
        sa.Column("id", sa.String(length=20), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("secret_digest", sa.LargeBinary(length=32), nullable=True),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("expires_at", Instant(), nullable=False),
        sa.Column("revoked_at", Instant(), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subscriptions")),
        sa.UniqueConstraint("digest", name=op.f("uq_subscriptions_digest")),
        sa.UniqueConstraint("secret_digest", name=op.f("uq_subscriptions_secret_digest")),
    )
    op.create_table(
        "users",
        sa.Column("id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("code_index", sa.LargeBinary(length=16), nullable=False),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("code_index", name=op.f("uq_users_code_index")),
    )
    op.create_table(
        "assessments",
        sa.Column("closure_id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("entry", sa.Integer(), nullable=False),
        sa.Column("policy_version", sa.Integer(), nullable=False),
        sa.Column("holiday_version", sa.String(length=80), nullable=False),
        sa.Column("user_id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("received_at", Instant(), nullable=False),
        sa.Column("assessed_at", Instant(), nullable=False),
        sa.Column("late", sa.Boolean(), nullable=False),
        sa.Column("log_index", sa.BigInteger(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_assessments_user_id_users")),
        sa.PrimaryKeyConstraint(
            "closure_id", "entry", "policy_version", "holiday_version", name=op.f("pk_assessments")
        ),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_assessments_late_received_at", "assessments", ["late", "received_at"], unique=False)
    op.create_table(
        "closures",
        sa.Column("id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("reference", sa.String(length=13), nullable=False),
        sa.Column("user_id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("identity", sa.LargeBinary(length=16), nullable=False),
        sa.Column("series", sa.LargeBinary(length=16), nullable=False),
        sa.Column("state", sa.String(length=9), nullable=False),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.Column("change", sa.BigInteger(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_closures_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_closures")),
        sa.UniqueConstraint("identity", name=op.f("uq_closures_identity")),
        sa.UniqueConstraint("reference", name=op.f("uq_closures_reference")),
    )
    op.create_index(op.f("ix_closures_change"), "closures", ["change"], unique=False)
    op.create_index(op.f("ix_closures_series"), "closures", ["series"], unique=False)
    op.create_index(op.f("ix_closures_state"), "closures", ["state"], unique=False)
    op.create_table(
        "drafts",
        sa.Column("id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("account_id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_drafts_account_id_accounts")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_drafts")),
    )
    op.create_table(
        "notices",
        sa.Column("id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("user_id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("received_at", Instant(), nullable=False),
        sa.Column("log_index", sa.BigInteger(), nullable=False),
        sa.Column("log_size", sa.BigInteger(), nullable=False),
        sa.Column("log_root", sa.LargeBinary(length=32), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=16), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_notices_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_notices")),
    )
    op.create_index(op.f("ix_notices_received_at"), "notices", ["received_at"], unique=False)
    op.create_table(
        "reads",
        sa.Column("id", sa.Integer().with_variant(sa.BigInteger(), "postgresql"), nullable=False),
        sa.Column("subscription_id", sa.String(length=20), nullable=False),
        sa.Column("read_at", Instant(), nullable=False),
        sa.Column("status", sa.SmallInteger(), nullable=False),
        sa.Column("octets", sa.Integer(), nullable=False),
        sa.Column("client", sa.String(length=120), nullable=False),
        sa.ForeignKeyConstraint(
            ["subscription_id"], ["subscriptions.id"], name=op.f("fk_reads_subscription_id_subscriptions")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reads")),
    )
    op.create_index("ix_reads_subscription_id_read_at", "reads", ["subscription_id", "read_at"], unique=False)
    op.create_table(
        "series",
        sa.Column("series", sa.LargeBinary(length=16), nullable=False),
        sa.Column("user_id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("row_version", sa.Integer(), nullable=False),
        sa.Column("expanded_to", Instant(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_series_user_id_users")),
        sa.PrimaryKeyConstraint("series", name=op.f("pk_series")),
    )
    op.create_index(op.f("ix_series_expanded_to"), "series", ["expanded_to"], unique=False)
    op.create_table(
        "sessions",
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("account_id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("seen_at", Instant(), nullable=False),
        sa.Column("ended_at", Instant(), nullable=True),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_sessions_account_id_accounts")),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_sessions")),
    )
    op.create_index(op.f("ix_sessions_account_id"), "sessions", ["account_id"], unique=False)
    op.create_table(
        "tokens",
        sa.Column("id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("kind", sa.String(length=4), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("user_id", sa.LargeBinary(length=16), nullable=True),
        sa.Column("account_id", sa.LargeBinary(length=16), nullable=True),
        sa.Column("role", sa.String(length=8), nullable=False),
        sa.Column("created_at", Instant(), nullable=False),
        sa.Column("expires_at", Instant(), nullable=False),
        sa.Column("last_used_at", Instant(), nullable=True),
        sa.Column("revoked_at", Instant(), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["account_id"], ["accounts.id"], name=op.f("fk_tokens_account_id_accounts")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_tokens_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tokens")),
        sa.UniqueConstraint("digest", name=op.f("uq_tokens_digest")),
    )
    op.create_table(
        "user_gateways",
        sa.Column("user_id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("gateway_id", sa.LargeBinary(length=16), nullable=False),
        sa.ForeignKeyConstraint(["gateway_id"], ["gateways.id"], name=op.f("fk_user_gateways_gateway_id_gateways")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_user_gateways_user_id_users")),
        sa.PrimaryKeyConstraint("user_id", "gateway_id", name=op.f("pk_user_gateways")),
    )
    op.create_table(
        "revisions",
        sa.Column("closure_id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("entry", sa.Integer(), nullable=False),
        sa.Column("user_id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("notice_id", sa.LargeBinary(length=16), nullable=True),
        sa.Column("number", sa.Integer(), nullable=True),
        sa.Column("received_at", Instant(), nullable=False),
        sa.Column("log_index", sa.BigInteger(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["closure_id"], ["closures.id"], name=op.f("fk_revisions_closure_id_closures")),
        sa.ForeignKeyConstraint(["notice_id"], ["notices.id"], name=op.f("fk_revisions_notice_id_notices")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_revisions_user_id_users")),
        sa.PrimaryKeyConstraint("closure_id", "entry", name=op.f("pk_revisions")),
        sa.UniqueConstraint("log_index", name=op.f("uq_revisions_log_index")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_revisions_notice_id"), "revisions", ["notice_id"], unique=False)
    op.create_index(op.f("ix_revisions_received_at"), "revisions", ["received_at"], unique=False)
    op.create_table(
        "weeks",
        sa.Column("week", sa.LargeBinary(length=8), nullable=False),
        sa.Column("closure_id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("entry", sa.Integer(), nullable=False),
        sa.Column("current", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["closure_id"], ["closures.id"], name=op.f("fk_weeks_closure_id_closures")),
        sa.PrimaryKeyConstraint("week", "closure_id", "entry", name=op.f("pk_weeks")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_weeks_closure_id", "weeks", ["closure_id"], unique=False)

    insert_first_head(op.get_bind())
