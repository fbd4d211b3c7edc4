"""The record in the memory of one process: histories unsealed by the week as questions need them, within a bound.

What is held follows the log, in which nothing is ever changed; what was purged or shredded makes it begin anew.
"""

import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TypeVar

from app.domain.closure import PlannedClosure
from app.domain.party import Names
from app.domain.refusal import Shredded
from app.domain.window import ClosureWindow, weeks_touched
from app.register.held_histories import HeldHistories, Part
from app.register.recorded_change import (
    UNKNOWN_KIND,
    History,
    Kinds,
    Received,
    RecordedChange,
    grown,
    history_of,
    stood_at,
)
from app.store import histories as rows
from app.store import parties
from app.store.closures import Written
from app.store.engine import Connection, Store, read_head
from app.store.groups import MOST_AT_ONCE
from app.store.parties import Parties
from app.store.proven import altered
from app.store.receipt_order import Passage, Place
from app.store.tables import revisions
from app.store.week_index import WATCHED, closures_in, closures_moved, watched_weeks

MOST_HELD = 20_000
"""How many histories stay in the memory of a process; one question may have more while it is answered."""
LOOKED_THROUGH = 500
"""How many entries a page of what was received passes over at most: each is opened once to be told apart."""
_AT_ONCE = 2_000  # places of the log that are followed in one step
_INSTANT = timedelta(microseconds=1)
_Found = TypeVar("_Found")

Visible = Callable[[Parties], Collection[bytes]]
"""Which Users, by row id, an asker may see and asked for, of those that there are."""


@dataclass(frozen=True, slots=True)
class _Asking:
    """What a question looks at: the histories of some Users, those alone that any entry put into ``places``.

    Without places it looks at every closure of theirs. ``parts`` is what has to be held for that.
    """

    users: Collection[bytes]
    places: Sequence[str] | None
    parts: Sequence[Part]


class HistoryCache:
    """Histories of closures, those of ``most_held`` at most while nobody asks. Safe to ask from any thread.

    ``_lock`` is over what is held; nobody has it while a week is read, and whoever takes it has its connection by then:
    behind a small pooler it would else wait for those that wait for it. ``_loading`` lets one question at a time read.
    """

    def __init__(self, store: Store, most_held: int = MOST_HELD) -> None:
        self._store, self._most_held = store, most_held
        self._lock, self._loading = threading.Lock(), threading.Lock()
        self._forget(-1)
        self._parties_change = -1
        self._set_parties(Parties({}, {}))

    def _forget(self, at_forgotten: int) -> None:
        self._forgotten = at_forgotten
        self._log_size = 0
        self._held = HeldHistories()
        self._kinds = Kinds()

    def _set_parties(self, everyone: Parties) -> None:
        self._parties, self._names = everyone, everyone.names

    @property
    def held(self) -> int:
        """Return how many histories are in memory."""
        return len(self._held)

    @property
    def names(self) -> Names:
        """Return what Users and gateways were called when the cache was last asked: the names to its answer."""
        return self._names

    def parties(self) -> Parties:
        """Return every User and gateway, as of now."""

        def find() -> Parties:
            with self._store.reading() as connection, self._lock:
                self._catch_up(connection)
                return self._parties

        return self._answer(find)

    def closures(self, span: ClosureWindow | None, instant: datetime | None, visible: Visible) -> list[PlannedClosure]:
        """Return what stood at ``instant`` (None: now) of visible Users' closures, those alone that overlap ``span``.

        In no order. Without a span every closure is asked.
        """

        def wanted(users: Collection[bytes]) -> _Asking:
            weeks = None if span is None else weeks_touched(span.starts, span.ends)
            return self._wanted(users, weeks)

        found = self._standing(wanted, instant, visible)
        return found if span is None else [closure for closure in found if closure.window.overlaps(span)]

    def watched(self, instant: datetime | None, visible: Visible) -> list[PlannedClosure]:
        """Return the closures that at ``instant`` (None: now) were told closed, with their re-opening waited for."""

        def wanted(users: Collection[bytes]) -> _Asking:
            over = () if instant is None else watched_weeks(instant, instant + _INSTANT)
            # In this order: who is watched now is let go of after every week of before, and follows into those.
            return self._wanted(users, (*over, WATCHED))

        return [closure for closure in self._standing(wanted, instant, visible) if closure.is_watched]

    def received(self, passage: Passage, visible: Visible, kinds: Collection[int], most: int | None = None) -> Received:
        """Return the entries of visible Users in a passage that are of some kinds: ``most`` at most, None all.

        Of what kind an entry is is kept for good, with a mark of the entry that stood there: each is opened once, and
        one that says another place since is found out. Where ``most`` are wanted, ``LOOKED_THROUGH`` others are looked
        through at most, so that a kind of which there is little costs no more. Raise ``SealBroken``.
        """

        def find() -> Received:
            with self._store.reading() as connection:
                with self._lock:
                    self._catch_up(connection)
                    users, everyone, known = visible(self._parties), self._parties, self._kinds
                    known.grow(self._log_size)
                found: list[tuple[bytes, int]] = []
                last, left = passage.starts, None
                looked_through = enumerate(self._kinds_in(connection, passage, users, everyone, known, most))
                for looked_at, (entry, place, kind) in looked_through:
                    is_wanted = kind in kinds
                    if most is not None and (looked_at == most + LOOKED_THROUGH or (is_wanted and len(found) == most)):
                        left = passage.beyond(last)
                        break
                    if is_wanted:
                        found.append(entry)
                    last = place
                ids = dict.fromkeys(closure_id for closure_id, _ in found)
                histories = {one[0].closure_id: one for one in self._some(connection, ids, users, everyone)}
            # Nothing goes while one connection looks: an entry without its closure is one that was altered.
            if any(entry > len(histories.get(closure_id, ())) for closure_id, entry in found):
                raise altered(revisions)
            return Received([histories[closure_id][entry - 1] for closure_id, entry in found], left)

        return self._answer(find)

    def _kinds_in(  # noqa: PLR0917 - where, what of whom, and what is known of it
        self,
        connection: Connection,
        passage: Passage,
        users: Collection[bytes],
        everyone: Parties,
        kinds: Kinds,
        most: int | None,
    ) -> Iterator[tuple[tuple[bytes, int], Place, int]]:
        """Yield each entry of Users in a passage with its kind.

        It is ``UNKNOWN_KIND`` of what is forgotten, or of a shredded User.
        """
        among = users if len(users) < len(everyone.users) else None
        at_once = MOST_AT_ONCE if most is None else min(MOST_AT_ONCE, most + 1)
        while True:
            found = rows.received_within(connection, passage, among, at_once)
            strangers = {user_id for _, _, _, user_id in found} - everyone.users.keys()
            if not all(self._store.keyring.is_shredded(one) for one in strangers):
                raise altered(revisions)
            unknown = [
                position
                for closure_id, entry, (_, position), user_id in found
                if kinds.of(closure_id, entry, position) == UNKNOWN_KIND and user_id not in strangers
            ]
            for written in rows.entries_at(self._store, connection, unknown):
                kinds.note(written)
            for closure_id, entry, place, _ in found:
                yield (closure_id, entry), place, kinds.of(closure_id, entry, place[1])
            if len(found) < at_once:
                return
            passage = passage.beyond(found[-1][2])

    def changes(self, places: Sequence[tuple[bytes, int]], visible: Visible) -> list[RecordedChange]:
        """Return what stands in these places (closure, entry) of visible Users' histories, in their order."""
        found = {
            history[0].closure_id: history
            for history in self._of_those(lambda _: dict.fromkeys(closure_id for closure_id, _ in places), visible)
        }
        return [found[one][entry - 1] for one, entry in places if one in found and entry <= len(found[one])]

    def moved(self, times: int, instant: datetime | None, visible: Visible) -> list[PlannedClosure]:
        """Return what stood at ``instant`` (None: now) of visible Users' closures that were moved so often by then."""
        found = self._of_those(lambda connection: closures_moved(connection, times), visible)
        stood = (stood_at(history, instant) for history in found)
        return [closure for closure in stood if closure is not None and closure.moves >= times]

    def referred(self, words: Collection[str], visible: Visible) -> list[PlannedClosure]:
        """Return what stands of visible Users' closures of whose reference any of the words is part."""
        found = self._of_those(lambda connection: rows.closures_referred(connection, words), visible)
        return [history[-1].after for history in found]

    def _of_those(self, chosen: Callable[[Connection], Iterable[bytes]], visible: Visible) -> list[History]:
        def find() -> list[History]:
            with self._store.reading() as connection:
                with self._lock:
                    self._catch_up(connection)
                    users, everyone = visible(self._parties), self._parties
                return list(self._some(connection, chosen(connection), users, everyone))

        return self._answer(find)

    def _some(
        self, connection: Connection, closure_ids: Iterable[bytes], users: Collection[bytes], everyone: Parties
    ) -> Iterator[History]:
        """Yield the histories of closures of Users, from memory or read; none of them is held because of that."""
        with self._lock:
            held = {closure_id: self._held.get(closure_id) for closure_id in closure_ids}
        yield from (history for history in held.values() if history is not None and history[0].user_id in users)
        missing = [closure_id for closure_id, history in held.items() if history is None]
        yield from _folded(rows.histories_of(self._store, connection, missing, users), everyone)

    def _wanted(self, users: Collection[bytes], places: Sequence[str] | None) -> _Asking:
        """Say what has to be held: all of the Users, where that is held or where places are more work than entries."""
        if places is None or self._held.holds_users(users) or len(places) * len(self._parties.users) > self._log_size:
            return _Asking(users, places, list(users))
        return _Asking(users, places, places)

    def _standing(
        self,
        wanted: Callable[[Collection[bytes]], _Asking],
        instant: datetime | None,
        visible: Visible,
    ) -> list[PlannedClosure]:
        def find() -> list[PlannedClosure]:
            if instant is None:  # whatever stood before is over
                return [history[-1].after for history in self._histories(wanted, visible)]
            found = (stood_at(history, instant) for history in self._histories(wanted, visible))
            return [closure for closure in found if closure is not None]

        return self._answer(find)

    def _histories(self, wanted_of: Callable[[Collection[bytes]], _Asking], visible: Visible) -> Iterable[History]:
        with self._store.reading() as connection, self._lock:
            self._catch_up(connection)
            wanted = wanted_of(visible(self._parties))
            if not self._held.ask(wanted.parts):
                return self._found(wanted)
            share = self._log_size * len(wanted.users) / max(1, len(self._parties.users))
            everyone = self._parties
        if wanted.parts is not wanted.places and share > self._most_held:
            return self._read_through(everyone, wanted.users)
        with self._loading:
            return self._load(wanted_of, visible)

    def _load(self, wanted_of: Callable[[Collection[bytes]], _Asking], visible: Visible) -> list[History]:
        while True:
            with self._store.reading() as connection:
                with self._lock:
                    self._catch_up(connection)
                    wanted = wanted_of(visible(self._parties))
                    missing = self._held.ask(wanted.parts)
                    held, log_size, everyone = self._held, self._log_size, self._parties
                read = list(self._read(connection, missing, everyone))
            with self._store.reading() as connection, self._lock:
                if held is self._held:
                    held.add(missing, read)
                    # What was followed meanwhile is followed again: of what was read nobody has looked at it.
                    self._log_size = min(self._log_size, log_size)
                self._catch_up(connection)
                if held is self._held:
                    found = self._found(wanted)
                    held.trim(self._most_held)
                    return found

    def _found(self, wanted: _Asking) -> list[History]:
        if wanted.places is None:
            return self._held.of_users(wanted.users)
        return self._held.found_in(wanted.places, wanted.users)

    def _read(self, connection: Connection, missing: Iterable[Part], everyone: Parties) -> Iterator[History]:
        """Read the histories of parts that are not held, as this connection sees them."""
        places = [part for part in missing if isinstance(part, str)]
        if places:
            found = closures_in(self._store, connection, places, everyone.users)
            yield from _folded(rows.histories_of(self._store, connection, found, everyone.users), everyone)
        users = [part for part in missing if isinstance(part, bytes)]
        yield from _folded(rows.histories_of_users(self._store, connection, users), everyone)

    def _read_through(self, everyone: Parties, users: Collection[bytes]) -> Iterator[History]:
        """Read all that there is of Users and hold none of it."""
        with self._store.reading() as connection:
            yield from _folded(rows.histories_of_users(self._store, connection, users), everyone)

    def _answer(self, find: Callable[[], _Found]) -> _Found:
        while True:
            try:
                return find()
            except Shredded:
                # A User's key went while this read: begin anew without that User.
                with self._lock:
                    self._forget(-1)
                    self._parties_change = -1

    def _catch_up(self, connection: Connection) -> None:
        """Follow the record to where this connection sees it, which is where any saw it before or later."""
        head = read_head(connection)
        if head.parties != self._parties_change:
            known = self._parties if head.forgotten == self._forgotten else Parties({}, {})
            self._set_parties(parties.read_parties(self._store, connection, known))
            self._parties_change = head.parties
        if head.forgotten != self._forgotten or head.log_size < self._log_size:
            self._forget(head.forgotten)
        while self._log_size < head.log_size:
            after = min(head.log_size, self._log_size + _AT_ONCE)
            if self._held.is_empty:
                after = head.log_size
            else:
                self._follow(connection, after)
            self._log_size = after

    def _follow(self, connection: Connection, after: int) -> None:
        """Let what is held grow by the entries before a place of the log: all of them, or where this fails none."""
        users, held = self._parties.users, self._held
        recorded = rows.recorded_between(self._store, connection, self._log_size, after, users)
        moved_in = {
            written.closure_id
            for _, written in recorded
            if written.revision.entry > 1 and held.get(written.closure_id) is None and self._concerns(written)
        }
        read = list(_folded(rows.histories_of(self._store, connection, moved_in, users), self._parties))
        held.add((), read)
        followed: dict[bytes, History] = {}
        for reference, written in recorded:
            history = followed.get(written.closure_id) or held.get(written.closure_id)
            if history is None and (written.revision.entry > 1 or not self._concerns(written)):
                continue  # no entry of it is of what is held
            if written.revision.entry > len(history or ()):
                followed[written.closure_id] = grown(history or (), reference, users[written.user_id].code, written)
        # Only as they are in the end: what is watched no more, and then again, is not let go of in between.
        for history in followed.values():
            held.put(history)

    def _concerns(self, written: Written) -> bool:
        fact = written.revision.fact
        watched = [WATCHED] if fact is not None and fact.is_watched else []
        return self._held.concerns(written.user_id, (*written.revision.window.weeks(), *watched))


def _folded(found: Iterable[tuple[str, Sequence[Written]]], everyone: Parties) -> Iterator[History]:
    for reference, entries in found:
        user = everyone.users.get(entries[0].user_id)
        if user is not None:
            yield history_of(reference, user.code, entries)
