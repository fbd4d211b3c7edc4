"""The table of the key ring, where many machines share it on PostgreSQL; beside SQLite it stays empty."""

from sqlalchemy import BigInteger, Column, Integer, Table

from app.store.metadata import Octets, metadata

# One row. It is wrapped by a KEK that is kept elsewhere, and in no backup, so that what is shredded is gone (ADR 13).
ring = Table(
    "ring",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("generation", BigInteger, nullable=False),  # rises with every ring that is put in place of one
    Column("octets", Octets, nullable=False),
)
