"""What the protocol asks of whoever keeps the calendars: the board in production, a dict in protocol tests.

A backend is made for one principal and one request. It shows what that principal may see and nothing else: a foreign
collection or member answers exactly like a missing one (docs/threat-model.md#access).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from app.ical.components import CalendarStream


@dataclass(frozen=True, slots=True)
class DavPrincipal:
    """A DAV principal (RFC 3744 2): a User, or DCC staff. ``code`` is its segment in paths.

    ``address`` is a mailto: URI, for calendar-user-address-set (RFC 6638 2.4.1).
    """

    code: str
    name: str
    address: str


@dataclass(frozen=True, slots=True)
class CalendarCollection:
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
class MemberEntry:
    """A member as a listing shows it. ``name`` is the client's, decoded; ``etag`` is without quotation marks."""

    name: str
    etag: str
    length: int
    created_at: datetime
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class MemberInstance:
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
class CalendarMember:
    """A member whole: its octets as the client sent them, and its occurrences as they were expanded at PUT.

    ``instances`` are all between ``complete_from`` and ``complete_until``; None stands for no bound. Those of other
    spans the backend evaluates when asked. ``receipt`` is the latest acknowledgement, as JSON; "" where nobody sent the
    member here.
    """

    entry: MemberEntry
    uid: str
    octets: bytes
    instances: tuple[MemberInstance, ...]
    complete_from: datetime | None = None
    complete_until: datetime | None = None
    receipt: str = ""

    def covers(self, starts: datetime | None, ends: datetime | None) -> bool:
        """Tell whether ``instances`` are all that have a part in a span; None stands for an open end."""
        known_from = self.complete_from is None or (starts is not None and starts >= self.complete_from)
        return known_from and (self.complete_until is None or (ends is not None and ends <= self.complete_until))


@dataclass(frozen=True, slots=True)
class CollectionChanges:
    """What changed in a collection after a token: entries new or different, and the names of members that are gone.

    ``token`` stands for the state reached. ``is_cut`` says that the limit was met and more waits behind it.
    """

    changed: Sequence[MemberEntry]
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
class TagList:
    """One list of an If header (RFC 4918 10.4): the tags that the member's must be, and those that it must not be."""

    required: frozenset[str] = frozenset()
    excluded: frozenset[str] = frozenset()

    def holds(self, etag: str | None) -> bool:
        """Tell whether a member with this tag (None: no member) is as the list has it."""
        return self.required <= {etag} and etag not in self.excluded


@dataclass(frozen=True, slots=True)
class Condition:
    """What must hold of a member before it is changed, by the headers of a request; None for one that was not sent.

    If-Match and If-None-Match (RFC 9110 13.1) are sets of entity tags without quotation marks; ``*`` stands for any.
    ``unmodified_since`` is aware UTC. ``lists`` are those of If, of which one must hold; none is left where each of
    them named something that is not so.
    """

    match: frozenset[str] | None = None
    none_match: frozenset[str] | None = None
    unmodified_since: datetime | None = None
    lists: tuple[TagList, ...] | None = None

    def holds(self, etag: str | None, changed_at: datetime | None) -> bool:
        """Tell whether a member with this tag and of this time (both None: no member) may be changed."""
        absent = self.none_match is None or etag is None or not self.none_match & {etag, "*"}
        return absent and self.is_current(etag, changed_at)

    def is_current(self, etag: str | None, changed_at: datetime | None) -> bool:
        """Tell whether a member is as the client knows it, whatever If-None-Match says.

        If-Match goes before If-Unmodified-Since, which says nothing of what "does not have a modification date" (RFC
        9110 13.1.4); it counts in whole seconds, as Last-Modified does.
        """
        if self.match is not None:
            timely = etag is not None and bool(self.match & {etag, "*"})
        elif self.unmodified_since is not None and changed_at is not None:
            timely = changed_at.replace(microsecond=0) <= self.unmodified_since
        else:
            timely = True
        return timely and (self.lists is None or any(tags.holds(etag) for tags in self.lists))


@dataclass(frozen=True, slots=True)
class Stored:
    """What a PUT or a move came to. ``is_as_sent``: a GET returns the octets sent, so that a tag may be given.

    ``receipt`` is the acknowledgement as one line of ASCII, for a header. ``also_at`` names the owner's other
    collections in which the same event stands: it is another closure there.
    """

    entry: MemberEntry
    created: bool
    is_as_sent: bool
    receipt: str
    also_at: tuple[str, ...] = ()


class Stale(Exception):  # noqa: N818 - RFC 9110's outcome of a condition, not an error of ours
    """What was sent is older than what stands: a condition did not hold, or a SEQUENCE lies below the one we wrote.

    ``entry`` is the member as it stands, None where there is none.
    """

    def __init__(self, entry: MemberEntry | None) -> None:
        super().__init__()
        self.entry = entry


class DestinationTaken(Exception):  # noqa: N818 - RFC 4918's outcome of Overwrite: F, not an error of ours
    """A member stands where another was to be moved, and was not to be replaced."""


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


class NoRoom(Exception):  # noqa: N818 - RFC 4331's quota-not-exceeded
    """The owner would hold more than it may; ``text`` says what, how much, and what helps."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


class Backend(Protocol):
    """The calendars as one principal may see and change them."""

    def bounds(self) -> Bounds:
        """Return what a member may hold; ``put`` holds members to it."""

    def asker(self) -> DavPrincipal:
        """Return who is asking."""

    def principal(self, code: str) -> DavPrincipal | None:
        """Return the principal of a path segment, in any case; None where there is none to see."""

    def principals(self) -> Sequence[DavPrincipal]:
        """Return every principal that may be seen."""

    def collections(self, owner: str) -> Sequence[CalendarCollection]:
        """Return the collections in a home, in order; empty for a home that is not to be seen."""

    def collection(self, owner: str, name: str) -> CalendarCollection | None:
        """Return one collection; codes in any case."""

    def reached(self, collection: CalendarCollection) -> Reached:
        """Return how far its changes have come."""

    def entries(self, collection: CalendarCollection) -> Sequence[MemberEntry]:
        """Return every member as a listing shows it, in a stable order."""

    def entry(self, collection: CalendarCollection, name: str) -> MemberEntry | None:
        """Return one member as a listing shows it."""

    def members(self, collection: CalendarCollection, names: Iterable[str]) -> Mapping[str, CalendarMember]:
        """Return these members whole, by name; those that are not there are left out."""

    def every_member(self, collection: CalendarCollection) -> Iterable[CalendarMember]:
        """Yield every member whole."""

    def touching(
        self, collection: CalendarCollection, starts: datetime | None, ends: datetime | None
    ) -> Iterable[CalendarMember]:
        """Yield at least every member with an instance in the half-open span (None: open); there may be others.

        One whose ``instances`` do not cover the span is always among them.
        """

    def occurring(
        self, collection: CalendarCollection, member: CalendarMember, starts: datetime, ends: datetime
    ) -> Sequence[MemberInstance] | None:
        """Return at least the instances of a member with a part in a span, whether or not they were expanded at PUT.

        None where evaluating them is too much: such a member is taken to recur there. Raise ``TooMuchAsked``.
        """

    def changes(self, collection: CalendarCollection, token: str, most: int | None) -> CollectionChanges:
        """Return what changed since ``token`` ("": all), in order, ``most`` at once. Raise ``TokenUnknown``."""

    def put(self, collection: CalendarCollection, name: str, sent: CalendarStream, condition: Condition) -> Stored:
        """Store a member that the protocol found sound, if the condition holds.

        Raise ``Stale``, ``ObjectRefused`` or ``NoRoom``.
        """

    def refuse(self, collection: CalendarCollection, octets: bytes) -> None:
        """Keep the octets of a PUT that the protocol refused, as a notice from which nothing was applied."""

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
        """Let a member, of which the condition holds, stand in ``target`` and no longer here: in one transaction.

        Within one collection it gets another name. What stood at the destination is withdrawn as by a DELETE. Raise
        ``Stale`` (its entry is that of the member to be moved), ``DestinationTaken``, ``ObjectRefused``; then nothing
        was moved.
        """

    def delete(self, collection: CalendarCollection, name: str, condition: Condition) -> bool:
        """Remove a member if the condition holds; tell whether there was one. Raise ``Stale``."""

    def properties(self, place: str) -> Mapping[str, str]:
        """Return what this principal set on a place (its canonical path): each element as XML, by its Clark name."""

    def set_properties(self, place: str, changes: Mapping[str, str | None]) -> None:
        """Set elements on a place, or remove those whose value is None."""
