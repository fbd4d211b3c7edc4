"""A client puts, moves or removes a calendar member: its notice, its revisions and its row in one transaction."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from app.domain.closure import State
from app.domain.notice import Announcement, Channel, Notice, NoticeContent, Occurrence
from app.domain.party import Gateway, User
from app.domain.refusal import Refusal
from app.ical.patch import ObjectPatch
from app.register.calendar_view import CalendarView, load_stored, member_of, place_of
from app.register.conflicts import own_beside
from app.register.matching import Match, match_announcements, withdrawal_of
from app.register.member_body import MemberBody, dump_body
from app.register.member_patch import Known, patched
from app.register.receipts import Outcome, outcome_facts
from app.register.receive import (
    Receiving,
    RecordedNotice,
    change_of_gateway,
    closures_of,
    record_content,
    windows_of,
)
from app.register.register import Register
from app.store import members, runs
from app.store.closures import Held
from app.store.member_heads import HeldMember, MemberHead, NewMember, Place
from feeds.member import NEUTRAL_SUMMARY

CALENDAR_MEDIA_TYPE = "text/calendar"
DELETION_MEDIA_TYPE = "text/x-member-deletion"
MOVE_MEDIA_TYPE = "text/x-member-move"


@dataclass(frozen=True, slots=True)
class Allowed:
    """The client's condition: ``holds`` of the member as it stands (None: no member), for a change to be made.

    ``is_stated`` says that the client stated one; without one, a copy older than what we wrote is refused.
    """

    holds: Callable[[MemberHead | None], bool]
    is_stated: bool


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


class MemberExists(Refusal):
    """A member stands at the destination of a move that may not replace it."""

    code = "member-exists"


@dataclass(frozen=True, slots=True)
class GatewayCollection:
    """A User's calendar collection: what stands at one gateway."""

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
    content: NoticeContent
    instances: tuple[Occurrence, ...]
    complete_from: datetime | None
    complete_until: datetime | None


@dataclass(frozen=True, slots=True)
class Kept:
    """What storing a member came to. The outcome tells what the register made of it.

    ``is_as_sent`` tells whether the octets that stand are those that came. ``also_at`` are the codes of the User's
    other gateways at which the same event stands.
    """

    head: MemberHead
    created: bool
    is_as_sent: bool
    outcome: Outcome
    also_at: tuple[str, ...]


def collection_of(register: Register, user: User, gateway: Gateway) -> GatewayCollection:
    """Return the collection of a User's gateway."""
    return GatewayCollection(user, gateway, place_of(register, user, gateway.code))


def receive_member(
    register: Register, collection: GatewayCollection, new: NewObject, notice: Notice, allowed: Allowed
) -> Kept:
    """Store a member and record it as a notice, if the client's condition holds when the writer has its turn.

    What a client puts into its collection is what stands: it is applied in the order of our receipt, and the UID is
    stated whole, so that the register never says anything else than the collection. Octets that stand already are
    kept as a notice and change no tag and no token. What stands is what is kept of the notice. Raise ``MemberStale``
    or ``UidTaken``: then nothing was recorded.
    """
    store, place = register.store, collection.place
    beside = own_beside(register, collection.user, windows_of(new.content))
    with store.writing(collection.user.id) as connection:
        head, rulebook = register.lock(connection)
        receiving = Receiving(register, connection, head, rulebook, collection.user, notice, beside)
        held, holder = members.members_concerned(store, connection, place, new.name, new.uid)
        standing = _standing(held, notice)
        _check(allowed, standing)
        if standing is not None and not allowed.is_stated:
            # Without a condition the SEQUENCE tells an old copy: it lies below the one that we wrote.
            _check_sequence(new.content, standing)
        _give_way(receiving, standing, holder, new)
        recorded, octets, instances = _record_object(receiving, collection, new)
        is_as_sent = octets == notice.octets
        outcome, also_at = recorded.outcome(register.signing_key), _also_at(recorded)
        receipt = json.dumps(outcome_facts(outcome), separators=(",", ":"))
        body = MemberBody(octets, instances, new.complete_from, new.complete_until, receipt)
        etag = store.blind.etag(octets)
        if standing is not None and standing.head.etag == etag and not standing.is_rendered:
            if recorded.leaves:
                members.rewrite_body(store, connection, standing, dump_body(body))
            return Kept(standing.head, created=False, is_as_sent=is_as_sent, outcome=outcome, also_at=also_at)
        stored = MemberHead(
            name=new.name,
            uid=new.uid,
            etag=etag,
            length=len(octets),
            created_at=notice.received_at if standing is None else standing.head.created_at,
            changed_at=notice.received_at,
            written_sequence=0 if standing is None else standing.head.written_sequence,
        )
        members.put_member(store, connection, place, held, member_of(stored, head.log_size, body))
    return Kept(stored, created=standing is None, is_as_sent=is_as_sent, outcome=outcome, also_at=also_at)


def remove_member(
    register: Register, collection: GatewayCollection, name: str, notice: Notice, allowed: Allowed
) -> Outcome | None:
    """Remove a member, and withdraw what it announced at this gateway and has not started; None if there is none.

    Raise ``MemberStale``: then nothing was recorded.
    """
    store, place = register.store, collection.place
    with store.writing(collection.user.id) as connection:
        head, rulebook = register.lock(connection)
        receiving = Receiving(register, connection, head, rulebook, collection.user, notice)
        standing = _standing(members.member_named(store, connection, place, name), notice)
        _check(allowed, standing)
        if standing is None:
            return None
        known = closures_of(receiving, [standing.head.uid])
        matches = _withdrawals(known, collection.gateway.code, notice.received_at)
        recorded = record_content(receiving, NoticeContent((), (), events=len(matches)), matches, known)
        runs.drop_series(connection, [store.blind.rule(collection.user.id, collection.gateway.code, standing.head.uid)])
        members.remove_member(store, connection, standing, head.log_size)
    return recorded.outcome(register.signing_key)


def move_member(
    register: Register,
    source: tuple[GatewayCollection, str],
    target: tuple[GatewayCollection, str],
    notice: Notice,
    allowed: Allowed,
    *,
    overwrite: bool,
) -> Kept | None:
    """Move a member to another name or gateway; the closures keep their references. None if there is no such member.

    What stood at the destination is withdrawn as by its removal. Raise ``MemberStale``, ``MemberExists`` or
    ``UidTaken``: then nothing was recorded.
    """
    (here, name), (there, new_name), store = source, target, register.store
    with store.writing(here.user.id) as connection:
        head, rulebook = register.lock(connection)
        receiving = Receiving(register, connection, head, rulebook, here.user, notice)
        standing = _standing(members.member_named(store, connection, here.place, name), notice)
        _check(allowed, standing)
        if standing is None:
            return None
        uid = standing.head.uid
        named, holder = members.members_concerned(store, connection, there.place, new_name, uid)
        replaced = _standing(named, notice)
        if replaced is not None and not overwrite:
            raise MemberExists("There is a member at the destination.", "Allow it to be replaced.")
        in_the_way = None if here.place == there.place else _standing(holder, notice)
        if in_the_way is not None and in_the_way.head.name != new_name:
            raise UidTaken(in_the_way.head.name)
        known = closures_of(receiving, [uid, *([] if replaced is None else [replaced.head.uid])])
        matches = _moves(known, uid, (here, there), notice.received_at)
        if replaced is not None and replaced.head.uid != uid:
            gone = [held for held in known if held.mark.uid == replaced.head.uid]
            matches += _withdrawals(gone, there.gateway.code, notice.received_at)
        recorded = record_content(receiving, NoticeContent((), (), events=1), matches, known)
        stored = _carry(receiving, standing, (here, there), (named, new_name))
    outcome = recorded.outcome(register.signing_key)
    return Kept(stored, created=replaced is None, is_as_sent=True, outcome=outcome, also_at=_also_at(recorded))


def deletion_notice(collection: GatewayCollection, name: str, given_by: str, now: datetime) -> Notice:
    """Return the notice that a deletion is: it has no octets but the name."""
    return Notice(collection.user.code, Channel.CALDAV, now, DELETION_MEDIA_TYPE, name.encode(), given_by)


def move_notice(target: tuple[GatewayCollection, str], name: str, given_by: str, now: datetime) -> Notice:
    """Return the notice that a move is: it has no octets but where from and where to."""
    there, new_name = target
    octets = f"{name}\n{there.gateway.code}/{new_name}".encode()
    return Notice(there.user.code, Channel.CALDAV, now, MOVE_MEDIA_TYPE, octets, given_by)


def _standing(held: HeldMember | None, notice: Notice) -> HeldMember | None:
    return held if held is not None and held.stands(notice.received_at.toordinal()) else None


def _check(allowed: Allowed, standing: HeldMember | None) -> None:
    head = None if standing is None else standing.head
    if not allowed.holds(head):
        raise MemberStale(head)


def _check_sequence(content: NoticeContent, standing: HeldMember) -> None:
    newest = max((announcement.sender_sequence for announcement in content.announcements), default=0)
    if newest < standing.head.written_sequence:
        raise MemberStale(standing.head)


def _give_way(receiving: Receiving, standing: HeldMember | None, holder: HeldMember | None, new: NewObject) -> None:
    """Make sure that the UID stands in no other member, and the name holds no other UID. Raise ``UidTaken``.

    A member that no client put, and one that left by the clock, give way to the name that a client now chose.
    """
    if standing is not None and standing.head.uid != new.uid:
        raise UidTaken(standing.head.name)
    if holder is None or holder.head.name == new.name:
        return
    if not holder.is_rendered and _standing(holder, receiving.notice) is not None:
        raise UidTaken(holder.head.name)
    members.remove_member(receiving.register.store, receiving.connection, holder, receiving.head.log_size)


def _record_object(
    receiving: Receiving, collection: GatewayCollection, new: NewObject
) -> tuple[RecordedNotice, bytes, tuple[Occurrence, ...]]:
    """Record what an object says; return also the octets that stand for it, and their occurrences.

    A withdrawn closure that the object shows at a new time is planned again, though its STATUS may still be CANCELLED:
    then that line is patched, so that calendar and record agree.
    """
    known = closures_of(receiving, [new.uid])
    here = {held.mark.recurrence_id: held for held in known if held.closure.gateway == collection.gateway.code}
    told = [replace(_replanned(announcement, here), by_receipt=True) for announcement in new.content.announcements]
    empty = frozenset() if told else frozenset({(collection.gateway.code, new.uid)})
    matches = match_announcements(told, known, frozenset({new.uid}), receiving.notice.received_at, empty)
    content = replace(
        new.content, announcements=tuple(told), whole_uids=frozenset({new.uid}), without_occurrences=empty
    )
    recorded = record_content(receiving, content, matches, known)
    octets = recorded.kept.octets
    if not receiving.rulebook.retention.keeps_details:
        # Without a title some programs show nothing at all.
        patch = ObjectPatch(octets)
        patch.entitle(NEUTRAL_SUMMARY)
        octets = patch.octets()
    body = MemberBody(octets, new.instances, None, None, "")
    again = {announcement.recurrence_id for announcement in told if not announcement.withdrawn} & {
        announcement.recurrence_id for announcement in new.content.announcements if announcement.withdrawn
    }
    if not again:
        return recorded, body.octets, body.instances
    shown = [
        Known(decision.closure, decision.mark)
        for decision in recorded.decisions
        if decision.mark.recurrence_id in again
    ]
    after = patched(body, shown).body or body
    return recorded, after.octets, after.instances


def _replanned(announcement: Announcement, here: dict[str, Held]) -> Announcement:
    """Return an announcement; a withdrawal of what is withdrawn already, at another time, is a new plan."""
    held = here.get(announcement.recurrence_id)
    if not announcement.withdrawn or announcement.window is None or held is None:
        return announcement
    moved = held.closure.state is State.WITHDRAWN and announcement.window != held.closure.window
    return replace(announcement, withdrawn=False) if moved else announcement


def _withdrawals(known: Sequence[Held], gateway: str, now: datetime) -> list[Match]:
    return [
        Match(withdrawal_of(held), held)
        for held in known
        if held.closure.gateway == gateway and held.closure.is_ahead(now)
    ]


def _moves(
    known: Sequence[Held], uid: str, between: tuple[GatewayCollection, GatewayCollection], now: datetime
) -> list[Match]:
    """Return what moves the closures of an event to another gateway; none for another name at the same one."""
    here, there = between
    if here.place == there.place:
        return []
    matches = []
    for held in known:
        closure, mark = held.closure, held.mark
        if mark.uid == uid and closure.gateway == here.gateway.code and closure.state is not State.WITHDRAWN:
            announcement = Announcement(
                uid=uid,
                gateway=there.gateway.code,
                window=closure.window,
                recurrence_id=mark.recurrence_id,
                sender_sequence=mark.sequence,
                sender_dtstamp=mark.dtstamp,
                position=mark.position,
                by_receipt=True,
                provisional=closure.provisional,
            )
            matches += change_of_gateway(held, announcement, known, now)
    return matches


def _carry(
    receiving: Receiving,
    standing: HeldMember,
    collections: tuple[GatewayCollection, GatewayCollection],
    destination: tuple[HeldMember | None, str],
) -> MemberHead:
    """Let the member stand under its new name with the octets that it has, and leave its old place."""
    (here, there), (named, new_name) = collections, destination
    register, connection, store = receiving.register, receiving.connection, receiving.register.store
    uid, now, change = standing.head.uid, receiving.notice.received_at, receiving.head.log_size
    # As its closures stand in the record by now: the row that held the UID goes first, since a UID stands once.
    body = None if standing.is_rendered else load_stored(register, connection, here.place, standing)
    members.remove_member(store, connection, standing, change)
    key = store.blind.rule(here.user.id, here.gateway.code, uid)
    rule = runs.series_of(store, connection, key)
    if rule is not None and here.place != there.place:
        runs.drop_series(connection, [key])
        runs.put_series(
            store, connection, here.user.id, replace(rule.rule, gateway=there.gateway.code), rule.received_at
        )
    fresh = replace(standing.head, name=new_name, created_at=now, changed_at=now, leaves_on=0)
    if named is not None and named.id == standing.id:
        named = members.member_named(store, connection, there.place, new_name)
    if body is not None:
        members.put_member(store, connection, there.place, named, member_of(fresh, change, body))
        return fresh
    view = CalendarView(register, connection, receiving.user, receiving.rulebook.retention.withdrawn_days)
    rendered = view.renamed_head(there.gateway.code, standing, new_name)
    members.put_member(store, connection, there.place, named, NewMember(rendered, change))
    return rendered


def _also_at(recorded: RecordedNotice) -> tuple[str, ...]:
    return tuple(sorted({gateway for gateways in recorded.also_at.values() for gateway in gateways}))
