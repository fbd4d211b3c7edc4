"""Which reader a notice gets: by its media type or file name, or by its first octets where neither says anything."""

import re
from dataclasses import dataclass, replace
from pathlib import PurePath

from app.domain.notice import NoticeContent
from app.domain.refusal import NoticeUnreadable
from app.ical.unread import Unread
from app.intake.ical import read_ical
from app.intake.listing import read_listing
from app.intake.mail import parse_mail, parts_of
from app.intake.problem import compressed, unreadable
from app.intake.read_request import ReadRequest
from app.intake.sheet import read_sheet
from app.intake.workbook import WORKBOOK_MARK

MAIL = "message/rfc822"
"""A mail (RFC 5322): what is read of it is its first part that is a notice."""
_WORKBOOK = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_READERS = {
    "text/calendar": read_ical,
    "text/csv": read_sheet,
    "application/json": read_listing,
}
# What browsers and mail programs call the same files. A sheet's octets tell whether it is CSV or a workbook.
_ALIASES = {
    "application/ics": "text/calendar",
    "text/x-vcalendar": "text/calendar",
    "application/csv": "text/csv",
    "application/vnd.ms-excel": "text/csv",
    _WORKBOOK: "text/csv",
    "text/json": "application/json",
}
_SUFFIXES = {
    ".ics": "text/calendar",
    ".ical": "text/calendar",
    ".csv": "text/csv",
    ".xlsx": _WORKBOOK,
    ".json": "application/json",
    ".eml": MAIL,
}
_SILENT = frozenset({"", "application/octet-stream", "text/plain", "application/x-www-form-urlencoded"})
_GZIP = b"\x1f\x8b"  # RFC 1952 2.3.1
_LINE_END = re.compile(rb"[\r\n]")
_REMEDY = "Send text/calendar (.ics), text/csv (.csv), an Excel workbook (.xlsx), application/json, or a mail (.eml)."
_ATTACH = "Attach the calendar (.ics), the sheet (.csv or .xlsx) or the listing (.json), or send an invitation."


@dataclass(frozen=True, slots=True)
class Content:
    """Where the content of a notice is: the notice itself, or a part of the mail that it is.

    ``media_type`` is one of those that are read. ``method`` is what a mail says that METHOD is inside (RFC 6047 2.4).
    """

    octets: bytes
    media_type: str
    method: str = ""


def read_notice(octets: bytes, media_type: str, request: ReadRequest) -> NoticeContent:
    """Read a notice by its media type, or by a file name such as ``closures.ics``.

    Raise ``NoticeTooLarge`` or ``NoticeUnreadable`` (also for a type that is not read), never anything else.
    """
    content = find_content(octets, media_type)
    return _READERS[content.media_type](content.octets, replace(request, method=content.method))


def media_type_of_file(file_name: str) -> str:
    """Return the type that the ending of a file's name says, or the one that says nothing."""
    return _SUFFIXES.get(PurePath(file_name).suffix.lower(), "application/octet-stream")


def find_content(octets: bytes, media_type: str) -> Content:
    """Return where the content of a notice is, and of which type. Raise ``NoticeUnreadable`` where it is of none."""
    if octets.startswith(_GZIP):
        raise compressed()
    name = _name_of(media_type)
    if name == MAIL:
        return _in_a_mail(octets)
    if name in _READERS:
        return Content(octets, name)
    if name not in _SILENT:
        raise _not_read()
    return Content(octets, _sniffed(octets))


def _name_of(media_type: str) -> str:
    """Return what a media type, or the name of a file, is called here."""
    name = media_type.partition(";")[0].strip().lower()
    name = next((accepted for suffix, accepted in _SUFFIXES.items() if name.endswith(suffix)), name)
    return _ALIASES.get(name, name)


def _in_a_mail(octets: bytes) -> Content:
    """Return the first part of a mail that is of a type that we read, by its own type or by its file's name."""
    try:
        for part in parts_of(parse_mail(octets)):
            names = (_name_of(part.media_type), _name_of(media_type_of_file(part.file_name)))
            found = next((name for name in names if name in _READERS), None)
            if found is not None:
                return Content(find_content(part.octets, found).octets, found, part.method)
    except Unread as unread:
        raise unreadable(unread) from unread
    raise unreadable(Unread("no-notice", "The mail holds no calendar, sheet or listing.", _ATTACH))


def _sniffed(octets: bytes) -> str:
    # Without zeros, UTF-16 looks like ASCII.
    start = octets[:4_096].replace(b"\0", b"").removeprefix(b"\xef\xbb\xbf").lstrip().lower()
    if start.startswith((b"{", b"[")):
        return "application/json"
    is_sheet = any(b"starts" in line and b"ends" in line for line in _LINE_END.split(start))
    if octets.startswith(WORKBOOK_MARK) or (is_sheet and b"begin:vcalendar" not in start):
        return "text/csv"
    return "text/calendar"


def _not_read() -> NoticeUnreadable:
    return unreadable(Unread("media-type", "A notice of this type is not read.", _REMEDY))
