"""Which reader a notice gets: by its media type or file name, or by its first octets where neither says anything."""

import re

from app.domain.notice import NoticeContent
from app.domain.refusal import NoticeUnreadable
from app.ical.unread import Unread
from app.intake.ical import read_ical
from app.intake.listing import read_listing
from app.intake.problem import compressed, unreadable
from app.intake.read_request import ReadRequest
from app.intake.sheet import read_sheet

_READERS = {
    "text/calendar": read_ical,
    "text/csv": read_sheet,
    "application/json": read_listing,
}
# What browsers and mail programs call the same files.
_ALIASES = {
    "application/ics": "text/calendar",
    "text/x-vcalendar": "text/calendar",
    "application/csv": "text/csv",
    "application/vnd.ms-excel": "text/csv",
    "text/json": "application/json",
}
_SUFFIXES = {".ics": "text/calendar", ".ical": "text/calendar", ".csv": "text/csv", ".json": "application/json"}
_SILENT = frozenset({"", "application/octet-stream", "text/plain", "application/x-www-form-urlencoded"})
_GZIP = b"\x1f\x8b"  # RFC 1952 2.3.1
_LINE_END = re.compile(rb"[\r\n]")
_REMEDY = "Send text/calendar (.ics), text/csv (.csv) or application/json."


def read_notice(octets: bytes, media_type: str, request: ReadRequest) -> NoticeContent:
    """Read a notice by its media type, or by a file name such as ``closures.ics``.

    Raise ``NoticeTooLarge`` or ``NoticeUnreadable`` (also for a type that is not read), never anything else.
    """
    return _READERS[media_type_of(octets, media_type)](octets, request)


def media_type_of(octets: bytes, media_type: str) -> str:
    """Return which of the types that we read a notice is of. Raise ``NoticeUnreadable`` where it is of none."""
    if octets.startswith(_GZIP):
        raise compressed()
    name = media_type.partition(";")[0].strip().lower()
    name = next((accepted for suffix, accepted in _SUFFIXES.items() if name.endswith(suffix)), name)
    name = _ALIASES.get(name, name)
    if name in _READERS:
        return name
    if name not in _SILENT:
        raise _not_read()
    return _sniffed(octets)


def _sniffed(octets: bytes) -> str:
    start = octets[:4_096].removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if start.startswith((b"{", b"[")):
        return "application/json"
    header = _LINE_END.split(start, maxsplit=1)[0]
    if b"starts" in header and b"ends" in header:
        return "text/csv"
    return "text/calendar"


def _not_read() -> NoticeUnreadable:
    return unreadable(Unread("media-type", "A notice of this type is not read.", _REMEDY))
