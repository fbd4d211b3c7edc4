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
_GZIP_LEVEL = 6


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
    _gzipped: bytes | None = field(default=None)
    _jcal: bytes | None = field(default=None)
    _closures: tuple[int, bytes] | None = field(default=None)

    def gzipped(self) -> bytes:
        """Return the calendar as gzip, made once; without a time stamp, so that it is the same on every worker."""
        if self._gzipped is None:
            self._gzipped = gzip.compress(self.calendar, _GZIP_LEVEL, mtime=0)
        return self._gzipped

    def jcal(self, publisher: Publisher) -> bytes:
        """Return the feed as jCal (RFC 7265), made once."""
        if self._jcal is None:
            self._jcal = render_jcal(header_of(self.scope), publisher, [*self.entries, *self.maintenance])
        return self._jcal

    def listing(self, now: datetime) -> bytes:
        """Return the feed as our JSON at ``now``; the long part of it is kept until a window ends."""
        if self.scope.row.takes is Takes.DCC_DATES:
            return render_maintenance(header_of(self.scope), self.maintenance)
        ended = count_ended(self.entries, now)
        kept = self._closures
        if kept is None or kept[0] != ended:
            kept = self._closures = (ended, render_entries(self.entries, now))
        return render_listing(header_of(self.scope), self.entries, now, kept[1])


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
        self._change = 0
        self._parties = -1
        self._rendered: dict[bytes, Rendered] = {}
        self._order: list[tuple[datetime, str, bytes]] = []
        self._feeds: OrderedDict[tuple[FeedScope, date], tuple[tuple[int, int, int], Publication]] = OrderedDict()

    def feed(self, scope: FeedScope, head: Head, now: datetime) -> Publication:
        """Return the feed of ``scope`` as of ``head`` (which the caller has just read) on the UTC day of ``now``."""
        today = now.astimezone(UTC).date()
        key = (scope, today)
        mark = (head.change, head.parties, head.rules)
        with self._lock:
            kept = self._feeds.get(key)
            if kept is not None and kept[0] == mark:
                self._feeds.move_to_end(key)
                return kept[1]
            self._catch_up(head)
            publication = self._publish(scope, head, today)
            if kept is not None and kept[1].etag == publication.etag:
                # What changed concerns others: the octets that stand, and their compressed form, serve on.
                kept[1].changed_at = publication.changed_at
                publication = kept[1]
            self._feeds[key] = (mark, publication)
            self._feeds.move_to_end(key)
            while len(self._feeds) > _MOST_FEEDS:
                self._feeds.popitem(last=False)
            return publication

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

    def _catch_up(self, head: Head) -> None:
        """Render what changed since the last time; everything, if names changed."""
        if head.parties != self._parties:
            self._rendered, self._order, self._change = {}, [], 0
        elif head.change == self._change:
            return
        found_head, parties, changed = read_changes(self._register, self._change)
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
        self._change, self._parties = found_head.change, found_head.parties

    def _publish(self, scope: FeedScope, head: Head, today: date) -> Publication:
        scope = self.in_force(scope, head)
        planned = self._register.rules.at(head.rules).maintenance_at(None)
        if scope.row.takes is Takes.DCC_DATES:
            return self._publish_maintenance(scope, head, today)
        everything = [self._rendered[place[2]] for place in self._order]
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
