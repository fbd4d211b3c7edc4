"""DCC's own windows on disk: every entry of their history, sealed for the service, never changed."""

import json
from collections.abc import Iterable

import sqlalchemy as sa

from app.domain.maintenance import Maintenance, MaintenanceKind
from app.domain.window import ClosureWindow
from app.store.acts import Deed, insert_row
from app.store.deciding import open_row
from app.store.engine import Connection, Store
from app.store.instants import from_micros, to_micros
from app.store.rules import count_rules_change
from app.store.tables import maintenance


def append_maintenance(store: Store, connection: Connection, entries: Iterable[Maintenance]) -> None:
    """Write entries, each the next of its window's history, and tell every process that the rules changed."""
    new = list(entries)
    for entry in new:
        values = {"id": entry.id, "entry": entry.number, "received_at": entry.received_at}
        insert_row(store, connection, Deed.DATES_CHANGED, maintenance, values, _dump(entry))
    if new:
        count_rules_change(connection, max(entry.received_at for entry in new))


def read_maintenance(store: Store, connection: Connection) -> list[Maintenance]:
    """Return every entry ever written, each as the window stood after it, in order of receipt."""
    query = sa.select(maintenance).order_by(maintenance.c.received_at, maintenance.c.id, maintenance.c.entry)
    found = []
    for row in connection.execute(query):
        body = open_row(store, maintenance, row._asdict())
        reference, kind, uid, recurrence_id, starts, ends, withdrawn, first_received = json.loads(body)
        found.append(
            Maintenance(
                id=row.id,
                reference=reference,
                kind=MaintenanceKind(kind),
                uid=uid,
                recurrence_id=recurrence_id,
                window=ClosureWindow(from_micros(starts), from_micros(ends)),
                withdrawn=withdrawn,
                number=row.entry,
                first_received_at=from_micros(first_received),
                received_at=row.received_at,
            )
        )
    return found


def _dump(entry: Maintenance) -> bytes:
    window = entry.window
    facts = [
        *(
            entry.reference,
            entry.kind,
            entry.uid,
            entry.recurrence_id,
            to_micros(window.starts),
            to_micros(window.ends),
        ),
        *(entry.withdrawn, to_micros(entry.first_received_at)),
    ]
    return json.dumps(facts, separators=(",", ":"), ensure_ascii=False).encode()
