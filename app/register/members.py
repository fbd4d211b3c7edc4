"""A calendar member comes, changes or goes: its notice, its revisions and its row in one transaction."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from app.domain.notice import Channel, Notice, NoticeContent, Occurrence
from app.domain.party import Gateway, User
from app.domain.refusal import Refusal
from app.register.matching import withdrawal_of
from app.register.member_body import MemberBody, dump_body, load_body, weeks_of
from app.register.receipts import Outcome, outcome_facts
from app.register.receive import Recorded, occasion_of, record_reading
from app.register.register import Register
from app.register.rulebook import Rulebook
from app.register.transaction import is_ahead
from app.store import closures as rows
from app.store import members, runs
from app.store.engine import Connection, Head
from app.store.members import HeldMember, MemberHead, NewMember, Place

CALENDAR_MEDIA_TYPE = "text/calendar"
DELETION_MEDIA_TYPE = "text/x-member-deletion"

Allows = Callable[[str | None], bool]
"""Tells whether a member with this entity tag (None: no member) may be changed: the client's condition."""


class MemberStale(Refusal):
    """The condition of a change does not hold of the member as it stands; ``head`` is None where there is none."""

    code = "member-stale"

    def __init__(self, head: MemberHead | None) -> None:
        super().__init__("The member is not as you last saw it.", "Fetch it again.")
        self.head = head


class UidTaken(Refusal):
    """The UID stands in another member of the collection, or the member holds another UID; ``name`` is that member."""

    code = "uid-taken"

    def __init__(self, name: str) -> None:
        super().__init__(
            "An event keeps its UID, and a UID stands in one resource of a calendar.",
            "Change the resource that holds it, or give the new event a UID of its own.",
        )
        self.name = name


@dataclass(frozen=True, slots=True)
class GatewayCollection:
    """A User's calendar collection: what stands at one gateway, by the names that clients gave."""

    user: User
    gateway: Gateway
    place: Place


@dataclass(frozen=True, slots=True)
class NewObject:
    """A calendar object that was read whole, to be stored under a name.

    ``instances`` are all between ``complete_from`` and ``complete_until``; None stands for no bound.
    """

    name: str
    uid: str
    reading: NoticeContent
    instances: tuple[Occurrence, ...]
    complete_from: datetime | None
    complete_until: datetime | None


@dataclass(frozen=True, slots=True)
class Kept:
    """What storing a member came to. The outcome tells what the register made of it.

    ``is_as_sent`` tells whether the octets that stand are those that came.
    """

    head: MemberHead
    created: bool
    is_as_sent: bool
    outcome: Outcome


def collection_of(register: Register, user: User, gateway: Gateway) -> GatewayCollection:
    """Return the collection of a User's gateway."""
    return GatewayCollection(user, gateway, Place(user.id, register.store.blind.collection(user.id, gateway.code)))


def receive_member(
    register: Register, collection: GatewayCollection, new: NewObject, notice: Notice, allows: Allows
) -> Kept:
    """Store a member and record it as a notice, if ``allows`` holds of what stands when the writer has its turn.

    What a client puts into its collection is what stands: it is applied in the order of our receipt, and the UID is
    stated whole, so that the register never says anything else than the collection. Octets that stand already are
    kept as a notice and change no tag and no token. What stands is what is kept of the notice. Raise ``MemberStale``
    or ``UidTaken``: then nothing was recorded.
    """
    store, place = register.store, collection.place
    reading = replace(
        new.reading,
        announcements=tuple(replace(one, by_receipt=True) for one in new.reading.announcements),
        whole_uids=frozenset({new.uid}),
    )
    weeks = weeks_of(new.instances)
    with store.writing() as connection:
        head, rulebook = register.lock(connection)
        held, holder = members.members_concerned(store, connection, place, new.name, new.uid)
        standing = None if held is None or held.gone else held
        _check(allows, standing)
        in_the_way = holder or standing
        if in_the_way is not None and (standing is None or holder is None or holder.id != standing.id):
            raise UidTaken(in_the_way.head.name)
        recorded = _record(register, connection, (head, rulebook), (collection.user, notice), reading)
        outcome = recorded.outcome(register.signing_key)
        receipt = json.dumps(outcome_facts(outcome), separators=(",", ":"))
        octets = recorded.kept.octets
        etag, is_as_sent = store.blind.etag(octets), octets == notice.octets
        bounds = new.complete_from, new.complete_until
        body = dump_body(MemberBody(new.uid, octets, new.instances, *bounds, receipt))
        if standing is not None and standing.head.etag == etag:
            if recorded.leaves:
                members.rewrite_body(store, connection, standing, body)
            return Kept(standing.head, created=False, is_as_sent=is_as_sent, outcome=outcome)
        created_at = notice.received_at if standing is None else standing.head.created_at
        stored = MemberHead(new.name, etag, len(octets), created_at, notice.received_at)
        written = NewMember(stored, head.log_size, body, new.uid, weeks, is_whole=bounds == (None, None))
        members.put_member(store, connection, place, held, written)
    return Kept(stored, created=standing is None, is_as_sent=is_as_sent, outcome=outcome)


def remove_member(
    register: Register, collection: GatewayCollection, name: str, notice: Notice, allows: Allows
) -> Outcome | None:
    """Remove a member, and withdraw what it announced at this gateway and has not started; None if there is none.

    Closures that another collection of the User has taken over by then are that one's (ADR 28). Raise
    ``MemberStale``: then nothing was recorded.
    """
    store, place = register.store, collection.place
    with store.writing() as connection:
        head, rulebook = register.lock(connection)
        held = members.member_named(store, connection, place, name)
        standing = None if held is None or held.gone else held
        _check(allows, standing)
        if standing is None:
            return None
        versions = members.versions_named(store, connection, place, [name])
        ((_, _, stored),) = members.bodies_of(store, connection, versions)
        series = store.blind.series(collection.user.id, load_body(stored).uid)
        closures = [one.standing.closure for one in rows.of_series(store, connection, collection.user.code, [series])]
        ahead = [
            withdrawal_of(closure)
            for closure in closures
            if closure.gateway == collection.gateway.code and is_ahead(closure, notice.received_at)
        ]
        reading = NoticeContent(tuple(ahead), (), events=len(ahead))
        recorded = _record(register, connection, (head, rulebook), (collection.user, notice), reading)
        rule = runs.series_of(store, connection, series)
        if rule is not None and rule.gateway == collection.gateway.code:
            runs.drop_series(connection, [series])
        members.remove_member(store, connection, standing, head.log_size)
    return recorded.outcome(register.signing_key)


def deletion_notice(collection: GatewayCollection, name: str, given_by: str, now: datetime) -> Notice:
    """Return the notice that a deletion is: it has no octets but the name."""
    return Notice(collection.user.code, Channel.CALDAV, now, DELETION_MEDIA_TYPE, name.encode(), given_by)


def _check(allows: Allows, standing: HeldMember | None) -> None:
    if not allows(None if standing is None else standing.head.etag):
        raise MemberStale(None if standing is None else standing.head)


def _record(
    register: Register,
    connection: Connection,
    locked: tuple[Head, Rulebook],
    sent: tuple[User, Notice],
    reading: NoticeContent,
) -> Recorded:
    (head, rulebook), (user, notice) = locked, sent
    occasion = occasion_of(user, notice.received_at, rulebook)
    return record_reading(register, connection, head, (user, notice, occasion), reading)
