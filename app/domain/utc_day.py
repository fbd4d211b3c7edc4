"""When work that nobody is to read a closure's time from is done and dated: by whole days in UTC (ADR 11, ADR 18)."""

from datetime import datetime


def day_of(instant: datetime) -> datetime:
    """Return the midnight in UTC with which the day of an aware UTC instant begins."""
    return instant.replace(hour=0, minute=0, second=0, microsecond=0)
