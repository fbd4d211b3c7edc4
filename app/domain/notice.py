"""A notice as it was received, and its content: what it announces of each closure, and what could not be read."""

import re
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from app.domain.refusal import IntakeProblem
from app.domain.window import ClosureWindow

_TYPED = re.compile(r"(?:form|sheet|listing):(?P<reference>.*)", re.DOTALL)
_MADE_UP = re.compile(r"derived:[0-9a-f]{32}|[0-9a-f]{32}")  # by us, where a row or a form stated no reference


class Channel(StrEnum):
    """Through which door a notice came."""

    FORM = "form"
    UPLOAD = "upload"
    API = "api"
    CALDAV = "caldav"
    PULL = "pull"
    MAIL = "mail"
    COMMAND_LINE = "command line"


@dataclass(frozen=True, slots=True)
class Notice:
    """One message received from a User, good or bad, and kept word for word unless details are dropped.

    ``received_at`` is our receipt clock, the only one that lateness is reckoned from. ``given_by`` names the account
    or the token's label, for the history.
    """

    user: str
    channel: Channel
    received_at: datetime
    media_type: str
    octets: bytes
    given_by: str = ""


@dataclass(frozen=True, slots=True)
class NamedOccurrence:
    """Which occurrence was named in a notice that does not state the series, which would say how its name is read.

    ``day`` is what it names among whole days. ``wall`` (naive) is what it shows on the clocks of the series, where it
    names no zone. ``is_date`` says that it names no more than the day.
    """

    day: date
    wall: datetime | None = None
    is_date: bool = False


@dataclass(frozen=True, slots=True)
class Announcement:
    """What one notice says of one closure.

    A closure is known by (User, ``gateway``, ``uid``, ``recurrence_id``): the sender's UID at that gateway and, for one
    occurrence of a series, the UTC start that the rule gave it (``20261206T020000Z``), else "". ``gateway`` is "" only
    where ``withdrawn`` is true and the sender named none: every gateway with that event is meant. ``window`` is None
    only where ``withdrawn`` is true and the sender named no time. ``position`` is the occurrence's place in the
    unaltered rule, from 0: it finds the occurrence again when the whole series is moved. ``sender_sequence`` and
    ``sender_dtstamp`` decide which of two notices is newer (RFC 5546 2.1.5), never lateness; ``by_receipt`` says that
    they do not: the object that a client put into its collection is what stands, whichever marks it bears. ``remarks``
    say how a time was read; ``left_out`` names what the sender wrote beyond date, time, gateway and reference.
    ``named`` is set for an occurrence that is told of without its series: ``recurrence_id`` is its literal reading.
    ``provisional``: the sender is not certain yet (STATUS:TENTATIVE).
    """

    uid: str
    gateway: str
    window: ClosureWindow | None
    recurrence_id: str = ""
    withdrawn: bool = False
    sender_sequence: int = 0
    sender_dtstamp: datetime | None = None
    position: int | None = None
    by_receipt: bool = False
    line: int | None = None
    remarks: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    named: NamedOccurrence | None = None
    provisional: bool = False


@dataclass(frozen=True, slots=True)
class SenderMark:
    """By what a sender knows a closure, and the newest mark of age that it gave it: for matching, never for lateness.

    The fields are those of the announcement that set them. A mark may change without a revision: what an announcement
    without news leaves behind.
    """

    uid: str
    recurrence_id: str
    position: int | None
    sequence: int
    dtstamp: datetime | None

    @property
    def own_reference(self) -> str:
        """Return the reference that a person stated in a form, a sheet or a list; "" where none was stated."""
        typed = _TYPED.fullmatch(self.uid)
        return typed["reference"] if typed and not _MADE_UP.fullmatch(typed["reference"]) else ""

    @property
    def program_uid(self) -> str:
        """Return the UID that the sender's program gave the event; "" where what was sent was no calendar."""
        return "" if _TYPED.fullmatch(self.uid) else self.uid

    def after(self, announcement: Announcement) -> "SenderMark":
        """Return the mark after another announcement of the same closure.

        The closure keeps its identity even where the sender's rule now names the occurrence otherwise (a moved series),
        and its place in the rule where one occurrence is sent without the rule (RFC 5546 3.2.5, a cancelled instance).
        The mark of what stands by receipt replaces a higher one: later notices of other channels are held against it.
        """
        sequence, dtstamp = announcement.sender_sequence, announcement.sender_dtstamp
        if not announcement.by_receipt:
            sequence, dtstamp = max(self.sequence, sequence), dtstamp or self.dtstamp
        position = self.position if announcement.position is None else announcement.position
        return SenderMark(self.uid, announcement.recurrence_id, position, sequence, dtstamp)


def mark_of(announcement: Announcement) -> SenderMark:
    """Return the mark that a first announcement leaves."""
    return SenderMark(
        uid=announcement.uid,
        recurrence_id=announcement.recurrence_id,
        position=announcement.position,
        sequence=announcement.sender_sequence,
        dtstamp=announcement.sender_dtstamp,
    )


@dataclass(frozen=True, slots=True)
class RepeatingRule:
    """A rule that goes on beyond the horizon: ``octets`` is a VCALENDAR of this UID alone, to be read again later.

    ``expanded_to`` (aware UTC) is the end of the span of which this reading states every occurrence. ``pattern`` is the
    same for two readings whose rule, first start and length are the same, whatever exceptions they have.
    """

    uid: str
    gateway: str
    octets: bytes
    expanded_to: datetime
    pattern: str


@dataclass(frozen=True, slots=True)
class Occurrence:
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
class NoticeContent:
    """What one notice says, and what of it could not be read.

    ``whole_uids`` are the UIDs whose complete set of occurrences is stated here (a master is present), so that an
    occurrence known from before and absent here has vanished. ``without_occurrences`` are those (gateway, UID) of them
    of which nothing is to be announced now: all is excluded, or lies beyond the horizon. ``events`` counts what the
    notice held, understood or not: events, or rows. ``unread`` are the lines of those that problems keep from being
    taken whole, ``left_out`` of those of which nothing is told, as a remark says. ``remarks`` concern the notice as a
    whole.
    """

    announcements: tuple[Announcement, ...]
    problems: tuple[IntakeProblem, ...]
    whole_uids: frozenset[str] = frozenset()
    without_occurrences: frozenset[tuple[str, str]] = frozenset()
    series: tuple[RepeatingRule, ...] = ()
    events: int = 0
    unread: frozenset[int] = frozenset()
    left_out: frozenset[int] = frozenset()
    remarks: tuple[str, ...] = ()
