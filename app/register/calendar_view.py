"""A User's calendar as a view of the record: whatever changes a closure through another door changes its member.

One member stands for one event, (gateway, UID): what a client put there with its octets, or, where no client did, what
is rendered of the closures. Expiry, a verdict and the purging of details change no member.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from app.domain.closure import State, Step
from app.domain.party import User
from app.register.decisions import Decision
from app.register.member_body import MemberBody, dump_body, load_body, weeks_of
from app.register.member_patch import Known, patched
from app.register.register import Register
from app.register.rulebook import Rulebook
from app.security.tokens import new_row_id
from app.store import closures as rows
from app.store import members
from app.store.closures import Held
from app.store.engine import Connection
from app.store.member_heads import HeldMember, MemberHead, NewMember, Place
from feeds.member import MemberEvent, render_member

Placed = tuple[Decision, int]
"""A decision that took a numbered step, and the place of its revision in the log."""


def follow_closures(
    register: Register,
    connection: Connection,
    user: User,
    changes: Sequence[Placed],
    rulebook: Rulebook,
    *,
    known: Iterable[Held],
) -> None:
    """Bring the members of the closures that changed up to date, under the locked head, after the closures.

    ``known`` are the closures of these events that stood before: the others need not be read back.
    """
    events: defaultdict[str, dict[str, list[Placed]]] = defaultdict(dict)
    for decision, place in changes:
        gateways = {decision.closure.gateway}
        if decision.held is not None:
            gateways.add(decision.held.closure.gateway)
        for gateway in gateways:
            events[gateway].setdefault(decision.mark.uid, []).append((decision, place))
    view = CalendarView(register, connection, user, rulebook.retention.withdrawn_days)
    for decision, place in changes:
        if decision.held is not None and decision.held.closure.gateway != decision.closure.gateway:
            view.carry(decision.mark.uid, decision.held.closure.gateway, decision.closure.gateway, place)
    before = {(held.closure.gateway, held.mark.uid) for held in known}
    for gateway, by_uid in sorted(events.items()):
        view.follow(gateway, by_uid, {uid for uid in by_uid if (gateway, uid) not in before})


def let_members_go(register: Register, connection: Connection, forgotten: Iterable[Held], today: int) -> None:
    """Let members go whose closures the record keeps no more; ``forgotten`` are as they stood before."""
    store = register.store
    events: defaultdict[tuple[bytes, str, str], set[str]] = defaultdict(set)
    for held in forgotten:
        events[held.user_id, held.closure.user, held.closure.gateway].add(held.mark.uid)
    for (user_id, code, gateway), uids in events.items():
        place = Place(user_id, store.blind.collection(user_id, gateway))
        kept = rows.of_series(store, connection, code, [store.blind.series(user_id, uid) for uid in uids])
        standing = {held.mark.uid for held in kept if held.closure.gateway == gateway}
        for member in members.members_of_uids(store, connection, place, uids - standing).values():
            members.let_go(store, connection, member, today)


@dataclass(frozen=True, slots=True)
class CalendarView:
    """The calendars of one User in one transaction. ``withdrawn_days`` is how long what was withdrawn is shown."""

    register: Register
    connection: Connection
    user: User
    withdrawn_days: int

    def follow(self, gateway: str, events: Mapping[str, Sequence[Placed]], unheard: set[str]) -> None:
        """Bring the members of some events at one gateway up to date; of ``unheard`` ones it had no closure before."""
        store, place = self.register.store, place_of(self.register, self.user, gateway)
        held = members.members_of_uids(store, self.connection, place, events)
        new = {uid for uid in unheard if uid not in held and all(decision.held is None for decision, _ in events[uid])}
        known = self._known(gateway, events, new)
        fresh = []
        for uid, changes in events.items():
            member, closures = held.get(uid), known[uid]
            change = max(position for _, position in changes)
            if member is None:
                if any(entry.step is not Step.WITHDRAWN and entry.closure.gateway == gateway for entry, _ in changes):
                    if uid in new:
                        fresh.append(NewMember(self._head(uid, closures, _name_of(closures)), change))
                    else:
                        self._show_again(place, uid, closures, change)
            elif not closures:
                members.remove_member(store, self.connection, member, change)
            elif member.is_rendered:
                head = self._head(uid, closures, member.head.name, member)
                members.put_member(store, self.connection, place, member, NewMember(head, change))
            else:
                self._patch(place, member, changes, closures, gateway)
        if fresh:
            members.insert_members(store, self.connection, place, fresh)

    def carry(self, uid: str, source: str, target: str, change: int) -> None:
        """Let what a client put stand at another gateway, once all of its closures have gone there."""
        store, connection = self.register.store, self.connection
        here, there = (place_of(self.register, self.user, gateway) for gateway in (source, target))
        member = members.members_of_uids(store, connection, here, [uid]).get(uid)
        if member is None or member.is_rendered or members.members_of_uids(store, connection, there, [uid]):
            return
        standing = rows.of_series(store, connection, self.user.code, [store.blind.series(self.user.id, uid)])
        if any(held.closure.gateway == source for held in standing):
            return
        body = load_stored(self.register, connection, here, member)
        members.remove_member(store, connection, member, change)
        named = members.member_named(store, connection, there, member.head.name)
        head = member.head
        if named is not None and not named.gone:
            named, head = None, replace(head, name=_random_name())
        members.put_member(store, connection, there, named, member_of(head, change, body))

    def _known(self, gateway: str, events: Mapping[str, Sequence[Placed]], new: set[str]) -> dict[str, list[Known]]:
        """Return the closures of each event at this gateway; what is wholly ``new`` need not be read back."""
        known = {
            uid: [Known(decision.closure, decision.mark) for decision, _ in changes if uid in new]
            for uid, changes in events.items()
        }
        store = self.register.store
        keys = [store.blind.series(self.user.id, uid) for uid in events if uid not in new]
        for held in rows.of_series(store, self.connection, self.user.code, keys):
            if held.closure.gateway == gateway:
                known[held.mark.uid].append(Known(held.closure, held.mark))
        return known

    def _show_again(self, place: Place, uid: str, closures: Sequence[Known], change: int) -> None:
        """Write a member for what stood here before: its name may be a tombstone, or by now another event's."""
        name = _name_of(closures)
        held = members.member_named(self.register.store, self.connection, place, name)
        if held is not None and not held.gone:
            held, name = None, _random_name()
        new = NewMember(self._head(uid, closures, name, held), change)
        members.put_member(self.register.store, self.connection, place, held, new)

    def renamed_head(self, gateway: str, held: HeldMember, name: str) -> MemberHead:
        """Return the head of a rendered member under another name, or at another gateway."""
        store, uid = self.register.store, held.head.uid
        keys = [store.blind.series(self.user.id, uid)]
        standing = rows.of_series(store, self.connection, self.user.code, keys)
        closures = [Known(entry.closure, entry.mark) for entry in standing if entry.closure.gateway == gateway]
        return self._head(uid, closures, name, held)

    def _head(
        self, uid: str, closures: Sequence[Known], name: str, held: HeldMember | None = None, least_sequence: int = 0
    ) -> MemberHead:
        """Return the head of a member that is rendered of these closures."""
        # It rises with each change of any of them, so that it tells an old copy of the member from a new one.
        told = max(known.closure.number for known in closures)
        sequence = max(told, least_sequence, 0 if held is None else held.head.written_sequence + 1)
        octets = octets_of(uid, closures, sequence)
        changed_at = max(known.closure.changed_at for known in closures)
        return MemberHead(
            name=name,
            uid=uid,
            etag=self.register.store.blind.etag(octets),
            length=len(octets),
            created_at=changed_at if held is None or held.gone else held.head.created_at,
            changed_at=changed_at,
            leaves_on=leaves_on(closures, self.withdrawn_days),
            written_sequence=sequence,
        )

    def _patch(
        self, place: Place, member: HeldMember, changes: Sequence[Placed], closures: Sequence[Known], gateway: str
    ) -> None:
        """Patch what changed into the octets that a client put; those that say it already stay as they are."""
        store = self.register.store
        body = load_stored(self.register, self.connection, place, member)
        told_anew = any(
            decision.held is not None and decision.held.mark.recurrence_id != decision.mark.recurrence_id
            for decision, _ in changes
        )
        after = patched(body, [_as_seen_at(gateway, decision) for decision, _ in changes], told_anew=told_anew)
        change = max(position for _, position in changes)
        if after.body is None:
            # A series with other starts, or one event in place of a series, was given elsewhere: it is rendered.
            head = self._head(member.head.uid, closures, member.head.name, member, after.sequence)
            members.put_member(store, self.connection, place, member, NewMember(head, change))
            return
        leaving = leaves_on(closures, self.withdrawn_days)
        if after.body.octets == body.octets and leaving == member.head.leaves_on:
            return
        head = replace(
            member.head,
            etag=store.blind.etag(after.body.octets),
            length=len(after.body.octets),
            changed_at=max(decision.closure.changed_at for decision, _ in changes),
            leaves_on=leaving,
            written_sequence=max(after.sequence, member.head.written_sequence),
        )
        new = member_of(head, change, after.body)
        members.put_member(store, self.connection, place, member, new)


def place_of(register: Register, user: User, gateway: str) -> Place:
    """Return where the members of a User's gateway stand."""
    return Place(user.id, register.store.blind.collection(user.id, gateway))


def load_stored(register: Register, connection: Connection, place: Place, member: HeldMember) -> MemberBody:
    """Return the body of a member that a client put."""
    versions = members.versions_named(register.store, connection, place, [member.head.name])
    ((_, _, stored),) = members.bodies_of(register.store, connection, versions)
    assert stored is not None
    return load_body(stored)


def member_of(head: MemberHead, change: int, body: MemberBody) -> NewMember:
    """Return a member that a client put, to be written."""
    is_whole = (body.complete_from, body.complete_until) == (None, None)
    return NewMember(head, change, dump_body(body), weeks_of(body.instances), is_whole=is_whole)


def octets_of(uid: str, closures: Iterable[Known], sequence: int) -> bytes:
    """Return the calendar object that stands for closures which no client put; ``sequence`` is its member's."""
    return render_member(
        uid,
        [
            MemberEvent(
                gateway=known.closure.gateway,
                recurrence_id=known.mark.recurrence_id,
                starts=known.closure.window.starts,
                ends=known.closure.window.ends,
                withdrawn=known.closure.state is State.WITHDRAWN,
                sequence=sequence,
                created=known.closure.first_received_at,
                changed=known.closure.changed_at,
                provisional=known.closure.provisional,
            )
            for known in in_order(closures)
        ],
    )


def in_order(closures: Iterable[Known]) -> list[Known]:
    """Return the closures of an event in the order in which its rendered member states them."""
    return sorted(closures, key=lambda known: (known.mark.recurrence_id, known.closure.reference))


def leaves_on(closures: Iterable[Known], withdrawn_days: int) -> int:
    """Return the first day (an ordinal, UTC) on which a member is there no more: where all of it was withdrawn."""
    changed_at = datetime.min.replace(tzinfo=UTC)
    for known in closures:
        if known.closure.state is not State.WITHDRAWN:
            return 0
        changed_at = max(changed_at, known.closure.changed_at)
    return (changed_at - timedelta(microseconds=1)).toordinal() + 1 + withdrawn_days


def _as_seen_at(gateway: str, decision: Decision) -> Known:
    """Return a closure as one gateway's calendar shows it: one that went to another gateway is off here."""
    closure = decision.closure
    if closure.gateway != gateway:
        closure = replace(closure, state=State.WITHDRAWN)
    return Known(closure, decision.mark)


def _name_of(closures: Sequence[Known]) -> str:
    """Return the name of a member that no client named: stable, and said by nothing else."""
    first = min(closures, key=lambda known: (known.closure.first_received_at, known.closure.reference))
    return f"{first.closure.reference.lower()}.ics"


def _random_name() -> str:
    return f"{new_row_id().hex()}.ics"
