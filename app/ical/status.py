"""STATUS of an event (RFC 5545 3.8.1.11), also where a sender spells the one that withdraws in a way of its own."""

import re

CANCELLED, CONFIRMED, TENTATIVE = "CANCELLED", "CONFIRMED", "TENTATIVE"
_STATUSES = frozenset({TENTATIVE, CONFIRMED, CANCELLED})
_NEARLY_CANCELLED = re.compile(r"[\W_]*CANCEL{1,2}E?D?[\W_]*")


def read_status(value: str) -> str:
    """Return which STATUS a value means, "" for none that an event can have."""
    if value in _STATUSES:
        return value
    stated = value.strip().upper()
    if stated in _STATUSES:
        return stated
    return CANCELLED if _NEARLY_CANCELLED.fullmatch(stated) else ""
