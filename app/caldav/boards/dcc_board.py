"""The Backend for DCC staff: what the feeds show, as read-only calendars with incremental sync."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from hashlib import sha256
from typing import NoReturn
from uuid import NAMESPACE_URL, uuid5

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
    TokenUnknown,
)
from app.caldav.boards.feed_changes import Heard, Shown, newest, step_from
from app.caldav.boards.kept_properties import KeptProperties
from app.caldav.limits import bounds_at
from app.domain.refusal import AccessRefused
from app.ical.components import CalendarStream
from app.publishing import Publishing
from app.register.reading import place_in_log
from app.register.register import Register
from app.security.keyring import SERVICE_OWNER
from app.store.engine import Head
from app.store.instants import to_micros
from app.store.log import leaf_at
from feeds.freshness import etag_of
from feeds.header import header_of
from feeds.scope import SCOPES, FeedScope, Takes, last_modified, takes

CODE = "dcc"
_SCOPES = {kind.value: FeedScope(kind) for kind, row in SCOPES.items() if row.is_calendar}
_TOKEN = re.compile(
    r"(?P<change>[0-9]{1,18})\.(?P<revised>[A-Z0-9-]*)_(?P<day>[0-9]{1,8})\.(?P<moved>[A-Z0-9-]*)_"
    r"(?:0|(?P<position>[0-9]{1,18})\.(?P<mark>[0-9a-f]{12}))_(?P<pinned>[0-9]{1,18}\.[0-9]{1,18})"
)


@dataclass(frozen=True, slots=True)
class DccBoard:
    """The scopes as collections, for one request; ``head`` was read for it. A member's name is its reference."""

    register: Register
    publishing: Publishing
    head: Head
    now: datetime

    def bounds(self) -> Bounds:
        """Return what Users' members are held to."""
        return bounds_at(self.now)

    def asker(self) -> DavPrincipal:
        """Return DCC's staff as one principal."""
        return DavPrincipal(CODE, "DCC", f"mailto:{CODE}@{self.register.origin}")

    def principal(self, code: str) -> DavPrincipal | None:
        """Return DCC's staff; there is nobody else to see."""
        return self.asker() if code.lower() == CODE else None

    def principals(self) -> Sequence[DavPrincipal]:
        """Return DCC's staff."""
        return [self.asker()]

    def collections(self, owner: str) -> Sequence[CalendarCollection]:
        """Return one collection for each scope."""
        found = (self.collection(owner, name) for name in _SCOPES)
        return [one for one in found if one is not None]

    def collection(self, owner: str, name: str) -> CalendarCollection | None:
        """Return the collection of one scope."""
        name = name.lower()
        if owner.lower() != CODE or name not in _SCOPES:
            return None
        header = header_of(self._in_force(name))
        return CalendarCollection(
            owner=CODE,
            name=name,
            title=header.name,
            description=header.description,
            writable=False,
            resource_id=str(uuid5(NAMESPACE_URL, f"{self.register.origin}/{CODE}/{name}")),
            created_at=None,
        )

    def reached(self, collection: CalendarCollection) -> Reached:
        """Return what the scope's newest change is, and when it was."""
        scope, everything = self._scope(collection.name)
        today = self._today()
        token = self._token(collection.name, newest(scope, everything, today))
        changed_at = last_modified(scope, (one.entry for one in everything), today)
        return Reached(token, max(changed_at, self.head.others_at))

    def entries(self, collection: CalendarCollection) -> Sequence[MemberEntry]:
        """Return what the scope shows today, in the order of its feed."""
        return [self._entry(one) for one in self._shown(collection)]

    def entry(self, collection: CalendarCollection, name: str) -> MemberEntry | None:
        """Return one closure."""
        return next((self._entry(one) for one in self._shown(collection) if _name(one) == name), None)

    def members(self, collection: CalendarCollection, names: Iterable[str]) -> Mapping[str, CalendarMember]:
        """Return closures whole, by name."""
        wanted = set(names)
        return {_name(one): self._member(one) for one in self._shown(collection) if _name(one) in wanted}

    def every_member(self, collection: CalendarCollection) -> Iterable[CalendarMember]:
        """Yield every closure whole."""
        return (self._member(one) for one in self._shown(collection))

    def touching(
        self, collection: CalendarCollection, starts: datetime | None, ends: datetime | None
    ) -> Iterable[CalendarMember]:
        """Yield the closures whose window shares an instant with the span."""
        for one in self._shown(collection):
            if (ends is None or one.entry.starts < ends) and (starts is None or starts < one.entry.ends):
                yield self._member(one)

    def occurring(
        self,
        collection: CalendarCollection,  # noqa: ARG002 - the seam's signature
        member: CalendarMember,
        starts: datetime,  # noqa: ARG002 - the same
        ends: datetime,  # noqa: ARG002 - the same
    ) -> Sequence[MemberInstance]:
        """Return the one instance that a closure has."""
        return member.instances

    def changes(self, collection: CalendarCollection, token: str, most: int | None) -> CollectionChanges:
        """Return what came, changed or went since a token."""
        scope, everything = self._scope(collection.name)
        since = self._reached(collection.name, token)
        today = self._today()
        step = step_from(since, scope, everything, today, None if most is None else max(most, 1))
        shown = [takes(scope, one.entry, today) for one in step.shown]
        return CollectionChanges(
            [self._entry(one) for one, there in zip(step.shown, shown, strict=True) if there],
            # Whoever starts with nothing is told of nothing that is gone.
            [_name(one) for one, there in zip(step.shown, shown, strict=True) if token and not there],
            self._token(collection.name, step.reached),
            is_cut=step.is_cut,
        )

    def put(self, collection: CalendarCollection, name: str, sent: CalendarStream, condition: Condition) -> Stored:  # noqa: ARG002 - the seam's signature
        """Refuse: these calendars say what Users told."""
        _refuse()

    def refuse(self, collection: CalendarCollection, octets: bytes) -> None:
        """Keep nothing: nobody gives notice here."""

    def move(
        self,
        collection: CalendarCollection,  # noqa: ARG002 - the seam's signature
        name: str,  # noqa: ARG002 - the same
        target: CalendarCollection,  # noqa: ARG002 - the same
        new_name: str,  # noqa: ARG002 - the same
        condition: Condition,  # noqa: ARG002 - the same
        *,
        overwrite: bool,  # noqa: ARG002 - the same
    ) -> Stored:
        """Refuse: these calendars say what Users told."""
        _refuse()

    def delete(self, collection: CalendarCollection, name: str, condition: Condition) -> bool:  # noqa: ARG002 - the seam's signature
        """Refuse: these calendars say what Users told."""
        _refuse()

    def properties(self, place: str) -> Mapping[str, str]:
        """Return what DCC's staff set on a place."""
        return self._kept().properties(place)

    def set_properties(self, place: str, changes: Mapping[str, str | None]) -> None:
        """Set elements on a place."""
        self._kept().set_properties(place, changes)

    def _kept(self) -> KeptProperties:
        return KeptProperties(self.register.store, SERVICE_OWNER, CODE)

    def _today(self) -> date:
        return self.now.astimezone(UTC).date()

    def _in_force(self, name: str) -> FeedScope:
        return self.publishing.in_force(_SCOPES[name], self.head)

    def _scope(self, name: str) -> tuple[FeedScope, Sequence[Shown]]:
        scope = self._in_force(name)
        if scope.row.takes is Takes.DCC_DATES:
            return scope, self.publishing.rendered_dates(self.head)
        return scope, self.publishing.rendered(self.head)

    def _shown(self, collection: CalendarCollection) -> list[Shown]:
        scope, everything = self._scope(collection.name)
        today = self._today()
        return [one for one in everything if takes(scope, one.entry, today)]

    def _entry(self, one: Shown) -> MemberEntry:
        octets = self.publishing.object_of(one)
        return MemberEntry(_name(one), etag_of(octets)[:32], len(octets), one.entry.created, one.entry.changed)

    def _member(self, one: Shown) -> CalendarMember:
        instance = MemberInstance(one.entry.starts, one.entry.ends)
        return CalendarMember(
            self._entry(one), self.publishing.uid_of(one), self.publishing.object_of(one), (instance,)
        )

    def _token(self, name: str, reached: Heard) -> str:
        """Return a token: where it has come, what marks this timeline, and what is the same for all that it saw."""
        (change, reference), (day, moved) = reached.revision, reached.edge
        mark = "0"
        if reference:
            position, leaf = self._place_of(name, reached)
            mark = f"{position}.{_mark(name, leaf)}"
        return f"{change}.{reference}_{day}.{moved}_{mark}_{self._pinned(name)}"

    def _reached(self, name: str, token: str) -> Heard:
        """Return where a token stands. Raise ``TokenUnknown``, also once other names or rules are in force."""
        if not token:
            return Heard()
        found = _TOKEN.fullmatch(token)
        if found is None or found["pinned"] != self._pinned(name):
            raise TokenUnknown
        reached = Heard((int(found["change"]), found["revised"]), (int(found["day"]), found["moved"]))
        if found["mark"] is not None:
            leaf = self._leaf_at(name, int(found["position"]), reached)
            if leaf is None or _mark(name, leaf) != found["mark"]:
                raise TokenUnknown
        return reached

    def _pinned(self, name: str) -> str:
        """Return what changes members without changing a closure: names and rules; of DCC's own, how long they show."""
        if _is_of_dcc(name):
            return f"0.{self.register.rules.at(self.head.rules).retention.version}"
        return f"{self.head.parties}.{self.head.rules}"

    def _place_of(self, name: str, reached: Heard) -> tuple[int, bytes]:
        """Return the place in the record that was reached, and what stands there and nowhere else.

        Of a closure it is its last revision's leaf: where an older backup was restored, the log has another there.
        DCC's own windows have no log: there it is every entry up to then, so that none comes in before it unseen.
        """
        if not _is_of_dcc(name):
            return place_in_log(self.register, reached.revision[1])
        entries = self.register.rules.at(self.head.rules).maintenance
        told = sorted((to_micros(one.received_at), one.reference, one.number) for one in entries)
        earlier = [entry for entry in told if entry[:2] <= reached.revision]
        return len(earlier), repr(earlier).encode()

    def _leaf_at(self, name: str, position: int, reached: Heard) -> bytes | None:
        if _is_of_dcc(name):
            place, leaf = self._place_of(name, reached)
            return leaf if place == position else None
        with self.register.store.reading() as connection:
            return leaf_at(connection, position)


def _is_of_dcc(name: str) -> bool:
    return _SCOPES[name].row.takes is Takes.DCC_DATES


def _name(one: Shown) -> str:
    return f"{one.entry.reference}.ics"


def _mark(name: str, leaf: bytes) -> str:
    return sha256(name.encode() + leaf).hexdigest()[:12]


def _refuse() -> NoReturn:
    raise AccessRefused("These calendars are read-only: they say what Users told.", "Users change them by notices.")
