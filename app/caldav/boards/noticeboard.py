"""The Backend over the register: a User's gateways as calendar collections, where a PUT is a notice."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from uuid import UUID

from app.caldav.backend import (
    Bounds,
    CalendarCollection,
    CalendarMember,
    CollectionChanges,
    Condition,
    DavPrincipal,
    DestinationTaken,
    MemberEntry,
    MemberInstance,
    ObjectRefused,
    Reached,
    Stale,
    Stored,
    TokenUnknown,
)
from app.caldav.boards.evaluation import Evaluation, instance_of
from app.caldav.boards.kept_properties import KeptProperties
from app.caldav.boards.listing_cache import Listings, entry_of
from app.caldav.boards.member_cache import ReadMembers
from app.caldav.boards.object_refusal import refusal_of
from app.caldav.boards.receipt_line import receipt_line
from app.caldav.limits import LIMITS, bounds_at
from app.domain.notice import Channel, Notice
from app.domain.party import Gateway, User
from app.domain.refusal import NoticeTooLarge, NoticeUnreadable
from app.domain.window import weeks_touched
from app.ical.components import CalendarStream
from app.intake.calendar_object import read_object
from app.intake.read_request import ReadRequest
from app.register.member_body import MemberBody, load_body
from app.register.members import (
    CALENDAR_MEDIA_TYPE,
    Allowed,
    GatewayCollection,
    Kept,
    MemberExists,
    MemberStale,
    NewObject,
    UidTaken,
    collection_of,
    deletion_notice,
    move_member,
    move_notice,
    receive_member,
    remove_member,
)
from app.register.receive import keep_notice
from app.register.register import Register
from app.register.rendered_members import read_rendered, rendered_touching
from app.store import members
from app.store.engine import Connection
from app.store.log import leaf_at
from app.store.members import HeldMember, MemberHead, Place, Version
from feeds.scope import EPOCH

_EMPTY = "0"  # the token of a collection in which nothing ever stood
_TOKEN = re.compile(r"(?P<position>[0-9]{1,18})-(?P<mark>[0-9a-f]{12})-(?P<day>[0-9]{1,7})", re.ASCII)
_AT_ONCE = 500  # members opened together
_WIDEST = timedelta(weeks=260)  # a longer span looks at every member instead


@dataclass(frozen=True, slots=True)
class Noticeboard:
    """One User's calendars, for one request. ``given_by`` is the label of the app password, for the history."""

    register: Register
    listings: Listings
    read_members: ReadMembers
    user: User
    gateways: Sequence[Gateway]
    given_by: str
    now: datetime
    evaluation: Evaluation = field(default_factory=Evaluation)

    def bounds(self) -> Bounds:
        """Return what intake takes of one calendar object."""
        return bounds_at(self.now)

    def asker(self) -> DavPrincipal:
        """Return the User as a principal; nobody reads mail at its address, which is of the UID domain."""
        return DavPrincipal(self.user.code, self.user.name, f"mailto:{self.user.code.lower()}@{self.register.origin}")

    def principal(self, code: str) -> DavPrincipal | None:
        """Return the User itself; there is nobody else to see."""
        return self.asker() if code.upper() == self.user.code else None

    def principals(self) -> Sequence[DavPrincipal]:
        """Return the User itself."""
        return [self.asker()]

    def collections(self, owner: str) -> Sequence[CalendarCollection]:
        """Return the User's collections by the codes of their gateways."""
        if owner.upper() != self.user.code:
            return []
        return [self._collection(gateway) for gateway in self.gateways]

    def collection(self, owner: str, name: str) -> CalendarCollection | None:
        """Return the collection of one gateway."""
        gateway = self._gateway(name)
        if owner.upper() != self.user.code or gateway is None:
            return None
        return self._collection(gateway)

    def reached(self, collection: CalendarCollection) -> Reached:
        """Return the number of the last change of a member, and when it was."""
        store, place = self.register.store, self._place(collection)
        with store.reading() as connection:
            newest = members.newest_member(store, connection, place)
            changed_at = newest.head.changed_at if newest else EPOCH
            return Reached(self._token(connection, place, newest), changed_at)

    def entries(self, collection: CalendarCollection) -> Sequence[MemberEntry]:
        """Return every member in order of its last change."""
        with self.register.store.reading() as connection:
            return self._listed(connection, self._place(collection))[0]

    def entry(self, collection: CalendarCollection, name: str) -> MemberEntry | None:
        """Return one member."""
        with self.register.store.reading() as connection:
            held = members.member_named(self.register.store, connection, self._place(collection), name)
        return entry_of(held.head) if held is not None and held.stands(self._today()) else None

    def members(self, collection: CalendarCollection, names: Iterable[str]) -> Mapping[str, CalendarMember]:
        """Return members whole, by name."""
        with self.register.store.reading() as connection:
            place = self._place(collection)
            found = members.versions_named(self.register.store, connection, place, names)
            return {one.entry.name: one for one in self._opened(connection, collection, found)}

    def every_member(self, collection: CalendarCollection) -> Iterable[CalendarMember]:
        """Yield every member whole."""
        with self.register.store.reading() as connection:
            found = members.all_versions(connection, self._place(collection))
            for first in range(0, len(found), _AT_ONCE):
                yield from self._opened(connection, collection, found[first : first + _AT_ONCE])

    def touching(
        self, collection: CalendarCollection, starts: datetime | None, ends: datetime | None
    ) -> Iterable[CalendarMember]:
        """Yield at least the members with an occurrence in the span, found by the weeks that it touches."""
        if starts is None or ends is None or ends - starts > _WIDEST:
            yield from self.every_member(collection)
            return
        weeks = weeks_touched(starts, ends)
        with self.register.store.reading() as connection:
            place = self._place(collection)
            found = members.versions_touching(self.register.store, connection, place, weeks)
            uids = rendered_touching(self.register, connection, self._shelf(collection), weeks)
            found += members.versions_rendered(self.register.store, connection, place, uids)
            yield from self._opened(connection, collection, list(dict.fromkeys(found)))

    def occurring(
        self, collection: CalendarCollection, member: CalendarMember, starts: datetime, ends: datetime
    ) -> Sequence[MemberInstance] | None:
        """Return the instances in a span, evaluated where they were not expanded at PUT."""
        return self.evaluation.instances(collection.name, member, starts, ends)

    def changes(self, collection: CalendarCollection, token: str, most: int | None) -> CollectionChanges:
        """Return what changed since a token: at any limit nothing is passed over, since each change has its number."""
        store, place, today = self.register.store, self._place(collection), self._today()
        with store.reading() as connection:
            if not token and most is None:
                entries, newest = self._listed(connection, place)
                return CollectionChanges(entries, [], self._token(connection, place, newest))
            position, day = _reached(connection, place, token)
            asked = None if most is None else max(most, 1) + 1
            found = members.changed_since(store, connection, place, position, asked)
            is_cut = asked is not None and len(found) == asked
            if is_cut:
                found = _whole_changes(found)
            newest = members.newest_member(store, connection, place)
            # Whoever starts with nothing is told of nothing that is gone.
            left = [] if is_cut or not token else members.left_since(store, connection, place, position, (day, today))
            here = [held for held in found if held.stands(today)]
            return CollectionChanges(
                [entry_of(held.head) for held in here],
                [held.head.name for held in (*found, *left) if token and not held.stands(today)],
                _token(connection, place, found[-1], day) if is_cut else self._token(connection, place, newest),
                is_cut=is_cut,
            )

    def put(self, collection: CalendarCollection, name: str, sent: CalendarStream, condition: Condition) -> Stored:
        """Record a notice and store what is kept of its octets; what intake cannot read is recorded and refused."""
        shelf, notice = self._shelf(collection), self._notice(sent.octets)
        codes = tuple(gateway.code for gateway in self.gateways)
        request = ReadRequest(
            self.now, codes, shelf.gateway.code, LIMITS, allow_long=True
        )  # nobody could confirm it here
        try:
            found = read_object(sent, request)
        except (NoticeTooLarge, NoticeUnreadable) as unread:
            keep_notice(self.register, self.user, notice)
            raise refusal_of(unread) from unread
        if found.reading.problems or not found.uid:
            keep_notice(self.register, self.user, notice)
            raise refusal_of(NoticeUnreadable("", problems=found.reading.problems))
        bounds = found.complete_from, found.complete_until
        new = NewObject(name, found.uid, found.reading, found.instances, *bounds)
        try:
            kept = receive_member(self.register, shelf, new, notice, _allowed(condition))
        except MemberStale as stale:
            raise Stale(entry_of(stale.head) if stale.head else None) from stale
        except UidTaken as taken:
            keep_notice(self.register, self.user, notice)
            raise ObjectRefused("no-uid-conflict", f"{taken.text} {taken.remedy}", taken.name) from taken
        return _stored(kept)

    def refuse(self, collection: CalendarCollection, octets: bytes) -> None:  # noqa: ARG002 - a notice is the User's, wherever it was sent
        """Keep the octets of a PUT that the protocol refused."""
        keep_notice(self.register, self.user, self._notice(octets))

    def move(
        self,
        collection: CalendarCollection,
        name: str,
        target: CalendarCollection,
        new_name: str,
        condition: Condition,
        *,
        overwrite: bool,
    ) -> Stored:
        """Move a member, and with it its closures, in one transaction."""
        here, there = self._shelf(collection), self._shelf(target)
        notice = move_notice((there, new_name), name, self.given_by, self.now)
        allowed = _allowed(condition)
        try:
            kept = move_member(self.register, (here, name), (there, new_name), notice, allowed, overwrite=overwrite)
        except MemberStale as stale:
            raise Stale(entry_of(stale.head) if stale.head else None) from stale
        except MemberExists as taken:
            raise DestinationTaken from taken
        except UidTaken as taken:
            raise ObjectRefused("no-uid-conflict", f"{taken.text} {taken.remedy}", taken.name) from taken
        if kept is None:
            raise Stale(None)
        return _stored(kept)

    def delete(self, collection: CalendarCollection, name: str, condition: Condition) -> bool:
        """Remove a member and withdraw what it announced here and has not started."""
        shelf = self._shelf(collection)
        notice = deletion_notice(shelf, name, self.given_by, self.now)
        try:
            return remove_member(self.register, shelf, name, notice, _allowed(condition)) is not None
        except MemberStale as stale:
            raise Stale(entry_of(stale.head) if stale.head else None) from stale

    def properties(self, place: str) -> Mapping[str, str]:
        """Return what this User set on a place."""
        return self._kept().properties(place)

    def set_properties(self, place: str, changes: Mapping[str, str | None]) -> None:
        """Set elements on a place."""
        self._kept().set_properties(place, changes)

    def _opened(
        self, connection: Connection, collection: CalendarCollection, versions: Sequence[Version]
    ) -> Sequence[CalendarMember]:
        store, shelf, today = self.register.store, self._shelf(collection), self._today()

        def opened(missing: Sequence[Version]) -> Iterator[tuple[Version, CalendarMember]]:
            rendered = []
            for version, held, body in members.bodies_of(store, connection, missing):
                if body is None:
                    rendered.append((version, held))
                elif not held.gone:
                    yield version, _member(held, load_body(body))
            bodies = read_rendered(self.register, connection, shelf, [held.head for _, held in rendered])
            for version, held in rendered:
                if held.head.uid in bodies:
                    yield version, _member(held, bodies[held.head.uid])

        here = [version for version in versions if not 0 < version.leaves_on <= today]
        return self.read_members.read(here, opened)

    def _listed(self, connection: Connection, place: Place) -> tuple[Sequence[MemberEntry], HeldMember | None]:
        newest = members.newest_member(self.register.store, connection, place)
        return self.listings.read(self.register.store, connection, place, newest, self._today()), newest

    def _today(self) -> int:
        return self.now.astimezone(UTC).toordinal()

    def _token(self, connection: Connection, place: Place, newest: HeldMember | None) -> str:
        """Return the token of all that there is today."""
        if newest is None:
            return _EMPTY
        return _token(connection, place, newest, members.last_edge(connection, place, self._today()))

    def _kept(self) -> KeptProperties:
        return KeptProperties(self.register.store, self.user.id, self.user.code)

    def _gateway(self, name: str) -> Gateway | None:
        return next((gateway for gateway in self.gateways if gateway.code == name.upper()), None)

    def _shelf(self, collection: CalendarCollection) -> GatewayCollection:
        gateway = self._gateway(collection.name)
        assert gateway is not None  # the collection came from this board
        return collection_of(self.register, self.user, gateway)

    def _place(self, collection: CalendarCollection) -> Place:
        return self._shelf(collection).place

    def _collection(self, gateway: Gateway) -> CalendarCollection:
        place = collection_of(self.register, self.user, gateway).place
        return CalendarCollection(
            owner=self.user.code,
            name=gateway.code,
            title=gateway.name,
            description=f"Planned closures of gateway {gateway.code}: an event here is a notice to the DCC.",
            writable=True,
            resource_id=str(UUID(bytes=place.collection)),
            created_at=None,
        )

    def _notice(self, octets: bytes) -> Notice:
        return Notice(self.user.code, Channel.CALDAV, self.now, CALENDAR_MEDIA_TYPE, octets, self.given_by)


def _allowed(condition: Condition) -> Allowed:
    def holds(head: MemberHead | None) -> bool:
        return condition.holds(None, None) if head is None else condition.holds(head.etag, head.changed_at)

    return Allowed(holds, is_stated=condition != Condition())


def _stored(kept: Kept) -> Stored:
    return Stored(
        entry_of(kept.head), kept.created, kept.is_as_sent, receipt=receipt_line(kept.outcome), also_at=kept.also_at
    )


def _member(held: HeldMember, body: MemberBody) -> CalendarMember:
    instances = tuple(map(instance_of, body.instances))
    bounds = body.complete_from, body.complete_until
    return CalendarMember(entry_of(held.head), held.head.uid, body.octets, instances, *bounds, body.receipt)


def _whole_changes(found: list[HeldMember]) -> list[HeldMember]:
    """Return a cut list that ends where a change ends: one act may have changed two members."""
    kept = [held for held in found if held.change < found[-1].change]
    return kept or found


def _token(connection: Connection, place: Place, newest: HeldMember, day: int) -> str:
    """Return the place of the last change, what tells it from the same place on another timeline, and the last edge.

    An edge is a day on which a member left by the clock alone.
    """
    leaf = leaf_at(connection, newest.change)
    assert leaf is not None
    return f"{newest.change}-{_mark(place, leaf)}-{day}"


def _mark(place: Place, leaf: bytes) -> str:
    return sha256(place.collection + leaf).hexdigest()[:12]


def _reached(connection: Connection, place: Place, token: str) -> tuple[int, int]:
    """Return the place in the log that a token stands for, -1 before all, and its last edge. Raise ``TokenUnknown``.

    The mark is of the leaf at that place: where an older backup was restored the log has another one there, while the
    tokens given before that backup go on. A token of another collection is none of this one's.
    """
    if token in {"", _EMPTY}:
        return -1, 0
    found = _TOKEN.fullmatch(token)
    if found is None:
        raise TokenUnknown
    leaf = leaf_at(connection, int(found["position"]))
    if leaf is None or _mark(place, leaf) != found["mark"]:
        raise TokenUnknown
    return int(found["position"]), int(found["day"])
