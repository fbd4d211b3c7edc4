"""Acts: what somebody did to a row that decides, an entry of the log in the transaction of the deed (ADR 30).

``record_act`` is the one place where they are made. ``insert_row``, ``change_row`` and ``remove_rows`` write a row and
its act together, for every table of ``deciding.DECIDING``.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import groupby
from typing import Any

import sqlalchemy as sa

from app.security.keyring import SERVICE_OWNER
from app.store.act_tables import acts
from app.store.deciding import DECIDING, PURGED, Deciding, Key, digest_of, key_of, open_row, seal_row
from app.store.engine import Store, read_head, write_head
from app.store.log import LogWriter


class Deed(StrEnum):
    """What was done."""

    USER_ADDED = "User added"
    CONTACT_NAMED = "whom to call named by a User"
    USER_SHREDDED = "User shredded"
    GATEWAY_ADDED = "gateway added"
    GATEWAY_GIVEN = "gateway given to a User"
    ACCOUNT_OPENED = "account opened"
    ACCOUNT_CLOSED = "account closed"
    ACCOUNT_OPENED_AGAIN = "account opened again"
    RIGHTS_CHANGED = "role or Users of an account changed"
    PASSWORD_SET = "password set"  # noqa: S105 - words, not a password
    FACTOR_SET = "second factor set"
    CODES_RENEWED = "recovery codes renewed"
    CODE_USED = "recovery code used"
    PROOFS_FORGOTTEN = "password and second factor forgotten"
    IDENTITY_LINKED = "identity linked"
    IDENTITIES_UNLINKED = "identities unlinked"
    TOKEN_MADE = "token made"  # noqa: S105 - words, not a token
    TOKEN_REVOKED = "token revoked"  # noqa: S105 - words, not a token
    DESK_OPENED = "desk session opened"
    DESK_ENDED = "desk session ended"
    SUBSCRIPTION_MADE = "subscription made"
    SUBSCRIPTION_CHANGED = "subscription changed"
    SUBSCRIPTION_REVOKED = "subscription revoked"
    POLICY_SET = "policy set"
    HOLIDAYS_SET = "holiday table set"
    DATES_CHANGED = "DCC's own dates changed"
    EXPORTED = "data exported"
    RECIPIENT_ADDED = "recipient added"
    RECIPIENT_CHANGED = "recipient changed"
    RECIPIENT_REMOVED = "recipient removed"
    SOURCE_ADDED = "source added"
    SOURCE_CHANGED = "source changed"
    SOURCE_REMOVED = "source removed"
    CLOSURES_PURGED = "closures purged"
    NOTICES_PURGED = "notices purged"
    READS_COVERED = "reads covered"
    READS_PURGED = "reads purged"
    KEYS_ROTATED = "keys rotated"
    ROOT_ROTATED = "root secret rotated"
    ROTATION_ENDED = "rotation ended"
    INDEX_MOVED = "blind index moved to another key"
    MARKED_SEEN = "marked as seen"
    MARK_TAKEN_BACK = "mark as seen taken back"
    MARKS_PURGED = "marks as seen purged"
    STOOD = "stood at the upgrade"


ACTOR: ContextVar[str] = ContextVar("actor", default="service")
"""Who acts. Each door sets it where it learns who asks; what sets nothing is the service itself."""


@dataclass(frozen=True, slots=True)
class Act:
    """One act. ``rows`` names each row that it is about: table, key, and the digest after it, None where it is gone."""

    position: int
    made_at: datetime
    deed: Deed
    actor: str
    rows: tuple[tuple[str, Key, bytes | None], ...]
    note: str = ""


Row = tuple[Deciding, Key]


def record_act(store: Store, connection: sa.Connection, deed: Deed, rows: Sequence[Row], *, note: str = "") -> None:
    """Write what was done to rows, as they stand by now in this transaction, as the next entry of the log.

    It reads and writes the head: a transaction of the register records its acts before it reads the head or after it
    wrote it. Else both would claim one place in the log, which its key refuses.
    """
    head = read_head(connection, lock=True)
    stood = [[table, [_plain(part) for part in key], digest] for table, key, digest in _standing(connection, rows)]
    body = json.dumps([deed, ACTOR.get(), stood, note], separators=(",", ":"), ensure_ascii=False).encode()
    log, made_at = LogWriter(head), store.now()
    sealed = store.keyring.seal(SERVICE_OWNER, "acts", "sealed", _octets(head.log_size), 1, body)
    position, _ = log.append("act", act_content(made_at, sealed))
    log.close()
    connection.execute(sa.insert(acts).values(position=position, made_at=made_at, sealed=sealed))
    write_head(connection, log.flush(connection))


def _standing(connection: sa.Connection, rows: Sequence[Row]) -> Iterator[tuple[str, Key, str | None]]:
    """Yield (table, key, digest) of rows as they stand, the digest in hexadecimal, None of a row that is gone."""
    for _, group in groupby(rows, key=lambda row: row[0].table.name):
        of_one = list(group)
        one, keys = of_one[0][0], [key for _, key in of_one]
        query = one.raw().where(sa.tuple_(*one.table.primary_key).in_(keys))
        digests = {row[: len(one.key)]: digest_of(row[len(one.key) :]) for row in map(tuple, connection.execute(query))}
        for key in keys:
            yield one.table.name, key, digests[key].hex() if key in digests else None


def _is(one: Deciding, key: Key) -> list[sa.ColumnElement[bool]]:
    return [column == part for column, part in zip(one.table.primary_key, key, strict=True)]


def act_content(made_at: datetime, sealed: bytes) -> bytes:
    """Return the octets that an act's leaf is the hash of."""
    return made_at.isoformat().encode() + sealed


def open_act(store: Store, position: int, made_at: datetime, sealed: bytes) -> Act:
    """Open an act. Raise ``SealBroken``."""
    body = store.keyring.unseal(SERVICE_OWNER, "acts", "sealed", _octets(position), 1, sealed)
    deed, actor, stood, note = json.loads(body)
    rows = tuple(
        (table, tuple(_part(part) for part in key), None if digest is None else bytes.fromhex(digest))
        for table, key, digest in stood
    )
    return Act(position, made_at, Deed(deed), actor, rows, note)


def acts_before(store: Store, connection: sa.Connection, position: int | None, most: int) -> list[Act]:
    """Return at most ``most`` acts, the latest first: of all, or before a position of the log. Raise ``SealBroken``."""
    query = sa.select(acts).order_by(acts.c.position.desc()).limit(most)
    if position is not None:
        query = query.where(acts.c.position < position)
    return [open_act(store, *row) for row in connection.execute(query)]


def first_act_at(connection: sa.Connection) -> datetime | None:
    """Return when the first act was done, at the set-up; None before it."""
    return connection.execute(sa.select(acts.c.made_at).order_by(acts.c.position).limit(1)).scalar_one_or_none()


def acts_between(store: Store, connection: sa.Connection, starts: datetime, ends: datetime) -> list[Act]:
    """Return the acts of the half-open span, in their order. Raise ``SealBroken``."""
    query = sa.select(acts).where(acts.c.made_at >= starts, acts.c.made_at < ends).order_by(acts.c.position)
    return [open_act(store, *row) for row in connection.execute(query)]


def _octets(position: int) -> bytes:
    return position.to_bytes(8, "big")


def _plain(part: Any) -> Any:
    return {"octets": part.hex()} if isinstance(part, bytes) else part


def _part(part: Any) -> Any:
    return bytes.fromhex(part["octets"]) if isinstance(part, dict) else part


def insert_row(  # noqa: PLR0917 - a row is a table, its values and what is sealed
    store: Store, connection: sa.Connection, deed: Deed, table: sa.Table, values: Mapping[str, Any], body: bytes = b""
) -> None:
    """Write a new row of a deciding table, what is sealed of it bound to the rest, with its act."""
    one = DECIDING[table.name]
    sealed = seal_row(store, table, values, body)
    connection.execute(sa.insert(table).values({**values, "sealed": sealed}))
    record_act(store, connection, deed, [(one, key_of(one, values))])


def change_rows(  # noqa: PLR0917 - as insert_row
    store: Store,
    connection: sa.Connection,
    deed: Deed,
    table: sa.Table,
    where: Sequence[sa.ColumnElement[bool]],
    changes: Mapping[str, Any],
    body: bytes | None = None,
) -> int:
    """Write other values into rows of a deciding table, sealed anew, with one act; return how many there were.

    What is sealed stays as it is but for a ``body`` given. Raise ``SealBroken`` where a row was altered meanwhile.
    """
    one = DECIDING[table.name]
    found = connection.execute(sa.select(table).where(*where).with_for_update()).all()
    for row in found:
        before = row._asdict()
        plain = open_row(store, table, before) if body is None else body
        values = before | dict(changes)
        if "row_version" in one.columns:
            values["row_version"] += 1
        written = {**changes, "sealed": seal_row(store, table, values, plain)}
        if "row_version" in one.columns:
            written["row_version"] = values["row_version"]
        connection.execute(sa.update(table).where(*_is(one, key_of(one, before))).values(written))
    if found:
        record_act(store, connection, deed, [(one, key_of(one, row._asdict())) for row in found])
    return len(found)


def end_altered(  # noqa: PLR0917 - as insert_row
    store: Store, connection: sa.Connection, deed: Deed, table: sa.Table, values: Mapping[str, Any], body: bytes
) -> bool:
    """Write a row that does not open anew, as one that is over, with an act that says so; tell whether it was there.

    ``values`` are its key and every column of which nothing altered may stay.
    """
    one = DECIDING[table.name]
    key = key_of(one, values)
    stays = [column for column in table.columns if column.name in one.clear and column.name not in values]
    held = connection.execute(sa.select(*table.primary_key, *stays).where(*_is(one, key)).with_for_update()).first()
    if held is None:
        return False
    sealed = seal_row(store, table, held._asdict() | dict(values), body)
    connection.execute(sa.update(table).where(*_is(one, key)).values({**values, "sealed": sealed}))
    record_act(store, connection, deed, [(one, key)], note="was altered")
    return True


def remove_rows(
    store: Store, connection: sa.Connection, deed: Deed, where: Mapping[sa.Table, sa.ColumnElement[bool]]
) -> int:
    """Delete rows of deciding tables, with one act; return how many there were."""
    gone: list[Row] = []
    for table, condition in where.items():
        one = DECIDING[table.name]
        keys = connection.execute(sa.delete(table).where(condition).returning(*table.primary_key))
        gone += [(one, tuple(key)) for key in keys]
    if gone:
        record_act(store, connection, deed, gone)
    return len(gone)


def record_purge(store: Store, connection: sa.Connection, deed: Deed, table: sa.Table, ids: Iterable[bytes]) -> None:
    """Write which closures or notices lost what they said."""
    record_act(store, connection, deed, [(PURGED[table.name], (row_id,)) for row_id in ids])
