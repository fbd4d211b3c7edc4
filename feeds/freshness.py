"""Whether a subscriber's copy is still fresh: the entity tag and the stated time of the last change (RFC 9110 8.8)."""

import hashlib
from datetime import datetime, timedelta

_SECOND = timedelta(seconds=1)


def etag_of(octets: bytes, encoding: str = "") -> str:
    """Return a strong entity tag, without its quotes, for ``octets`` sent under a content ``encoding`` ("" for none).

    Each encoding has its own, since a strong tag promises identical octets (RFC 9110 8.8.3.3).
    """
    digest = hashlib.sha256(octets).hexdigest()
    return f"{digest}-{encoding}" if encoding else digest


def stated_last_modified(changed: datetime, now: datetime) -> datetime:
    """Return the Last-Modified to state at ``now`` for data that last changed at ``changed``, in whole seconds.

    Another change may follow within the same second, and a client that was told this second would then never hear of
    it by If-Modified-Since. So while ``now`` is in the second of the change, or before it because the clock jumped
    back, the second before ``now`` is stated: never later than the change nor the present (RFC 9110 8.8.2.1).
    """
    changed_second = changed.replace(microsecond=0)
    now_second = now.replace(microsecond=0)
    return changed_second if changed_second < now_second else now_second - _SECOND
