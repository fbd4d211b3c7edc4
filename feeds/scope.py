"""What a feed may be about: the one table of scopes. Which closures each takes, on which days, and in which words.

A feed must not change between two requests merely because the clock went on, so the window in which a closure is
shown begins and ends at midnight UTC (ADR 7).
"""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from enum import Enum, StrEnum, auto

from feeds.entry import FeedEntry, MaintenanceEntry
from feeds.wording import FULL_TEXT, changes_text, horizon_text, maintenance_text

_CODE = re.compile(r"[A-Z0-9][A-Z0-9_-]{0,31}")
_INSTANT = timedelta(microseconds=1)
# What an empty feed answers: the same for every worker, and older than any change.
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class ScopeKind(StrEnum):
    """What a subscription is about: the word that is written."""

    ALL = "all"
    USER = "user"
    GATEWAY = "gateway"
    LATE = "late"
    CLASHES = "clashes"
    MAINTENANCE = "maintenance"
    CHANGES = "changes"
    FULL = "full"


class Code(Enum):
    """What a scope names by a code, which bounds whose closures it takes."""

    NOTHING = auto()
    USER = auto()
    GATEWAY = auto()  # a closure leaves such a feed, without a change that the feed could show, for another gateway


class Takes(Enum):
    """What a scope takes of that."""

    CLOSURES = auto()
    LATE = auto()  # closures at short notice or changed late
    CLASHING = auto()  # closures that overlap others: only their owner can tell; another's change may end a clash
    DCC_DATES = auto()  # DCC's own dates, and no closure


class OnDays(Enum):
    """On which days a scope shows what it takes."""

    AROUND_THE_WINDOW = auto()
    AFTER_A_CHANGE = auto()  # what was told within ``past_days``, wherever its window is
    ALWAYS = auto()


@dataclass(frozen=True, slots=True)
class FeedScope:
    """What a subscription takes: ``code`` names the User or gateway, in capitals, and is "" for the other kinds.

    A closure is shown from ``horizon_days`` before its window to ``past_days`` after it, a withdrawn one for
    ``withdrawn_days`` after its withdrawal (0: never), unless ``row`` has it otherwise: what the table
    says of the kind.
    """

    kind: ScopeKind
    code: str = ""
    past_days: int = 30
    horizon_days: int = 548
    withdrawn_days: int = 60
    row: "ScopeRow" = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # Looked up once: it is asked of every closure of a feed.
        object.__setattr__(self, "row", SCOPES[self.kind])

    def is_within(self, user_codes: Collection[str]) -> bool:
        """Tell whether it holds nothing but closures of these Users."""
        return self.row.code is Code.USER and self.code in user_codes


@dataclass(frozen=True, slots=True)
class ScopeRow:
    """One scope. ``words`` explain it to people, ``title`` is the feed's own name; "{}" in them stands for the code.

    ``holds`` words what a feed shows, for its header. ``is_calendar``: DCC's staff have it as a calendar by CalDAV too.
    """

    words: str
    title: str
    colour: str
    code: Code = Code.NOTHING
    takes: Takes = Takes.CLOSURES
    on_days: OnDays = OnDays.AROUND_THE_WINDOW
    is_calendar: bool = False
    holds: Callable[[FeedScope], str] = lambda scope: horizon_text(
        scope.past_days, scope.horizon_days, scope.withdrawn_days
    )


HELP: Mapping[ScopeKind, str] = {
    ScopeKind.ALL: "Whoever watches everything: each planned closure of every User, and withdrawn ones for a while.",
    ScopeKind.USER: "One organisation: all of its gateways, as it told us of them.",
    ScopeKind.GATEWAY: "One gateway, whichever User closes it: for the alarms of that gateway alone.",
    ScopeKind.LATE: "What came later than recommended, as a first notice or a change: for whoever plans resources.",
    ScopeKind.CLASHES: "Closures of different gateways at the same time: what to talk about beforehand.",
    ScopeKind.MAINTENANCE: "No closure at all: DCC's planned maintenance and SEC Release days.",
    ScopeKind.CHANGES: "A diary of news: what was told lately, even of a window a year ahead.",
    ScopeKind.FULL: "For archives and analysis; too long for most calendar programs.",
}
"""For whom each scope is: shown where one is chosen."""

SCOPES: Mapping[ScopeKind, ScopeRow] = {
    ScopeKind.ALL: ScopeRow("Every closure", "Planned gateway closures", "steelblue", is_calendar=True),
    ScopeKind.USER: ScopeRow("Closures of the User {}", "Planned gateway closures of {}", "teal", code=Code.USER),
    ScopeKind.GATEWAY: ScopeRow(
        "Closures of the gateway {}", "Planned closures of gateway {}", "slateblue", code=Code.GATEWAY
    ),
    ScopeKind.LATE: ScopeRow(
        "Late changes and short notice",
        "Gateway closures at short notice and late changes",
        "darkorange",
        takes=Takes.LATE,
        is_calendar=True,
    ),
    ScopeKind.CLASHES: ScopeRow("Closures that clash", "Gateway closures that clash", "crimson", takes=Takes.CLASHING),
    ScopeKind.MAINTENANCE: ScopeRow(
        "DCC's own dates: planned maintenance and SEC Releases",
        "DCC planned maintenance and SEC Releases",
        "purple",
        takes=Takes.DCC_DATES,
        is_calendar=True,
        holds=lambda scope: maintenance_text(scope.past_days, scope.horizon_days, scope.withdrawn_days),
    ),
    ScopeKind.CHANGES: ScopeRow(
        "What was told within the days back, whenever it is",
        "Changes to planned gateway closures",
        "seagreen",
        on_days=OnDays.AFTER_A_CHANGE,
        holds=lambda scope: changes_text(scope.past_days),
    ),
    ScopeKind.FULL: ScopeRow(
        "Every closure of all time (large)",
        "All gateway closures on record",
        "dimgray",
        on_days=OnDays.ALWAYS,
        holds=lambda _: FULL_TEXT,
    ),
}


def written(kind: ScopeKind) -> str:
    """Return how a scope is written, such as ``all`` or ``user:CODE``."""
    return kind.value if SCOPES[kind].code is Code.NOTHING else f"{kind}:CODE"


_WRITTEN = [written(kind) for kind in ScopeKind]
CHOICES = f"Write {', '.join(_WRITTEN[:-1])} or {_WRITTEN[-1]}."


def scope_words(text: str) -> str:
    """Word what a scope is about, as it is written: ``Closures of the User ALPHA``. Raise ``ValueError``."""
    kind, _, code = text.partition(":")
    return SCOPES[ScopeKind(kind)].words.format(code)


def parse_scope(text: str) -> FeedScope:
    """Read a scope, such as ``all`` or ``user:CODE``, in any case. Raise ``ValueError``, which says what is wrong."""
    word, colon, code = text.strip().partition(":")
    try:
        kind = ScopeKind(word.lower())
    except ValueError as problem:
        raise ValueError("That is not a scope.") from problem
    if SCOPES[kind].code is Code.NOTHING:
        if colon:
            raise ValueError(f"The scope {kind} takes no code.")
        return FeedScope(kind)
    code = code.upper()
    if not _CODE.fullmatch(code):
        raise ValueError(
            f"The scope {kind} takes a code: 1 to 32 letters, digits, - or _, the first a letter or digit."
        )
    return FeedScope(kind, code)


def edges(scope: FeedScope, entry: FeedEntry | MaintenanceEntry) -> tuple[int, int]:
    """Return the first day (UTC) on which ``entry`` is within the scope's window of days, and the first after.

    Days are proleptic Gregorian ordinals (``date.toordinal``). The entry is never shown where the second is not
    after the first. On a day D the window of days takes what ends after D - ``past_days`` and starts before
    D + ``horizon_days``, both at midnight UTC.
    """
    if scope.row.on_days is OnDays.ALWAYS:
        return date.min.toordinal(), date.max.toordinal() + 1
    if scope.row.on_days is OnDays.AFTER_A_CHANGE:
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
    if scope.row.on_days is OnDays.ALWAYS or not _concerns(scope, entry):
        return 0
    first, after = edges(scope, entry)
    reached = [day for day in (first, after) if first < after and day <= today.toordinal()]
    return max(reached, default=0)


def of_population(scope: FeedScope, entry: FeedEntry | MaintenanceEntry) -> bool:
    """Tell whether a change of ``entry`` may change a feed of ``scope``.

    A closure that is no longer late has left the feed of late ones, so there every closure counts.
    """
    row = scope.row
    if isinstance(entry, MaintenanceEntry) or row.takes is Takes.DCC_DATES:
        return isinstance(entry, MaintenanceEntry) and row.takes is Takes.DCC_DATES
    if row.code is Code.USER:
        return entry.user_code == scope.code
    if row.code is Code.GATEWAY:
        return entry.gateway_code == scope.code
    return True


def _concerns(scope: FeedScope, entry: FeedEntry | MaintenanceEntry) -> bool:
    """Tell whether ``entry`` is what the scope is about, on whichever day."""
    if scope.row.takes is Takes.LATE and isinstance(entry, FeedEntry):
        return entry.late_change or entry.short_notice
    return of_population(scope, entry)
