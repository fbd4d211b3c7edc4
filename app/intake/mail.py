"""The parts of a mail in their order, whatever it nests, repeats or claims: parsing it has an end."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.errors import HeaderParseError, MessageError
from email.header import decode_header, make_header
from email.message import Message
from email.parser import BytesParser
from email.policy import Compat32
from email.utils import collapse_rfc2231_value

from app.ical.unread import Unread

_MOST_LINES = 200_000
_MOST_PARTS = 500
_MOST_NESTED = 60  # types that hold others, stated anywhere: Python's parser goes down one level for each
_DEEPEST = 12
_LONGEST_HEADER = 2_000  # characters: what it takes to read its parameters grows with their square
_PART = re.compile(rb"[\r\n]--")
_NESTING = re.compile(rb"(?:multipart|message)/", re.IGNORECASE)
# What Python's parser raises about the headers of a part that somebody made up.
_FAULTS = (MessageError, HeaderParseError, ValueError, LookupError, TypeError, AttributeError)
_REMEDY = "Send the calendar (.ics) or the sheet alone, attached to a new mail."


@dataclass(frozen=True, slots=True)
class MailPart:
    """A part of a mail that holds no others.

    ``media_type`` is in lower case and without parameters. ``file_name`` is "" where none is stated. ``method`` is the
    METHOD that its Content-Type states beside that inside (RFC 6047 2.4), "" where it states none.
    """

    media_type: str
    file_name: str
    method: str
    part: Message

    @property
    def octets(self) -> bytes:
        """Return what it holds, its Content-Transfer-Encoding undone as far as it can be."""
        try:
            found = self.part.get_payload(decode=True)
        except _FAULTS:
            found = None
        return found if isinstance(found, bytes) else b""


class _Short(Compat32):
    """Keeps headers as they came, up to a length; the newer policies parse each, and stumble over made-up ones."""

    def header_source_parse(self, sourcelines: list[str]) -> tuple[str, str]:
        """Return the name and the value of a header."""
        name, value = super().header_source_parse(sourcelines)
        return name, value[:_LONGEST_HEADER]


def parse_mail(octets: bytes) -> Message:
    """Parse a mail (RFC 5322) of any origin. Raise ``Unread`` where that would take too long, or cannot be done."""
    lines = octets.count(b"\n") + octets.count(b"\r")
    if lines > _MOST_LINES or len(_PART.findall(octets)) > _MOST_PARTS or len(_NESTING.findall(octets)) > _MOST_NESTED:
        raise Unread("mail-too-large", "The mail has more lines, parts or levels than are read.", _REMEDY)
    try:
        return BytesParser(policy=_Short()).parsebytes(octets)
    except (*_FAULTS, RecursionError) as problem:
        raise _unreadable() from problem


def parts_of(mail: Message) -> Iterator[MailPart]:
    """Go through the parts of a mail, those of mails that it forwards as well. Raise ``Unread`` for too many levels."""
    return _parts_of(mail, 0)


def _parts_of(mail: Message, depth: int) -> Iterator[MailPart]:
    if depth > _DEEPEST:
        raise Unread("mail-too-deep", f"The mail holds parts within parts, {_DEEPEST} levels deep.", _REMEDY)
    if mail.is_multipart():
        for part in mail.get_payload():
            if isinstance(part, Message):
                yield from _parts_of(part, depth + 1)
        return
    try:
        yield MailPart(mail.get_content_type(), _file_name(mail), _parameter(mail, "method"), mail)
    except _FAULTS as problem:
        raise _unreadable() from problem


def _file_name(part: Message) -> str:
    """Return the name of an attached file; many programs encode it as a text in a header is (RFC 2047)."""
    return str(make_header(decode_header(part.get_filename() or "")))


def _parameter(part: Message, name: str) -> str:
    value = part.get_param(name)
    return collapse_rfc2231_value(value).strip() if isinstance(value, str | tuple) else ""


def _unreadable() -> Unread:
    return Unread("mail-unreadable", "The mail cannot be read.", _REMEDY)
