"""What the record holds of one gateway of a User, as a calendar in which a PUT is a notice."""

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from app.caldav.backend import (
    CalendarCollection,
    CalendarMember,
    CollectionChanges,
    Condition,
    DestinationTaken,
    MemberEntry,
    NoRoom,
    ObjectRefused,
    Reached,
    Stale,
    Stored,
    TokenUnknown,
)
from app.caldav.boards.evaluation import instance_of
from app.caldav.boards.listing_cache import Listings, entry_of
from app.caldav.boards.member_cache import ReadMembers
from app.caldav.boards.object_refusal import refusal_of
from app.caldav.boards.receipt_line import receipt_line
from app.caldav.boards.sync_mark import check_mark, mark_of
from app.caldav.limits import LIMITS
from app.domain.notice import Channel, Notice
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
    deletion_notice,
    move_member,
    move_notice,
    receive_member,
    remove_member,
)
from app.register.planned_limit import TooManyPlanned
from app.register.receive import keep_notice
from app.register.register import Register
from app.register.rendered_members import read_rendered, rendered_touching
from app.store import members
from app.store.engine import Connection
from app.store.log import leaf_at
from app.store.member_heads import HeldMember, MemberHead, Place, Version
from feeds.scope import EPOCH

_EMPTY = "0"  # the token of a collection in which nothing ever stood
_TOKEN = re.compile(r"(?P<position>[0-9]{1,18})-(?P<mark>[0-9a-f]{12})-(?P<day>[0-9]{1,7})", re.ASCII)
_AT_ONCE = 100  # members opened together
_WIDEST = timedelta(weeks=260)  # a longer span looks at every member instead


@dataclass(frozen=True, slots=True)
class GatewayCalendar:
    """One gateway's calendar, for one request; ``gateway_collection`` is what the register knows it by.

    ``codes`` are those of all the User's gateways. ``given_by`` is the label of the app password, for the history.
    """

    register: Register
    listings: Listings
    read_members: ReadMembers
    gateway_collection: GatewayCollection
    codes: tuple[str, ...]
    given_by: str
    now: datetime

    def collection(self) -> CalendarCollection:
        """Return the calendar as its home lists it."""
        gateway = self.gateway_collection.gateway
        return CalendarCollection(
            owner=self.gateway_collection.user.code,
            name=gateway.code,
            title=gateway.name,
            description=f"Planned closures of gateway {gateway.code}: an event here is a notice to the DCC.",
            writable=True,
            resource_id=str(UUID(bytes=self._place.collection)),
            created_at=None,
        )

    def reached(self) -> Reached:
        """Return the number of the last change of a member, and when it was."""
        with self.register.store.reading() as connection:
            newest = members.newest_member(self.register.store, connection, self._place)
            edge = members.last_edge(connection, self._place, self._today())
            return Reached(self._token(connection, newest, edge), newest.head.changed_at if newest else EPOCH)

    def entries(self) -> Sequence[MemberEntry]:
        """Return every member in order of its last change."""
        with self.register.store.reading() as connection:
            return self._listed(connection)[0]

    def entry(self, name: str) -> MemberEntry | None:
        """Return one member."""
        with self.register.store.reading() as connection:
            held = members.member_named(self.register.store, connection, self._place, name)
        return entry_of(held.head) if held is not None and held.stands(self._today()) else None

    def members(self, names: Iterable[str]) -> Iterable[CalendarMember]:
        """Return members of these names whole."""
        with self.register.store.reading() as connection:
            found = members.versions_named(self.register.store, connection, self._place, names)
            return self._opened(connection, found)

    def every_member(self) -> Iterable[CalendarMember]:
        """Yield every member whole."""
        with self.register.store.reading() as connection:
            yield from self._in_parts(connection, members.all_versions(connection, self._place))

    def touching(self, starts: datetime | None, ends: datetime | None) -> Iterable[CalendarMember]:
        """Yield at least the members with an occurrence in the span, found by the weeks that it touches."""
        if starts is None or ends is None or ends - starts > _WIDEST:
            yield from self.every_member()
            return
        weeks = weeks_touched(starts, ends)
        store, place = self.register.store, self._place
        with store.reading() as connection:
            found = members.versions_touching(store, connection, place, weeks)
            uids = rendered_touching(self.register, connection, self.gateway_collection, weeks)
            found += members.versions_rendered(store, connection, place, uids)
            yield from self._in_parts(connection, list(dict.fromkeys(found)))

    def changes(self, token: str, most: int | None) -> CollectionChanges:
        """Return what changed since a token: at any limit nothing is passed over, since each change has its number."""
        store, place, today = self.register.store, self._place, self._today()
        with store.reading() as connection:
            edge = members.last_edge(connection, place, today)
            if not token and most is None:
                entries, newest = self._listed(connection)
                return CollectionChanges(entries, [], self._token(connection, newest, edge))
            position, day = self._reached(connection, token)
            asked = None if most is None else most + 1
            found = members.changed_since(store, connection, place, position if token else None, asked)
            is_cut = asked is not None and len(found) == asked
            if is_cut:
                found, left = _whole_changes(found), []
                reached = self._token(connection, found[-1], day)
            else:
                left = members.left_since(store, connection, place, position, (day, today))
                reached = self._token(connection, members.newest_member(store, connection, place), edge)
            here = [entry_of(held.head) for held in found if held.stands(today)]
            gone = [held.head.name for held in (*found, *left) if not held.stands(today)]
            return CollectionChanges(here, gone, reached, is_cut=is_cut)

    def put(self, name: str, sent: CalendarStream, condition: Condition) -> Stored:
        """Record a notice and store what is kept of its octets; what intake cannot read is recorded and refused."""
        notice = self._notice(sent.octets)
        try:
            new = self._read(name, sent)
            with _protocol_refusals():
                kept = receive_member(self.register, self.gateway_collection, new, notice, _allowed(condition))
        except ObjectRefused:
            keep_notice(self.register, self.gateway_collection.user, notice)
            raise
        return _stored(kept)

    def refuse(self, octets: bytes) -> None:
        """Keep the octets of a PUT that the protocol refused: a notice is the User's, wherever it was sent."""
        keep_notice(self.register, self.gateway_collection.user, self._notice(octets))

    def move(
        self, name: str, target: "GatewayCalendar", new_name: str, condition: Condition, *, overwrite: bool
    ) -> Stored:
        """Move a member, and with it its closures, in one transaction."""
        source, destination = (self.gateway_collection, name), (target.gateway_collection, new_name)
        notice = move_notice(destination, name, self.given_by, self.now)
        with _protocol_refusals():
            kept = move_member(self.register, source, destination, notice, _allowed(condition), overwrite=overwrite)
        if kept is None:
            raise Stale(None)
        return _stored(kept)

    def delete(self, name: str, condition: Condition) -> bool:
        """Remove a member and withdraw what it announced here and has not started."""
        here = self.gateway_collection
        notice = deletion_notice(here, name, self.given_by, self.now)
        with _protocol_refusals():
            return remove_member(self.register, here, name, notice, _allowed(condition)) is not None

    @property
    def _place(self) -> Place:
        return self.gateway_collection.place

    def _today(self) -> int:
        return self.now.astimezone(UTC).toordinal()

    def _in_parts(self, connection: Connection, versions: Sequence[Version]) -> Iterator[CalendarMember]:
        """Yield members whole, opening no more than are soon asked for: whoever reads them may have had enough."""
        for first in range(0, len(versions), _AT_ONCE):
            yield from self._opened(connection, versions[first : first + _AT_ONCE])

    def _opened(self, connection: Connection, versions: Sequence[Version]) -> Sequence[CalendarMember]:
        store, today = self.register.store, self._today()

        def opened(missing: Sequence[Version]) -> Iterator[tuple[Version, CalendarMember]]:
            rendered = []
            for version, held, body in members.bodies_of(store, connection, missing):
                if body is None:
                    rendered.append((version, held))
                elif not held.gone:
                    yield version, _member(held, load_body(body))
            heads = [held.head for _, held in rendered]
            bodies = read_rendered(self.register, connection, self.gateway_collection, heads)
            for version, held in rendered:
                if held.head.uid in bodies:
                    yield version, _member(held, bodies[held.head.uid])

        here = [version for version in versions if not 0 < version.leaves_on <= today]
        return self.read_members.read(here, opened)

    def _listed(self, connection: Connection) -> tuple[Sequence[MemberEntry], HeldMember | None]:
        store, place = self.register.store, self._place
        newest = members.newest_member(store, connection, place)
        return self.listings.read(store, connection, place, newest, self._today()), newest

    def _token(self, connection: Connection, newest: HeldMember | None, edge: int) -> str:
        """Return the place of the last change, its mark, and the last day on which a member left by the clock alone."""
        if newest is None:
            return _EMPTY
        leaf = leaf_at(connection, newest.change)
        assert leaf is not None
        return f"{newest.change}-{mark_of(self._place.collection, leaf)}-{edge}"

    def _reached(self, connection: Connection, token: str) -> tuple[int, int]:
        """Return the place in the log that a token stands for, -1 before all, and its edge. Raise ``TokenUnknown``."""
        if token in {"", _EMPTY}:
            return -1, 0
        found = _TOKEN.fullmatch(token)
        if found is None:
            raise TokenUnknown
        check_mark(found["mark"], self._place.collection, leaf_at(connection, int(found["position"])))
        return int(found["position"]), int(found["day"])

    def _read(self, name: str, sent: CalendarStream) -> NewObject:
        """Return what intake reads of an object. Raise ``ObjectRefused``."""
        code = self.gateway_collection.gateway.code
        request = ReadRequest(self.now, self.codes, code, LIMITS, allow_long=True)  # nobody could confirm it here
        try:
            found = read_object(sent, request)
        except (NoticeTooLarge, NoticeUnreadable) as unread:
            raise refusal_of(unread) from unread
        if found.reading.problems or not found.uid:
            raise refusal_of(NoticeUnreadable("", problems=found.reading.problems))
        return NewObject(name, found.uid, found.reading, found.instances, found.complete_from, found.complete_until)

    def _notice(self, octets: bytes) -> Notice:
        user = self.gateway_collection.user
        return Notice(user.code, Channel.CALDAV, self.now, CALENDAR_MEDIA_TYPE, octets, self.given_by)


@contextmanager
def _protocol_refusals() -> Iterator[None]:
    """Put what the register refuses in the words of the protocol."""
    try:
        yield
    except MemberStale as stale:
        raise Stale(entry_of(stale.head) if stale.head else None) from stale
    except MemberExists as taken:
        raise DestinationTaken from taken
    except TooManyPlanned as full:
        raise NoRoom(f"{full.text} {full.remedy}") from full
    except UidTaken as taken:
        raise ObjectRefused("no-uid-conflict", f"{taken.text} {taken.remedy}", taken.name) from taken


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
