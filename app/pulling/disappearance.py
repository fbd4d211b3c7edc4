"""When an event that a source no longer shows is believed to be gone: never at the first look, never in a landslide."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime, timedelta

_FEW = 3  # fewer than that may always go
_LANDSLIDE_STANDS = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Looked:
    """``missing``: what was not there, and since when (aware UTC). ``gone``: what is now believed to be gone.

    ``doubted`` tells that so much is missing that a fault of the source is the likelier reason.
    """

    missing: dict[str, datetime]
    gone: frozenset[str]
    doubted: bool


def look_again(
    known: AbstractSet[str], seen: AbstractSet[str], missing: Mapping[str, datetime], now: datetime
) -> Looked:
    """Compare what was ``known`` to lie ahead with what a whole, sound look has ``seen``.

    ``missing`` is what the last such look missed. One that was missed then and is missed now is gone. But where at
    least three are missing, and more than half of all, each must have been missed at every look for 24 hours; and where
    nothing at all is left of three or more, none is gone, however long: an emptied calendar is more often a fault than
    news, and the User has other ways to say so.
    """
    absent = known - seen
    doubted = len(absent) >= _FEW and 2 * len(absent) > len(known)
    since = {uid: missing.get(uid, now) for uid in sorted(absent)}
    wait = _LANDSLIDE_STANDS if doubted else timedelta()
    emptied = doubted and len(absent) == len(known)
    gone = frozenset(uid for uid in since if uid in missing and now - since[uid] >= wait and not emptied)
    return Looked({uid: first for uid, first in since.items() if uid not in gone}, gone, doubted)
