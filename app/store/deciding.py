"""Rows that decide who may do and see what: how they stand as one digest, and the seal that binds their clear columns.

Who writes the database without keys may write a clear column, and may not seal. So what is sealed of such a row begins
with a digest over everything that stands in the clear beside it, and a row whose digest is another one does not open.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from hashlib import sha256
from typing import Any

import sqlalchemy as sa

from app.security.keyring import SERVICE_OWNER
from app.security.sealing import SealBroken
from app.store import tables as t
from app.store.engine import Store
from app.store.instants import to_micros
from app.store.metadata import Sealed
from app.store.outbox_tables import recipients

_DIGEST_OCTETS = 32
_OWNERS = {"users": "id", "sources": "user_id", "recipients": "user_id"}
"""The column that names the User under whose key a row of this table is sealed; NULL, as elsewhere, is the service."""

Key = tuple[Any, ...]
"""The primary key of a row: octets, texts and numbers."""


@dataclass(frozen=True, slots=True)
class Deciding:
    """A table whose rows decide. ``noun`` names one; ``columns`` are those that do, in the table's order.

    ``only`` is SQL that says which of its rows are meant; all of them without it.
    """

    noun: str
    table: sa.Table
    columns: tuple[str, ...]
    only: str = ""

    @property
    def key(self) -> tuple[str, ...]:
        """The names of the columns of its primary key."""
        return tuple(column.name for column in self.table.primary_key)

    @property
    def clear(self) -> tuple[str, ...]:
        """The names of the deciding columns that a seal binds: it names the row's version itself."""
        return tuple(name for name in self.columns if name not in {"sealed", "row_version"})

    def raw(self) -> sa.Select[Any]:
        """Return the select of (key columns, deciding columns), each value as the database holds it, whatever it is.

        What is sealed comes without its outer layer.
        """
        columns: list[sa.ColumnElement[Any]] = [
            sa.literal_column(name, Sealed() if name.startswith("sealed") else None)
            for name in (*self.key, *self.columns)
        ]
        return sa.select(*columns).select_from(self.table)


def _deciding(noun: str, table: sa.Table, *moving: str) -> Deciding:
    """Return how a table decides: by all its columns but those ``moving``, which change with every use."""
    return Deciding(noun, table, tuple(column.name for column in table.columns if column.name not in moving))


DECIDING = {
    one.table.name: one
    for one in (
        _deciding("User", t.users),
        _deciding("gateway", t.gateways),
        _deciding("gateway of a User", t.user_gateways),
        _deciding("account", t.accounts),
        _deciding("password", t.passwords),
        _deciding("second factor", t.second_factors, "last_step"),
        _deciding("recovery code", t.recovery_codes),
        _deciding("link to an identity", t.identities),
        _deciding("token", t.tokens, "last_used_at"),
        _deciding("subscription", t.subscriptions),
        _deciding("policy", t.policies),
        _deciding("holiday table", t.holiday_tables),
        _deciding("entry of DCC's own dates", t.maintenance),
        _deciding("note of an export", t.exports),
        _deciding("recipient", recipients),
        _deciding("mark of what was seen", t.seen_marks),
        _deciding(
            "source", t.sources, "due_at", "polled_at", "failures", "outcome", "row_version", "sealed_state"
        ),
    )
}  # fmt: skip
"""By table: each row has an act, and stands as the last one left it."""

BOUND = DECIDING | {t.sessions.name: _deciding("session", t.sessions, "seen_at", "ended_at")}
"""By table: what is sealed of a row is bound to its deciding columns. Of sessions no act is kept: they last hours."""

PURGED = {
    one.table.name: one
    for one in (
        replace(_deciding("closure", t.closures, "proof"), only="state = 'forgotten'"),
        replace(_deciding("notice", t.notices), only="sealed IS NULL"),
    )
}
"""By table: a row that is purged has an act, and stands as that left it; what is not purged has its leaf."""


def key_of(one: Deciding, values: Mapping[str, Any]) -> Key:
    """Return the primary key of a row."""
    return tuple(values[name] for name in one.key)


def digest_of(values: tuple[Any, ...]) -> bytes:
    """Return the SHA-256 over values in their order, as either database gives them."""
    return sha256(b"".join([_framed(value) for value in values])).digest()


def _framed(value: Any) -> bytes:
    if isinstance(value, bytes):
        kind, octets = b"o", value
    elif isinstance(value, str):
        kind, octets = b"t", value.encode(errors="surrogatepass")
    elif value is None:
        return b"-"
    else:
        kind, octets = b"n", str(to_micros(value) if isinstance(value, datetime) else int(value)).encode()
    return kind + len(octets).to_bytes(4, "big") + octets


def place_of(one: Deciding, values: Mapping[str, Any]) -> tuple[bytes, bytes, int]:
    """Return under whose key a row is sealed, and the octets and the number that name it there."""
    owner = values.get(_OWNERS.get(one.table.name, ""))
    key = key_of(one, values)
    named = b"".join([part.encode() if isinstance(part, str) else part for part in key if not isinstance(part, int)])
    numbers = [part for part in key if isinstance(part, int)]
    version = values["row_version"] if "row_version" in one.columns else 1
    return owner or SERVICE_OWNER, named, numbers[0] if numbers else version


def seal_row(store: Store, table: sa.Table, values: Mapping[str, Any], body: bytes) -> bytes:
    """Return ``body`` sealed, bound to the deciding columns of its row; those that ``values`` lacks are NULL."""
    one = BOUND[table.name]
    owner, named, version = place_of(one, values)
    bound = digest_of(tuple(values.get(name) for name in one.clear))
    return store.keyring.seal(owner, table.name, "sealed", named, version, bound + body)


def open_row(store: Store, table: sa.Table, values: Mapping[str, Any]) -> bytes:
    """Return what is sealed of a row of a deciding table.

    Raise ``Shredded``, or ``SealBroken`` where it does not open or a clear column beside it was altered.
    """
    one = BOUND[table.name]
    owner, named, version = place_of(one, values)
    plain = store.keyring.unseal(owner, table.name, "sealed", named, version, values["sealed"])
    bound, body = plain[:_DIGEST_OCTETS], plain[_DIGEST_OCTETS:]
    if bound != digest_of(tuple(values[name] for name in one.clear)):
        raise SealBroken(f"The row of a {one.noun} is not what was sealed of it.", "Run `closures record verify`.")
    return body
