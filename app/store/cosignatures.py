"""What each witness last cosigned, and what went wrong since: one row for each."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from app.store.tables import cosignatures


@dataclass(frozen=True, slots=True)
class HeldCosignature:
    """The newest cosignature of a witness; before the first, ``line`` is empty and ``cosigned_at`` None.

    ``size`` and ``root`` are of the checkpoint that it is over. ``trouble`` says why there is no newer one, if so.
    """

    witness: str
    size: int = 0
    root: bytes = b""
    line: str = ""
    cosigned_at: datetime | None = None
    trouble: str = ""


def all_cosignatures(connection: sa.Connection) -> dict[str, HeldCosignature]:
    """Return what is kept of each witness that was ever asked, by name."""
    query = sa.select(cosignatures).order_by(cosignatures.c.witness)
    return {row.witness: HeldCosignature(*row) for row in connection.execute(query)}


def put_cosignature(connection: sa.Connection, held: HeldCosignature) -> None:
    """Keep this of a witness in place of what was kept."""
    connection.execute(sa.delete(cosignatures).where(cosignatures.c.witness == held.witness))
    connection.execute(
        sa.insert(cosignatures).values(
            witness=held.witness,
            size=held.size,
            root=held.root,
            line=held.line,
            cosigned_at=held.cosigned_at,
            trouble=held.trouble,
        )
    )
