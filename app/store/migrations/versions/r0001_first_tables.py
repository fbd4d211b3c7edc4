"""The first tables, as release 0.1.0 has them. A released revision is not edited: what changes later is a new one."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from alembic import op
from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, LargeBinary, SmallInteger, String, text
from sqlalchemy.types import TypeEngine

from app.store.instants import Instant

revision = "r0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables of an empty register, and its head. What each is for stands in ``app/store/*tables.py``."""
    _make_parties()
    _make_accounts()
    _make_head_and_log()
    _make_record()
    _make_judgement()
    _make_browsers()
    _make_programs()
    _make_calendars_read()
    _make_calendar_door()
    _make_outbox()


def _columns(**kinds: TypeEngine[Any] | type[TypeEngine[Any]]) -> Iterator[Column[Any]]:
    """Give columns that are never empty, by name."""
    return (Column(name, kind, nullable=False) for name, kind in kinds.items())


def _make_parties() -> None:
    """Make Users, gateways, and whose gateway is whose."""
    op.create_table(
        "users",
        Column("id", LargeBinary(16), primary_key=True),
        Column("code_index", LargeBinary(16), nullable=False, unique=True),
        *_columns(row_version=Integer, sealed=LargeBinary),
    )
    op.create_table(
        "gateways",
        Column("id", LargeBinary(16), primary_key=True),
        Column("code_index", LargeBinary(16), nullable=False, unique=True),
        *_columns(row_version=Integer, sealed=LargeBinary),
    )
    op.create_table(
        "user_gateways",
        Column("user_id", LargeBinary(16), ForeignKey("users.id"), primary_key=True),
        Column("gateway_id", LargeBinary(16), ForeignKey("gateways.id"), primary_key=True),
    )


def _make_accounts() -> None:
    """Make who signs in, and by what."""
    op.create_table(
        "accounts",
        Column("id", LargeBinary(16), primary_key=True),
        Column("email_index", LargeBinary(16), nullable=False, unique=True),
        *_columns(role=String(8), row_version=Integer, created_at=Instant),
        Column("closed_at", Instant),
        Column("sealed", LargeBinary, nullable=False),
    )
    op.create_table(
        "passwords",
        Column("account_id", LargeBinary(16), ForeignKey("accounts.id"), primary_key=True),
        *_columns(row_version=Integer, set_at=Instant, sealed=LargeBinary),
    )
    op.create_table(
        "second_factors",
        Column("account_id", LargeBinary(16), ForeignKey("accounts.id"), primary_key=True),
        *_columns(row_version=Integer, set_at=Instant, last_step=BigInteger, sealed=LargeBinary),
    )
    op.create_table(
        "recovery_codes",
        Column("digest", LargeBinary(32), primary_key=True),
        Column("account_id", LargeBinary(16), ForeignKey("accounts.id"), nullable=False, index=True),
        Column("used_at", Instant),
    )
    op.create_table(
        "identities",
        Column("subject", LargeBinary(16), primary_key=True),
        Column("account_id", LargeBinary(16), ForeignKey("accounts.id"), nullable=False, index=True),
        *_columns(linked_at=Instant, sealed=LargeBinary),
    )


def _make_head_and_log() -> None:
    """Make the head, with its one row, and the log."""
    head = op.create_table(
        "head",
        Column("id", Integer, primary_key=True, autoincrement=False),
        *_columns(change=BigInteger, parties=BigInteger, rules=BigInteger, log_size=BigInteger, log_edge=LargeBinary),
        Column("stamped_at", Instant, nullable=False),
        Column("others_at", Instant, nullable=False),
    )
    never = datetime(1970, 1, 1, tzinfo=UTC)
    numbers = dict.fromkeys(("change", "parties", "rules", "log_size"), 0)
    op.bulk_insert(head, [{"id": 1, **numbers, "log_edge": b"", "stamped_at": never, "others_at": never}])
    op.create_table(
        "log",
        Column("position", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
        *_columns(kind=String(10), leaf=LargeBinary(32)),
    )


def _make_record() -> None:
    """Make notices, and the closures that they build, with their blind week index."""
    op.create_table(
        "notices",
        Column("id", LargeBinary(16), primary_key=True),
        Column("user_id", LargeBinary(16), ForeignKey("users.id"), nullable=False),
        Column("received_at", Instant, nullable=False, index=True),
        *_columns(log_index=BigInteger, log_size=BigInteger, log_root=LargeBinary(32), digest=LargeBinary(16)),
        Column("sealed", LargeBinary),
    )
    op.create_table(
        "closures",
        Column("id", LargeBinary(16), primary_key=True),
        Column("reference", String(13), nullable=False, unique=True),
        Column("user_id", LargeBinary(16), ForeignKey("users.id"), nullable=False),
        Column("identity", LargeBinary(16), nullable=False, unique=True),
        Column("series", LargeBinary(16), nullable=False, index=True),
        Column("state", String(9), nullable=False, index=True),
        Column("row_version", Integer, nullable=False),
        Column("change", BigInteger, nullable=False, index=True),
        Column("sealed", LargeBinary, nullable=False),
    )
    op.create_table(
        "revisions",
        Column("closure_id", LargeBinary(16), ForeignKey("closures.id"), primary_key=True),
        Column("entry", Integer, primary_key=True),
        Column("user_id", LargeBinary(16), ForeignKey("users.id"), nullable=False),
        Column("notice_id", LargeBinary(16), ForeignKey("notices.id"), index=True),
        Column("number", Integer),
        Column("received_at", Instant, nullable=False, index=True),
        Column("log_index", BigInteger, nullable=False, unique=True),
        Column("sealed", LargeBinary),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "weeks",
        Column("week", LargeBinary(8), primary_key=True),
        Column("closure_id", LargeBinary(16), ForeignKey("closures.id"), primary_key=True),
        Column("entry", Integer, primary_key=True),
        Column("current", Boolean(create_constraint=False), nullable=False),
        Index("ix_weeks_closure_id", "closure_id"),
        sqlite_with_rowid=False,
    )


def _make_judgement() -> None:
    """Make verdicts of lateness, and the rules and holiday tables that they name; rules that recur; what jobs did."""
    op.create_table(
        "assessments",
        Column("closure_id", LargeBinary(16), primary_key=True),
        Column("entry", Integer, primary_key=True),
        Column("policy_version", Integer, primary_key=True),
        Column("holiday_version", String(80), primary_key=True),
        Column("user_id", LargeBinary(16), ForeignKey("users.id"), nullable=False),
        *_columns(received_at=Instant, assessed_at=Instant),
        Column("late", Boolean(create_constraint=False), nullable=False),
        Column("log_index", BigInteger, nullable=False),
        Column("sealed", LargeBinary),
        Index("ix_assessments_late_received_at", "late", "received_at"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "policies",
        Column("kind", String(10), primary_key=True),
        Column("version", Integer, primary_key=True, autoincrement=False),
        *_columns(set_at=Instant, body=String),
    )
    op.create_table(
        "holiday_tables",
        Column("version", String(80), primary_key=True),
        *_columns(region=String(20), made_at=Instant, body=String),
    )
    op.create_table(
        "series",
        Column("series", LargeBinary(16), primary_key=True),
        Column("user_id", LargeBinary(16), ForeignKey("users.id"), nullable=False),
        Column("row_version", Integer, nullable=False),
        Column("expanded_to", Instant, nullable=False, index=True),
        Column("sealed", LargeBinary, nullable=False),
    )
    op.create_table(
        "job_runs",
        Column("name", String(20), primary_key=True),
        *_columns(position=BigInteger, ran_at=Instant, outcome=String(200)),
    )
    op.create_table(
        "clock",
        Column("id", Integer, primary_key=True, autoincrement=False),
        *_columns(boot=String(40), booted_at=Instant, seen_at=Instant, against=String(40)),
        *_columns(off=BigInteger, since=BigInteger),
    )
    op.create_table(
        "checkpoints",
        Column("id", Integer, primary_key=True, autoincrement=False),
        *_columns(made_at=Instant, text=String),
    )


def _make_browsers() -> None:
    """Make what a browser holds, sent and waits with; what an account has seen; and tries at signing in."""
    op.create_table(
        "sessions",
        Column("digest", LargeBinary(32), primary_key=True),
        Column("account_id", LargeBinary(16), ForeignKey("accounts.id"), nullable=False, index=True),
        *_columns(created_at=Instant, seen_at=Instant),
        Column("ended_at", Instant),
        *_columns(stage=String(8), sealed=LargeBinary),
    )
    op.create_table(
        "sign_in_tries",
        Column("id", LargeBinary(16), primary_key=True),
        *_columns(subject=LargeBinary(16), tried_at=Instant),
        Index("ix_sign_in_tries_subject_tried_at", "subject", "tried_at"),
    )
    op.create_table(
        "sent_forms",
        Column("id", LargeBinary(16), primary_key=True),
        Column("account_id", LargeBinary(16), ForeignKey("accounts.id"), nullable=False),
        Column("sent_at", Instant, nullable=False, index=True),
        Column("sealed", LargeBinary),
    )
    op.create_table(
        "drafts",
        Column("id", LargeBinary(16), primary_key=True),
        Column("account_id", LargeBinary(16), ForeignKey("accounts.id"), nullable=False),
        *_columns(created_at=Instant, sealed=LargeBinary),
    )
    op.create_table(
        "seen_items",
        Column("account_id", LargeBinary(16), ForeignKey("accounts.id"), primary_key=True),
        Column("item", LargeBinary(16), primary_key=True),
        Column("seen_at", Instant, nullable=False, index=True),
        sqlite_with_rowid=False,
    )


def _make_programs() -> None:
    """Make app passwords, tokens and feeds; who read a feed, and who took a copy away."""
    op.create_table(
        "tokens",
        Column("id", LargeBinary(16), primary_key=True),
        Column("kind", String(4), nullable=False),
        Column("digest", LargeBinary(32), nullable=False, unique=True),
        Column("user_id", LargeBinary(16), ForeignKey("users.id")),
        Column("account_id", LargeBinary(16), ForeignKey("accounts.id")),
        *_columns(role=String(8), created_at=Instant, expires_at=Instant),
        Column("last_used_at", Instant),
        Column("revoked_at", Instant),
        Column("sealed", LargeBinary, nullable=False),
    )
    op.create_table(
        "subscriptions",
        Column("id", String(20), primary_key=True),
        Column("digest", LargeBinary(32), nullable=False, unique=True),
        Column("secret_digest", LargeBinary(32), unique=True),
        *_columns(created_at=Instant, expires_at=Instant),
        Column("revoked_at", Instant),
        Column("account_id", LargeBinary(16), index=True),
        Column("sealed", LargeBinary, nullable=False),
    )
    op.create_table(
        "reads",
        Column("id", Integer().with_variant(BigInteger, "postgresql"), primary_key=True),
        Column("subscription_id", String(20), ForeignKey("subscriptions.id"), nullable=False),
        *_columns(read_at=Instant, status=SmallInteger, octets=Integer, client=String(120)),
        Index("ix_reads_subscription_id_read_at", "subscription_id", "read_at"),
    )
    op.create_table(
        "exports",
        Column("id", LargeBinary(16), primary_key=True),
        Column("exported_at", Instant, nullable=False, index=True),
        Column("sealed", LargeBinary, nullable=False),
    )


def _make_calendars_read() -> None:
    """Make DCC's own windows, and the calendars that the scheduler reads."""
    op.create_table(
        "maintenance",
        Column("id", LargeBinary(16), primary_key=True),
        Column("entry", Integer, primary_key=True, autoincrement=False),
        *_columns(received_at=Instant, sealed=LargeBinary),
    )
    op.create_table(
        "sources",
        Column("id", LargeBinary(16), primary_key=True),
        Column("user_id", LargeBinary(16), ForeignKey("users.id")),
        Column("address", LargeBinary(16), nullable=False, unique=True),
        Column("created_at", Instant, nullable=False),
        Column("due_at", Instant, nullable=False, index=True),
        Column("polled_at", Instant),
        *_columns(failures=Integer, outcome=String(24), row_version=Integer, sealed=LargeBinary),
        Column("sealed_state", LargeBinary, nullable=False),
    )


def _make_calendar_door() -> None:
    """Make what stands in calendar collections, and what is set on places."""
    op.create_table(
        "members",
        Column("id", LargeBinary(16), primary_key=True),
        Column("user_id", LargeBinary(16), ForeignKey("users.id"), nullable=False),
        Column("collection", LargeBinary(16), nullable=False),
        Column("name_index", LargeBinary(16), nullable=False, unique=True),
        Column("uid_index", LargeBinary(16), unique=True),
        Column("change", BigInteger, nullable=False),
        Column("gone", Boolean(create_constraint=False), nullable=False),
        Column("is_rendered", Boolean(create_constraint=False), nullable=False),
        Column("leaves_on", Integer),
        *_columns(row_version=Integer, sealed=LargeBinary),
        Index("ix_members_collection_change", "collection", "change"),
    )
    for name, columns, where in (
        ("ix_members_collection_leaves_on", ["collection", "leaves_on"], text("leaves_on IS NOT NULL")),
        ("ix_members_rendered", ["collection"], text("is_rendered")),
    ):
        op.create_index(name, "members", columns, sqlite_where=where, postgresql_where=where)
    op.create_table(
        "member_bodies",
        Column("member_id", LargeBinary(16), ForeignKey("members.id"), primary_key=True),
        *_columns(row_version=Integer, sealed=LargeBinary),
    )
    op.create_table(
        "member_weeks",
        Column("week", LargeBinary(8), primary_key=True),
        Column("member_id", LargeBinary(16), ForeignKey("members.id"), primary_key=True),
        Index("ix_member_weeks_member_id", "member_id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "properties",
        Column("place", LargeBinary(16), primary_key=True),
        Column("element", LargeBinary(16), primary_key=True),
        Column("sealed", LargeBinary, nullable=False),
    )


def _make_outbox() -> None:
    """Make who is told of what, and answers kept for an Idempotency-Key."""
    op.create_table(
        "recipients",
        Column("id", String(20), primary_key=True),
        Column("user_id", LargeBinary(16), ForeignKey("users.id")),
        Column("kinds", String(120), nullable=False),
        Column("digest_hour", Integer),
        Column("created_at", Instant, nullable=False),
        Column("removed_at", Instant),
        Column("sealed", LargeBinary, nullable=False),
    )
    op.create_table(
        "messages",
        Column("id", LargeBinary(16), primary_key=True),
        Column("recipient_id", String(20), ForeignKey("recipients.id"), nullable=False),
        *_columns(made_on=Instant, state=String(8), attempts=Integer, failures=Integer),
        Column("settled_on", Instant),
        *_columns(fault=String(120), sealed=LargeBinary),
        Index("ix_messages_state_made_on", "state", "made_on"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "notifications",
        Column("id", LargeBinary(16), primary_key=True),
        Column("recipient_id", String(20), ForeignKey("recipients.id"), nullable=False),
        Column("due_at", Instant),
        Column("message_id", LargeBinary(16), ForeignKey("messages.id")),
        Column("sealed", LargeBinary, nullable=False),
        Index("ix_notifications_message_id_recipient_id", "message_id", "recipient_id"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "kept_answers",
        Column("id", LargeBinary(16), primary_key=True),
        Column("user_id", LargeBinary(16), ForeignKey("users.id"), nullable=False),
        Column("asked", LargeBinary(16), nullable=False),
        Column("kept_at", Instant, nullable=False, index=True),
        Column("sealed", LargeBinary),
    )
