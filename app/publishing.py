"""From the register to feed entries, and to octets that are rendered once for each revision and then joined."""

import gzip
import threading
from collections import OrderedDict
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime

from app.domain.clash import find_clashing, find_maintenance_clashes
from app.domain.closure import PlannedClosure
from app.domain.maintenance import Maintenance, MaintenanceKind
from app.domain.party import Names
from app.register.closure_json import entry_of
from app.register.reading import read_changes
from app.register.register import Register
from app.store.engine import Head
from app.store.instants import to_micros
from feeds.board import Everything, FeedBoard
from feeds.calendar import render_calendar, render_object
from feeds.entry import FeedEntry, MaintenanceEntry, Publisher
from feeds.event import render_event
from feeds.freshness import etag_of
from feeds.header import header_of
from feeds.jcal import render_jcal
from feeds.listing import count_ended, render_entries, render_listing, render_maintenance
from feeds.scope import FeedScope, Takes

_MOST_FEEDS = 8  # whole feeds kept ready in one process; the least recently asked for goes first
_TAG_DIGITS = 32
_GZIP_LEVEL = 3  # a feed is one event again and again: level 6 takes four times as long for a twelfth less


@dataclass(slots=True)
class Event:
    """The octets of one event, rendered when they are first asked for and kept: of what no feed shows there are none.

    Two threads that come at once render the same.
    """

    _entry: FeedEntry | MaintenanceEntry
    _publisher: Publisher
    _octets: bytes | None = None
    _facts: tuple[str, int] | None = None

    def octets(self) -> bytes:
        """Return the event."""
        if self._octets is None:
            self._octets = render_event(self._entry, self._publisher)
        return self._octets

    def whole(self) -> bytes:
        """Return it as a calendar object by itself."""
        return render_object(self._publisher, self.octets())

    def facts(self) -> tuple[str, int]:
        """Return the entity tag and the length of that object."""
        if self._facts is None:
            whole = self.whole()
            self._facts = etag_of(whole)[:_TAG_DIGITS], len(whole)
        return self._facts


@dataclass(frozen=True, slots=True)
class Rendered:
    """One closure, ready for any feed: its entry, its event, and the closure itself, to see what it clashes with.

    ``change`` is the register's change number of its last applied revision.
    """

    entry: FeedEntry
    event: Event
    closure: PlannedClosure
    change: int

    @property
    def former_gateways(self) -> Collection[str]:
        """Return the codes of the gateways that it was at before."""
        return self.closure.former_gateways


@dataclass(frozen=True, slots=True)
class RenderedDate:
    """One of DCC's own windows, ready for any feed. ``change`` is when its last entry was received, in microseconds."""

    entry: MaintenanceEntry
    event: Event
    change: int
    former_gateways: Collection[str] = ()


@dataclass(slots=True)
class Publication:
    """One feed as it stands: what it shows, and its iCalendar octets. Made once, read by every thread.

    ``entries`` are closures and ``maintenance`` is DCC's own dates; a feed has the one or the other.
    """

    scope: FeedScope
    entries: list[FeedEntry]
    maintenance: list[MaintenanceEntry]
    calendar: bytes
    etag: str
    changed_at: datetime
    _making: threading.Lock = field(default_factory=threading.Lock)
    _gzipped: bytes | None = field(default=None)
    _jcal: bytes | None = field(default=None)
    _closures: tuple[int, bytes] | None = field(default=None)

    @property
    def octets(self) -> int:
        """Return how many octets it holds, those that are made of it when they are asked for among them."""
        made = [self._gzipped, self._jcal, None if self._closures is None else self._closures[1]]
        return len(self.calendar) + sum(map(len, filter(None, made)))

    def take(self, later: "Publication") -> None:
        """Take over what a later one with the same octets says beside them: what was told of a closure is in JSON."""
        with self._making:
            self.changed_at = later.changed_at
            if later.entries != self.entries:
                self.entries, self._closures = later.entries, None

    def gzipped(self) -> bytes:
        """Return the calendar as gzip, made once; without a time stamp, so that it is the same on every worker."""
        with self._making:
            if self._gzipped is None:
                self._gzipped = gzip.compress(self.calendar, _GZIP_LEVEL, mtime=0)
            return self._gzipped

    def jcal(self, publisher: Publisher) -> bytes:
        """Return the feed as jCal (RFC 7265), made once."""
        with self._making:
            if self._jcal is None:
                self._jcal = render_jcal(header_of(self.scope), publisher, [*self.entries, *self.maintenance])
            return self._jcal

    def listing(self, now: datetime) -> bytes:
        """Return the feed as our JSON at ``now``; the long part of it is kept until a window ends."""
        if self.scope.row.takes is Takes.DCC_DATES:
            return render_maintenance(header_of(self.scope), self.maintenance)
        with self._making:
            entries, kept = self.entries, self._closures
        ended = count_ended(entries, now)
        if kept is None or kept[0] != ended:
            kept = (ended, render_entries(entries, now))
            with self._making:
                if self.entries is entries:
                    self._closures = kept
        return render_listing(header_of(self.scope), entries, now, kept[1])


@dataclass(frozen=True, slots=True)
class KeptReady:
    """What one process keeps ready: how many rendered events, and whole feeds with their ``octets``."""

    events: int
    feeds: int
    octets: int


@dataclass(slots=True)
class _Shelf:
    """Where one feed is kept. Who wants it as it is not yet there renders it, and the others wait for that one.

    Waiting for one feed keeps nobody from another: hundreds of subscribers come at once after each change.
    """

    rendering: threading.Lock = field(default_factory=threading.Lock)
    _kept: tuple[Head, Publication] | None = None

    def as_of(self, head: Head) -> Publication | None:
        """Return what is kept if it is as of this head or a later one."""
        kept = self._kept
        return kept[1] if kept is not None and _covers(kept[0], head) else None

    @property
    def octets(self) -> int:
        """Return how many octets are kept."""
        return 0 if self._kept is None else self._kept[1].octets

    def put(self, head: Head, publication: Publication) -> Publication:
        """Keep what was rendered, and return what is kept."""
        if self._kept is not None and self._kept[1].etag == publication.etag:
            # What changed concerns others, or JSON alone: the octets that stand, and their compressed form, serve on.
            self._kept[1].take(publication)
            publication = self._kept[1]
        self._kept = (head, publication)
        return publication


def _covers(standing: Head, asked: Head) -> bool:
    """Tell whether what stands for one head is as new as another asks: the numbers of a head only rise."""
    return standing.change >= asked.change and standing.forgotten >= asked.forgotten and standing.rules >= asked.rules


def maintenance_entry_of(one: Maintenance) -> MaintenanceEntry:
    """Return what a feed says of one of DCC's own windows."""
    return MaintenanceEntry(
        reference=one.reference,
        release=one.kind is MaintenanceKind.RELEASE,
        starts=one.window.starts,
        ends=one.window.ends,
        withdrawn=one.withdrawn,
        sequence=one.number,
        created=one.first_received_at.replace(microsecond=0),
        changed=one.received_at.replace(microsecond=0),
    )


class Publishing:
    """The feeds of one process, kept up with the register by its change number.

    Every process comes to the same octets from the same register: nothing here depends on when it was asked or by whom.
    """

    def __init__(self, register: Register, publisher: Publisher) -> None:
        self._register = register
        self._publisher = publisher
        self._lock = threading.Lock()
        self._head: Head | None = None  # everything is as of this
        self._everything = Everything[Rendered]()
        self._boards: OrderedDict[tuple[FeedScope, date], FeedBoard[Rendered]] = OrderedDict()
        self._shelves: OrderedDict[tuple[FeedScope, date], _Shelf] = OrderedDict()
        self._choosing = threading.Lock()  # of a shelf: never held for long

    def feed(self, scope: FeedScope, head: Head, now: datetime) -> Publication:
        """Return the feed of ``scope`` as of ``head`` (which the caller has just read) on the UTC day of ``now``.

        It may be as of a later head, where another thread came to one meanwhile.
        """
        today = now.astimezone(UTC).date()
        shelf = self._shelf(scope, today)
        publication = shelf.as_of(head)
        if publication is not None:
            return publication
        with shelf.rendering:
            publication = shelf.as_of(head)
            if publication is not None:
                return publication  # another thread rendered it while this one waited
            return shelf.put(*self._publish(scope, head, today))

    def kept(self) -> KeptReady:
        """Return how much is kept ready, without waiting for what is being rendered."""
        with self._choosing:
            shelves = list(self._shelves.values())
        octets = [shelf.octets for shelf in shelves]
        return KeptReady(len(self._everything), sum(map(bool, octets)), sum(octets))

    def _shelf(self, scope: FeedScope, today: date) -> _Shelf:
        with self._choosing:
            shelf = self._shelves.setdefault((scope, today), _Shelf())
            self._shelves.move_to_end((scope, today))
            while len(self._shelves) > _MOST_FEEDS:
                self._shelves.popitem(last=False)
            return shelf

    @contextmanager
    def board(self, scope: FeedScope, head: Head, today: date) -> Iterator[FeedBoard[Rendered]]:
        """Give what ``scope``, with the rules in force, shows as of ``head`` on the UTC day ``today``.

        Nothing is published meanwhile: it is to be read at once and let go. DCC's own dates are in ``board_of_dates``.
        """
        with self._lock:
            self._catch_up(head)
            yield self._board(scope, today)

    def board_of_dates(self, scope: FeedScope, head: Head, today: date) -> FeedBoard[RenderedDate]:
        """Return what a scope of DCC's own dates, with the rules in force, shows on the UTC day ``today``."""
        return FeedBoard(scope, today, Everything(self._rendered_dates(head)))

    def _board(self, scope: FeedScope, today: date) -> FeedBoard[Rendered]:
        board = self._boards.pop((scope, today), None) or FeedBoard(scope, today, self._everything)
        self._boards[scope, today] = board
        while len(self._boards) > _MOST_FEEDS:
            self._boards.popitem(last=False)
        return board

    def _rendered_dates(self, head: Head) -> list[RenderedDate]:
        """Return each of DCC's own windows as of ``head``, withdrawn ones too."""
        found = []
        for maintenance in self._register.rules.at(head.rules).maintenance_at(None):
            entry = maintenance_entry_of(maintenance)
            event = Event(entry, self._publisher)
            found.append(RenderedDate(entry, event, to_micros(maintenance.received_at)))
        return found

    def in_force(self, scope: FeedScope, head: Head) -> FeedScope:
        """Return the scope with the time for which the rules in force show what is withdrawn."""
        return replace(scope, withdrawn_days=self._register.rules.at(head.rules).retention.withdrawn_days)

    def file_of(self, closures: Iterable[PlannedClosure], names: Names) -> bytes:
        """Return these closures as a calendar file, in the order given."""
        events = [render_event(entry_of(closure, names), self._publisher) for closure in closures]
        return render_object(self._publisher, b"".join(events))

    def uid_of(self, rendered: Rendered | RenderedDate) -> str:
        """Return the UID that every feed states of it."""
        return rendered.entry.uid(self._publisher.uid_domain)

    def jcal(self, publication: Publication) -> bytes:
        """Return a publication as jCal (RFC 7265)."""
        return publication.jcal(self._publisher)

    def _catch_up(self, head: Head) -> Head:
        """Read what changed since the last time; everything, if any was forgotten. Return what it is now as of.

        A User or gateway that is new changes nothing: what names it comes after it.
        """
        standing = self._head
        if standing is not None and _covers(standing, head):
            return standing
        if standing is None or head.forgotten > standing.forgotten:
            self._everything, known = Everything(), 0
            self._boards.clear()
        elif head.change > standing.change:
            known = standing.change
        else:
            self._head = head  # a rule alone is new, and no event shows it
            return head
        found_head, parties, changed = read_changes(self._register, known)
        if standing is not None and known and found_head.forgotten > standing.forgotten:
            return self._catch_up(found_head)  # forgotten since the caller read the head
        names = parties.names
        fresh = []
        for change, closure in changed:
            entry = entry_of(closure, names)
            fresh.append(Rendered(entry, Event(entry, self._publisher), closure, change))
        stood = self._everything.take(fresh)
        for board in self._boards.values():
            board.follow(stood)
        self._head = found_head
        return found_head

    def _publish(self, scope: FeedScope, head: Head, today: date) -> tuple[Head, Publication]:
        """Render a feed; return also the head that it is as of."""
        if scope.row.takes is Takes.DCC_DATES:
            scope = self.in_force(scope, head)
            dates = self.board_of_dates(scope, head, today)
            return head, self._publication(scope, head, dates.shown(), dates.changed_at)
        if scope.row.takes is Takes.CLASHING:
            with self._lock:
                standing = self._catch_up(head)
                everything = self._everything.in_order()
            scope = self.in_force(scope, standing)
            return standing, self._publication(scope, standing, *self._clashes(scope, standing, today, everything))
        with self._lock:
            standing = self._catch_up(head)
            scope = self.in_force(scope, standing)
            board = self._board(scope, today)
            shown, changed_at = board.shown(), board.changed_at
        return standing, self._publication(scope, standing, shown, changed_at)

    def _clashes(
        self, scope: FeedScope, head: Head, today: date, everything: Sequence[Rendered]
    ) -> tuple[list[Rendered], datetime]:
        """Return what a scope of clashes shows, and when it changed last: another's change may end a clash."""
        planned = self._register.rules.at(head.rules).maintenance_at(None)
        board = FeedBoard(scope, today, Everything(_clashing(everything, planned)))
        changes = [rendered.entry.changed for rendered in everything]
        changes += [maintenance.received_at.replace(microsecond=0) for maintenance in planned]
        return board.shown(), max([board.changed_at, *changes])

    def _publication(
        self, scope: FeedScope, head: Head, shown: Sequence[Rendered | RenderedDate], changed_at: datetime
    ) -> Publication:
        octets = render_calendar(header_of(scope), self._publisher, [rendered.event.octets() for rendered in shown])
        entries = [rendered.entry for rendered in shown if isinstance(rendered, Rendered)]
        dates = [rendered.entry for rendered in shown if isinstance(rendered, RenderedDate)]
        return Publication(scope, entries, dates, octets, etag_of(octets), max(changed_at, head.others_at))


def _clashing(everything: Iterable[Rendered], planned: Iterable[Maintenance]) -> list[Rendered]:
    """Return the closures that overlap another gateway's, or DCC's own dates; of a withdrawn one that is over."""
    closures = {rendered.closure.reference: rendered for rendered in everything}
    clashing = find_clashing(rendered.closure for rendered in closures.values())
    on_dates = find_maintenance_clashes((rendered.closure for rendered in closures.values()), planned)
    clashing |= {found.closure.reference for found in on_dates}
    return [rendered for reference, rendered in closures.items() if reference in clashing]
