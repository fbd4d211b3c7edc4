"""Octets to content lines, each with the number of the physical line on which it begins (RFC 5545 3.1)."""

import re
from typing import NamedTuple

from app.domain.refusal import IntakeProblem, NoticeUnreadable

# A line ends at a line feed that no space or tab follows: what follows one is a fold, undone after the split.
_END_OF_LINE = re.compile(rb"\n(?![ \t])")
_FOLD = re.compile(rb"\n[ \t]")
_CONTROLS = bytes(octet for octet in range(0x20) if octet not in b"\t\n") + b"\x7f"
_UTF8_BOM = b"\xef\xbb\xbf"
_SAVE_AS_UTF8 = "Save or export the calendar as UTF-8 and send it again."
_EXPORT = "Export the calendar as an iCalendar (.ics) file and send that."


class Line(NamedTuple):
    """One content line, unfolded, without its line end and without control characters."""

    number: int
    octets: bytes


def unfold(octets: bytes) -> list[Line]:
    """Split into content lines; blank ones are left out. Raise ``NoticeUnreadable`` for what is not UTF-8 text.

    Folds are undone on octets, since some senders fold inside a UTF-8 character.
    """
    text = plain_octets(octets)
    lines = []
    number = 1
    for raw in _END_OF_LINE.split(text):
        folds = raw.count(b"\n")
        if raw and not raw.isspace():
            lines.append(Line(number, _FOLD.sub(b"", raw) if folds else raw))
        number += folds + 1
    return lines


def plain_octets(octets: bytes) -> bytes:
    """Return the octets without BOM and control characters, lines ended by LF. Raise ``NoticeUnreadable``."""
    if not octets.strip():
        raise unreadable("empty", "The notice is empty.", "Send an iCalendar (.ics) file with at least one event.")
    if octets.startswith((b"\xff\xfe", b"\xfe\xff")) or octets.count(0) * 4 > len(octets):
        raise unreadable("utf-16", "The notice is UTF-16 or UTF-32 text, or not text at all.", _SAVE_AS_UTF8)
    if octets.removeprefix(_UTF8_BOM).lstrip().startswith(b"<"):
        raise unreadable("markup", "The notice is a web page or XML, not a calendar.", _EXPORT)
    if b"\n" not in octets and b"\r" in octets.strip():
        raise unreadable(
            "cr-only", "The lines of the notice end in a carriage return alone.", "End each line in CR LF (RFC 5545)."
        )
    return octets.removeprefix(_UTF8_BOM).replace(b"\r\n", b"\n").translate(None, _CONTROLS)


def unreadable(code: str, text: str, remedy: str, line: int | None = None) -> NoticeUnreadable:
    """Return the refusal of a whole notice, with its one problem."""
    return NoticeUnreadable(text, remedy, (IntakeProblem(text=text, remedy=remedy, line=line, code=code),))
