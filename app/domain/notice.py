"""A notice as it was received, and what it announces of each closure."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from app.domain.window import ClosureWindow


class Channel(StrEnum):
    """Through which door a notice came."""

    FORM = "form"
    UPLOAD = "upload"
    API = "api"
    CALDAV = "caldav"
    PULL = "pull"


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
class Announcement:
    """What one notice says of one closure.

    A closure is known by (User, ``uid``, ``recurrence_id``): the sender's UID and, for one occurrence of a series, the
    UTC start that the rule gave it (``20261206T020000Z``), else "". ``window`` is None only where ``withdrawn`` is true
    and the sender named no time. ``position`` is the occurrence's place in the unaltered rule, from 0: it finds the
    occurrence again when the whole series is moved. ``sender_sequence`` and ``sender_dtstamp`` decide which of two
    notices is newer (RFC 5546 2.1.5), never lateness; ``by_receipt`` says that they do not: the object that a client
    put into its collection is what stands, whichever marks it bears. ``remarks`` say how a time was read; ``left_out``
    names what the sender wrote beyond date, time, gateway and reference.
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
