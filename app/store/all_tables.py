"""Every table of the database, for whoever needs the whole of it: migrations and backups."""

from app.store import member_tables, tables

__all__ = ["member_tables", "metadata"]

metadata = tables.metadata
