"""What a feed says of itself, for iCalendar and jCal alike (docs/feeds.md#the-calendars-own-properties)."""

from feeds.entry import FeedHeader, Publisher
from feeds.property import Property, plain
from feeds.scope import FeedScope


def header_of(scope: FeedScope, source_url: str | None = None) -> FeedHeader:
    """Return the header of a feed of ``scope``; give ``source_url`` only where it holds no secret."""
    row = scope.row
    return FeedHeader(row.title.format(scope.code), row.holds(scope), row.colour, source_url)


def header_properties(header: FeedHeader, publisher: Publisher) -> tuple[Property, ...]:
    """Return the properties of the VCALENDAR in the order in which they leave; none has an empty value."""
    name = plain(header.name)
    described = plain(header.description)
    stated = (
        *object_properties(publisher),
        Property("METHOD", "text", "PUBLISH"),
        Property("NAME", "text", name),
        Property("X-WR-CALNAME", "text", name),
        Property("X-WR-CALDESC", "text", described),
        # RFC 7986 5.7 and 5.8 have no default type: VALUE must be written, and icalendar 7.3 would leave it out.
        Property("REFRESH-INTERVAL", "duration", "PT1H", (("VALUE", "DURATION"),)),
        Property("X-PUBLISHED-TTL", "text", "PT1H"),
        Property("SOURCE", "uri", plain(header.source_url or ""), (("VALUE", "URI"),)),
        Property("COLOR", "text", plain(header.colour)),
    )
    return tuple(each for each in stated if each.value != "")


def object_properties(publisher: Publisher) -> tuple[Property, ...]:
    """Return the properties of a VCALENDAR that is stored by itself: it "MUST NOT specify" METHOD (RFC 4791 4.1)."""
    return (
        Property("VERSION", "text", "2.0"),
        Property("PRODID", "text", f"-//{plain(publisher.uid_domain)}//Planned gateway closures//EN"),
        Property("CALSCALE", "text", "GREGORIAN"),
    )
