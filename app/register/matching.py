"""Which held closure an announcement is about, also after a whole series was moved; and which occurrences vanished."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from app.domain.closure import State
from app.domain.notice import Announcement
from app.register.named_occurrence import HeldSeries
from app.store.closures import Held

Event = tuple[str, str]
"""A gateway and the sender's UID: what one event is at one gateway (ADR 28)."""


@dataclass(frozen=True, slots=True)
class Match:
    """One announcement and the closure that it is about; None where we first hear of it.

    ``is_stated`` is false of a withdrawal that no event of the notice states: it follows from what is missing there.
    """

    announcement: Announcement
    held: Held | None
    is_stated: bool = True


def match_announcements(
    announcements: Sequence[Announcement],
    held: Iterable[Held],
    whole_uids: frozenset[str],
    received_at: datetime,
    without_occurrences: Iterable[Event] = (),
) -> list[Match]:
    """Pair each announcement with its closure, in the order given, then add a withdrawal for what has vanished.

    A closure is found by (gateway, UID, RECURRENCE-ID). Where a notice states a UID whole and none of its
    RECURRENCE-IDs is known at that gateway, the series as a whole was moved: occurrences are found by their place in
    the rule instead. An occurrence that a whole UID no longer has there is withdrawn, unless it has started. A whole
    UID has none at all where it stands in ``without_occurrences``.
    """
    known: dict[Event, dict[str, Held]] = defaultdict(dict)
    for closure in held:
        known[_event_of(closure)][closure.mark.recurrence_id] = closure
    stated: dict[Event, list[Announcement]] = defaultdict(list)
    order: dict[int, int] = {}
    series: dict[Event, HeldSeries] = {}
    for at, announcement in enumerate(announcements):
        for told in _at_each_gateway(announcement, known):
            event = told.gateway, told.uid
            meant = told
            if told.named is not None and told.uid not in whole_uids:
                if event not in series:
                    keys = (other.recurrence_id for other in announcements if other.uid == told.uid)
                    series[event] = HeldSeries(known.get(event, {}), keys)
                meant = series[event].as_held(told, told.named)
            stated[event].append(meant)
            order[id(meant)] = at
    for event in without_occurrences:
        stated.setdefault(event, [])
    matches = []
    for event, told_of in stated.items():
        matches += _match_event(told_of, known[event], is_whole=event[1] in whole_uids, received_at=received_at)
    return sorted(matches, key=lambda match: order.get(id(match.announcement), len(order)))


def withdrawal_of(held: Held, like: Announcement | None = None) -> Announcement:
    """Return the announcement that withdraws a closure, with the sender's mark of ``like`` where it has one."""
    plain = Announcement(
        uid=held.mark.uid,
        gateway=held.closure.gateway,
        window=held.closure.window,
        recurrence_id=held.mark.recurrence_id,
        withdrawn=True,
        position=held.mark.position,
    )
    if like is None:
        return plain
    return replace(
        plain,
        sender_sequence=like.sender_sequence,
        sender_dtstamp=like.sender_dtstamp,
        by_receipt=like.by_receipt,
        line=like.line,
    )


def _event_of(held: Held) -> Event:
    return held.closure.gateway, held.mark.uid


def _at_each_gateway(announcement: Announcement, known: Mapping[Event, object]) -> Iterable[Announcement]:
    """Yield the announcement; a withdrawal that names no gateway is one for each at which its event is known."""
    gateways = [] if announcement.gateway else sorted(at for at, uid in known if uid == announcement.uid)
    if gateways:
        yield from (replace(announcement, gateway=gateway) for gateway in gateways)
    else:
        yield announcement


def _match_event(
    told: Sequence[Announcement], known: Mapping[str, Held], *, is_whole: bool, received_at: datetime
) -> list[Match]:
    """Match what is told of one event at one gateway."""
    by_place: dict[int, Held] = {}
    is_cancelled = any(_cancels_series(announcement, known) for announcement in told)
    if is_whole and not any(announcement.recurrence_id in known for announcement in told):
        by_place = {_place(closure.mark.position): closure for closure in known.values()}
    matches = []
    for announcement in told:
        if _cancels_series(announcement, known):
            continue
        found = known.get(announcement.recurrence_id) or by_place.pop(_place(announcement.position), None)
        matches.append(Match(announcement, found))
    if is_whole:
        newest = max(told, key=_age, default=None)
        taken = {match.held.closure.id for match in matches if match.held is not None}
        matches += [
            Match(withdrawal_of(closure, newest), closure, is_stated=is_cancelled)
            for closure in known.values()
            if closure.closure.id not in taken and closure.closure.is_ahead(received_at)
        ]
    if told and not matches:
        # A whole series that was cancelled before, or is over: the sender is told how it stands.
        matches = [Match(_as_it_is(closure), closure) for closure in known.values()]
    return matches


def _as_it_is(held: Held) -> Announcement:
    closure = held.closure
    is_withdrawn = closure.state is State.WITHDRAWN
    return replace(withdrawal_of(held), withdrawn=is_withdrawn, provisional=closure.provisional)


def _cancels_series(announcement: Announcement, known: Mapping[str, Held]) -> bool:
    """Tell whether this is the cancellation of a whole series: its occurrences vanish one by one."""
    return announcement.withdrawn and not announcement.recurrence_id and bool(known) and "" not in known


def _place(position: int | None) -> int:
    """Return an occurrence's place in its rule; an event that does not repeat is its own first occurrence."""
    return position or 0


def _age(announcement: Announcement) -> tuple[int, float]:
    stamp = announcement.sender_dtstamp
    return announcement.sender_sequence, stamp.timestamp() if stamp else 0.0
