"""The Backend over the record: the calendars of one principal, a User's gateways or the scopes of DCC's staff."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from app.caldav.backend import (
    Bounds,
    CalendarCollection,
    CalendarMember,
    CollectionChanges,
    Condition,
    DavPrincipal,
    MemberEntry,
    MemberInstance,
    Reached,
    Stored,
)
from app.caldav.boards.evaluation import Evaluation
from app.caldav.boards.gateway_calendar import GatewayCalendar
from app.caldav.boards.listing_cache import Listings
from app.caldav.boards.member_cache import ReadMembers
from app.caldav.boards.scope_calendar import DCC_CODE, ScopeCalendar
from app.caldav.limits import bounds_at
from app.domain.refusal import AccessRefused
from app.ical.components import CalendarStream
from app.publishing import Publishing
from app.register.members import collection_of
from app.register.register import Register
from app.register.senders import Sender
from app.security.keyring import SERVICE_OWNER
from app.store.engine import Store, read_head
from app.store.properties import read_properties, write_properties
from feeds.scope import SCOPES, FeedScope


@dataclass(frozen=True, slots=True)
class Board:
    """One principal's calendars, for one request; there is nobody else to see.

    ``calendars`` are in order, by their names in small letters. ``key_owner`` holds the key that seals what the
    principal sets on places. ``account`` is who takes turns at large reports: a User, or one of DCC's staff.
    """

    store: Store
    account: str
    reader: DavPrincipal
    key_owner: bytes
    calendars: Mapping[str, GatewayCalendar | ScopeCalendar]
    now: datetime
    evaluation: Evaluation = field(default_factory=Evaluation)

    def bounds(self) -> Bounds:
        """Return what intake takes of one calendar object."""
        return bounds_at(self.now)

    def asker(self) -> DavPrincipal:
        """Return whose calendars these are."""
        return self.reader

    def principal(self, code: str) -> DavPrincipal | None:
        """Return the asker itself."""
        return self.reader if code.lower() == self.reader.code.lower() else None

    def principals(self) -> Sequence[DavPrincipal]:
        """Return the asker itself."""
        return [self.reader]

    def collections(self, owner: str) -> Sequence[CalendarCollection]:
        """Return every calendar of the asker."""
        return [calendar.collection() for calendar in self.calendars.values()] if self.principal(owner) else []

    def collection(self, owner: str, name: str) -> CalendarCollection | None:
        """Return one calendar."""
        calendar = self.calendars.get(name.lower()) if self.principal(owner) else None
        return None if calendar is None else calendar.collection()

    def reached(self, collection: CalendarCollection) -> Reached:
        """Return what a calendar's newest change is, and when it was."""
        return self._calendar(collection).reached()

    def entries(self, collection: CalendarCollection) -> Sequence[MemberEntry]:
        """Return every member, in the calendar's order."""
        return self._calendar(collection).entries()

    def entry(self, collection: CalendarCollection, name: str) -> MemberEntry | None:
        """Return one member."""
        return self._calendar(collection).entry(name)

    def members(self, collection: CalendarCollection, names: Iterable[str]) -> Mapping[str, CalendarMember]:
        """Return members whole, by name."""
        return {member.entry.name: member for member in self._calendar(collection).members(names)}

    def every_member(self, collection: CalendarCollection) -> Iterable[CalendarMember]:
        """Yield every member whole."""
        return self._calendar(collection).every_member()

    def touching(
        self, collection: CalendarCollection, starts: datetime | None, ends: datetime | None
    ) -> Iterable[CalendarMember]:
        """Yield at least the members with an occurrence in the span."""
        return self._calendar(collection).touching(starts, ends)

    def occurring(
        self, collection: CalendarCollection, member: CalendarMember, starts: datetime, ends: datetime
    ) -> Sequence[MemberInstance] | None:
        """Return the instances in a span, evaluated where the member does not hold them."""
        return self.evaluation.instances(collection.name, member, starts, ends)

    def changes(self, collection: CalendarCollection, token: str, most: int | None) -> CollectionChanges:
        """Return what came, changed or went since a token."""
        found = self._calendar(collection).changes(token, None if most is None else max(most, 1))
        # Whoever starts with nothing is told of nothing that is gone.
        return found if token else replace(found, gone=[])

    def put(self, collection: CalendarCollection, name: str, sent: CalendarStream, condition: Condition) -> Stored:
        """Record a notice and store what is kept of its octets."""
        return self._writable(collection).put(name, sent, condition)

    def refuse(self, collection: CalendarCollection, octets: bytes) -> None:
        """Keep the octets of a PUT that the protocol refused."""
        self._writable(collection).refuse(octets)

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
        here, there = self._writable(collection), self._writable(target)
        return here.move(name, there, new_name, condition, overwrite=overwrite)

    def delete(self, collection: CalendarCollection, name: str, condition: Condition) -> bool:
        """Remove a member and withdraw what it announced here and has not started."""
        return self._writable(collection).delete(name, condition)

    def properties(self, place: str) -> Mapping[str, str]:
        """Return what the asker set on a place."""
        with self.store.reading() as connection:
            return read_properties(self.store, connection, self.key_owner, self.reader.code, place)

    def set_properties(self, place: str, changes: Mapping[str, str | None]) -> None:
        """Set elements on a place."""
        with self.store.writing() as connection:
            read_head(connection, lock=True)  # two clients at once write one after the other
            write_properties(self.store, connection, self.key_owner, (self.reader.code, place), changes)

    def _calendar(self, collection: CalendarCollection) -> GatewayCalendar | ScopeCalendar:
        return self.calendars[collection.name.lower()]

    def _writable(self, collection: CalendarCollection) -> GatewayCalendar:
        calendar = self._calendar(collection)
        if isinstance(calendar, ScopeCalendar):
            raise AccessRefused(
                "These calendars are read-only: they say what Users told.", "Users change them by notices."
            )
        return calendar


def board_of_user(
    register: Register, sender: Sender, given_by: str, now: datetime, *, listings: Listings, read_members: ReadMembers
) -> Board:
    """Return a User's board; ``given_by`` is the label of the app password, for the history."""
    user = sender.user
    calendars = {
        gateway.code.lower(): GatewayCalendar(
            register, listings, read_members, collection_of(register, user, gateway), sender.codes, given_by, now
        )
        for gateway in sender.gateways
    }
    # Nobody reads mail at the address, which is of the UID domain.
    reader = DavPrincipal(user.code, user.name, f"mailto:{user.code.lower()}@{register.origin}")
    return Board(register.store, user.code, reader, user.id, calendars, now)


def board_of_dcc(register: Register, publishing: Publishing, label: str, now: datetime) -> Board:
    """Return the board of DCC's staff, who are one principal: every scope that the table has as a calendar.

    ``label`` is that of the token.
    """
    with register.store.reading() as connection:
        head = read_head(connection)
    calendars = {
        kind.value: ScopeCalendar(register, publishing, head, publishing.in_force(FeedScope(kind), head), now)
        for kind, row in SCOPES.items()
        if row.is_calendar
    }
    reader = DavPrincipal(DCC_CODE, "DCC", f"mailto:{DCC_CODE}@{register.origin}")
    return Board(register.store, f"{DCC_CODE} {label}", reader, SERVICE_OWNER, calendars, now)
