"""A closure as an invitation: an iTIP message to one mailbox (RFC 5546), and the mail that carries it (RFC 6047)."""

from dataclasses import dataclass
from urllib.parse import quote

from feeds.entry import FeedEntry, Publisher
from feeds.event import event_properties
from feeds.header import object_properties
from feeds.property import Property, content_line, plain
from feeds.telling import FOOTER, closure_lines
from feeds.wording import closed_words


@dataclass(frozen=True, slots=True)
class Invitation:
    """What a mail states of one closure. ``thread`` is the left side of the id that all mail about it refers to.

    ``calendar`` is the whole iTIP message, whose METHOD is ``method``.
    """

    method: str
    calendar: bytes
    subject: str
    text: str
    thread: str


def invitation_of(entry: FeedEntry, mailbox: str, recipient_id: str, publisher: Publisher) -> Invitation:
    """Return what is told to ``mailbox`` of a closure as it stands: a request, or that it is cancelled.

    Event, UID and SEQUENCE are those of the feeds; the same values give the same octets, always.
    """
    method = "CANCEL" if entry.withdrawn else "REQUEST"
    stated = (
        *event_properties(entry, publisher),
        # Nobody has answered yet, and that is what mailboxes act on that accept by themselves. No answer is asked for.
        Property("ATTENDEE", "cal-address", f"mailto:{quote(mailbox, safe=_PLAIN_IN_ADDRESS)}", _UNANSWERED),
    )
    lines = [
        b"BEGIN:VCALENDAR\r\n",
        *(content_line(each) for each in (*object_properties(publisher), Property("METHOD", "text", method))),
        b"BEGIN:VEVENT\r\n",
        *(content_line(each) for each in stated),
        b"END:VEVENT\r\nEND:VCALENDAR\r\n",
    ]
    return Invitation(
        method,
        b"".join(lines),
        subject=f"{closed_words(entry)}, {plain(entry.reference)}",
        text="\n".join([*closure_lines(entry, publisher), "", _NO_ANSWER, "", FOOTER, ""]),
        thread=f"{plain(entry.reference).lower()}.{recipient_id}",
    )


_UNANSWERED = (("PARTSTAT", "NEEDS-ACTION"), ("RSVP", "FALSE"))
# What stands as it is, since programs compare an address with their own letter by letter; the rest is escaped.
_PLAIN_IN_ADDRESS = "!$&'()*+,/:;=@^`{|}~"
_NO_ANSWER = "For your calendar; no answer is needed."
