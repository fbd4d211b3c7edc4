"""The Backend for DCC staff: what the feeds show, as read-only calendars with incremental sync."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from hashlib import sha256
from typing import NoReturn
from uuid import NAMESPACE_URL, uuid5

from app.caldav.allowed import bounds_at
from app.caldav.backend import (
    Bounds,
    Changes,
    Collection,
    Condition,
    Entry,
    Instance,
    Member,
    Principal,
    Stored,
    TokenUnknown,
)
from app.caldav.feed_changes import Reached, newest, step_from
from app.caldav.kept_properties import KeptProperties
from app.domain.refusal import AccessRefused
from app.publishing import Publishing, Rendered
from app.register.reading import place_in_log
from app.register.register import Register
from app.security.keyring import SERVICE_OWNER
from app.store.engine import Head
from app.store.log import leaf_at
from feeds.freshness import etag_of
from feeds.header import header_of
from feeds.scope import EPOCH, FeedScope, ScopeKind, last_modified, takes

CODE = "dcc"
# DCC's own dates of maintenance have no scope of the feeds yet: their collection is there, and empty.
_SCOPES: Mapping[str, FeedScope | None] = {
    "all": FeedScope(ScopeKind.ALL),
    "late": FeedScope(ScopeKind.LATE),
    "maintenance": None,
}
_MAINTENANCE = ("DCC planned maintenance", "The dates of planned maintenance on DCC Systems.")
_TOKEN = re.compile(
    r"(?P<change>[0-9]{1,18})\.(?P<revised>[A-Z0-9-]*)_(?P<day>[0-9]{1,8})\.(?P<moved>[A-Z0-9-]*)_"
    r"(?:0|(?P<position>[0-9]{1,18})\.(?P<mark>[0-9a-f]{12}))_(?P<parties>[0-9]{1,18})\.(?P<rules>[0-9]{1,18})"
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

    def asker(self) -> Principal:
        """Return DCC's staff as one principal."""
        return Principal(CODE, "DCC", f"mailto:{CODE}@{self.register.origin}")

    def principal(self, code: str) -> Principal | None:
        """Return DCC's staff; there is nobody else to see."""
        return self.asker() if code.lower() == CODE else None

    def principals(self) -> Sequence[Principal]:
        """Return DCC's staff."""
        return [self.asker()]

    def collections(self, owner: str) -> Sequence[Collection]:
        """Return one collection for each scope."""
        found = (self.collection(owner, name) for name in _SCOPES)
        return [one for one in found if one is not None]

    def collection(self, owner: str, name: str) -> Collection | None:
        """Return the collection of one scope."""
        name = name.lower()
        if owner.lower() != CODE or name not in _SCOPES:
            return None
        scope, everything = self._scope(name)
        title, description = _MAINTENANCE
        if scope is not None:
            header = header_of(scope)
            title, description = header.name, header.description
        entries = (one.entry for one in everything)
        return Collection(
            owner=CODE,
            name=name,
            title=title,
            description=description,
            writable=False,
            token=self._token(name, newest(scope, everything, self._today()) if scope else Reached()),
            resource_id=str(uuid5(NAMESPACE_URL, f"{self.register.origin}/{CODE}/{name}")),
            created_at=EPOCH,
            changed_at=last_modified(scope, entries, self._today()) if scope else EPOCH,
        )

    def entries(self, collection: Collection) -> Sequence[Entry]:
        """Return what the scope shows today, in the order of its feed."""
        return [self._entry(one) for one in self._shown(collection)]

    def entry(self, collection: Collection, name: str) -> Entry | None:
        """Return one closure."""
        return next((self._entry(one) for one in self._shown(collection) if _name(one) == name), None)

    def members(self, collection: Collection, names: Iterable[str]) -> Mapping[str, Member]:
        """Return closures whole, by name."""
        wanted = set(names)
        return {_name(one): self._member(one) for one in self._shown(collection) if _name(one) in wanted}

    def every_member(self, collection: Collection) -> Iterable[Member]:
        """Yield every closure whole."""
        return (self._member(one) for one in self._shown(collection))

    def touching(self, collection: Collection, starts: datetime | None, ends: datetime | None) -> Iterable[Member]:
        """Yield the closures whose window shares an instant with the span."""
        for one in self._shown(collection):
            if (ends is None or one.entry.starts < ends) and (starts is None or starts < one.entry.ends):
                yield self._member(one)

    def occurring(
        self,
        collection: Collection,  # noqa: ARG002 - the seam's signature
        member: Member,
        starts: datetime,  # noqa: ARG002 - the same
        ends: datetime,  # noqa: ARG002 - the same
    ) -> Sequence[Instance]:
        """Return the one instance that a closure has."""
        return member.instances

    def changes(self, collection: Collection, token: str, most: int | None) -> Changes:
        """Return what came, changed or went since a token."""
        scope, everything = self._scope(collection.name)
        since = self._reached(collection.name, token)
        if scope is None:
            return Changes([], [], collection.token)
        today = self._today()
        step = step_from(since, scope, everything, today, None if most is None else max(most, 1))
        shown = [takes(scope, one.entry, today) for one in step.closures]
        return Changes(
            [self._entry(one) for one, there in zip(step.closures, shown, strict=True) if there],
            # Whoever starts with nothing is told of nothing that is gone.
            [_name(one) for one, there in zip(step.closures, shown, strict=True) if token and not there],
            self._token(collection.name, step.reached),
            is_cut=step.is_cut,
        )

    def put(self, collection: Collection, name: str, octets: bytes, condition: Condition) -> Stored:  # noqa: ARG002 - the seam's signature
        """Refuse: these calendars say what Users told."""
        _refuse()

    def refuse(self, collection: Collection, octets: bytes) -> None:
        """Keep nothing: nobody gives notice here."""

    def delete(self, collection: Collection, name: str, condition: Condition) -> bool:  # noqa: ARG002 - the seam's signature
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

    def _scope(self, name: str) -> tuple[FeedScope | None, Sequence[Rendered]]:
        scope = _SCOPES[name]
        if scope is None:
            return None, ()
        return self.publishing.in_force(scope, self.head), self.publishing.rendered(self.head)

    def _shown(self, collection: Collection) -> list[Rendered]:
        scope, everything = self._scope(collection.name)
        today = self._today()
        return [one for one in everything if scope is not None and takes(scope, one.entry, today)]

    def _entry(self, one: Rendered) -> Entry:
        octets = self.publishing.object_of(one)
        return Entry(_name(one), etag_of(octets)[:32], len(octets), one.entry.created, one.entry.changed)

    def _member(self, one: Rendered) -> Member:
        instance = Instance(one.entry.starts, one.entry.ends)
        return Member(self._entry(one), self.publishing.uid_of(one), self.publishing.object_of(one), (instance,))

    def _token(self, name: str, reached: Reached) -> str:
        """Return a token: where it has come, what marks this timeline, and the names and rules in force.

        The mark is of the leaf of the revision reached: where an older backup was restored, the log has another there.
        """
        (change, reference), (day, moved) = reached.revision, reached.edge
        mark = "0"
        if reference:
            position, leaf = place_in_log(self.register, reference)
            mark = f"{position}.{_mark(name, leaf)}"
        return f"{change}.{reference}_{day}.{moved}_{mark}_{self.head.parties}.{self.head.rules}"

    def _reached(self, name: str, token: str) -> Reached:
        """Return where a token stands. Raise ``TokenUnknown``, also once other names or rules are in force."""
        if not token:
            return Reached()
        found = _TOKEN.fullmatch(token)
        if found is None or (int(found["parties"]), int(found["rules"])) != (self.head.parties, self.head.rules):
            raise TokenUnknown
        if found["mark"] is not None:
            with self.register.store.reading() as connection:
                leaf = leaf_at(connection, int(found["position"]))
            if leaf is None or _mark(name, leaf) != found["mark"]:
                raise TokenUnknown
        return Reached((int(found["change"]), found["revised"]), (int(found["day"]), found["moved"]))


def _name(one: Rendered) -> str:
    return f"{one.entry.reference}.ics"


def _mark(name: str, leaf: bytes) -> str:
    return sha256(name.encode() + leaf).hexdigest()[:12]


def _refuse() -> NoReturn:
    raise AccessRefused("These calendars are read-only: they say what Users told.", "Users change them by notices.")
