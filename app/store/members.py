"""Members of calendar collections on disk: a light sealed head, a body apart, tombstones, and a blind week index."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa

from app.security.tokens import new_row_id
from app.store.chains import chains_of
from app.store.engine import Store
from app.store.member_heads import HeldMember, NewMember, Place, Version, dump_head, open_member
from app.store.member_tables import member_bodies, member_weeks, members
from app.store.prepared import Prepared
from app.store.proven import altered, proven

_MOST_AT_ONCE = 500  # values in one IN (...)
_ALL_OF_THEM = 2**31 - 1
_NOT_WHOLE = "not whole"  # stands in the week index for every week of which a member's occurrences are not expanded


_COLUMNS = tuple(members.c)
_IN_COLLECTION = members.c.collection == sa.bindparam("collection")
_BY_NAME = sa.select(*_COLUMNS).where(members.c.name_index == sa.bindparam("name"))
_CONCERNED = sa.select(*_COLUMNS).where(
    (members.c.name_index == sa.bindparam("name")) | (members.c.uid_index == sa.bindparam("uid"))
)
_SINCE = (
    sa.select(*_COLUMNS)
    .where(_IN_COLLECTION, members.c.change > sa.bindparam("position"))
    .order_by(members.c.change, members.c.id)
    .limit(sa.bindparam("most"))
)
_LEFT = (
    sa.select(*_COLUMNS)
    .where(
        _IN_COLLECTION,
        members.c.gone.is_(False),
        members.c.change <= sa.bindparam("position"),
        members.c.leaves_on > sa.bindparam("day"),
        members.c.leaves_on <= sa.bindparam("today"),
    )
    .order_by(members.c.leaves_on, members.c.id)
)
_LAST_EDGE = sa.select(sa.func.max(members.c.leaves_on)).where(
    _IN_COLLECTION, members.c.gone.is_(False), members.c.leaves_on <= sa.bindparam("today")
)
_OF_UIDS = sa.select(*_COLUMNS).where(members.c.uid_index.in_(sa.bindparam("uids", expanding=True)))
_FIRST = _SINCE.where(members.c.gone.is_(False))
_NEWEST = sa.select(*_COLUMNS).where(_IN_COLLECTION).order_by(members.c.change.desc()).limit(1)
_WITH_BODY = sa.select(
    *_COLUMNS,
    sa.func.coalesce(member_bodies.c.row_version, 0).label("body_version"),
    member_bodies.c.sealed.label("body"),
)
_BODIES = _WITH_BODY.outerjoin(member_bodies).where(members.c.id.in_(sa.bindparam("ids", expanding=True)))
_VERSIONS = sa.select(
    members.c.id,
    members.c.row_version,
    sa.func.coalesce(member_bodies.c.row_version, 0),
    sa.func.coalesce(members.c.leaves_on, 0),
).outerjoin(member_bodies)
_NAMED = _VERSIONS.where(members.c.name_index.in_(sa.bindparam("names", expanding=True)), members.c.gone.is_(False))
_ALL = _VERSIONS.where(_IN_COLLECTION, members.c.gone.is_(False)).order_by(members.c.change, members.c.id)
_RENDERED = _VERSIONS.where(
    members.c.uid_index.in_(sa.bindparam("uids", expanding=True)), members.c.is_rendered.is_(True)
)
_ANY_RENDERED = (
    sa.select(members.c.id).where(_IN_COLLECTION, sa.text("is_rendered"), members.c.gone.is_(False)).limit(1)
)
_TOUCHING = _VERSIONS.where(
    members.c.id.in_(
        sa.select(member_weeks.c.member_id).where(member_weeks.c.week.in_(sa.bindparam("weeks", expanding=True)))
    )
)
_CHANGING = ("uid_index", "change", "gone", "leaves_on", "is_rendered", "row_version", "sealed", "proof")
_INSERT, _INSERT_BODY = Prepared(sa.insert(members)), Prepared(sa.insert(member_bodies))
_INSERT_WEEKS = Prepared(sa.insert(member_weeks))
_UPDATE = Prepared(
    sa.update(members)
    .where(members.c.id == sa.bindparam("b_id"))
    .values({name: sa.bindparam(name) for name in _CHANGING})
)
_UPDATE_BODY = Prepared(
    sa.update(member_bodies)
    .where(member_bodies.c.member_id == sa.bindparam("b_id"))
    .values({name: sa.bindparam(name) for name in ("row_version", "sealed")})
)
_BODY_VERSION = sa.select(member_bodies.c.row_version).where(member_bodies.c.member_id == sa.bindparam("b_id"))
_DELETE_BODY = Prepared(sa.delete(member_bodies).where(member_bodies.c.member_id == sa.bindparam("b_id")))
_DELETE_WEEKS = Prepared(sa.delete(member_weeks).where(member_weeks.c.member_id == sa.bindparam("b_id")))


def open_body(store: Store, row: Any, version: int, sealed: bytes) -> bytes:
    """Open the body of the member whose row this is. Raise ``SealBroken``."""
    return store.keyring.unseal(row.user_id, "member_bodies", "sealed", row.id, version, sealed)


def _stored(connection: sa.Connection, place: Place) -> bytes:
    return chains_of(connection).index(place.collection)


def _body_of(store: Store, row: Any) -> bytes | None:
    if (row.body is None) != (row.gone or row.is_rendered):
        raise altered(member_bodies)
    return None if row.body is None else open_body(store, row, row.body_version, row.body)


def member_named(store: Store, connection: sa.Connection, place: Place, name: str) -> HeldMember | None:
    """Return the member of a name, also one that is gone; None where there never was one."""
    row = connection.execute(
        _BY_NAME, {"name": chains_of(connection).index(store.blind.member(place.collection, name))}
    ).first()
    return None if row is None else open_member(store, connection, row)


def members_concerned(
    store: Store, connection: sa.Connection, place: Place, name: str, uid: str
) -> tuple[HeldMember | None, HeldMember | None]:
    """Return the member of a name, also one that is gone, and the one that holds a UID: often the same.

    A UID stands in one member of a collection at most (RFC 4791 4.1).
    """
    named = holder = None
    stands, blind = chains_of(connection).index, store.blind
    keys = {
        "name": stands(blind.member(place.collection, name)),
        "uid": stands(blind.member_uid(place.collection, uid)),
    }
    for row in connection.execute(_CONCERNED, keys):
        held = open_member(store, connection, row)
        named = held if row.name_index == keys["name"] else named
        holder = held if row.uid_index == keys["uid"] else holder
    return named, holder


def changed_since(
    store: Store, connection: sa.Connection, place: Place, position: int | None, most: int | None
) -> list[HeldMember]:
    """Return members, gone ones too, that notices after log position ``position`` changed, in order, ``most`` at once.

    None is for whoever holds nothing, and so none of those that are gone: they are left out.
    """
    query, after = (_FIRST, -1) if position is None else (_SINCE, position)
    given = {
        "collection": _stored(connection, place),
        "position": after,
        "most": _ALL_OF_THEM if most is None else most,
    }
    return [open_member(store, connection, row) for row in connection.execute(query, given)]


def newest_member(store: Store, connection: sa.Connection, place: Place) -> HeldMember | None:
    """Return the member that changed last, gone or not; None in a collection that never had one."""
    row = connection.execute(_NEWEST, {"collection": _stored(connection, place)}).first()
    return None if row is None else open_member(store, connection, row)


def versions_named(store: Store, connection: sa.Connection, place: Place, names: Iterable[str]) -> list[Version]:
    """Return the members of these names; those that are not there are left out."""
    stands = chains_of(connection).index
    keys = [stands(store.blind.member(place.collection, name)) for name in dict.fromkeys(names)]
    return [Version(*row) for group in _grouped(keys) for row in connection.execute(_NAMED, {"names": group}).all()]


def versions_touching(store: Store, connection: sa.Connection, place: Place, weeks: Sequence[str]) -> list[Version]:
    """Return at least the members with an occurrence in these weeks, and all that are not expanded whole."""
    keys = sorted(week_keys(store, connection, place, weeks, is_whole=False))
    found = (Version(*row) for group in _grouped(keys) for row in connection.execute(_TOUCHING, {"weeks": group}).all())
    return list(dict.fromkeys(found))


def bodies_of(
    store: Store, connection: sa.Connection, versions: Sequence[Version]
) -> Iterator[tuple[Version, HeldMember, bytes | None]]:
    """Yield these members, as they stand in the same transaction, with their bodies; None for one that is rendered."""
    for group in _grouped([entry.id for entry in versions]):
        for row in connection.execute(_BODIES, {"ids": group}):
            version = Version(row.id, row.row_version, row.body_version, row.leaves_on or 0)
            yield version, open_member(store, connection, row), _body_of(store, row)


def _grouped(keys: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    return (keys[first : first + _MOST_AT_ONCE] for first in range(0, len(keys), _MOST_AT_ONCE))


def all_versions(connection: sa.Connection, place: Place) -> list[Version]:
    """Return every member that is there, in order of its last change."""
    return [Version(*row) for row in connection.execute(_ALL, {"collection": _stored(connection, place)}).all()]


def versions_rendered(store: Store, connection: sa.Connection, place: Place, uids: Iterable[str]) -> list[Version]:
    """Return those of the members with these UIDs that no client put."""
    stands = chains_of(connection).index
    keys = [stands(store.blind.member_uid(place.collection, uid)) for uid in dict.fromkeys(uids)]
    return [Version(*row) for group in _grouped(keys) for row in connection.execute(_RENDERED, {"uids": group}).all()]


def has_rendered(connection: sa.Connection, place: Place) -> bool:
    """Tell whether a collection has members that no client put."""
    return connection.execute(_ANY_RENDERED, {"collection": _stored(connection, place)}).first() is not None


def members_of_uids(
    store: Store, connection: sa.Connection, place: Place, uids: Iterable[str]
) -> dict[str, HeldMember]:
    """Return the members that hold these UIDs, by UID."""
    stands = chains_of(connection).index
    keys = [stands(store.blind.member_uid(place.collection, uid)) for uid in dict.fromkeys(uids)]
    found = (
        open_member(store, connection, row)
        for group in _grouped(keys)
        for row in connection.execute(_OF_UIDS, {"uids": group})
    )
    return {held.head.uid: held for held in found}


def left_since(
    store: Store, connection: sa.Connection, place: Place, position: int, days: tuple[int, int]
) -> list[HeldMember]:
    """Return the members, unchanged since log position ``position``, that left by the clock after a day, up to another.

    ``days`` are those two, as ordinals.
    """
    given = {"collection": _stored(connection, place), "position": position, "day": days[0], "today": days[1]}
    return [open_member(store, connection, row) for row in connection.execute(_LEFT, given)]


def last_edge(connection: sa.Connection, place: Place, today: int) -> int:
    """Return the last day up to ``today`` on which a member left by the clock alone, 0 if there was none."""
    return connection.execute(_LAST_EDGE, {"collection": _stored(connection, place), "today": today}).scalar_one() or 0


def put_member(store: Store, connection: sa.Connection, place: Place, held: HeldMember | None, new: NewMember) -> None:
    """Write a member, the first of its name or in place of ``held`` (which may be gone)."""
    if held is None:
        insert_members(store, connection, place, [new])
        return
    version = held.row_version + 1
    _rewrite(connection, held, _row(store, connection, place, held.id, version, new))
    _DELETE_WEEKS.run(connection, [{"b_id": held.id}])
    has_body = not held.gone and not held.is_rendered
    if new.body is None:
        _DELETE_BODY.run(connection, [{"b_id": held.id}])
        return
    sealed = store.keyring.seal(place.user_id, "member_bodies", "sealed", held.id, version, new.body)
    if has_body:
        _UPDATE_BODY.run(connection, [{"b_id": held.id, "row_version": version, "sealed": sealed}])
    else:
        _INSERT_BODY.run(connection, [{"member_id": held.id, "row_version": version, "sealed": sealed}])
    weeks = _week_rows(store, connection, place, held.id, new)
    if weeks:
        _INSERT_WEEKS.run(connection, weeks)


def insert_members(store: Store, connection: sa.Connection, place: Place, new: Sequence[NewMember]) -> None:
    """Write members, each the first of its name."""
    stands, named = chains_of(connection).index, [(new_row_id(), entry) for entry in new]
    rows = [
        {
            **_row(store, connection, place, member_id, 1, entry),
            "id": member_id,
            "user_id": place.user_id,
            "collection": stands(place.collection),
            "name_index": stands(store.blind.member(place.collection, entry.head.name)),
        }
        for member_id, entry in named
    ]
    _INSERT.run(connection, [proven(connection, members, row) for row in rows])
    bodies = [
        {
            "member_id": member_id,
            "row_version": 1,
            "sealed": store.keyring.seal(place.user_id, "member_bodies", "sealed", member_id, 1, entry.body),
        }
        for member_id, entry in named
        if entry.body is not None
    ]
    if bodies:
        _INSERT_BODY.run(connection, bodies)
    weeks = [row for member_id, entry in named for row in _week_rows(store, connection, place, member_id, entry)]
    if weeks:
        _INSERT_WEEKS.run(connection, weeks)


def _row(  # noqa: PLR0917 - where, which and what
    store: Store, connection: sa.Connection, place: Place, member_id: bytes, version: int, new: NewMember
) -> dict[str, Any]:
    plain = dump_head(new.head, new.change, gone=False)
    return {
        "uid_index": chains_of(connection).index(store.blind.member_uid(place.collection, new.head.uid)),
        "change": new.change,
        "gone": False,
        "leaves_on": new.head.leaves_on or None,
        "is_rendered": new.body is None,
        "row_version": version,
        "sealed": store.keyring.seal(place.user_id, "members", "sealed", member_id, version, plain),
    }


def _rewrite(connection: sa.Connection, held: HeldMember, changes: dict[str, Any]) -> None:
    lasting = {"id": held.id, "user_id": held.user_id, "collection": held.collection, "name_index": held.name_index}
    values = proven(connection, members, lasting | changes)
    _UPDATE.run(connection, [{"b_id": held.id, **changes, "proof": values["proof"]}])


def _week_rows(
    store: Store, connection: sa.Connection, place: Place, member_id: bytes, new: NewMember
) -> list[dict[str, bytes]]:
    keys = week_keys(store, connection, place, new.weeks, is_whole=new.is_whole)
    return [{"week": key, "member_id": member_id} for key in sorted(keys)]


def week_keys(
    store: Store, connection: sa.Connection, place: Place, weeks: Iterable[str], *, is_whole: bool
) -> frozenset[bytes]:
    """Return what stands in the week index for a member that touches these ISO weeks."""
    named = [*weeks, *([] if is_whole else [_NOT_WHOLE])]
    stands = chains_of(connection).index
    return frozenset(stands(store.blind.member_week(place.collection, week)) for week in named)


def remove_member(store: Store, connection: sa.Connection, held: HeldMember, change: int) -> None:
    """Leave of a member only its name and the change that took it away."""
    _DELETE_WEEKS.run(connection, [{"b_id": held.id}])
    _DELETE_BODY.run(connection, [{"b_id": held.id}])
    version = held.row_version + 1
    head = replace(held.head, leaves_on=0)
    gone = {
        "uid_index": None,
        "change": change,
        "gone": True,
        "leaves_on": None,
        "is_rendered": held.is_rendered,
        "row_version": version,
        "sealed": store.keyring.seal(
            held.user_id, "members", "sealed", held.id, version, dump_head(head, change, gone=True)
        ),
    }
    _rewrite(connection, held, gone)


def let_go(store: Store, connection: sa.Connection, held: HeldMember, today: int) -> None:
    """Forget what a member held; it leaves by the clock on the day ``today``, since nobody changed it."""
    _DELETE_WEEKS.run(connection, [{"b_id": held.id}])
    _DELETE_BODY.run(connection, [{"b_id": held.id}])
    head, version = replace(held.head, uid="", leaves_on=today), held.row_version + 1
    left = {
        "uid_index": None,
        "change": held.change,
        "gone": False,
        "leaves_on": today,
        "is_rendered": True,
        "row_version": version,
        "sealed": store.keyring.seal(
            held.user_id, "members", "sealed", held.id, version, dump_head(head, held.change, gone=False)
        ),
    }
    _rewrite(connection, held, left)


def rewrite_body(store: Store, connection: sa.Connection, held: HeldMember, body: bytes) -> None:
    """Write a member's heavy part anew where nothing that its collection shows of it is different."""
    version = connection.execute(_BODY_VERSION, {"b_id": held.id}).scalar_one() + 1
    sealed = store.keyring.seal(held.user_id, "member_bodies", "sealed", held.id, version, body)
    _UPDATE_BODY.run(connection, [{"b_id": held.id, "row_version": version, "sealed": sealed}])
