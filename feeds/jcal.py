"""The same feed as jCal (RFC 7265), ``application/calendar+json``: the same entries, the same values."""

import json
from collections.abc import Iterable

from feeds.entry import FeedEntry, FeedHeader, MaintenanceEntry, Publisher
from feeds.event import event_properties
from feeds.header import header_properties
from feeds.property import jcal_array


def render_jcal(header: FeedHeader, publisher: Publisher, entries: Iterable[FeedEntry | MaintenanceEntry]) -> bytes:
    """Return one vcalendar as UTF-8 JSON without blanks; ``entries`` in ``FeedEntry.sort_key`` order."""
    events = [["vevent", [jcal_array(each) for each in event_properties(entry, publisher)], []] for entry in entries]
    stated = [jcal_array(each) for each in header_properties(header, publisher)]
    return json.dumps(["vcalendar", stated, events], ensure_ascii=False, separators=(",", ":")).encode()
