"""What a member may hold: intake's own limits, as the protocol states them (RFC 4791 5.2.5 to 5.2.8)."""

from datetime import datetime

from app.caldav.backend import Bounds
from app.intake.reading import Limits

LIMITS = Limits()


def bounds_at(now: datetime) -> Bounds:
    """Return the bounds of an object that is put at ``now`` (aware UTC)."""
    return Bounds(LIMITS.octets, now - LIMITS.reach, now + LIMITS.reach, LIMITS.occurrences)
