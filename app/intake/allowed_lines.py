"""The lines of a calendar without which it would read differently; all else is what a sender wrote beyond them.

A line is kept as it was, and only where its value has the shape of what is read from it: no word of a sender's passes.
Of its parameters only those of time are kept.
"""

import re
from collections.abc import Iterable

from app.ical.components import Component
from app.ical.lines import ContentLine
from app.ical.parsed_line import Heads, ParsedLine, parse_line
from app.ical.unread import Unread
from app.ical.zones import named_zone, plain_tzid
from app.intake.sent_event import SentEvent
from app.intake.stated_status import is_known_status

_TIMES = frozenset({"DTSTART", "DTEND", "DURATION", "RRULE", "RDATE", "EXDATE"})
_DATED = _TIMES | {"DTSTAMP", "RECURRENCE-ID"}
_OF_GATEWAY = frozenset({"LOCATION", "X-MAINTNOTE-OBJECT-ID"})
_STATUSES = frozenset({"STATUS", "X-MAINTNOTE-STATUS"})
_PARAMETER = re.compile(r';(?:"[^"]*"|[^;"])*')
_VALUE_TYPE = re.compile(r";VALUE=(?:DATE|DATE-TIME|PERIOD|DURATION)", re.IGNORECASE)
_RANGE = re.compile(r";RANGE=THISANDFUTURE", re.IGNORECASE)
_TZID = re.compile(r";TZID=", re.IGNORECASE)
_LOCAL_TIME = re.compile(r"T[0-9]{6}(?![0-9Z])", re.IGNORECASE)
_MOMENT = re.compile(r"[0-9]{8}(?:T[0-9]{6}Z?)?|[+-]?P[0-9WDHMST]{2,40}", re.IGNORECASE)
_BETWEEN_MOMENTS = re.compile("[,/]")
_OFFSET = re.compile(r"[+-][0-9]{4}(?:[0-9]{2})?")
_NUMBER = re.compile(r"[+-]?[0-9]{1,10}")
_WEEKDAY = re.compile(r"[+-]?[0-9]{0,2}(?:MO|TU|WE|TH|FR|SA|SU)", re.IGNORECASE)
_PARTS_OF_RULE = {
    "FREQ": re.compile("DAILY|WEEKLY|MONTHLY|YEARLY", re.IGNORECASE),
    "UNTIL": _MOMENT,
    "BYDAY": _WEEKDAY,
    "WKST": _WEEKDAY,
    "COUNT": _NUMBER,
    "INTERVAL": _NUMBER,
    "BYMONTH": _NUMBER,
    "BYWEEKNO": _NUMBER,
    "BYYEARDAY": _NUMBER,
    "BYMONTHDAY": _NUMBER,
    "BYSETPOS": _NUMBER,
    "BYHOUR": _NUMBER,
    "BYMINUTE": _NUMBER,
    "BYSECOND": _NUMBER,
}
_OF_ZONE = frozenset({"DTSTART", "TZOFFSETFROM", "TZOFFSETTO", "RRULE", "RDATE"})
_PARTS_OF_ZONE = frozenset({"STANDARD", "DAYLIGHT"})


def property_lines(properties: Iterable[ContentLine]) -> list[bytes]:
    """Return the lines of a VCALENDAR's own properties; the zone of floating times where it is one."""
    heads, lines = Heads(), []
    for line in properties:
        stated = _read(line, heads)
        if stated is not None and (line.name != "X-WR-TIMEZONE" or named_zone(stated.text()) is not None):
            lines.append(_line(line, stated))
    return lines


def event_lines(
    event: SentEvent, uid: str, gateways: frozenset[str], *, is_timeless: bool = False
) -> tuple[list[bytes], set[str]]:
    """Return a VEVENT's lines and the TZIDs that they name.

    ``uid`` is written where the event has none. A code is kept where it is one of ``gateways`` (in capitals).
    ``is_timeless`` says that nothing was made of its times, since one of them could not be read.
    """
    heads, zones = Heads(), set()
    lines = [b"BEGIN:VEVENT"]
    has_uid = False
    for line in event.properties:
        stated = _read(line, heads)
        if stated is None or (is_timeless and line.name in _TIMES) or not _is_needed(stated, gateways):
            continue
        has_uid = has_uid or line.name == "UID"
        lines.append(_line(line, stated))
        if "TZID" in stated.parameters and _names_zone(stated):
            zones.add(plain_tzid(stated.parameter("TZID") or ""))
    if not has_uid:
        lines.insert(1, b"UID:" + uid.encode())
    return [*lines, b"END:VEVENT"], zones


def zone_lines(definition: Component) -> list[bytes]:
    """Return of a VTIMEZONE what its offsets come from: neither comments nor names of its parts.

    Nothing where a line of those cannot be read: without that line it would say something else.
    """
    heads = Heads()
    lines = [b"BEGIN:VTIMEZONE", *(b"TZID:" + line.value.encode() for line in definition.parsed("TZID")[:1])]
    for part in definition.within():
        if part.name not in _PARTS_OF_ZONE:
            continue
        lines.append(b"BEGIN:" + part.name.encode())
        for line in part.lines:
            if line.name not in _OF_ZONE:
                continue
            stated = _read(line, heads)
            if stated is None or not _has_shape(stated):
                return []
            lines.append(_line(line, stated))
        lines.append(b"END:" + part.name.encode())
    return [*lines, b"END:VTIMEZONE"]


def _read(line: ContentLine, heads: Heads) -> ParsedLine | None:
    try:
        return parse_line(line, heads)
    except Unread:
        return None


def _is_needed(stated: ParsedLine, gateways: frozenset[str]) -> bool:
    if stated.name == "UID":
        return bool(stated.text())
    if stated.name in _STATUSES:
        return is_known_status(stated)
    if stated.name in _OF_GATEWAY:
        return stated.text().upper() in gateways
    return _has_shape(stated)


def _has_shape(stated: ParsedLine) -> bool:
    """Tell whether a value is all numbers and times, so that nothing else can be said by it."""
    if stated.name == "SEQUENCE":
        return _NUMBER.fullmatch(stated.value) is not None
    if stated.name in {"TZOFFSETFROM", "TZOFFSETTO"}:
        return _OFFSET.fullmatch(stated.value) is not None
    if stated.name == "RRULE":
        return all(map(_is_part_of_rule, stated.value.split(";")))
    moments = (moment.strip() for moment in _BETWEEN_MOMENTS.split(stated.value))
    return stated.name in _DATED and all(not moment or _MOMENT.fullmatch(moment) for moment in moments)


def _is_part_of_rule(part: str) -> bool:
    name, _, values = "".join(part.split()).partition("=")
    shape = _PARTS_OF_RULE.get(name.upper())
    return not name or (shape is not None and all(shape.fullmatch(value) for value in values.split(",")))


def _line(line: ContentLine, stated: ParsedLine) -> bytes:
    """Return a line without the parameters that say nothing of a time."""
    # The head is what stands before the value and its colon, wherever the reader found that.
    text = line.octets.decode().rstrip()
    head = text[: len(text) - len(stated.value)].rstrip().removesuffix(":")
    name, has_more, _ = head.partition(";")
    if not has_more:
        return line.octets
    kept = [piece for piece in _PARAMETER.findall(head, len(name)) if _is_of_time(piece, stated)]
    return "".join((name, *kept, ":", stated.value)).encode()


def _is_of_time(parameter: str, stated: ParsedLine) -> bool:
    if stated.name not in _DATED:
        return False
    if _TZID.match(parameter):
        return _names_zone(stated)
    if stated.name == "RECURRENCE-ID" and _RANGE.fullmatch(parameter):
        return True
    return _VALUE_TYPE.fullmatch(parameter) is not None


def _names_zone(stated: ParsedLine) -> bool:
    """Tell whether a TZID was looked at: it is not for a day or a time in UTC."""
    return stated.name in _DATED and _LOCAL_TIME.search(stated.value) is not None
