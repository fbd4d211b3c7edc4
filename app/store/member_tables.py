"""The tables of the calendar door: what stands in collections, and what is set on places. They follow ``tables.py``."""

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Index, Integer, Table, text

from app.store.metadata import Blind, Octets, Sealed, metadata

# What stands in a User's calendar collection, or stood there: ``gone`` rows keep a name and a change number, so that a
# client hears of the deletion; ``leaves_on`` is the day from which a member is there no more, by the clock alone.
# ``collection``, ``name_index`` and ``uid_index`` are blind; ``sealed`` is light.
members = Table(
    "members",
    metadata,
    Column("id", Octets(16), primary_key=True),
    Column("user_id", ForeignKey("users.id"), nullable=False),
    Column("collection", Blind(16), nullable=False),
    Column("name_index", Blind(16), nullable=False, unique=True),
    Column("uid_index", Blind(16), unique=True),  # NULL once it is gone
    Column("change", BigInteger, nullable=False),  # the place in the log of the notice or revision that changed it last
    Column("gone", Boolean(create_constraint=False), nullable=False),
    Column("is_rendered", Boolean(create_constraint=False), nullable=False),
    Column("leaves_on", Integer),  # days of the proleptic Gregorian calendar (UTC); NULL for most
    Column("row_version", Integer, nullable=False),
    Column("sealed", Sealed, nullable=False),
    Column("proof", Octets(16), nullable=False, server_default=""),
    Index("ix_members_collection_change", "collection", "change"),
    Index(
        "ix_members_collection_leaves_on",
        "collection",
        "leaves_on",
        sqlite_where=text("leaves_on IS NOT NULL"),
        postgresql_where=text("leaves_on IS NOT NULL"),
    ),
    Index("ix_members_rendered", "collection", sqlite_where=text("is_rendered"), postgresql_where=text("is_rendered")),
)

# The heavy part of a member that a client put, apart, so that a listing does not read past it. One that came by another
# door has none: it is rendered from its closures.
member_bodies = Table(
    "member_bodies",
    metadata,
    Column("member_id", ForeignKey("members.id"), primary_key=True),
    Column("row_version", Integer, nullable=False),
    Column("sealed", Sealed, nullable=False),
)

# The blind week index of members' occurrences; a rule that goes on has a row of its own, whatever the week.
member_weeks = Table(
    "member_weeks",
    metadata,
    Column("week", Blind(8), primary_key=True),  # blind: (collection, ISO week)
    Column("member_id", ForeignKey("members.id"), primary_key=True),
    Index("ix_member_weeks_member_id", "member_id"),
    sqlite_with_rowid=False,
)

# What a principal set on a place: its colour, its order, whatever its client likes to keep there.
properties = Table(
    "properties",
    metadata,
    Column("place", Blind(16), primary_key=True),  # blind: (principal, path)
    Column("element", Blind(16), primary_key=True),  # blind: (principal, path, name)
    Column("sealed", Sealed, nullable=False),
)
