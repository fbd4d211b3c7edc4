"""By what a sender knows an event that is spoken of: the first words of its title, or its UID, and when it starts."""

import re

from app.ical.lines import ContentLine
from app.ical.parsed_line import Heads, parse_line, printable
from app.ical.unread import Unread
from app.intake.sent_event import SentEvent
from app.intake.stated_status import title_of

_MOST_CHARACTERS = 40
_START = re.compile(rb":[ \t]*([0-9]{4})([0-9]{2})([0-9]{2})(?:[Tt]([0-9]{2})([0-9]{2}))?")


def name_of(event: SentEvent, heads: Heads) -> str:
    """Return ``Works at Leeds, 2026-12-06 02:00``: the start is as it was written, whatever its zone. "" for neither.

    The words are its sender's, and for nobody else.
    """
    title = printable(title_of(event.summary, heads)) or _uid(event, heads)
    if len(title) > _MOST_CHARACTERS:
        title = title[: _MOST_CHARACTERS - 1].rstrip() + "…"
    begun = next((line for line in event.properties if line.name == "DTSTART"), None)
    return ", ".join(filter(None, (title, _start(begun) if begun is not None else "")))


def _uid(event: SentEvent, heads: Heads) -> str:
    for line in event.properties:
        if line.name == "UID":
            try:
                return parse_line(line, heads).text()
            except Unread:
                continue
    return ""


def _start(line: ContentLine) -> str:
    found = _START.search(line.octets)
    if found is None:
        return ""
    year, month, day, hour, minute = (part.decode() if part else "" for part in found.groups())
    return f"{year}-{month}-{day} {hour}:{minute}" if hour else f"{year}-{month}-{day}"
