"""Users and gateways on disk: names and codes sealed, found through a blind index of the code."""

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

import sqlalchemy as sa

from app.domain.party import Gateway, Names, User
from app.domain.refusal import AlreadyThere, Shredded, Unknown
from app.security.keyring import SERVICE_OWNER
from app.security.tokens import new_row_id
from app.store.engine import Store, read_head, write_head
from app.store.tables import gateways, user_gateways, users

_USER_BY_CODE = sa.select(users).where(users.c.code_index == sa.bindparam("index"))
_USER_BY_ID = sa.select(users).where(users.c.id == sa.bindparam("id"))
_GATEWAYS_OF = (
    sa.select(gateways)
    .join(user_gateways, user_gateways.c.gateway_id == gateways.c.id)
    .where(user_gateways.c.user_id == sa.bindparam("user_id"))
)


@dataclass(frozen=True, slots=True)
class Parties:
    """Every User and gateway, for naming them. A shredded User is not among them."""

    users: dict[bytes, User]
    gateways: dict[str, Gateway]

    @property
    def names(self) -> Names:
        """Return what they are called, by code."""
        return Names(
            {user.code: user.name for user in self.users.values()},
            {code: gateway.name for code, gateway in self.gateways.items()},
        )


def add_user(store: Store, connection: sa.Connection, user: User) -> None:
    """Write a new User. Its data key must exist (``Keyring.ensure``). Raise ``AlreadyThere``."""
    index = store.blind.code("user", user.code)
    if connection.execute(sa.select(users.c.id).where(users.c.code_index == index)).first():
        raise AlreadyThere("There is a User with that code already.", "Choose another code.")
    body = json.dumps([user.code, user.name, user.category, user.roles]).encode()
    sealed = store.keyring.seal(user.id, "users", "sealed", user.id, 1, body)
    connection.execute(sa.insert(users).values(id=user.id, code_index=index, row_version=1, sealed=sealed))
    _count_change(connection)


def add_gateway(store: Store, connection: sa.Connection, user: User, code: str, name: str) -> Gateway:
    """Give a User a gateway; one of that code that is there already is shared. Raise ``AlreadyThere`` if it has it."""
    index = store.blind.code("gateway", code)
    row = connection.execute(sa.select(gateways.c.id).where(gateways.c.code_index == index)).first()
    gateway_id = row.id if row else new_row_id()
    if row is None:
        sealed = store.keyring.seal(
            SERVICE_OWNER, "gateways", "sealed", gateway_id, 1, json.dumps([code, name]).encode()
        )
        connection.execute(sa.insert(gateways).values(id=gateway_id, code_index=index, row_version=1, sealed=sealed))
    link = {"user_id": user.id, "gateway_id": gateway_id}
    held = sa.select(user_gateways).where(user_gateways.c.user_id == user.id, user_gateways.c.gateway_id == gateway_id)
    if connection.execute(held).first():
        raise AlreadyThere("That User has that gateway already.", "`closures gateway list` shows them.")
    connection.execute(sa.insert(user_gateways).values(link))
    _count_change(connection)
    return gateway_by_id(store, connection, gateway_id)


def find_user(store: Store, connection: sa.Connection, code: str) -> User:
    """Return the User with this code; raise ``Unknown``, also where its key was shredded."""
    index = store.blind.code("user", code)
    row = connection.execute(_USER_BY_CODE, {"index": index}).first()
    if row is not None:
        try:
            return _open_user(store, row)
        except Shredded:
            pass
    raise Unknown("There is no such User.", "Check the code; `closures user list` shows them.")


def user_by_id(store: Store, connection: sa.Connection, user_id: bytes) -> User:
    """Return the User of this row id; raise ``Shredded``."""
    return _open_user(store, connection.execute(_USER_BY_ID, {"id": user_id}).one())


def gateway_by_id(store: Store, connection: sa.Connection, gateway_id: bytes) -> Gateway:
    """Return the gateway of this row id."""
    return _open_gateway(store, connection.execute(sa.select(gateways).where(gateways.c.id == gateway_id)).one())


def gateways_of(store: Store, connection: sa.Connection, user_id: bytes) -> tuple[Gateway, ...]:
    """Return the gateways of a User, in order of their codes."""
    found = (_open_gateway(store, row) for row in connection.execute(_GATEWAYS_OF, {"user_id": user_id}))
    return tuple(sorted(found, key=lambda gateway: gateway.code))


def read_parties(store: Store, connection: sa.Connection) -> Parties:
    """Return every User that can be read, and every gateway."""
    found: dict[bytes, User] = {}
    for row in connection.execute(sa.select(users)):
        try:
            found[row.id] = _open_user(store, row)
        except Shredded:
            continue
    by_code = {gateway.code: gateway for gateway in _open_all(store, connection.execute(sa.select(gateways)))}
    return Parties(found, by_code)


def gateway_links(connection: sa.Connection) -> set[tuple[bytes, bytes]]:
    """Return every (User id, gateway id) pair."""
    return {(row.user_id, row.gateway_id) for row in connection.execute(sa.select(user_gateways))}


def _open_user(store: Store, row: sa.Row[tuple[bytes, bytes, int, bytes]]) -> User:
    body = store.keyring.unseal(row.id, "users", "sealed", row.id, row.row_version, row.sealed)
    code, name, category, roles = json.loads(body)
    return User(row.id, code, name, category, tuple(roles))


def _open_gateway(store: Store, row: sa.Row[tuple[bytes, bytes, int, bytes]]) -> Gateway:
    body = store.keyring.unseal(SERVICE_OWNER, "gateways", "sealed", row.id, row.row_version, row.sealed)
    code, name = json.loads(body)
    return Gateway(row.id, code, name)


def _open_all(store: Store, rows: Iterable[sa.Row[tuple[bytes, bytes, int, bytes]]]) -> Iterable[Gateway]:
    return (_open_gateway(store, row) for row in rows)


def _count_change(connection: sa.Connection) -> None:
    """Tell every process that names or links changed, so that it renders anew."""
    head = read_head(connection, lock=True)
    write_head(connection, replace(head, parties=head.parties + 1))


def count_forgetting(connection: sa.Connection, now: datetime) -> None:
    """Tell every process that something it may hold was forgotten: a User's key, or facts at the end of retention."""
    head = read_head(connection, lock=True)
    write_head(connection, replace(head, parties=head.parties + 1, others_at=max(head.others_at, now)))
