"""The notes of exports: who took which copy away, sealed for the service."""

import json
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from app.security.security_log import SecurityAction, security_event
from app.security.tokens import new_row_id
from app.store.acts import Deed, insert_row
from app.store.deciding import open_row
from app.store.engine import Connection, Store
from app.store.tables import exports


@dataclass(frozen=True, slots=True)
class Export:
    """One copy that was taken: ``name`` is the account or the token's label, ``what`` says it in words."""

    exported_at: datetime
    name: str
    what: str
    rows: int


def insert_export(store: Store, connection: Connection, made: Export) -> None:
    """Write one note."""
    body = json.dumps([made.name, made.what, made.rows]).encode()
    values = {"id": new_row_id(), "exported_at": made.exported_at}
    insert_row(store, connection, Deed.EXPORTED, exports, values, body)
    security_event(SecurityAction.EXPORTED, kind="csv")


def exports_between(store: Store, connection: Connection, starts: datetime, ends: datetime) -> list[Export]:
    """Return the exports of the half-open span, oldest first."""
    query = (
        sa.select(exports)
        .where(exports.c.exported_at >= starts, exports.c.exported_at < ends)
        .order_by(exports.c.exported_at, exports.c.id)
    )
    rows = connection.execute(query)
    return [Export(row.exported_at, *json.loads(open_row(store, exports, row._asdict()))) for row in rows]
