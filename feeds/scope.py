"""Which closures a subscription takes, and when its feed last changed: by the data, or at a day's edge (UTC).

A feed must not change between two requests merely because the clock went on, so the window in which a closure is
shown begins and ends at midnight UTC (ADR 7).
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum

from feeds.entry import FeedEntry, MaintenanceEntry

_CODE = re.compile(r"[A-Z0-9][A-Z0-9_-]{0,31}")
_CHOICES = "Write all, user:CODE, gateway:CODE, late, clashes, maintenance, changes or full."
_INSTANT = timedelta(microseconds=1)
# What an empty feed answers: the same for every worker, and older than any change.
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class ScopeKind(StrEnum):
    """What a subscription is about."""

    ALL = "all"
    USER = "user"
    GATEWAY = "gateway"
    LATE = "late"
    CLASHES = "clashes"
    MAINTENANCE = "maintenance"
    CHANGES = "changes"
    FULL = "full"


@dataclass(frozen=True, slots=True)
class FeedScope:
    """What a subscription takes: ``code`` names the User or gateway, in capitals, and is "" for the other kinds.

    A closure is shown from ``horizon_days`` before its window to ``past_days`` after it, a withdrawn one for
    ``withdrawn_days`` after its withdrawal (0: never). ``full`` is not bounded by any of the three. ``changes`` shows
    what was told within ``past_days``, wherever its window is. Which closures clash, only their owner can tell.
    """

    kind: ScopeKind
    code: str = ""
    past_days: int = 30
    horizon_days: int = 548
    withdrawn_days: int = 60


def parse_scope(text: str) -> FeedScope:
    """Read a scope, such as ``all`` or ``user:CODE``, in any case. Raise ``ValueError``."""
    word, colon, code = text.strip().partition(":")
    try:
        kind = ScopeKind(word.lower())
    except ValueError as problem:
        raise ValueError(f"That is not a scope. {_CHOICES}") from problem
    if kind not in (ScopeKind.USER, ScopeKind.GATEWAY):
        if colon:
            raise ValueError(f"The scope {kind} takes no code. {_CHOICES}")
        return FeedScope(kind)
    code = code.upper()
    if not _CODE.fullmatch(code):
        raise ValueError(
            f"The scope {kind} takes a code: 1 to 32 letters, digits, - or _, the first a letter or digit. {_CHOICES}"
        )
    return FeedScope(kind, code)


def edges(scope: FeedScope, entry: FeedEntry | MaintenanceEntry) -> tuple[int, int]:
    """Return the first day (UTC) on which ``entry`` is within the scope's window of days, and the first after.

    Days are proleptic Gregorian ordinals (``date.toordinal``). The entry is never shown where the second is not
    after the first. On a day D the window of days takes what ends after D - ``past_days`` and starts before
    D + ``horizon_days``, both at midnight UTC.
    """
    if scope.kind is ScopeKind.FULL:
        return date.min.toordinal(), date.max.toordinal() + 1
    if scope.kind is ScopeKind.CHANGES:
        changed = entry.changed.toordinal()
        return changed, changed + 1 + scope.past_days
    first = entry.starts.toordinal() - scope.horizon_days + 1
    after = (entry.ends - _INSTANT).toordinal() + 1 + scope.past_days
    if entry.withdrawn:
        if scope.withdrawn_days == 0:
            return first, first
        after = min(after, (entry.changed - _INSTANT).toordinal() + 1 + scope.withdrawn_days)
    return first, after


def takes(scope: FeedScope, entry: FeedEntry | MaintenanceEntry, today: date) -> bool:
    """Tell whether a feed of ``scope`` shows ``entry`` on the UTC day ``today``."""
    if not _concerns(scope, entry):
        return False
    first, after = edges(scope, entry)
    return first <= today.toordinal() < after


def last_edge(scope: FeedScope, entry: FeedEntry | MaintenanceEntry, today: date) -> int:
    """Return the last day up to ``today`` on which ``entry`` came or went by the clock alone; 0 if there was none."""
    if scope.kind is ScopeKind.FULL or not _concerns(scope, entry):
        return 0
    first, after = edges(scope, entry)
    reached = [day for day in (first, after) if first < after and day <= today.toordinal()]
    return max(reached, default=0)


def last_modified(
    scope: FeedScope, entries: Iterable[FeedEntry | MaintenanceEntry], today: date, *, departed: datetime = EPOCH
) -> datetime:
    """Return when a feed of ``scope`` last changed, as every worker would: an aware UTC time, ``EPOCH`` for never.

    ``entries`` are those that the owner of the subscription may see, inside the window of days or not. The answer is
    the latest of their ``changed`` stamps and of the midnights at which one of them entered or left the window of
    days, up to ``today``. What is of another User or gateway than the scope's leaves no trace. ``departed`` is when one
    last left the scope by what its entry cannot tell: for another gateway, or because it no longer clashes.
    """
    latest = departed
    edge = EPOCH.toordinal()
    for entry in entries:
        if not _of_population(scope, entry):
            continue
        # A change counts even where it took the closure out of the feed: that, too, is a change of the feed.
        latest = max(latest, entry.changed)
        edge = max(edge, last_edge(scope, entry, today))
    return max(latest, datetime.fromordinal(edge).replace(tzinfo=UTC))


def _of_population(scope: FeedScope, entry: FeedEntry | MaintenanceEntry) -> bool:
    """Tell whether a change of ``entry`` may change a feed of ``scope``.

    A closure that is no longer late has left the feed of late ones, so there every closure counts.
    """
    if isinstance(entry, MaintenanceEntry):
        return scope.kind is ScopeKind.MAINTENANCE
    if scope.kind is ScopeKind.USER:
        return entry.user_code == scope.code
    if scope.kind is ScopeKind.GATEWAY:
        return entry.gateway_code == scope.code
    return scope.kind is not ScopeKind.MAINTENANCE


def _concerns(scope: FeedScope, entry: FeedEntry | MaintenanceEntry) -> bool:
    """Tell whether ``entry`` is what the scope is about, on whichever day."""
    if scope.kind is ScopeKind.LATE and isinstance(entry, FeedEntry):
        return entry.late_change or entry.short_notice
    return _of_population(scope, entry)
