"""The checkpoint that is shown to anybody, as it was signed: one row."""

from datetime import datetime

import sqlalchemy as sa

from app.store.tables import checkpoints


def read_published(connection: sa.Connection) -> tuple[datetime, str] | None:
    """Return when the checkpoint that is shown was made, and its text; None before the first."""
    row = connection.execute(sa.select(checkpoints)).first()
    return None if row is None else (row.made_at, row.text)


def publish(connection: sa.Connection, made_at: datetime, text: str) -> None:
    """Show a checkpoint from now on."""
    connection.execute(sa.delete(checkpoints))
    connection.execute(sa.insert(checkpoints).values(id=1, made_at=made_at, text=text))
