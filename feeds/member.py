"""An event of the User's own calendar that no client put there: rendered from what the record holds of it.

The same facts always give the same octets, in every release: the entity tag that a client holds was made of them. A
change here needs a migration that gives every rendered member a new tag.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from feeds.property import Property, content_line, plain, utc_basic
from feeds.wording import status_word

NEUTRAL_SUMMARY = "Gateway closed"
"""The title of an event whose sender's own is not kept."""
_HEAD = b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//closure-notices//calendar//EN\r\n"


@dataclass(frozen=True, slots=True)
class MemberEvent:
    """One closure of a member; all times aware UTC.

    ``recurrence_id`` is the UTC start that the rule gave it (``20261206T020000Z``), "" where nothing repeats.
    """

    gateway: str
    recurrence_id: str
    starts: datetime
    ends: datetime
    withdrawn: bool
    sequence: int
    created: datetime
    changed: datetime
    provisional: bool = False


def render_member(uid: str, events: Sequence[MemberEvent]) -> bytes:
    """Return one calendar object (RFC 4791 4.1) of the events of one UID, in the order given."""
    named = content_line(Property("UID", "text", plain(uid)))
    return _HEAD + b"".join(_render_event(named, event) for event in events) + b"END:VCALENDAR\r\n"


def _render_event(named: bytes, event: MemberEvent) -> bytes:
    recurrence = f"RECURRENCE-ID:{event.recurrence_id}\r\n" if event.recurrence_id else ""
    status = status_word(withdrawn=event.withdrawn, provisional=event.provisional)
    own = (
        f"DTSTAMP:{utc_basic(event.changed)}\r\n{recurrence}DTSTART:{utc_basic(event.starts)}\r\nDTEND:{utc_basic(event.ends)}\r\n"
        f"SUMMARY:{event.gateway} closed\r\nSTATUS:{status}\r\n"
        f"SEQUENCE:{event.sequence}\r\nCREATED:{utc_basic(event.created)}\r\nLAST-MODIFIED:{utc_basic(event.changed)}\r\n"
        "TRANSP:TRANSPARENT\r\nEND:VEVENT\r\n"
    )
    return b"BEGIN:VEVENT\r\n" + named + own.encode()
