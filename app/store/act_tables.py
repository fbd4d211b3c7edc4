"""The tables of acts, of the clock by which they are dated, and of who leads; ``tables`` has what acts are about."""

from sqlalchemy import BigInteger, Column, Integer, String, Table

from app.store.instants import Instant
from app.store.metadata import Octets, Sealed, metadata

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

# Which scheduler leads, in one row (ADR 36). The epoch is the key so that PostgreSQL lets the lead change only when no
# transaction under the old one is open, while the leader may put off its end at any time.
lead = Table(
    "lead",
    metadata,
    Column("epoch", BigInteger, primary_key=True, autoincrement=False),  # rises whenever another one takes over
    Column("holder", Octets(16), nullable=False),  # at random, of one process
    Column("ends", BigInteger, nullable=False),  # microseconds since 1970, by the clock of the database
)
