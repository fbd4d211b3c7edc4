"""DCC's own dates, which closures had better avoid: planned maintenance and SEC Release days, told, never computed."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from app.domain.london import london_date, whole_days
from app.domain.window import ClosureWindow

_ONE_DAY = timedelta(days=1)
_INSTANT = timedelta(microseconds=1)


class MaintenanceKind(StrEnum):
    """What DCC plans: work on DCC Systems, or a SEC Release."""

    MAINTENANCE = "maintenance"
    RELEASE = "release"


@dataclass(frozen=True, slots=True, kw_only=True)
class Maintenance:
    """One window of DCC's own, as it stands after its entry ``number`` (received at ``received_at``).

    ``uid`` and ``recurrence_id`` are those of the calendar that it came from, so that a later file finds it again.
    """

    id: bytes
    reference: str
    kind: MaintenanceKind
    uid: str
    recurrence_id: str
    window: ClosureWindow
    withdrawn: bool
    number: int
    first_received_at: datetime
    received_at: datetime

    def reach(self, days: int) -> ClosureWindow:
        """Return the span that a closure clashes with: of maintenance its window, of a release whole London days.

        A release reaches over every London day that it touches and ``days`` more on either side.
        """
        if self.kind is MaintenanceKind.MAINTENANCE:
            return self.window
        first, last = london_date(self.window.starts), london_date(self.window.ends - _INSTANT)
        return whole_days(first - timedelta(days=days), last + timedelta(days=days) + _ONE_DAY)
