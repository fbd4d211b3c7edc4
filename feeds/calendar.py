"""A whole iCalendar feed: a header, events that were rendered before, joined, and a footer."""

from collections.abc import Iterable

from feeds.entry import FeedHeader, Publisher
from feeds.header import header_properties, object_properties
from feeds.property import content_line


def render_calendar(header: FeedHeader, publisher: Publisher, events: Iterable[bytes]) -> bytes:
    """Return one VCALENDAR of ``events`` (each from ``render_event``, in ``FeedEntry.sort_key`` order).

    Without events it is still a valid calendar for a subscriber: a feed in which nothing is closed.
    """
    opening = [content_line(each) for each in header_properties(header, publisher)]
    return b"".join([b"BEGIN:VCALENDAR\r\n", *opening, *events, b"END:VCALENDAR\r\n"])


def render_object(publisher: Publisher, event: bytes) -> bytes:
    """Return one event (from ``render_event``) as a calendar object resource (RFC 4791 4.1).

    Several, joined, become a file that a calendar program imports: without METHOD, as what a person keeps.
    """
    opening = [content_line(each) for each in object_properties(publisher)]
    return b"".join([b"BEGIN:VCALENDAR\r\n", *opening, event, b"END:VCALENDAR\r\n"])
