"""What a feed scope shows, as a read-only calendar with incremental sync; a member's name is its reference."""

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import NAMESPACE_URL, uuid5

from app.caldav.backend import (
    CalendarCollection,
    CalendarMember,
    CollectionChanges,
    MemberEntry,
    MemberInstance,
    Reached,
    TokenUnknown,
)
from app.caldav.boards.sync_mark import check_mark, mark_of
from app.publishing import Publishing, Rendered, RenderedDate
from app.register.reading import place_in_log
from app.register.register import Register
from app.store.engine import Head
from app.store.instants import to_micros
from app.store.log import leaf_at
from feeds.board import FeedBoard, Heard
from feeds.header import header_of
from feeds.scope import FeedScope, Takes

DCC_CODE = "dcc"
Shown = Rendered | RenderedDate
_TOKEN = re.compile(
    r"(?P<change>[0-9]{1,18})\.(?P<revised>[A-Z0-9-]*)_(?P<day>[0-9]{1,8})\.(?P<moved>[A-Z0-9-]*)_"
    r"(?:0|(?P<position>[0-9]{1,18})\.(?P<mark>[0-9a-f]{12}))_(?P<pinned>[0-9]{1,18}\.[0-9]{1,18})"
)


@dataclass(frozen=True, slots=True)
class ScopeCalendar:
    """One scope, with the rules in force, for one request; ``head`` was read for it."""

    register: Register
    publishing: Publishing
    head: Head
    scope: FeedScope
    now: datetime

    def collection(self) -> CalendarCollection:
        """Return the calendar as its home lists it."""
        header, name = header_of(self.scope), self.scope.kind.value
        return CalendarCollection(
            owner=DCC_CODE,
            name=name,
            title=header.name,
            description=header.description,
            writable=False,
            resource_id=str(uuid5(NAMESPACE_URL, f"{self.register.origin}/{DCC_CODE}/{name}")),
            created_at=None,
        )

    def reached(self) -> Reached:
        """Return what the scope's newest change is, and when it was."""
        with self._board() as board:
            newest, changed_at = board.newest, board.changed_at
        return Reached(self._token(newest), max(changed_at, self.head.others_at))

    def entries(self) -> Sequence[MemberEntry]:
        """Return what the scope shows today, in the order of its feed."""
        return list(map(_entry, self._shown()))

    def entry(self, name: str) -> MemberEntry | None:
        """Return one closure."""
        with self._board() as board:
            shown = board.named(_reference(name))
        return None if shown is None else _entry(shown)

    def members(self, names: Iterable[str]) -> Iterable[CalendarMember]:
        """Yield closures of these names whole."""
        with self._board() as board:
            found = [board.named(_reference(name)) for name in dict.fromkeys(names)]
        return (self._member(shown) for shown in found if shown is not None)

    def every_member(self) -> Iterable[CalendarMember]:
        """Yield every closure whole."""
        return map(self._member, self._shown())

    def touching(self, starts: datetime | None, ends: datetime | None) -> Iterable[CalendarMember]:
        """Yield the closures whose window shares an instant with the span."""
        with self._board() as board:
            found = board.touching(starts, ends)
        return map(self._member, found)

    def changes(self, token: str, most: int | None) -> CollectionChanges:
        """Return what came, changed or went since a token."""
        since = self._reached(token)
        with self._board() as board:
            step = board.after(since, most)
        changed, gone = list(map(_entry, step.shown)), list(map(_name, step.gone))
        return CollectionChanges(changed, gone, self._token(step.reached), is_cut=step.is_cut)

    @contextmanager
    def _board(self) -> Iterator[FeedBoard[Rendered] | FeedBoard[RenderedDate]]:
        """Give what the scope shows today: to be read at once."""
        today = self.now.astimezone(UTC).date()
        if self._shows_dcc_dates():
            yield self.publishing.board_of_dates(self.scope, self.head, today)
        else:
            with self.publishing.board(self.scope, self.head, today) as board:
                yield board

    def _shown(self) -> Sequence[Shown]:
        with self._board() as board:
            return board.shown()

    def _member(self, shown: Shown) -> CalendarMember:
        instance = MemberInstance(shown.entry.starts, shown.entry.ends)
        octets = shown.event.whole()
        return CalendarMember(_entry(shown), self.publishing.uid_of(shown), octets, (instance,))

    def _token(self, reached: Heard) -> str:
        """Return a token: where it has come, what marks this timeline, and what is the same for all that it saw."""
        (change, reference), (day, moved) = reached.revision, reached.edge
        mark = "0"
        if reference:
            position, leaf = self._place_of(reached)
            mark = f"{position}.{mark_of(self._mark_key(), leaf)}"
        return f"{change}.{reference}_{day}.{moved}_{mark}_{self._pinned()}"

    def _reached(self, token: str) -> Heard:
        """Return where a token stands. Raise ``TokenUnknown``, also once other names or rules are in force."""
        if not token:
            return Heard()
        found = _TOKEN.fullmatch(token)
        if found is None or found["pinned"] != self._pinned():
            raise TokenUnknown
        reached = Heard((int(found["change"]), found["revised"]), (int(found["day"]), found["moved"]))
        if found["mark"] is not None:
            check_mark(found["mark"], self._mark_key(), self._leaf_at(int(found["position"]), reached))
        return reached

    def _mark_key(self) -> bytes:
        return self.scope.kind.value.encode()

    def _pinned(self) -> str:
        """Return what changes members without changing a closure: forgetting and rules; of DCC's own dates, rules."""
        if self._shows_dcc_dates():
            return f"0.{self.register.rules.at(self.head.rules).retention.version}"
        return f"{self.head.forgotten}.{self.head.rules}"

    def _place_of(self, reached: Heard) -> tuple[int, bytes]:
        """Return the place in the record that was reached, and what stands there and nowhere else.

        Of a closure it is its last revision's leaf: where an older backup was restored, the log has another there.
        DCC's own windows have no log: there it is every entry up to then, so that none comes in before it unseen.
        """
        if not self._shows_dcc_dates():
            return place_in_log(self.register, reached.revision[1])
        entries = self.register.rules.at(self.head.rules).maintenance
        told = sorted((to_micros(window.received_at), window.reference, window.number) for window in entries)
        earlier = [entry for entry in told if entry[:2] <= reached.revision]
        return len(earlier), repr(earlier).encode()

    def _leaf_at(self, position: int, reached: Heard) -> bytes | None:
        if self._shows_dcc_dates():
            place, leaf = self._place_of(reached)
            return leaf if place == position else None
        with self.register.store.reading() as connection:
            return leaf_at(connection, position)

    def _shows_dcc_dates(self) -> bool:
        return self.scope.row.takes is Takes.DCC_DATES


def _name(reference: str) -> str:
    return f"{reference}.ics"


def _reference(name: str) -> str:
    reference, _, ending = name.partition(".")
    return reference if ending == "ics" else ""


def _entry(shown: Shown) -> MemberEntry:
    entry = shown.entry
    return MemberEntry(_name(entry.reference), *shown.event.facts(), entry.created, entry.changed)
