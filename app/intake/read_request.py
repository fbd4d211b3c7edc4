"""For whom and when a notice is read."""

from dataclasses import dataclass, field
from datetime import datetime

from app.ical.limits import Limits


@dataclass(frozen=True, slots=True)
class ReadRequest:
    """For whom and when a notice is read.

    ``now`` (aware UTC) is the receipt. ``gateways`` are the codes that the User has, ``gateway`` the one that the
    request or the collection chose, if it chose. ``allow_long`` says that somebody confirmed windows longer than
    ``limits.longest_window``. ``method`` is what a mail says that the METHOD of its calendar is, "" for none.
    """

    now: datetime
    gateways: tuple[str, ...]
    gateway: str | None = None
    limits: Limits = field(default_factory=Limits)
    allow_long: bool = False
    method: str = ""

    def years(self) -> tuple[int, int]:
        """Return the first and the last year that a time within reach may lie in, with one to spare on either side."""
        limits = self.limits
        return self.now.year - limits.past.days // 365 - 2, self.now.year + limits.reach.days // 365 + 2
