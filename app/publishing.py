"""From the register to feed entries, and to octets that are rendered once for each revision and then joined."""

import bisect
import gzip
import threading
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime

from app.domain.clash import find_clashing, find_maintenance_clashes
from app.domain.closure import PlannedClosure
from app.domain.maintenance import Maintenance, MaintenanceKind
from app.register.closure_json import entry_of
from app.register.reading import read_changes
from app.register.register import Register
from app.store.engine import Head
from app.store.instants import to_micros
from feeds.calendar import render_calendar, render_object
from feeds.entry import FeedEntry, MaintenanceEntry, Publisher
from feeds.event import render_event
from feeds.freshness import etag_of
from feeds.header import header_of
from feeds.jcal import render_jcal
from feeds.listing import count_ended, render_entries, render_listing, render_maintenance
from feeds.scope import EPOCH, Code, FeedScope, Takes, last_modified, takes

_MOST_FEEDS = 8  # whole feeds kept ready in one process; the least recently asked for goes first
_GZIP_LEVEL = 3  # a feed is one event again and again: level 6 takes four times as long for a twelfth less


@dataclass(frozen=True, slots=True)
class Rendered:
    """One closure, ready for any feed: its entry, its octets, and the closure itself, to see what it clashes with.

    ``change`` is the register's change number of its last applied revision.
    """

    entry: FeedEntry
    octets: bytes
    closure: PlannedClosure
    change: int


@dataclass(frozen=True, slots=True)
class RenderedDate:
    """One of DCC's own windows, ready for any feed. ``change`` is when its last entry was received, in microseconds."""

    entry: MaintenanceEntry
    octets: bytes
    change: int


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
        self._head: Head | None = None  # what is rendered is as of this
        self._rendered: dict[bytes, Rendered] = {}
        self._order: list[tuple[datetime, str, bytes]] = []
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
            with self._lock:
                standing = self._catch_up(head)
                everything = [self._rendered[place[2]] for place in self._order]
            return shelf.put(standing, self._publish(scope, standing, today, everything))

    def _shelf(self, scope: FeedScope, today: date) -> _Shelf:
        with self._choosing:
            shelf = self._shelves.setdefault((scope, today), _Shelf())
            self._shelves.move_to_end((scope, today))
            while len(self._shelves) > _MOST_FEEDS:
                self._shelves.popitem(last=False)
            return shelf

    def rendered(self, head: Head) -> list[Rendered]:
        """Return every closure as of ``head``, in the order of feeds, whichever scope takes it."""
        with self._lock:
            self._catch_up(head)
            return [self._rendered[place[2]] for place in self._order]

    def rendered_dates(self, head: Head) -> list[RenderedDate]:
        """Return each of DCC's own windows as of ``head``, withdrawn ones too, in the order of feeds."""
        planned = self._register.rules.at(head.rules).maintenance_at(None)
        pairs = sorted(
            ((maintenance_entry_of(maintenance), maintenance) for maintenance in planned),
            key=lambda pair: pair[0].sort_key,
        )
        return [
            RenderedDate(entry, render_event(entry, self._publisher), to_micros(maintenance.received_at))
            for entry, maintenance in pairs
        ]

    def in_force(self, scope: FeedScope, head: Head) -> FeedScope:
        """Return the scope with the time for which the rules in force show what is withdrawn."""
        return replace(scope, withdrawn_days=self._register.rules.at(head.rules).retention.withdrawn_days)

    def object_of(self, rendered: Rendered | RenderedDate) -> bytes:
        """Return what a feed shows as a calendar object by itself."""
        return render_object(self._publisher, rendered.octets)

    def file_of(self, closure_ids: Iterable[bytes], head: Head) -> bytes:
        """Return the closures of these row ids as a calendar file, as of ``head``, in the order given."""
        with self._lock:
            self._catch_up(head)
            return render_object(
                self._publisher, b"".join(self._rendered[closure_id].octets for closure_id in closure_ids)
            )

    def uid_of(self, rendered: Rendered | RenderedDate) -> str:
        """Return the UID that every feed states of it."""
        return rendered.entry.uid(self._publisher.uid_domain)

    def jcal(self, publication: Publication) -> bytes:
        """Return a publication as jCal (RFC 7265)."""
        return publication.jcal(self._publisher)

    def _catch_up(self, head: Head) -> Head:
        """Render what changed since the last time; everything, if any was forgotten. Return what it is now as of.

        A User or gateway that is new changes nothing: what names it comes after it.
        """
        standing = self._head
        if standing is not None and _covers(standing, head):
            return standing
        if standing is None or head.forgotten > standing.forgotten:
            self._rendered, self._order, known = {}, [], 0
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
            rendered = Rendered(entry, render_event(entry, self._publisher), closure, change)
            earlier = self._rendered.get(closure.id)
            if earlier is not None:
                gone = (*earlier.entry.sort_key, closure.id)
                del self._order[bisect.bisect_left(self._order, gone)]
            self._rendered[closure.id] = rendered
            fresh.append((*entry.sort_key, closure.id))
        if len(fresh) > len(self._order) // 10:
            self._order = sorted([*self._order, *fresh])
        else:
            for place in fresh:
                bisect.insort(self._order, place)
        self._head = found_head
        return found_head

    def _publish(self, scope: FeedScope, head: Head, today: date, everything: list[Rendered]) -> Publication:
        scope = self.in_force(scope, head)
        planned = self._register.rules.at(head.rules).maintenance_at(None)
        if scope.row.takes is Takes.DCC_DATES:
            return self._publish_maintenance(scope, head, today)
        concerned = _clashing(everything, planned) if scope.row.takes is Takes.CLASHING else everything
        shown = [rendered for rendered in concerned if takes(scope, rendered.entry, today)]
        octets = render_calendar(header_of(scope), self._publisher, [rendered.octets for rendered in shown])
        departed = _departed(scope, everything, planned)
        entries = (rendered.entry for rendered in concerned)
        changed_at = max(last_modified(scope, entries, today, departed=departed), head.others_at)
        return Publication(scope, [rendered.entry for rendered in shown], [], octets, etag_of(octets), changed_at)

    def _publish_maintenance(self, scope: FeedScope, head: Head, today: date) -> Publication:
        everything = self.rendered_dates(head)
        shown = [rendered for rendered in everything if takes(scope, rendered.entry, today)]
        octets = render_calendar(header_of(scope), self._publisher, [rendered.octets for rendered in shown])
        changed_at = max(last_modified(scope, (rendered.entry for rendered in everything), today), head.others_at)
        return Publication(scope, [], [rendered.entry for rendered in shown], octets, etag_of(octets), changed_at)


def _clashing(everything: Iterable[Rendered], planned: Iterable[Maintenance]) -> list[Rendered]:
    """Return the closures that overlap another gateway's, or DCC's own dates; of a withdrawn one that is over."""
    closures = {rendered.closure.reference: rendered for rendered in everything}
    clashing = find_clashing(rendered.closure for rendered in closures.values())
    on_dates = find_maintenance_clashes((rendered.closure for rendered in closures.values()), planned)
    clashing |= {found.closure.reference for found in on_dates}
    return [rendered for reference, rendered in closures.items() if reference in clashing]


def _departed(scope: FeedScope, everything: Iterable[Rendered], planned: Iterable[Maintenance]) -> datetime:
    """Return when a closure may last have left the feed by what its own entry cannot tell."""
    if scope.row.code is Code.GATEWAY:
        left = (rendered.entry.changed for rendered in everything if scope.code in rendered.closure.former_gateways)
        return max(left, default=EPOCH)
    if scope.row.takes is Takes.CLASHING:
        changes = [rendered.entry.changed for rendered in everything]
        return max(changes + [maintenance.received_at.replace(microsecond=0) for maintenance in planned], default=EPOCH)
    return EPOCH
