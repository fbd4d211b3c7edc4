"""A mail that says of one of ours that it did not arrive (RFC 3464): which one, and why, as a status code."""

import re
from dataclasses import dataclass
from email.message import Message

from app.ical.unread import Unread
from app.intake.mail import parts_of

_FAILED = re.compile(r"failed\b", re.IGNORECASE)
_FOR_GOOD = re.compile(r"5\.\d{1,3}\.\d{1,3}")  # RFC 3463 2
_MOST_NAMED = 10
_HEADERS = "text/rfc822-headers"


@dataclass(frozen=True, slots=True)
class Bounce:
    """That mails with these Message-IDs, in their angle brackets, failed for good, with a status such as ``5.1.1``."""

    message_ids: tuple[str, ...]
    status: str


def read_bounce(mail: Message) -> Bounce | None:
    """Return what a delivery report says; None for any other mail, and for one that names no failure for good."""
    if mail.get_content_type() != "multipart/report" or str(mail.get_param("report-type")).lower() != "delivery-status":
        return None
    statuses = [
        found[0]
        for part in _inside(mail)
        if _FAILED.match(str(part.get("Action", "")).strip())
        for found in [_FOR_GOOD.match(str(part.get("Status", "")).strip())]
        if found
    ]
    named = [str(part.get("Message-ID", "")).strip() for part in _inside(mail)]
    try:
        returned = [part.octets for part in parts_of(mail) if part.media_type == _HEADERS]
    except Unread:
        returned = []
    for octets in returned:
        named += re.findall(r"(?im)^Message-ID:\s*(<[^<>\s]+>)", octets.decode("ascii", "replace"))
    return Bounce(tuple(filter(None, named))[:_MOST_NAMED], statuses[0]) if statuses else None


def _inside(mail: Message) -> list[Message]:
    """Return the blocks of a report and the mail that came back: what is one or two levels down."""
    first = [part for part in mail.get_payload() if isinstance(part, Message)] if mail.is_multipart() else []
    second = [inner for part in first if part.is_multipart() for inner in part.get_payload()]
    return [*first, *(inner for inner in second if isinstance(inner, Message))]
