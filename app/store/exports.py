"""The notes of exports: who took which copy away, sealed for the service."""

import json
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from app.security.keyring import SERVICE_OWNER
from app.security.tokens import new_row_id
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
    row_id = new_row_id()
    body = json.dumps([made.name, made.what, made.rows]).encode()
    sealed = store.keyring.seal(SERVICE_OWNER, "exports", "sealed", row_id, 1, body)
    connection.execute(sa.insert(exports).values(id=row_id, exported_at=made.exported_at, sealed=sealed))


def exports_between(store: Store, connection: Connection, starts: datetime, ends: datetime) -> list[Export]:
    """Return the exports of the half-open span, oldest first."""
    query = (
        sa.select(exports)
        .where(exports.c.exported_at >= starts, exports.c.exported_at < ends)
        .order_by(exports.c.exported_at, exports.c.id)
    )
    found = []
    for row in connection.execute(query):
        body = store.keyring.unseal(SERVICE_OWNER, "exports", "sealed", row.id, 1, row.sealed)
        found.append(Export(row.exported_at, *json.loads(body)))
    return found
