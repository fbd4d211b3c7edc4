"""Members lately read, kept open in one process: a calendar program asks for the same weeks again and again."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence

from app.caldav.backend import CalendarMember
from app.store.member_heads import Version

_MOST_OCTETS = 16_000_000  # of what members were sent as; the one least lately asked for goes first


class ReadMembers:
    """Opened members by the version of their rows: whatever is written of one is another version."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[Version, CalendarMember] = OrderedDict()
        self._octets = 0

    def read(
        self,
        versions: Sequence[Version],
        opened: Callable[[Sequence[Version]], Iterable[tuple[Version, CalendarMember]]],
    ) -> list[CalendarMember]:
        """Return the members of these versions, in their order; ``opened`` reads those that are not kept."""
        with self._lock:
            found = {version: self._kept[version] for version in versions if version in self._kept}
            for version in found:
                self._kept.move_to_end(version)
        missing = [version for version in versions if version not in found]
        if missing:
            fresh = dict(opened(missing))
            found |= fresh
            self._keep(fresh)
        return [found[version] for version in versions if version in found]

    def _keep(self, fresh: dict[Version, CalendarMember]) -> None:
        with self._lock:
            for version, member in fresh.items():
                if version not in self._kept:
                    self._kept[version] = member
                    self._octets += len(member.octets)
            while self._octets > _MOST_OCTETS:
                self._octets -= len(self._kept.popitem(last=False)[1].octets)
