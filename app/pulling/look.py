"""One source is looked at: polled for good, previewed without a trace, or tried before it is added."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from hashlib import sha256

from app.domain.maintenance import MaintenanceKind
from app.domain.refusal import IntakeProblem, Shredded
from app.pulling.apart import LookRequest, look_apart
from app.pulling.fetch import Bookmark, Look, look_at
from app.pulling.fetch_failure import SourceUnread
from app.pulling.http_client import Outbound, Visit
from app.pulling.poll import Polled, poll
from app.pulling.source_owner import Closer, Subject
from app.pulling.source_state import SourceState, read_state, write_state
from app.pulling.split_by_uid import Filter
from app.register.register import Register
from app.register.sources import require_polled
from app.store import parties, sources
from app.store.engine import Connection, Store
from app.store.sources import OK, GatewayOf, Source, Standing

_HELD_FOR = timedelta(minutes=10)  # by one poller; longer than any look may last, and then it is anybody's again
_LONGEST_WAIT = timedelta(days=1)
_MOST_DOUBLINGS = 10
_SPREAD = 10  # the tenth part of a wait is left to chance, so that sources do not come in step


@dataclass(frozen=True, slots=True)
class PollReport:
    """What one poll came to. ``outcome`` is ``OK``, or why nothing was taken; then ``polled`` is what stood before."""

    source: Source
    standing: Standing
    polled: Polled

    @property
    def remarks(self) -> tuple[str, ...]:
        """How what this look told was read; nothing where it told nothing."""
        return self.polled.state.found.remarks if self.polled.answers else ()

    @property
    def problems(self) -> tuple[IntakeProblem, ...]:
        """What could not be taken: of what was told now, and of what was told before and is still there."""
        if self.standing.outcome != OK:
            return ()
        told = [problem for answer in self.polled.answers for problem in answer.problems]
        return (*told, *(problem for problem in self.polled.state.found.problems if problem not in told))


def poll_source(
    register: Register, outbound: Outbound, source_id: bytes, now: Callable[[], datetime]
) -> PollReport | None:
    """Poll one source now, due or not; None where another poller has got there first.

    Raise ``Unknown``, or ``SourceRefused`` for one that is never polled; so do the other two.
    """
    store, until = register.store, now() + _HELD_FOR
    with store.writing() as connection:
        source, before = sources.read_source(store, connection, source_id)
        require_polled(source)
        if not sources.take_source(connection, source_id, before.due_at, until):
            return None
    state = read_state(before.state)
    polled, outcome = _look(register, outbound, (source, state), now, dry_run=False)
    ended = now()
    failures = 0 if outcome == OK else before.failures + 1
    after = replace(
        before,
        due_at=next_due(source.id, timedelta(minutes=source.every_minutes), failures, ended),
        polled_at=ended,
        failures=failures,
        outcome=outcome,
    )
    if polled.state != state:
        after = replace(after, row_version=before.row_version + 1, state=write_state(polled.state))
    with store.writing() as connection:
        ours = sources.finish_poll(store, connection, (source, before), after, until)
    return PollReport(source, after, polled) if ours else None


def preview_source(register: Register, outbound: Outbound, source_id: bytes, now: Callable[[], datetime]) -> PollReport:
    """Say what a poll would do now; nothing is written. Raise ``Unknown``."""
    with register.store.reading() as connection:
        source, standing = sources.read_source(register.store, connection, source_id)
    require_polled(source)
    polled, outcome = _look(register, outbound, (source, read_state(standing.state)), now, dry_run=True)
    return PollReport(source, replace(standing, outcome=outcome), polled)


def try_source(register: Register, outbound: Outbound, source: Source, now: Callable[[], datetime]) -> PollReport:
    """Say what the first poll of a source that is not added yet would do; nothing is written."""
    require_polled(source)
    polled, outcome = _look(register, outbound, (source, SourceState()), now, dry_run=True)
    return PollReport(source, Standing(source.created_at, None, 0, outcome, 1, "{}"), polled)


def _look(
    register: Register,
    outbound: Outbound,
    held: tuple[Source, SourceState],
    now: Callable[[], datetime],
    *,
    dry_run: bool,
) -> tuple[Polled, str]:
    """Look at a source; return what that came to, and its outcome."""
    source, state = held
    try:
        subject = _subject(register, source, state, dry_run=dry_run)
        return poll(register, subject, state, partial(_look_at, outbound, source), now), OK
    except SourceUnread as unread:
        return Polled(state), unread.outcome


def _look_at(outbound: Outbound, source: Source, bookmark: Bookmark, wanted: Filter, *, whole: bool) -> Look:
    if outbound.apart:
        return look_apart(
            LookRequest(
                outbound.allow_private, source.url, source.username, source.password, source.agent, bookmark, wanted,
                whole,
            )
        )  # fmt: skip
    visit = Visit(outbound, source.url, source.username, source.password, agent=source.agent)
    return look_at(visit, source.url, bookmark, wanted, whole=whole)


def next_due(source_id: bytes, every: timedelta, failures: int, now: datetime) -> datetime:
    """Return when a source is polled again: later after each failure, by doubling, up to a day."""
    wait: timedelta = min(every * 2 ** min(failures, _MOST_DOUBLINGS), max(every, _LONGEST_WAIT))
    chance = int.from_bytes(sha256(source_id + now.isoformat().encode()).digest()[:4], "big") / 2**32
    return now + wait + wait / _SPREAD * chance


def _subject(register: Register, source: Source, state: SourceState, *, dry_run: bool) -> Subject:
    store = register.store
    with store.reading() as connection:
        reader = _reader(store, connection, source.topic)
        others = sources.list_sources(store, connection).whole if state.taken else ()
    # An event that was moved from one source to another for the same gateway, or kind of dates, is not gone.
    elsewhere = [
        entry.name
        for other, standing in others
        if other.topic == source.topic and other.id != source.id
        for entry in read_state(standing.state).taken.values()
    ]
    return Subject(source, reader, frozenset(elsewhere), dry_run)


def _reader(store: Store, connection: Connection, topic: GatewayOf | MaintenanceKind) -> Closer | MaintenanceKind:
    if not isinstance(topic, GatewayOf):
        return topic
    try:
        user = parties.user_by_id(store, connection, topic.user_id)
    except Shredded as shredded:
        raise SourceUnread("gone") from shredded
    gateways = tuple(gateway.code for gateway in parties.gateways_of(store, connection, user.id))
    if topic.gateway not in gateways:
        raise SourceUnread("gone")
    return Closer(user, topic.gateway, gateways)
