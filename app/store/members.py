"""Members of calendar collections on disk: a light sealed head, a body apart, tombstones, and a blind week index."""

import struct
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy as sa

from app.security.sealing import SealBroken
from app.security.tokens import new_row_id
from app.store.engine import Store
from app.store.instants import from_micros, to_micros
from app.store.member_tables import member_bodies, member_weeks, members

_FACTS = struct.Struct(">q?16sIqq")  # change, gone, entity tag, length, created, changed; the name follows
_MOST_AT_ONCE = 500  # values in one IN (...)
_ALL_OF_THEM = 2**31 - 1
_NOT_WHOLE = "not whole"  # stands in the week index for every week of which a member's occurrences are not expanded


@dataclass(frozen=True, slots=True)
class Place:
    """A collection: whose it is, and the blind octets that stand for it."""

    user_id: bytes
    collection: bytes


@dataclass(frozen=True, slots=True)
class MemberHead:
    """What a listing shows of a member. ``etag`` is in hexadecimal; ``length`` counts octets."""

    name: str
    etag: str
    length: int
    created_at: datetime
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class HeldMember:
    """A member's row as it was read. ``change`` is the place in the log of the notice that changed it last."""

    id: bytes
    user_id: bytes
    change: int
    gone: bool
    row_version: int
    head: MemberHead


class Version(NamedTuple):
    """Which member, and which state of its two rows: what was read of one version stays true of it."""

    id: bytes
    row_version: int
    body_version: int


@dataclass(frozen=True, slots=True)
class NewMember:
    """A member to be written: ``body`` is its heavy part, opaque here; UID and the ISO weeks that it touches find it.

    ``is_whole`` tells that it has no occurrence in any other week.
    """

    head: MemberHead
    change: int
    body: bytes
    uid: str
    weeks: frozenset[str]
    is_whole: bool


_COLUMNS = (
    members.c.id, members.c.user_id, members.c.change, members.c.gone, members.c.row_version, members.c.sealed,
)  # fmt: skip
_IN_COLLECTION = members.c.collection == sa.bindparam("collection")
_BY_NAME = sa.select(*_COLUMNS).where(members.c.name_index == sa.bindparam("name"))
_CONCERNED = sa.select(*_COLUMNS, members.c.name_index, members.c.uid_index).where(
    (members.c.name_index == sa.bindparam("name")) | (members.c.uid_index == sa.bindparam("uid"))
)
_SINCE = (
    sa.select(*_COLUMNS)
    .where(_IN_COLLECTION, members.c.change > sa.bindparam("position"))
    .order_by(members.c.change)
    .limit(sa.bindparam("most"))
)
_FIRST = _SINCE.where(members.c.gone.is_(False))
_NEWEST = sa.select(*_COLUMNS).where(_IN_COLLECTION).order_by(members.c.change.desc()).limit(1)
_WITH_BODY = sa.select(
    *_COLUMNS, member_bodies.c.row_version.label("body_version"), member_bodies.c.sealed.label("body")
)
_BODIES = _WITH_BODY.join(member_bodies).where(members.c.id.in_(sa.bindparam("ids", expanding=True)))
_VERSIONS = sa.select(members.c.id, members.c.row_version, member_bodies.c.row_version).join(member_bodies)
_NAMED = _VERSIONS.where(members.c.name_index.in_(sa.bindparam("names", expanding=True)), members.c.gone.is_(False))
_ALL_BODIES = _WITH_BODY.join(member_bodies).where(_IN_COLLECTION, members.c.gone.is_(False)).order_by(members.c.change)
_TOUCHING = _VERSIONS.where(
    members.c.id.in_(
        sa.select(member_weeks.c.member_id).where(member_weeks.c.week.in_(sa.bindparam("weeks", expanding=True)))
    )
)
_INSERT, _INSERT_BODY = sa.insert(members), sa.insert(member_bodies)
_INSERT_WEEKS = sa.insert(member_weeks)
_UPDATE = (
    sa.update(members)
    .where(members.c.id == sa.bindparam("b_id"))
    .values({name: sa.bindparam(name) for name in ("uid_index", "change", "gone", "row_version", "sealed")})
)
_UPDATE_BODY = (
    sa.update(member_bodies)
    .where(member_bodies.c.member_id == sa.bindparam("b_id"))
    .values({name: sa.bindparam(name) for name in ("row_version", "sealed")})
)
_BODY_VERSION = sa.select(member_bodies.c.row_version).where(member_bodies.c.member_id == sa.bindparam("b_id"))
_DELETE_BODY = sa.delete(member_bodies).where(member_bodies.c.member_id == sa.bindparam("b_id"))
_DELETE_WEEKS = sa.delete(member_weeks).where(member_weeks.c.member_id == sa.bindparam("b_id"))


def _dump_head(head: MemberHead, change: int, *, gone: bool) -> bytes:
    stamps = to_micros(head.created_at), to_micros(head.changed_at)
    return _FACTS.pack(change, gone, bytes.fromhex(head.etag), head.length, *stamps) + head.name.encode(
        errors="surrogatepass"
    )


def _open(store: Store, row: Any) -> HeldMember:
    body = store.keyring.unseal(row.user_id, "members", "sealed", row.id, row.row_version, row.sealed)
    change, gone, etag, length, created, changed = _FACTS.unpack_from(body)
    if (change, gone) != (row.change, row.gone):
        raise SealBroken("A member's row does not agree with what was sealed.", "Restore a backup.")
    name = body[_FACTS.size :].decode(errors="surrogatepass")
    head = MemberHead(name, etag.hex(), length, from_micros(created), from_micros(changed))
    return HeldMember(row.id, row.user_id, row.change, row.gone, row.row_version, head)


def _open_body(store: Store, row: Any) -> bytes:
    return store.keyring.unseal(row.user_id, "member_bodies", "sealed", row.id, row.body_version, row.body)


def member_named(store: Store, connection: sa.Connection, place: Place, name: str) -> HeldMember | None:
    """Return the member of a name, also one that is gone; None where there never was one."""
    row = connection.execute(_BY_NAME, {"name": store.blind.member(place.collection, name)}).first()
    return None if row is None else _open(store, row)


def members_concerned(
    store: Store, connection: sa.Connection, place: Place, name: str, uid: str
) -> tuple[HeldMember | None, HeldMember | None]:
    """Return the member of a name, also one that is gone, and the one that holds a UID: often the same.

    A UID stands in one member of a collection at most (RFC 4791 4.1).
    """
    named = holder = None
    keys = {"name": store.blind.member(place.collection, name), "uid": store.blind.member_uid(place.collection, uid)}
    for row in connection.execute(_CONCERNED, keys):
        held = _open(store, row)
        named = held if row.name_index == keys["name"] else named
        holder = held if row.uid_index == keys["uid"] else holder
    return named, holder


def changed_since(
    store: Store, connection: sa.Connection, place: Place, position: int, most: int | None
) -> list[HeldMember]:
    """Return members, gone ones too, that notices after log position ``position`` changed, in order, ``most`` at once.

    From before the first notice (-1) those that are gone are left out: whoever asks never had them.
    """
    given = {"collection": place.collection, "position": position, "most": _ALL_OF_THEM if most is None else most}
    query = _FIRST if position < 0 else _SINCE
    return [_open(store, row) for row in connection.execute(query, given)]


def newest_member(store: Store, connection: sa.Connection, place: Place) -> HeldMember | None:
    """Return the member that changed last, gone or not; None in a collection that never had one."""
    row = connection.execute(_NEWEST, {"collection": place.collection}).first()
    return None if row is None else _open(store, row)


def versions_named(store: Store, connection: sa.Connection, place: Place, names: Iterable[str]) -> list[Version]:
    """Return the members of these names; those that are not there are left out."""
    keys = [store.blind.member(place.collection, name) for name in dict.fromkeys(names)]
    return [Version(*row) for group in _grouped(keys) for row in connection.execute(_NAMED, {"names": group}).all()]


def versions_touching(store: Store, connection: sa.Connection, place: Place, weeks: Sequence[str]) -> list[Version]:
    """Return at least the members with an occurrence in these weeks, and all that are not expanded whole."""
    keys = [store.blind.member_week(place.collection, week) for week in (*weeks, _NOT_WHOLE)]
    found = (Version(*row) for group in _grouped(keys) for row in connection.execute(_TOUCHING, {"weeks": group}).all())
    return list(dict.fromkeys(found))


def bodies_of(
    store: Store, connection: sa.Connection, versions: Sequence[Version]
) -> Iterator[tuple[Version, HeldMember, bytes]]:
    """Yield these members, as they stand in the same transaction, with their bodies."""
    for group in _grouped([one.id for one in versions]):
        for row in connection.execute(_BODIES, {"ids": group}):
            version = Version(row.id, row.row_version, row.body_version)
            yield version, _open(store, row), _open_body(store, row)


def _grouped(keys: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    return (keys[first : first + _MOST_AT_ONCE] for first in range(0, len(keys), _MOST_AT_ONCE))


def all_bodies(store: Store, connection: sa.Connection, place: Place) -> Iterator[tuple[HeldMember, bytes]]:
    """Yield every member that is there with its body, in order of their last change."""
    query = _ALL_BODIES.execution_options(yield_per=500)
    with connection.execute(query, {"collection": place.collection}) as rows:
        for row in rows:
            yield _open(store, row), _open_body(store, row)


def put_member(store: Store, connection: sa.Connection, place: Place, held: HeldMember | None, new: NewMember) -> None:
    """Write a member, the first of its name or in place of ``held`` (which may be gone)."""
    head, change = new.head, new.change
    member_id = held.id if held else new_row_id()
    version = held.row_version + 1 if held else 1
    plain = _dump_head(head, change, gone=False)
    row = {
        "uid_index": store.blind.member_uid(place.collection, new.uid),
        "change": change,
        "gone": False,
        "row_version": version,
        "sealed": store.keyring.seal(place.user_id, "members", "sealed", member_id, version, plain),
    }
    if held is None:
        fixed = {"id": member_id, "user_id": place.user_id, "collection": place.collection}
        connection.execute(_INSERT, {**row, **fixed, "name_index": store.blind.member(place.collection, head.name)})
    else:
        connection.execute(_UPDATE, {"b_id": member_id, **row})
    sealed = store.keyring.seal(place.user_id, "member_bodies", "sealed", member_id, version, new.body)
    if held is None or held.gone:
        connection.execute(_INSERT_BODY, {"member_id": member_id, "row_version": version, "sealed": sealed})
    else:
        connection.execute(_UPDATE_BODY, {"b_id": member_id, "row_version": version, "sealed": sealed})
        connection.execute(_DELETE_WEEKS, {"b_id": member_id})
    weeks = sorted(new.weeks) + ([] if new.is_whole else [_NOT_WHOLE])
    keys = {store.blind.member_week(place.collection, week) for week in weeks}
    if keys:
        connection.execute(_INSERT_WEEKS, [{"week": key, "member_id": member_id} for key in sorted(keys)])


def remove_member(store: Store, connection: sa.Connection, held: HeldMember, change: int) -> None:
    """Leave of a member only its name and the change that took it away."""
    connection.execute(_DELETE_WEEKS, {"b_id": held.id})
    connection.execute(_DELETE_BODY, {"b_id": held.id})
    version = held.row_version + 1
    plain = _dump_head(held.head, change, gone=True)
    gone = {
        "b_id": held.id,
        "uid_index": None,
        "change": change,
        "gone": True,
        "row_version": version,
        "sealed": store.keyring.seal(held.user_id, "members", "sealed", held.id, version, plain),
    }
    connection.execute(_UPDATE, gone)


def rewrite_body(store: Store, connection: sa.Connection, held: HeldMember, body: bytes) -> None:
    """Write a member's heavy part anew where nothing that its collection shows of it is different."""
    version = connection.execute(_BODY_VERSION, {"b_id": held.id}).scalar_one() + 1
    sealed = store.keyring.seal(held.user_id, "member_bodies", "sealed", held.id, version, body)
    connection.execute(_UPDATE_BODY, {"b_id": held.id, "row_version": version, "sealed": sealed})
