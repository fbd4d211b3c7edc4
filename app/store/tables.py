"""The tables. Row ids are random and say nothing; every column whose name begins with ``sealed`` holds ciphertext.

A ``proof`` is over the clear columns of its row (``proven``).
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    String,
    Table,
)

from app.store import act_tables, key_tables, member_tables, outbox_tables  # noqa: F401 - whoever asks this file for ``metadata`` has every table, these too
from app.store.instants import Instant
from app.store.metadata import Blind, Octets, Sealed, TokenDigest
from app.store.metadata import metadata as metadata  # noqa: PLC0414 - handed on, as above

# One row. Locking it puts the writers in order; its numbers tell readers whether anything changed.
head = Table(
    "head",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("change", BigInteger, nullable=False),  # rises with every applied revision: feeds are cached under it
    Column("parties", BigInteger, nullable=False),  # rises with a new User, gateway or link, and as a key goes
    Column("rules", BigInteger, nullable=False),  # rises when a policy or the holiday table changes
    Column("log_size", BigInteger, nullable=False),
    Column("log_edge", Octets, nullable=False),  # the right edge of the Merkle tree (RFC 6962 2.1)
    Column("stamped_at", Instant, nullable=False),  # the latest DTSTAMP given out: it never goes back with the clock
    # When what feeds are made of besides closures changed last: rules, DCC's dates, the publisher, what is forgotten
    Column("others_at", Instant, nullable=False),
    Column("database_id", Octets(16), nullable=False, server_default=""),  # at random: no two are taken for each other
    Column("proof", Octets(16), nullable=False, server_default=""),
    Column("index_epoch", Integer, nullable=False, server_default="1"),  # keys that digests went through (``chains``)
    # Rises when a key was shredded or facts forgotten: who holds anything in memory begins anew
    Column("forgotten", BigInteger, nullable=False, server_default="0"),
)

users = Table(
    "users",
    metadata,
    Column("id", Octets(16), primary_key=True),
    Column("code_index", Blind(16), nullable=False, unique=True),
    Column("row_version", Integer, nullable=False),
    Column("sealed", Sealed, nullable=False),
)

gateways = Table(
    "gateways",
    metadata,
    Column("id", Octets(16), primary_key=True),
    Column("code_index", Blind(16), nullable=False, unique=True),
    Column("row_version", Integer, nullable=False),
    Column("sealed", Sealed, nullable=False),
)

user_gateways = Table(
    "user_gateways",
    metadata,
    Column("user_id", ForeignKey("users.id"), primary_key=True),
    Column("gateway_id", ForeignKey("gateways.id"), primary_key=True),
    Column("sealed", Sealed, nullable=False, server_default=""),
)

accounts = Table(
    "accounts",
    metadata,
    Column("id", Octets(16), primary_key=True),
    Column("email_index", Blind(16), nullable=False, unique=True),
    Column("role", String(8), nullable=False),
    Column("row_version", Integer, nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("closed_at", Instant),
    Column("sealed", Sealed, nullable=False),
)

# ``stage`` says how far the sign-in has come; ``sealed`` holds the browser's name and network.
sessions = Table(
    "sessions",
    metadata,
    Column("digest", Octets(32), primary_key=True),
    Column("account_id", ForeignKey("accounts.id"), nullable=False, index=True),
    Column("created_at", Instant, nullable=False),
    Column("seen_at", Instant, nullable=False),
    Column("ended_at", Instant),
    Column("stage", String(8), nullable=False),
    Column("sealed", Sealed, nullable=False),
)

# Hashes of passwords and secrets of authenticators, sealed.
passwords = Table(
    "passwords",
    metadata,
    Column("account_id", ForeignKey("accounts.id"), primary_key=True),
    Column("row_version", Integer, nullable=False),
    Column("set_at", Instant, nullable=False),
    Column("sealed", Sealed, nullable=False),
)

# ``last_step`` is the time step of the last code taken: each is taken once (RFC 6238 5.2).
second_factors = Table(
    "second_factors",
    metadata,
    Column("account_id", ForeignKey("accounts.id"), primary_key=True),
    Column("row_version", Integer, nullable=False),
    Column("set_at", Instant, nullable=False),
    Column("last_step", BigInteger, nullable=False),
    Column("sealed", Sealed, nullable=False),
)

recovery_codes = Table(
    "recovery_codes",
    metadata,
    Column("digest", TokenDigest(32), primary_key=True),
    Column("account_id", ForeignKey("accounts.id"), nullable=False, index=True),
    Column("used_at", Instant),
)

# Who an account is at the organisation's own sign-in: ``subject`` is a blind index of issuer and subject.
identities = Table(
    "identities",
    metadata,
    Column("subject", Blind(16), primary_key=True),
    Column("account_id", ForeignKey("accounts.id"), nullable=False, index=True),
    Column("linked_at", Instant, nullable=False),
    Column("sealed", Sealed, nullable=False),
)

# Tries at signing in within the last day; ``subject`` is a blind index of an account's address or of a network.
sign_in_tries = Table(
    "sign_in_tries",
    metadata,
    Column("id", Octets(16), primary_key=True),
    Column("subject", Blind(16), nullable=False),
    Column("tried_at", Instant, nullable=False),
    Index("ix_sign_in_tries_subject_tried_at", "subject", "tried_at"),
)

# Forms that took effect, so that a second sending does nothing; ``sealed`` is what its page still has to show.
sent_forms = Table(
    "sent_forms",
    metadata,
    Column("id", Octets(16), primary_key=True),
    Column("account_id", ForeignKey("accounts.id"), nullable=False),
    Column("sent_at", Instant, nullable=False, index=True),
    Column("sealed", Sealed),
)

# App passwords (one User), tokens of DCC and ops programs, and one-time sign-in links (one account).
tokens = Table(
    "tokens",
    metadata,
    Column("id", Octets(16), primary_key=True),
    Column("kind", String(4), nullable=False),
    Column("digest", TokenDigest(32), nullable=False, unique=True),
    Column("user_id", ForeignKey("users.id")),
    Column("account_id", ForeignKey("accounts.id")),
    Column("role", String(8), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("last_used_at", Instant),
    Column("revoked_at", Instant),
    Column("sealed", Sealed, nullable=False),
)

subscriptions = Table(
    "subscriptions",
    metadata,
    Column("id", String(20), primary_key=True),
    Column("digest", TokenDigest(32), nullable=False, unique=True),
    Column("secret_digest", TokenDigest(32), unique=True),
    Column("created_at", Instant, nullable=False),
    Column("expires_at", Instant, nullable=False),
    Column("revoked_at", Instant),
    Column("account_id", Octets(16), index=True),  # whose it is; none for one made on the command line
    Column("sealed", Sealed, nullable=False),
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

# A message as it is kept, the digest as it came. ``sealed`` becomes NULL when its retention ends; its leaf stays.
notices = Table(
    "notices",
    metadata,
    Column("id", Octets(16), primary_key=True),
    Column("user_id", ForeignKey("users.id"), nullable=False),
    Column("received_at", Instant, nullable=False, index=True),
    Column("log_index", BigInteger, nullable=False),
    Column("log_size", BigInteger, nullable=False),  # with log_root: the tree that this notice's receipts are bound to
    Column("log_root", Octets(32), nullable=False),
    Column("digest", Blind(16), nullable=False),
    Column("sealed", Sealed),
    Index("ix_notices_user_id_log_index", "user_id", "log_index"),
)

closures = Table(
    "closures",
    metadata,
    Column("id", Octets(16), primary_key=True),
    Column("reference", String(13), nullable=False, unique=True),
    Column("user_id", ForeignKey("users.id"), nullable=False),
    Column("identity", Blind(16), nullable=False, unique=True),  # blind: (User, UID, RECURRENCE-ID)
    Column("series", Blind(16), nullable=False, index=True),  # blind: (User, UID)
    Column("state", String(9), nullable=False, index=True),
    Column("row_version", Integer, nullable=False),
    Column("change", BigInteger, nullable=False, index=True),
    Column("sealed", Sealed, nullable=False),
    Column("proof", Octets(16), nullable=False, server_default=""),
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
    Column("received_at", Instant, nullable=False),
    Column("log_index", BigInteger, nullable=False, unique=True),
    Column("sealed", Sealed),
    Column("proof", Octets(16), nullable=False, server_default=""),
    # With the User: a page of what one User told is found without reading others' rows.
    Index("ix_revisions_receipt", "received_at", "log_index", "user_id"),
    sqlite_with_rowid=False,
)

# The blind week index (ADR 2): which entries touch which ISO week, and who is watched; ``current`` marks what stands.
weeks = Table(
    "weeks",
    metadata,
    Column("week", Blind(8), primary_key=True),
    Column("closure_id", ForeignKey("closures.id"), primary_key=True),
    Column("entry", Integer, primary_key=True),
    Column("current", Boolean(create_constraint=False), nullable=False),
    Index("ix_weeks_closure_id", "closure_id"),
    sqlite_with_rowid=False,
)

assessments = Table(
    "assessments",
    metadata,
    Column("closure_id", Octets(16), primary_key=True),
    Column("entry", Integer, primary_key=True),
    Column("policy_version", Integer, primary_key=True),
    Column("holiday_version", String(80), primary_key=True),
    Column("user_id", ForeignKey("users.id"), nullable=False),
    Column("received_at", Instant, nullable=False),
    Column("assessed_at", Instant, nullable=False),
    Column("late", Boolean(create_constraint=False), nullable=False),
    Column("log_index", BigInteger, nullable=False),
    Column("sealed", Sealed),
    Index("ix_assessments_late_received_at", "late", "received_at"),
    sqlite_with_rowid=False,
)

# The Merkle log: one leaf for each notice, revision, expiry, assessment and act, in the order of their recording.
log = Table(
    "log",
    metadata,
    Column("position", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    Column("kind", String(10), nullable=False),
    Column("leaf", Octets(32), nullable=False),
    Column("proof", Octets(16), nullable=False, server_default=""),
)

# Rules that recur without an end inside the horizon: the scheduler adds their later occurrences.
series = Table(
    "series",
    metadata,
    Column("series", Blind(16), primary_key=True),
    Column("user_id", ForeignKey("users.id"), nullable=False),
    Column("row_version", Integer, nullable=False),
    Column("expanded_to", Instant, nullable=False, index=True),
    Column("sealed", Sealed, nullable=False),
    Column("proof", Octets(16), nullable=False, server_default=""),
)

policies = Table(
    "policies",
    metadata,
    Column("kind", String(10), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("set_at", Instant, nullable=False),
    Column("body", String, nullable=False),
    Column("sealed", Sealed, nullable=False, server_default=""),
)

holiday_tables = Table(
    "holiday_tables",
    metadata,
    Column("version", String(80), primary_key=True),
    Column("region", String(20), nullable=False),
    Column("made_at", Instant, nullable=False),
    Column("body", String, nullable=False),
    Column("sealed", Sealed, nullable=False, server_default=""),
)

# DCC's own windows: append-only, one row for each entry in the history of one; the last entry stands.
maintenance = Table(
    "maintenance",
    metadata,
    Column("id", Octets(16), primary_key=True),
    Column("entry", Integer, primary_key=True, autoincrement=False),
    Column("received_at", Instant, nullable=False),
    Column("sealed", Sealed, nullable=False),
)

# Who took a copy away: written beside the read log of the feeds.
exports = Table(
    "exports",
    metadata,
    Column("id", Octets(16), primary_key=True),
    Column("exported_at", Instant, nullable=False, index=True),
    Column("sealed", Sealed, nullable=False),
)

# What DCC's staff have seen; ``item`` is blind: (what it was, the windows that it was about). Sealed: who, and a note.
seen_marks = Table(
    "seen_marks",
    metadata,
    Column("item", Blind(16), primary_key=True),
    Column("seen_at", Instant, nullable=False, index=True),
    Column("sealed", Sealed, nullable=False),
)

# What was uploaded for a preview and waits for its one button.
drafts = Table(
    "drafts",
    metadata,
    Column("id", Octets(16), primary_key=True),
    Column("account_id", ForeignKey("accounts.id"), nullable=False),
    Column("created_at", Instant, nullable=False),
    Column("sealed", Sealed, nullable=False),
)

job_runs = Table(
    "job_runs",
    metadata,
    Column("name", String(20), primary_key=True),
    Column("position", BigInteger, nullable=False),
    Column("ran_at", Instant, nullable=False),
    Column("outcome", String(200), nullable=False),
    Column("proof", Octets(16), nullable=False, server_default=""),
)

# The checkpoint that is shown to anybody until the next hour, in one row.
checkpoints = Table(
    "checkpoints",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("made_at", Instant, nullable=False),
    Column("text", String, nullable=False),
)

# The newest cosignature of each witness, over which size and root, and what went wrong since, if anything did.
cosignatures = Table(
    "cosignatures",
    metadata,
    Column("witness", String(255), primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("root", Octets(32), nullable=False),
    Column("line", String, nullable=False),
    Column("cosigned_at", Instant),  # none yet: NULL
    Column("trouble", String(120), nullable=False),  # "": none
)

# Calendars that the scheduler reads: a User's own, or without a User, one of DCC's own dates. ``due_at`` is also the
# mark by which one poller at a time takes one.
sources = Table(
    "sources",
    metadata,
    Column("id", Octets(16), primary_key=True),
    Column("user_id", ForeignKey("users.id")),
    Column("address", Blind(16), nullable=False, unique=True),  # blind: (User, gateway or kind, address)
    Column("created_at", Instant, nullable=False),
    Column("due_at", Instant, nullable=False, index=True),
    Column("polled_at", Instant),
    Column("failures", Integer, nullable=False),  # polls in a row that took nothing
    Column("outcome", String(24), nullable=False),  # of the last poll: "", "ok", or why nothing was taken
    Column("row_version", Integer, nullable=False),  # of ``sealed_state``
    Column("sealed", Sealed, nullable=False),
    Column("sealed_state", Sealed, nullable=False),  # where the last look ended, and what it found
)
