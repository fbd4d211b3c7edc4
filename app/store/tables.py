"""The tables. Row ids are random and say nothing; every column named ``sealed`` holds ciphertext."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
)

from app.store.instants import Instant

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    }
)

# One row. Locking it puts the writers in order; its numbers tell readers whether anything changed.
head = Table(
    "head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("change", BigInteger, nullable=False),  # rises with every applied revision: feeds are cached under it
    Column("parties", BigInteger, nullable=False),  # rises when a name or a link between User and gateway changes
    Column("rules", BigInteger, nullable=False),  # rises when a policy or the holiday table changes
    Column("log_size", BigInteger, nullable=False),
    Column("log_edge", LargeBinary, nullable=False),  # the right edge of the Merkle tree (RFC 6962 2.1)
    Column("stamped_at", Instant, nullable=False),  # the latest DTSTAMP given out: it never goes back with the clock
)

users = Table(
    "users",
    metadata,
    Column("id", LargeBinary(16), primary_key=True),
    Column("code_index", LargeBinary(16), nullable=False, unique=True),
    Column("row_version", Integer, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
)

gateways = Table(
    "gateways",
    metadata,
    Column("id", LargeBinary(16), primary_key=True),
    Column("code_index", LargeBinary(16), nullable=False, unique=True),
    Column("row_version", Integer, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
)

user_gateways = Table(
    "user_gateways",
    metadata,
    Column("user_id", ForeignKey("users.id"), primary_key=True),
    Column("gateway_id", ForeignKey("gateways.id"), primary_key=True),
)

accounts = Table(
    "accounts",
    metadata,
    Column("id", LargeBinary(16), primary_key=True),
    Column("email_index", LargeBinary(16), nullable=False, unique=True),
    Column("role", String(8), nullable=False),
    Column("row_version", Integer, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
)

sessions = Table(
    "sessions",
    metadata,
    Column("digest", LargeBinary(32), primary_key=True),
    Column("account_id", ForeignKey("accounts.id"), nullable=False, index=True),
    Column("created_at", Instant, nullable=False),
    Column("seen_at", Instant, nullable=False),
    Column("ended_at", Instant),
)

# App passwords (one User), tokens of DCC and ops programs, and one-time sign-in links (one account).
tokens = Table(
    "tokens",
    metadata,
    Column("id", LargeBinary(16), primary_key=True),
    Column("kind", String(4), nullable=False),
    Column("digest", LargeBinary(32), nullable=False, unique=True),
    Column("user_id", ForeignKey("users.id")),
    Column("account_id", ForeignKey("accounts.id")),
    Column("role", String(8), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("last_used_at", Instant),
    Column("revoked_at", Instant),
    Column("sealed", LargeBinary, nullable=False),
)

subscriptions = Table(
    "subscriptions",
    metadata,
    Column("id", String(20), primary_key=True),
    Column("digest", LargeBinary(32), nullable=False, unique=True),
    Column("secret_digest", LargeBinary(32), unique=True),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("revoked_at", Instant),
    Column("sealed", LargeBinary, nullable=False),
)

# The read log: who fetched which feed when, and whether they already had it.
reads = Table(
    "reads",
    metadata,
    Column("id", Integer().with_variant(BigInteger, "postgresql"), primary_key=True),
    Column("subscription_id", ForeignKey("subscriptions.id"), nullable=False),
    Column("read_at", Instant, nullable=False),
    Column("status", SmallInteger, nullable=False),
    Column("octets", Integer, nullable=False),
    Column("client", String(120), nullable=False),
    Index("ix_reads_subscription_id_read_at", "subscription_id", "read_at"),
)

# One message received, word for word. ``sealed`` becomes NULL when its retention ends; the log keeps its leaf.
notices = Table(
    "notices",
    metadata,
    Column("id", LargeBinary(16), primary_key=True),
    Column("user_id", ForeignKey("users.id"), nullable=False),
    Column("received_at", Instant, nullable=False, index=True),
    Column("log_index", BigInteger, nullable=False),
    Column("log_size", BigInteger, nullable=False),  # with log_root: the tree that this notice's receipts are bound to
    Column("log_root", LargeBinary(32), nullable=False),
    Column("digest", LargeBinary(16), nullable=False),
    Column("sealed", LargeBinary),
)

closures = Table(
    "closures",
    metadata,
    Column("id", LargeBinary(16), primary_key=True),
    Column("reference", String(13), nullable=False, unique=True),
    Column("user_id", ForeignKey("users.id"), nullable=False),
    Column("identity", LargeBinary(16), nullable=False, unique=True),  # blind: (User, UID, RECURRENCE-ID)
    Column("series", LargeBinary(16), nullable=False, index=True),  # blind: (User, UID)
    Column("state", String(9), nullable=False, index=True),
    Column("row_version", Integer, nullable=False),
    Column("change", BigInteger, nullable=False, index=True),
    Column("sealed", LargeBinary, nullable=False),
)

# Append-only. ``sealed`` becomes NULL when the retention of a closure's facts ends.
revisions = Table(
    "revisions",
    metadata,
    Column("closure_id", ForeignKey("closures.id"), primary_key=True),
    Column("entry", Integer, primary_key=True),
    Column("user_id", ForeignKey("users.id"), nullable=False),
    Column("notice_id", ForeignKey("notices.id"), index=True),
    Column("number", Integer),
    Column("received_at", Instant, nullable=False, index=True),
    Column("log_index", BigInteger, nullable=False, unique=True),
    Column("sealed", LargeBinary),
    sqlite_with_rowid=False,
)

# The blind week index (SECURITY.md 3): which entries touch which ISO week; ``current`` marks the window that stands.
weeks = Table(
    "weeks",
    metadata,
    Column("week", LargeBinary(8), primary_key=True),
    Column("closure_id", ForeignKey("closures.id"), primary_key=True),
    Column("entry", Integer, primary_key=True),
    Column("current", Boolean(create_constraint=False), nullable=False),
    Index("ix_weeks_closure_id", "closure_id"),
    sqlite_with_rowid=False,
)

assessments = Table(
    "assessments",
    metadata,
    Column("closure_id", LargeBinary(16), primary_key=True),
    Column("entry", Integer, primary_key=True),
    Column("policy_version", Integer, primary_key=True),
    Column("holiday_version", String(80), primary_key=True),
    Column("user_id", ForeignKey("users.id"), nullable=False),
    Column("received_at", Instant, nullable=False),
    Column("assessed_at", Instant, nullable=False),
    Column("late", Boolean(create_constraint=False), nullable=False),
    Column("log_index", BigInteger, nullable=False),
    Column("sealed", LargeBinary),
    Index("ix_assessments_late_received_at", "late", "received_at"),
    sqlite_with_rowid=False,
)

# The Merkle log: one leaf for each notice, revision, expiry and assessment, in the order in which they were recorded.
log = Table(
    "log",
    metadata,
    Column("position", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    Column("kind", String(10), nullable=False),
    Column("leaf", LargeBinary(32), nullable=False),
)

# Rules that recur without an end inside the horizon: the scheduler adds their later occurrences.
series = Table(
    "series",
    metadata,
    Column("series", LargeBinary(16), primary_key=True),
    Column("user_id", ForeignKey("users.id"), nullable=False),
    Column("row_version", Integer, nullable=False),
    Column("expanded_to", Instant, nullable=False, index=True),
    Column("sealed", LargeBinary, nullable=False),
)

policies = Table(
    "policies",
    metadata,
    Column("kind", String(10), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("set_at", Instant, nullable=False),
    Column("body", String, nullable=False),
)

holiday_tables = Table(
    "holiday_tables",
    metadata,
    Column("version", String(80), primary_key=True),
    Column("region", String(20), nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("body", String, nullable=False),
)

# What was uploaded for a preview and waits for its one button.
drafts = Table(
    "drafts",
    metadata,
    Column("id", LargeBinary(16), primary_key=True),
    Column("account_id", ForeignKey("accounts.id"), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
)

job_runs = Table(
    "job_runs",
    metadata,
    Column("name", String(20), primary_key=True),
    Column("position", BigInteger, nullable=False),
    Column("ran_at", Instant, nullable=False),
    Column("outcome", String(200), nullable=False),
)

# Who is told of what happens to closures. ``user_id`` is set where a User is told of its own ones, NULL for DCC.
recipients = Table(
    "recipients",
    metadata,
    Column("id", String(20), primary_key=True),
    Column("user_id", ForeignKey("users.id")),
    Column("kinds", String(120), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("removed_at", Instant),
    Column("sealed", LargeBinary, nullable=False),
)

# What is handed to a mail server or a webhook, once it was put together. No text is kept: it is made when it is sent.
messages = Table(
    "messages",
    metadata,
    Column("id", LargeBinary(16), primary_key=True),
    Column("recipient_id", ForeignKey("recipients.id"), nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("state", String(8), nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("failures", Integer, nullable=False),  # attempts known to have failed; of the others we know nothing
    Column("settled_at", Instant),
    Column("fault", String(120), nullable=False),
    Index("ix_messages_state_due_at", "state", "due_at"),
)

# The outbox: what is to be told, written with the revision that it is about. A row says neither of which closure nor
# what: with the hour at which it was written, that would tell when a window starts.
tidings = Table(
    "tidings",
    metadata,
    Column("id", LargeBinary(16), primary_key=True),  # blind: (recipient, kind, closure, revision number)
    Column("recipient_id", ForeignKey("recipients.id"), nullable=False),
    Column("recorded_at", Instant, nullable=False),
    Column("message_id", ForeignKey("messages.id")),
    Column("sealed", LargeBinary, nullable=False),
    Index("ix_tidings_message_id_recipient_id", "message_id", "recipient_id"),
)

# Answers to notices that were sent with an Idempotency-Key; ``sealed`` is NULL while the first one is being worked on.
kept_answers = Table(
    "kept_answers",
    metadata,
    Column("id", LargeBinary(16), primary_key=True),  # blind: (who asked, the key)
    Column("user_id", ForeignKey("users.id"), nullable=False),
    Column("asked", LargeBinary(16), nullable=False),  # blind: what was asked
    Column("kept_at", Instant, nullable=False, index=True),
    Column("sealed", LargeBinary),
)
