"""The tables of acts, and of the clock by which they are dated; ``tables`` has what they are about."""

from sqlalchemy import BigInteger, Column, Integer, String, Table

from app.store.instants import Instant
from app.store.metadata import Sealed, metadata

# Append-only. What somebody did to a row that decides; ``sealed`` says what, who, and how that row stood after it.
acts = Table(
    "acts",
    metadata,
    Column("position", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    Column("made_at", Instant, nullable=False),
    Column("sealed", Sealed, nullable=False),
)

# What the scheduler remembers of the clock, in one row: whether it is believed, and against what it is not.
clock = Table(
    "clock",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("boot", String(40), nullable=False),  # names the run of the machine
    Column("booted_at", Instant, nullable=False),  # by the clock as it was last believed
    Column("seen_at", Instant, nullable=False),  # when it was last believed
    Column("against", String(40), nullable=False),  # "": believed
    Column("off", BigInteger, nullable=False),  # microseconds, above zero where it seems ahead
    Column("since", BigInteger, nullable=False),  # microseconds since the machine was started
)
