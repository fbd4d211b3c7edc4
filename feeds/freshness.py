"""Whether a subscriber's copy is still fresh: the entity tag and the stated time of the last change (RFC 9110 8.8)."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

_SECOND = timedelta(seconds=1)
_SETTLES = timedelta(seconds=2)  # longer than a change takes from its time stamp to its commit


def etag_of(octets: bytes, encoding: str = "") -> str:
    """Return a strong entity tag, without its quotes, for ``octets`` sent under a content ``encoding`` ("" for none).

    Each encoding has its own, since a strong tag promises identical octets (RFC 9110 8.8.3.3).
    """
    digest = hashlib.sha256(octets).hexdigest()
    return f"{digest}-{encoding}" if encoding else digest


@dataclass(frozen=True, slots=True)
class FeedAge:
    """When a feed last changed, as its dates may tell: ``changed`` is aware UTC, ``now`` the time of the request."""

    changed: datetime
    now: datetime

    @property
    def last_modified(self) -> datetime:
        """Return the Last-Modified to state, in whole seconds: the second after the change, never one that still runs.

        Another change may be stamped within the same second, and be seen only a moment later. Until that can no longer
        be, a second before the change is stated, so that a client that was told it asks again (RFC 9110 8.8.2.1: never
        later than the present).
        """
        second = self.changed.replace(microsecond=0)
        return second + _SECOND if self._is_settled else second - _SECOND

    def is_known(self, since: datetime | None) -> bool:
        """Tell whether a client that states ``since`` (If-Modified-Since) and no entity tag has what stands now."""
        return since is not None and self._is_settled and since >= self.last_modified

    @property
    def _is_settled(self) -> bool:
        return self.now - self.changed.replace(microsecond=0) >= _SECOND + _SETTLES
