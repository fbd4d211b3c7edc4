"""Instants as CalDAV's XML and iCalendar write them."""

import re
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from zoneinfo import ZoneInfo

LONDON = ZoneInfo("Europe/London")
_FIRST, _LAST = datetime(1000, 1, 1, tzinfo=UTC), datetime(9000, 1, 1, tzinfo=UTC)
_UTC = re.compile(r"[0-9]{8}T[0-9]{6}Z")


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
    return min(max(instant, _FIRST), _LAST)


def utc(instant: datetime) -> str:
    """Return an instant as ``20261206T020000Z``."""
    return f"{instant.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def iso(instant: datetime) -> str:
    """Return an instant for DAV:creationdate: "date-time" of RFC 3339."""
    return f"{instant.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def http_date(instant: datetime) -> str:
    """Return an instant for DAV:getlastmodified and Last-Modified (RFC 9110 5.6.7)."""
    return format_datetime(instant.astimezone(UTC), usegmt=True)


def read_http_date(text: str) -> datetime | None:
    """Return the instant of an HTTP-date, None for anything else, which "MUST" be ignored (RFC 9110 13.1.3, 13.1.4)."""
    try:
        found = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found
