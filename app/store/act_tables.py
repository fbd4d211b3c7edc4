"""The table of acts; ``tables`` has what they are about."""

from sqlalchemy import BigInteger, Column, Integer, Table

from app.store.instants import Instant
from app.store.metadata import Octets, metadata

# Append-only. What somebody did to a row that decides; ``sealed`` says what, who, and how that row stood after it.
acts = Table(
    "acts",
    metadata,
    Column("position", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    Column("made_at", Instant, nullable=False),
    Column("sealed", Octets, nullable=False),
)
