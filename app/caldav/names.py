"""The names of CalDAV's elements in Clark notation, and the prefixes that answers write them with."""

DAV = "DAV:"
CALDAV = "urn:ietf:params:xml:ns:caldav"
CALENDARSERVER = "http://calendarserver.org/ns/"
APPLE = "http://apple.com/ns/ical/"
OURS = "urn:closure-notices:dav"

PREFIXES = {DAV: "D", CALDAV: "C", CALENDARSERVER: "CS", APPLE: "A", OURS: "N"}


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
