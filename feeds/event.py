"""A closure, or DCC's own window, as a VEVENT, for iCalendar and jCal alike (docs/feeds.md#what-an-event-holds)."""

from functools import lru_cache

from feeds.entry import FeedEntry, MaintenanceEntry, Publisher
from feeds.maintnote import maintnote_properties
from feeds.property import Property, content_line, plain
from feeds.wording import categories, description, maintenance_summary, status_word, summary


def event_properties(entry: FeedEntry | MaintenanceEntry, publisher: Publisher) -> tuple[Property, ...]:
    """Return the properties of a closure in the order in which they leave; none has an empty value."""
    stated = (*_own_properties(entry, publisher), *_shared_properties(publisher))
    return tuple(each for each in stated if each.value != "")


def render_event(entry: FeedEntry | MaintenanceEntry, publisher: Publisher) -> bytes:
    """Return the whole VEVENT: CRLF after every line, the last too; the same octets for the same values, always."""
    own = b"".join([content_line(each) for each in _own_properties(entry, publisher) if each.value != ""])
    return b"BEGIN:VEVENT\r\n" + own + _shared_octets(publisher)


def _own_properties(entry: FeedEntry | MaintenanceEntry, publisher: Publisher) -> tuple[Property, ...]:
    is_provisional = isinstance(entry, FeedEntry) and entry.provisional
    return (
        Property("UID", "text", plain(entry.uid(publisher.uid_domain))),
        # With METHOD, DTSTAMP is when this was last revised (RFC 5545 3.8.7.2): never now(), which would change octets.
        Property("DTSTAMP", "date-time", entry.changed),
        Property("DTSTART", "date-time", entry.starts),
        Property("DTEND", "date-time", entry.ends),
        *(_closure_words(entry) if isinstance(entry, FeedEntry) else _maintenance_words(entry)),
        Property("STATUS", "text", status_word(withdrawn=entry.withdrawn, provisional=is_provisional)),
        Property("SEQUENCE", "integer", entry.sequence),
        Property("CREATED", "date-time", entry.created),
        Property("LAST-MODIFIED", "date-time", entry.changed),
        *(_closure_places(entry, publisher) if isinstance(entry, FeedEntry) else ()),
    )


def _closure_words(entry: FeedEntry) -> tuple[Property, ...]:
    return (
        Property("SUMMARY", "text", summary(entry)),
        Property("DESCRIPTION", "text", description(entry)),
        Property("CATEGORIES", "text", categories(entry)),
    )


def _closure_places(entry: FeedEntry, publisher: Publisher) -> tuple[Property, ...]:
    """Return where more is found of a closure; DCC's own dates have no page, and are no outage of a gateway."""
    page = f"{publisher.base_url.rstrip('/')}/closures/{entry.reference}"
    return (Property("URL", "uri", plain(page)), *maintnote_properties(entry))


def _maintenance_words(entry: MaintenanceEntry) -> tuple[Property, ...]:
    return (
        Property("SUMMARY", "text", maintenance_summary(entry)),
        Property("DESCRIPTION", "text", f"Reference {plain(entry.reference)}"),
        Property("CATEGORIES", "text", ("SEC Release" if entry.release else "DCC maintenance",)),
    )


@lru_cache(maxsize=8)
def _shared_properties(publisher: Publisher) -> tuple[Property, ...]:
    """Return what is the same in every event of a publisher."""
    name = plain(publisher.organizer_name)
    return (
        Property(
            "ORGANIZER",
            "cal-address",
            plain(f"mailto:{publisher.organizer_email}"),
            (("CN", name),) if name else (),
        ),
        # The reader is not busy because a gateway is closed; Outlook heeds its own (docs/feeds.md#withdrawn-closures).
        Property("TRANSP", "text", "TRANSPARENT"),
        Property("X-MICROSOFT-CDO-BUSYSTATUS", "text", "FREE"),
        # Neither PUBLIC, since the dates are secret, nor PRIVATE, which hides them from colleagues in Outlook.
        Property("CLASS", "text", "CONFIDENTIAL"),
    )


@lru_cache(maxsize=8)
def _shared_octets(publisher: Publisher) -> bytes:
    return b"".join(content_line(each) for each in _shared_properties(publisher)) + b"END:VEVENT\r\n"
