"""How CalDAV writes things: names of elements, texts as escaped XML, and instants."""

import re
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

DAV = "DAV:"
CALDAV = "urn:ietf:params:xml:ns:caldav"
CALENDARSERVER = "http://calendarserver.org/ns/"
APPLE = "http://apple.com/ns/ical/"
OURS = "urn:closure-notices:dav"

PREFIXES = {DAV: "D", CALDAV: "C", CALENDARSERVER: "CS", APPLE: "A", OURS: "N"}
DECLARATION = '<?xml version="1.0" encoding="utf-8"?>\n'
NAMESPACES = "".join(f' xmlns:{prefix}="{uri}"' for uri, prefix in PREFIXES.items())
# Everything outside the Char production of XML 1.0 (2.2).
_CONTROLS = bytes(octet for octet in range(0x20) if octet not in b"\t\n\r")
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
LONDON = ZoneInfo("Europe/London")
EARLIEST, LATEST = datetime(1000, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)
_UTC = re.compile(r"[0-9]{8}T[0-9]{6}Z")


def dav(name: str) -> str:
    """Return an element name of WebDAV (RFC 4918 and what builds on it)."""
    return f"{{{DAV}}}{name}"


def caldav(name: str) -> str:
    """Return an element name of CalDAV (RFC 4791)."""
    return f"{{{CALDAV}}}{name}"


def calendarserver(name: str) -> str:
    """Return an element name of Apple's first extensions."""
    return f"{{{CALENDARSERVER}}}{name}"


def apple(name: str) -> str:
    """Return an element name that Apple Calendar keeps its display settings under."""
    return f"{{{APPLE}}}{name}"


def ours(name: str) -> str:
    """Return an element name of this service."""
    return f"{{{OURS}}}{name}"


CALENDAR_DATA = caldav("calendar-data")
RECEIPT = ours("receipt")
"""The latest acknowledgement of a member, as JSON."""


def escape(text: str) -> str:
    """Return a text as character data.

    A carriage return is written as a reference: a bare one "MUST" reach the reader as a line feed (XML 1.0 2.11), and
    what a sender wrote is given back octet for octet.
    """
    if not _is_plain(text):
        text = _FORBIDDEN.sub("\ufffd", text)
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return text.replace("\r", "&#13;")


def element(name: str, inner: str = "") -> str:
    """Return an element by its Clark name; ``inner`` is XML already."""
    opened, tag = _tag(name)
    return f"<{opened}>{inner}</{tag}>" if inner else f"<{opened}/>"


def _is_plain(text: str) -> bool:
    """Tell whether a text is ASCII that XML takes: nearly all are, and this costs a tenth of looking for the others."""
    return text.isascii() and len(text.encode().translate(None, _CONTROLS)) == len(text)


def _attribute(text: str) -> str:
    return escape(text).replace('"', "&quot;").replace("\n", "&#10;").replace("\t", "&#9;")


@lru_cache(maxsize=1_024)
def _tag(name: str) -> tuple[str, str]:
    """Return what stands in the start tag and in the end tag."""
    uri, _, local = name.rpartition("}")
    uri = uri.removeprefix("{")
    if not uri:
        return local, local
    prefix = PREFIXES.get(uri)
    return (f"{prefix}:{local}",) * 2 if prefix else (f'x:{local} xmlns:x="{_attribute(uri)}"', f"x:{local}")


def href(path: str) -> str:
    """Return a DAV:href element."""
    return f"<D:href>{escape(path)}</D:href>"


def document(root: str, inner: str) -> bytes:
    """Return a whole document; ``root`` is the prefixed name of its element."""
    return f"{DECLARATION}<{root}{NAMESPACES}>{inner}</{root}>\n".encode()


def read_utc(text: str) -> datetime | None:
    """Return the instant of ``20261206T020000Z``, None for anything else."""
    if not text.isascii() or not _UTC.fullmatch(text):
        return None
    try:
        return datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        return None


def within_calendars(instant: datetime) -> datetime:
    """Return an end of a span no farther away than anything could take place, so that days may be added to it."""
    return min(max(instant, EARLIEST), LATEST)


def utc(instant: datetime) -> str:
    """Return an instant as ``20261206T020000Z``."""
    return f"{instant.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def iso(instant: datetime) -> str:
    """Return an instant for DAV:creationdate: "date-time" of RFC 3339."""
    return f"{instant.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def http_date(instant: datetime) -> str:
    """Return an instant for DAV:getlastmodified and Last-Modified (RFC 9110 5.6.7)."""
    return format_datetime(instant.astimezone(UTC), usegmt=True)


def read_http_date(text: str | None) -> datetime | None:
    """Return the instant of an HTTP-date, None for anything else, which "MUST" be ignored (RFC 9110 13.1.3, 13.1.4)."""
    if text is None:
        return None
    try:
        found = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found
