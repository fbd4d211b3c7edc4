"""Users and gateways on disk: names and codes sealed, found through a blind index of the code."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from app.domain.party import Gateway, Names, User
from app.domain.refusal import AlreadyThere, Shredded, Unknown
from app.security.tokens import new_row_id
from app.store.acts import Deed, change_rows, insert_row, record_act
from app.store.chains import chains_of
from app.store.deciding import DECIDING, digest_of, open_row
from app.store.engine import Store, read_head, write_head
from app.store.tables import closures, gateways, notices, user_gateways, users

_USER_BY_CODE = sa.select(users).where(users.c.code_index == sa.bindparam("index"))
_USER_BY_ID = sa.select(users).where(users.c.id == sa.bindparam("id"))
_GATEWAYS_OF = (
    sa.select(gateways, *user_gateways.primary_key, user_gateways.c.sealed.label("link_sealed"))
    .join(user_gateways, user_gateways.c.gateway_id == gateways.c.id)
    .where(user_gateways.c.user_id == sa.bindparam("user_id"))
)


@dataclass(frozen=True, slots=True)
class Parties:
    """Every User and gateway, for naming them. A shredded User is not among them.

    ``opened`` is what each was read of: a row that is the same octet by octet need not be opened again.
    """

    users: dict[bytes, User]
    gateways: dict[str, Gateway]
    opened: Mapping[Any, User | Gateway] = field(default_factory=dict, repr=False, compare=False)

    @property
    def names(self) -> Names:
        """Return what they are called, by code."""
        return Names(
            {user.code: user.name for user in self.users.values()},
            {code: gateway.name for code, gateway in self.gateways.items()},
        )


def add_user(store: Store, connection: sa.Connection, user: User) -> None:
    """Write a new User. Its data key must exist (``Keyring.ensure``). Raise ``AlreadyThere``."""
    index = chains_of(connection).index(store.blind.code("user", user.code))
    if connection.execute(sa.select(users.c.id).where(users.c.code_index == index)).first():
        raise AlreadyThere("There is a User with that code already.", "Choose another code.")
    values = {"id": user.id, "code_index": index, "row_version": 1}
    insert_row(store, connection, Deed.USER_ADDED, users, values, _body_of(user))
    _count_change(connection)


def name_contact(store: Store, connection: sa.Connection, user: User) -> None:
    """Write whom a User names to call. No feed says it, so that nothing is rendered anew."""
    change_rows(store, connection, Deed.CONTACT_NAMED, users, [users.c.id == user.id], {}, _body_of(user))


def add_gateway(store: Store, connection: sa.Connection, user: User, code: str, name: str) -> Gateway:
    """Give a User a gateway; one of that code that is there already is shared. Raise ``AlreadyThere`` if it has it."""
    index = chains_of(connection).index(store.blind.code("gateway", code))
    row = connection.execute(sa.select(gateways.c.id).where(gateways.c.code_index == index)).first()
    gateway_id = row.id if row else new_row_id()
    if row is None:
        values = {"id": gateway_id, "code_index": index, "row_version": 1}
        body = json.dumps([code, name]).encode()
        insert_row(store, connection, Deed.GATEWAY_ADDED, gateways, values, body)
    link = {"user_id": user.id, "gateway_id": gateway_id}
    held = sa.select(user_gateways).where(user_gateways.c.user_id == user.id, user_gateways.c.gateway_id == gateway_id)
    if connection.execute(held).first():
        raise AlreadyThere("That User has that gateway already.", "`closures gateway list` shows them.")
    insert_row(store, connection, Deed.GATEWAY_GIVEN, user_gateways, link)
    _count_change(connection)
    return gateway_by_id(store, connection, gateway_id)


def find_user(store: Store, connection: sa.Connection, code: str) -> User:
    """Return the User with this code; raise ``Unknown``, also where its key was shredded."""
    index = chains_of(connection).index(store.blind.code("user", code))
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
    found = []
    for row in connection.execute(_GATEWAYS_OF, {"user_id": user_id}):
        open_row(store, user_gateways, {**row._asdict(), "sealed": row.link_sealed})
        found.append(_open_gateway(store, row))
    return tuple(sorted(found, key=lambda gateway: gateway.code))


def read_parties(store: Store, connection: sa.Connection, known: Parties = Parties({}, {})) -> Parties:
    """Return every User that can be read, and every gateway. Of what is ``known`` nobody was shredded since."""
    opened: dict[Any, User | Gateway] = {}
    for table, open_one in ((users, _open_user), (gateways, _open_gateway)):
        for row in connection.execute(sa.select(table)).all():
            try:
                opened[row] = known.opened.get(row) or open_one(store, row)
            except Shredded:
                continue
    found = opened.values()
    return Parties(
        {user.id: user for user in found if isinstance(user, User)},
        {gateway.code: gateway for gateway in found if isinstance(gateway, Gateway)},
        opened,
    )


def gateway_code(store: Store, values: Mapping[str, Any]) -> str:
    """Return the code of the gateway whose row this is. Raise ``SealBroken``."""
    code: str = json.loads(open_row(store, gateways, values))[0]
    return code


def gateway_links(store: Store, connection: sa.Connection) -> set[tuple[bytes, bytes]]:
    """Return every (User id, gateway id) pair."""
    rows = connection.execute(sa.select(user_gateways)).all()
    for row in rows:
        open_row(store, user_gateways, row._asdict())
    return {(row.user_id, row.gateway_id) for row in rows}


def _open_user(store: Store, row: sa.Row[tuple[bytes, bytes, int, bytes]]) -> User:
    # A row that was written before there were contacts names none.
    code, name, category, roles, *contact = json.loads(open_row(store, users, row._asdict()))
    return User(row.id, code, name, category, tuple(roles), *contact)


def _body_of(user: User) -> bytes:
    return json.dumps([user.code, user.name, user.category, user.roles, user.contact]).encode()


def _open_gateway(store: Store, row: Any) -> Gateway:
    code, name = json.loads(open_row(store, gateways, row._asdict()))
    return Gateway(row.id, code, name)


def _count_change(connection: sa.Connection) -> None:
    """Tell every process that there is another User, gateway or link. What is rendered already names none of them."""
    head = read_head(connection, lock=True)
    write_head(connection, replace(head, parties=head.parties + 1))


def record_shred(store: Store, connection: sa.Connection, user_id: bytes) -> None:
    """Write that a User's key is destroyed, and what of the record is nobody's to read from then on."""
    one = DECIDING[users.name]
    held = [
        row_id
        for table in (closures, notices)
        for row_id in connection.execute(sa.select(table.c.id).where(table.c.user_id == user_id)).scalars()
    ]
    record_act(store, connection, Deed.USER_SHREDDED, [(one, (user_id,))], note=owned_digest(held))


def owned_digest(ids: Iterable[bytes]) -> str:
    """Return a digest, in hexadecimal, over the ids of all closures and notices of a User."""
    return digest_of(tuple(sorted(ids))).hex()


def count_forgetting(connection: sa.Connection, now: datetime) -> None:
    """Tell every process that something it may hold was forgotten: a User's key, or facts at the end of retention."""
    head = read_head(connection, lock=True)
    others_at = max(head.others_at, now)
    write_head(connection, replace(head, parties=head.parties + 1, forgotten=head.forgotten + 1, others_at=others_at))
