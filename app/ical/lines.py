"""Octets to content lines and back (RFC 5545 3.1): unfolding, folding, and the escapes of TEXT (RFC 5545 3.3.11)."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from icalendar.parser import Contentline
from icalendar.parser.property import unescape_backslash

from app.ical.unread import Unread

# A line ends at a line feed that no space or tab follows: what follows one is a fold, undone after the split.
_END_OF_LINE = re.compile(rb"\n(?![ \t])")
_FOLD = re.compile(rb"\r?\n[ \t]")
_HEAD = re.compile(rb"[ \t]*([A-Za-z0-9-]+)[ \t]*[;:]")
# The heads that most lines have need not be looked into.
_HEADS = {
    f"{name}:".encode(): name
    for name in (
        *("BEGIN", "END", "VERSION", "PRODID", "UID", "DTSTAMP", "DTSTART", "DTEND", "DURATION", "SEQUENCE", "STATUS"),
        *("SUMMARY", "DESCRIPTION", "LOCATION", "CLASS", "TRANSP", "PRIORITY", "CREATED", "LAST-MODIFIED", "RRULE"),
        *("TZID", "TZOFFSETFROM", "TZOFFSETTO", "TZNAME", "ACTION", "TRIGGER"),
    )
}
# What people see as nothing or as a blank, and readers of octets as neither: no-break spaces, spaces without width,
# marks of direction, byte order marks.
_RANGES = ((0xA0, 0xA0), (0xAD, 0xAD), (0x2000, 0x200F), (0x2028, 0x202F), (0x205F, 0x206F), (0x3000, 0x3000))
UNSEEN_MARKS = "\ufeff" + "".join(chr(code) for first, last in _RANGES for code in range(first, last + 1))
_UNSEEN = re.compile(b"(?:[ \t]|\xff\xfe|\xfe\xff|" + b"|".join(mark.encode() for mark in UNSEEN_MARKS) + b")+")
_CARRIAGE_RETURNS = re.compile(rb"\r+\n?")
_CONTROLS = bytes(octet for octet in range(0x20) if octet not in b"\t\r\n") + b"\x7f"
_UTF8_BOM = b"\xef\xbb\xbf"
# Where a file of UTF-16 was joined to another: `copy a.ics + b.ics` of Windows keeps the octets of each.
_JOINED_UTF16 = re.compile(rb"(?s:.)(?:\xff\xfe(?=[\t\r\n -~]\0)|\xfe\xff(?=\0[\t\r\n -~]))")
_NEVER_FOLDED = 74  # octets up to which icalendar leaves a line alone
_SAVE_AS_UTF8 = "Save or export it as UTF-8 text and send it again."
_EXPORT = "Export the calendar as iCalendar (.ics), or save the sheet as CSV, and send that."


class ContentLine(NamedTuple):
    """One content line: ``octets`` are unfolded, without line end; ``name`` is in capitals, "" where it is no property.

    ``number`` is the physical line on which it begins, from 1. ``start`` and ``end`` are its place in the octets that
    were scanned, its folds and its line end included: ``end`` lies beyond them where the last line has none.
    """

    name: str
    number: int
    octets: bytes
    start: int = 0
    end: int = 0


def plain_octets(octets: bytes) -> bytes:
    """Return the octets without control characters, a bare carriage return read as a line end: else as they are.

    A file of UTF-16 behind another is UTF-8 then. Raise ``Unread`` for what is not UTF-8 text in lines.
    """
    if not octets.strip():
        raise Unread("empty", "The notice is empty.", "Send a file with at least one closure in it.")
    if b"\0" in octets and (joined := _JOINED_UTF16.search(octets)):
        second = joined.start() + 1
        octets = octets[:second] + octets[second:].decode("utf-16", "replace").encode()
    if octets.startswith((b"\xff\xfe", b"\xfe\xff")) or octets.count(0) * 4 > len(octets):
        raise Unread("utf-16", "The notice is UTF-16 or UTF-32 text, or not text at all.", _SAVE_AS_UTF8)
    if octets.removeprefix(_UTF8_BOM).lstrip().startswith(b"<"):
        raise Unread("markup", "The notice is a web page or XML, not a calendar, sheet or list.", _EXPORT)
    if octets.count(b"\r") == octets.count(b"\r\n") and len(octets.translate(None, _CONTROLS)) == len(octets):
        return octets
    return _CARRIAGE_RETURNS.sub(_line_feeds, octets.translate(None, _CONTROLS))


def _line_feeds(found: re.Match[bytes]) -> bytes:
    """Return the line ends that carriage returns are: as many as there are, or one where a line feed follows them."""
    return b"\n" if found[0].endswith(b"\n") else b"\n" * len(found[0])


def content_lines(octets: bytes) -> Iterator[ContentLine]:
    """Yield the content lines of what ``plain_octets`` returned; blank ones are left out.

    Folds are undone on octets, since some senders fold inside a UTF-8 character.
    """
    names = _HEADS.copy()
    start = len(_UTF8_BOM) if octets.startswith(_UTF8_BOM) else 0
    number = 1
    for raw in _END_OF_LINE.split(octets[start:]):
        end = start + len(raw) + 1
        folds = raw.count(b"\n")
        if raw and not raw.isspace():
            plain = raw[:-1] if raw[-1] == 0x0D else raw  # noqa: PLR2004 - the CR of its line end
            if folds:
                plain = _FOLD.sub(b"", plain)
            # Most lines share a few heads.
            head = plain[: plain.find(b":") + 1]
            name = names.get(head)
            if not name or not head:
                plain, name = _seen(plain)
                if name and head and plain.startswith(name.encode()):
                    names[head] = name
            if plain:
                yield ContentLine(name, number, plain, start, end)
        number += folds + 1
        start = end


def _seen(plain: bytes) -> tuple[bytes, str]:
    """Return a line without unseen marks before its name, and the name: "" where the line is no property.

    A name that is not in capitals with a blank behind its colon is a line of somebody's text (``Status: Cancelled``).
    """
    found = _HEAD.match(plain)
    if found is None:
        plain = plain[unseen.end() :] if (unseen := _UNSEEN.match(plain)) else plain
        found = _HEAD.match(plain)
    if found is None:
        return plain, ""
    name = found[1].upper()
    is_text = found[1] != name and not name.startswith(b"X-") and plain[found.end() : found.end() + 1].isspace()
    return plain, "" if is_text else name.decode()


def is_comment(line: ContentLine) -> bool:
    """Tell whether a line is a comment of HTML, which some servers write into their calendars."""
    return not line.name and line.octets.startswith(b"<!--") and line.octets.rstrip().endswith(b"-->")


def own_line(text: str) -> ContentLine:
    """Return a line of our own."""
    return ContentLine(re.split("[;:]", text, maxsplit=1)[0], 0, text.encode())


def fold_line(line: bytes) -> bytes:
    """Return a line folded as RFC 5545 3.1 asks, with its CR LF."""
    if len(line) > _NEVER_FOLDED:
        line = Contentline(line.decode()).to_ical()  # type: ignore[no-untyped-call] # icalendar leaves it unannotated
    return line + b"\r\n"


def escape_text(text: str) -> str:
    """Return a text as a TEXT value."""
    return text.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,").replace("\n", "\\n")


def unescape_text(value: str) -> str:
    """Return the text that a TEXT value is of."""
    return str(unescape_backslash(value)) if "\\" in value else value
