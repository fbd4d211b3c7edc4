"""Whether what is PUT is a calendar object that this calendar takes (RFC 4791 4.1, 5.3.2.1), by its lines alone.

Whether its times make sense is read once, by whoever stores it.
"""

from collections.abc import Mapping
from email.message import Message
from functools import lru_cache

from app.caldav.backend import Bounds
from app.caldav.exchange import Refused
from app.caldav.notation import caldav
from app.ical.components import CalendarStream, Component, read_calendars, sole_calendar
from app.ical.lines import unescape_text
from app.ical.parsed_line import ParsedLine
from app.ical.unread import Unread

_READABLE = frozenset({"", "utf-8", "utf8", "us-ascii", "ascii"})


def check_type(headers: Mapping[str, str]) -> None:
    """Hold a body to "a supported media type" (RFC 4791 5.3.2.1, supported-calendar-data). Raise ``Refused``.

    A body without Content-Type is taken for iCalendar: nothing else could be meant.
    """
    if "content-range" in headers:
        raise Refused(400, "", "A member is put whole: a Content-Range is not taken (RFC 9110 14.5).")
    if headers.get("content-encoding", "identity").strip().lower() not in {"", "identity"}:
        raise Refused(415, "", "Send the object without a Content-Encoding.")
    stated = headers.get("content-type", "").strip()
    if stated and not _is_calendar(stated):
        raise Refused(403, caldav("supported-calendar-data"), "Send text/calendar, version 2.0, in UTF-8.")


@lru_cache(maxsize=64)  # a program states the same with each member
def _is_calendar(stated: str) -> bool:
    message = Message()
    message["Content-Type"] = stated
    charset, version = (str(message.get_param(name, "")).lower() for name in ("charset", "version"))
    return message.get_content_type() == "text/calendar" and version in {"", "2.0"} and charset in _READABLE


def check_size(octets: bytes, bounds: Bounds) -> None:
    """Hold a body to max-resource-size. Raise ``Refused``."""
    if len(octets) > bounds.octets:
        text = f"A member holds at most {bounds.octets:,} octets. Leave attachments out; only its time is needed."
        raise Refused(403, caldav("max-resource-size"), text)


def read_checked(octets: bytes, bounds: Bounds) -> CalendarStream:
    """Scan a body, and hold it to what RFC 4791 4.1 says of calendar object resources and to its bounds.

    Raise ``Refused``.
    """
    try:
        stream = read_calendars(octets)
        _check_calendar(sole_calendar(stream), bounds)
    except Unread as unread:
        where = f"Line {unread.line}, {unread.property_name}: " if unread.property_name else ""
        raise Refused(403, caldav("valid-calendar-data"), f"{where}{unread.text} {unread.remedy}") from unread
    return stream


def _check_calendar(calendar: Component, bounds: Bounds) -> None:
    versions = [line.value for line in calendar.parsed("VERSION")]
    if versions not in ([], ["2.0"]):
        raise Refused(403, caldav("supported-calendar-data"), "Only iCalendar 2.0 is read.")
    if not all(map(_is_known, calendar.parts)):
        text = "Only events (VEVENT) are kept here; enter a closure as an event, not as a task or a note."
        raise Refused(403, caldav("supported-calendar-component"), text)
    _check_one_object(calendar)
    if any(len(event.named("ATTENDEE")) > bounds.attendees for event in calendar.events()):
        text = f"An event has at most {bounds.attendees} attendees here. Leave them out; only its time is needed."
        raise Refused(403, caldav("max-attendees-per-instance"), text)


def _is_known(part: Component) -> bool:
    return part.name in {"VEVENT", "VTIMEZONE"} or part.name.startswith("X-")


def _check_one_object(calendar: Component) -> None:
    """Hold it to one type of component, one UID and no METHOD: "MUST NOT specify the ... METHOD property" (4.1)."""
    events = calendar.events()
    if calendar.named("METHOD"):
        raise _not_one("A member of a calendar has no METHOD.")
    if not events:
        raise _not_one("The object holds no event.")
    uids = [[unescape_text(line.value) for line in event.parsed("UID")] for event in events]
    if any(len(found) != 1 or not found[0] for found in uids):
        raise _not_one("Each event has exactly one UID.")
    if len({found[0] for found in uids}) > 1:
        raise _not_one("The events have different UIDs: put each into a member of its own.")
    named = [tuple(map(_as_written, event.parsed("RECURRENCE-ID"))) for event in events]
    if len(set(named)) < len(named):
        raise _not_one("Two events of one UID have the same RECURRENCE-ID, or both have none.")


def _as_written(stated: ParsedLine) -> tuple[str | None, str]:
    """Return which occurrence a RECURRENCE-ID names, as it is written: its zone and its time."""
    return stated.parameter("TZID"), stated.value.upper()


def _not_one(text: str) -> Refused:
    return Refused(403, caldav("valid-calendar-object-resource"), text)
