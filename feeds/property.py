"""One property and its two spellings: a content line of iCalendar (RFC 5545) and an array of jCal (RFC 7265)."""

import re
from datetime import datetime
from functools import lru_cache
from typing import Literal, NamedTuple

from icalendar import Parameters, vText
from icalendar.parser import Contentline

# Every character at which some program breaks a line (str.splitlines knows them all), and the tab.
_BREAKS = re.compile(r"[\t\n\v\f\r\x1c-\x1e\x85\u2028\u2029]+")
# Control characters, and the halves of surrogate pairs, which UTF-8 cannot hold.
_UNFIT = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_MUST_ESCAPE = re.compile(r"[\\;,\n]")
# Up to here icalendar leaves a line alone: it counts the space of a continuation into the 75 octets of RFC 5545 3.1.
_NEVER_FOLDED_OCTETS = 74

Kind = Literal["text", "date-time", "integer", "uri", "cal-address", "duration"]


class Property(NamedTuple):
    """A name, the value's type in jCal's words, the value before any escaping, and the parameters.

    A tuple of texts is one property with several values. ``VALUE`` stands among the parameters only where RFC 5545
    wants it written; jCal says the type in its own place. A named tuple, not a dataclass: 10,000 entries make a
    quarter of a million of them.
    """

    name: str
    kind: Kind
    value: str | int | datetime | tuple[str, ...]
    parameters: tuple[tuple[str, str], ...] = ()


def plain(text: str) -> str:
    """Return ``text`` as one line without control characters: each run of line breaks or tabs becomes one space."""
    if text.isprintable():  # nearly every text: none of those characters is
        return text.strip(" ")
    return _UNFIT.sub("", _BREAKS.sub(" ", text)).strip(" ")


@lru_cache(maxsize=4096)  # as above: the times of one notice, or of one window
def utc_basic(instant: datetime) -> str:
    """Spell an aware UTC time as RFC 5545 3.3.5 form 2, to the second: ``20261206T020000Z``."""
    return instant.isoformat()[:19].replace("-", "").replace(":", "") + "Z"


@lru_cache(maxsize=4096)  # one answer spells the same instants many times
def utc_extended(instant: datetime) -> str:
    """Spell an aware UTC time as RFC 7265 3.6.5, to the second: ``2026-12-06T02:00:00Z``."""
    return instant.isoformat()[:19] + "Z"


def escape(text: str) -> str:
    r"""Escape a TEXT value (RFC 5545 3.3.11) as icalendar does, but for the two characters ``\N``.

    icalendar takes these for a line break already escaped; a name such as ``C:\New`` would lose its backslash, so it
    gets to see only what stands between backslashes.
    """
    if _MUST_ESCAPE.search(text) is None:
        return text
    return r"\\".join(vText(part).to_ical().decode() for part in text.split("\\"))


def content_line(stated: Property) -> bytes:
    """Spell a property as a content line, folded (RFC 5545 3.1) and with its CRLF."""
    value = stated.value
    if stated.kind == "text":
        spelt = ",".join(map(escape, value)) if isinstance(value, tuple) else escape(str(value))
    else:
        spelt = utc_basic(value) if isinstance(value, datetime) else str(value)
    written = Parameters(stated.parameters).to_ical().decode() if stated.parameters else ""
    line = f"{stated.name};{written}:{spelt}" if written else f"{stated.name}:{spelt}"
    octets = line.encode()
    if len(octets) > _NEVER_FOLDED_OCTETS:
        octets = _folded(line)
    return octets + b"\r\n"


def _folded(line: str) -> bytes:
    folded: bytes = Contentline(line).to_ical()  # type: ignore[no-untyped-call]  # icalendar has no types here
    return folded


def jcal_array(stated: Property) -> list[object]:
    """Spell a property as jCal (RFC 7265 3.4): name, parameters, type, values; names in lower case."""
    parameters = {name.lower(): text for name, text in stated.parameters if name != "VALUE"}
    values: tuple[object, ...] = stated.value if isinstance(stated.value, tuple) else (stated.value,)
    spelt = [utc_extended(value) if isinstance(value, datetime) else value for value in values]
    return [stated.name.lower(), parameters, stated.kind, *spelt]
