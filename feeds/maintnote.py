"""The MAINTNOTE properties, so that operators' tools read the feed as it is (docs/feeds.md#maintnote).

The status is only TENTATIVE, CONFIRMED or CANCELLED: IN-PROCESS and COMPLETED would change octets with the clock.
"""

from feeds.entry import FeedEntry
from feeds.property import Property, plain
from feeds.wording import status_word


def maintnote_properties(entry: FeedEntry) -> tuple[Property, ...]:
    """Return the six X-MAINTNOTE properties of a closure: the User provides, DCC is the account."""
    return (
        Property("X-MAINTNOTE-PROVIDER", "text", plain(entry.user_code)),
        Property("X-MAINTNOTE-ACCOUNT", "text", "dcc"),
        Property("X-MAINTNOTE-MAINTENANCE-ID", "text", plain(entry.reference)),
        Property("X-MAINTNOTE-OBJECT-ID", "text", plain(entry.gateway_code)),
        Property("X-MAINTNOTE-IMPACT", "text", "OUTAGE"),
        Property("X-MAINTNOTE-STATUS", "text", status_word(withdrawn=entry.withdrawn, provisional=entry.provisional)),
    )
