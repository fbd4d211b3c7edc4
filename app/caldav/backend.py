"""What the protocol asks of whoever keeps the calendars: the noticeboard in production, a dict in protocol tests.

A backend is made for one principal and one request. It shows what that principal may see and nothing else: a foreign
collection or member answers exactly like a missing one (docs/threat-model.md#access).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Principal:
    """A DAV principal (RFC 3744 2): a User, or DCC staff. ``code`` is its segment in paths.

    ``address`` is a mailto: URI, for calendar-user-address-set (RFC 6638 2.4.1).
    """

    code: str
    name: str
    address: str


@dataclass(frozen=True, slots=True)
class Collection:
    """A calendar collection (RFC 4791 4.2): a User's gateway, or a scope that DCC staff read.

    ``owner`` and ``name`` are its segments in paths. ``resource_id`` is a UUID. ``created_at`` is None where nobody
    noted when it came to be.
    """

    owner: str
    name: str
    title: str
    description: str
    writable: bool
    resource_id: str
    created_at: datetime | None


@dataclass(frozen=True, slots=True)
class Reached:
    """How far the changes of a collection have come.

    ``token`` changes whenever a member does, and never otherwise: it is what the sync-token URI ends in, and the ctag.
    It holds nothing that XML would escape.
    """

    token: str
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class Entry:
    """A member as a listing shows it. ``name`` is the client's, decoded; ``etag`` is without quotation marks."""

    name: str
    etag: str
    length: int
    created_at: datetime
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class Instance:
    """One occurrence of a member, also a cancelled one; both times aware UTC, half-open.

    ``recurrence_id`` is the UTC start that the unaltered rule gave it (``20261206T020000Z``), "" where nothing recurs.
    ``all_day`` and ``floating`` say that the times were stated without a zone, and read in the calendar's own.
    ``place`` is that of the VEVENT which states it among those of its object, from 0.
    """

    starts: datetime
    ends: datetime
    recurrence_id: str = ""
    all_day: bool = False
    floating: bool = False
    place: int = 0


@dataclass(frozen=True, slots=True)
class Member:
    """A member whole: its octets as the client sent them, and its occurrences as they were expanded at PUT.

    ``instances`` are all between ``complete_from`` and ``complete_until``; None stands for no bound. Those of other
    spans the backend evaluates when asked. ``receipt`` is the latest acknowledgement, as JSON; "" where nobody sent the
    member here.
    """

    entry: Entry
    uid: str
    octets: bytes
    instances: tuple[Instance, ...]
    complete_from: datetime | None = None
    complete_until: datetime | None = None
    receipt: str = ""

    def covers(self, starts: datetime | None, ends: datetime | None) -> bool:
        """Tell whether ``instances`` are all that have a part in a span; None stands for an open end."""
        known_from = self.complete_from is None or (starts is not None and starts >= self.complete_from)
        return known_from and (self.complete_until is None or (ends is not None and ends <= self.complete_until))


@dataclass(frozen=True, slots=True)
class Changes:
    """What changed in a collection after a token: entries new or different, and the names of members that are gone.

    ``token`` stands for the state reached. ``is_cut`` says that the limit was met and more waits behind it.
    """

    changed: Sequence[Entry]
    gone: Sequence[str]
    token: str
    is_cut: bool = False


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a member may hold at most (RFC 4791 5.2.5 to 5.2.9).

    Octets, the span of its starts, its instances ahead, and the attendees of one instance.
    """

    octets: int
    earliest: datetime
    latest: datetime
    instances: int
    attendees: int


@dataclass(frozen=True, slots=True)
class Condition:
    """If-Match and If-None-Match as they were stated (RFC 9110 13.1); None for a header that was not sent.

    Each is the set of entity tags without quotation marks; ``*`` stands for any.
    """

    match: frozenset[str] | None = None
    none_match: frozenset[str] | None = None

    def holds(self, etag: str | None) -> bool:
        """Tell whether a member with this tag (None: no member) may be changed."""
        if self.match is not None and (etag is None or not self.match & {etag, "*"}):
            return False
        return self.none_match is None or etag is None or not self.none_match & {etag, "*"}


@dataclass(frozen=True, slots=True)
class Stored:
    """What a PUT came to. ``is_as_sent`` tells whether a GET returns the octets sent, so that a tag may be given.

    ``receipt`` is the acknowledgement as one line of ASCII, for a header.
    """

    entry: Entry
    created: bool
    is_as_sent: bool
    receipt: str


class Stale(Exception):  # noqa: N818 - RFC 9110's outcome of a condition, not an error of ours
    """A condition did not hold; ``entry`` is the member as it stands, None where there is none."""

    def __init__(self, entry: Entry | None) -> None:
        super().__init__()
        self.entry = entry


class ObjectRefused(Exception):  # noqa: N818 - a refusal, worded as the protocol words it
    """A calendar object that cannot be taken: ``precondition`` is the local name of RFC 4791's element.

    ``text`` says what is wrong and what helps. ``href_name`` is the member that is in the way (no-uid-conflict).
    """

    def __init__(self, precondition: str, text: str, href_name: str | None = None) -> None:
        super().__init__(precondition)
        self.precondition = precondition
        self.text = text
        self.href_name = href_name


class TokenUnknown(Exception):  # noqa: N818 - RFC 6578's valid-sync-token
    """A sync token that this collection never gave, or no longer knows."""


class TooMuchAsked(Exception):  # noqa: N818 - RFC 4791's number-of-matches-within-limits
    """What a report would have to evaluate is more than is evaluated for one request."""


class Backend(Protocol):
    """The calendars as one principal may see and change them."""

    def bounds(self) -> Bounds:
        """Return what a member may hold; ``put`` holds members to it."""

    def asker(self) -> Principal:
        """Return who is asking."""

    def principal(self, code: str) -> Principal | None:
        """Return the principal of a path segment, in any case; None where there is none to see."""

    def principals(self) -> Sequence[Principal]:
        """Return every principal that may be seen."""

    def collections(self, owner: str) -> Sequence[Collection]:
        """Return the collections in a home, in order; empty for a home that is not to be seen."""

    def collection(self, owner: str, name: str) -> Collection | None:
        """Return one collection; codes in any case."""

    def reached(self, collection: Collection) -> Reached:
        """Return how far its changes have come."""

    def entries(self, collection: Collection) -> Sequence[Entry]:
        """Return every member as a listing shows it, in a stable order."""

    def entry(self, collection: Collection, name: str) -> Entry | None:
        """Return one member as a listing shows it."""

    def members(self, collection: Collection, names: Iterable[str]) -> Mapping[str, Member]:
        """Return these members whole, by name; those that are not there are left out."""

    def every_member(self, collection: Collection) -> Iterable[Member]:
        """Yield every member whole."""

    def touching(self, collection: Collection, starts: datetime | None, ends: datetime | None) -> Iterable[Member]:
        """Yield at least every member with an instance in the half-open span (None: open); there may be others.

        One whose ``instances`` do not cover the span is always among them.
        """

    def occurring(
        self, collection: Collection, member: Member, starts: datetime, ends: datetime
    ) -> Sequence[Instance] | None:
        """Return at least the instances of a member with a part in a span, whether or not they were expanded at PUT.

        None where evaluating them is too much: such a member is taken to recur there. Raise ``TooMuchAsked``.
        """

    def changes(self, collection: Collection, token: str, most: int | None) -> Changes:
        """Return what changed since ``token`` ("": all), in order, ``most`` at once. Raise ``TokenUnknown``."""

    def put(self, collection: Collection, name: str, octets: bytes, condition: Condition) -> Stored:
        """Store a member that the protocol found sound, if the condition holds. Raise ``Stale``, ``ObjectRefused``."""

    def refuse(self, collection: Collection, octets: bytes) -> None:
        """Keep the octets of a PUT that the protocol refused, as a notice from which nothing was applied."""

    def delete(self, collection: Collection, name: str, condition: Condition) -> bool:
        """Remove a member if the condition holds; tell whether there was one. Raise ``Stale``."""

    def properties(self, place: str) -> Mapping[str, str]:
        """Return what this principal set on a place (its canonical path): each element as XML, by its Clark name."""

    def set_properties(self, place: str, changes: Mapping[str, str | None]) -> None:
        """Set elements on a place, or remove those whose value is None."""
