"""What principals set on places of the CalDAV door: elements as XML, sealed, found by blind indexes."""

import json
from collections.abc import Mapping

import sqlalchemy as sa

from app.store.chains import chains_of
from app.store.engine import Store
from app.store.member_tables import properties

_OF_PLACE = sa.select(properties).where(properties.c.place == sa.bindparam("place"))
_INSERT = sa.insert(properties)
_DELETE = sa.delete(properties).where(
    properties.c.place == sa.bindparam("b_place"), properties.c.element == sa.bindparam("b_element")
)


def read_properties(store: Store, connection: sa.Connection, owner: bytes, principal: str, path: str) -> dict[str, str]:
    """Return what a principal set on a path: each element's XML by its name. ``owner`` holds the key."""
    found = {}
    stored = chains_of(connection).index(store.blind.place(principal, path))
    for row in connection.execute(_OF_PLACE, {"place": stored}):
        body = store.keyring.unseal(owner, "properties", "sealed", row.place + row.element, 1, row.sealed)
        name, value = json.loads(body)
        found[name] = value
    return dict(sorted(found.items()))


def write_properties(
    store: Store,
    connection: sa.Connection,
    owner: bytes,
    place: tuple[str, str],
    changes: Mapping[str, str | None],
) -> None:
    """Set elements on a place (principal, path), or remove those whose value is None."""
    principal, path = place
    stands = chains_of(connection).index
    row = stands(store.blind.place(principal, path))
    for name, value in changes.items():
        element = stands(store.blind.place(principal, path, name))
        connection.execute(_DELETE, {"b_place": row, "b_element": element})
        if value is not None:
            body = json.dumps([name, value]).encode()
            sealed = store.keyring.seal(owner, "properties", "sealed", row + element, 1, body)
            connection.execute(_INSERT, {"place": row, "element": element, "sealed": sealed})
