"""What a member may hold: intake's limits, further back in time, as the protocol states them (RFC 4791 5.2.5)."""

from datetime import datetime, timedelta

from app.caldav.backend import Bounds
from app.ical.limits import Limits

# A calendar program sends all that its calendar holds, and would send again and again what is refused for being old.
# A closure invites nobody; but a calendar program sends whom its event invites, and nothing of that is looked at.
_ATTENDEES = 100
LIMITS = Limits(past=timedelta(days=40 * 366), reach=timedelta(days=10 * 366))


def bounds_at(now: datetime) -> Bounds:
    """Return the bounds of an object that is put at ``now`` (aware UTC)."""
    return Bounds(LIMITS.octets, now - LIMITS.past, now + LIMITS.reach, LIMITS.occurrences, _ATTENDEES)
