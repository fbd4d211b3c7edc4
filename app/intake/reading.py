"""What reading a notice takes and gives: limits, who is asking, and the announcements, problems and series found."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from app.domain.notice import Announcement
from app.domain.refusal import IntakeProblem


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one notice may hold and how far from now it may speak; checked before anything is parsed or expanded.

    ``octets``, ``events``: of the whole notice. ``line_octets``: of one line, unfolded. ``event_lines``: such lines of
    one VEVENT. ``nesting``: BEGINs open at once, the VCALENDAR's included. ``occurrences``: of one series, ahead;
    ``all_occurrences``: of all series of the notice together. ``horizon``: how far from now a rule without end is
    expanded. ``longest_window``: of a closure that nobody confirmed. ``reach``: how far from now, on either side, a
    window may start.
    """

    octets: int = 1_000_000
    events: int = 1_000
    line_octets: int = 65_536
    event_lines: int = 200
    nesting: int = 4
    occurrences: int = 400
    horizon: timedelta = timedelta(days=548)
    longest_window: timedelta = timedelta(days=31)
    reach: timedelta = timedelta(days=5 * 366)
    all_occurrences: int = 5_000


@dataclass(frozen=True, slots=True)
class Asking:
    """For whom and when a notice is read.

    ``now`` (aware UTC) is the receipt. ``gateways`` are the codes that the User has, ``gateway`` the one that the
    request or the collection chose, if it chose. ``allow_long`` says that somebody confirmed windows longer than
    ``limits.longest_window``.
    """

    now: datetime
    gateways: tuple[str, ...]
    gateway: str | None = None
    limits: Limits = field(default_factory=Limits)
    allow_long: bool = False


@dataclass(frozen=True, slots=True)
class Series:
    """A rule that goes on beyond the horizon: ``octets`` is a VCALENDAR of this UID alone, to be read again later.

    ``expanded_to`` (aware UTC) is the end of the span of which this reading states every occurrence.
    """

    uid: str
    gateway: str
    octets: bytes
    expanded_to: datetime


@dataclass(frozen=True, slots=True)
class Instance:
    """One occurrence of an event, also a withdrawn one; both times aware UTC, half-open.

    ``recurrence_id`` is the UTC start that the unaltered rule gave it (``20261206T020000Z``), "" where nothing recurs.
    ``all_day`` and ``floating`` say that its start was stated without a zone. ``place`` is that of the VEVENT which
    states it among those of its calendar, from 0.
    """

    starts: datetime
    ends: datetime
    recurrence_id: str
    all_day: bool
    floating: bool
    place: int


@dataclass(frozen=True, slots=True)
class Reading:
    """What one notice says, and what of it could not be read.

    ``whole_uids`` are the UIDs whose complete set of occurrences is stated here (a master is present), so that an
    occurrence known from before and absent here has vanished. ``events`` counts what the notice held, understood or
    not. ``remarks`` concern the notice as a whole.
    """

    announcements: tuple[Announcement, ...]
    problems: tuple[IntakeProblem, ...]
    whole_uids: frozenset[str] = frozenset()
    series: tuple[Series, ...] = ()
    events: int = 0
    remarks: tuple[str, ...] = ()
