"""Credentials that fail again and again are turned away before anything is looked up."""

import threading
from collections import OrderedDict
from datetime import datetime, timedelta
from functools import lru_cache
from ipaddress import ip_network

_SPAN = timedelta(minutes=1)
_MOST_KEPT = 10_000
# What one household or office is given, at most (RFC 6177 for IPv6): whoever has it can ask from any address in it.
_ONE_SITE = {4: 24, 6: 48}


@lru_cache(maxsize=1024)  # whoever asks asks again
def network_of(address: str) -> str:
    """Return the network that failures from an address are counted under; what is no address is its own network."""
    try:
        alone = ip_network(address)
    except ValueError:
        return address
    return str(alone.supernet(new_prefix=_ONE_SITE[alone.version]))


class Throttle:
    """Counts failures by key in one process, over a minute; a key that reached its limit waits for the rest of it.

    What it keeps is small and says nothing: hashes under this process's own seed, the oldest forgotten first.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._failures: OrderedDict[int, tuple[datetime, int]] = OrderedDict()

    def wait(self, key: tuple[str, ...], limit: int, now: datetime) -> int:
        """Return how many seconds this key has to wait; 0 where it may try."""
        with self._lock:
            began, count = self._failures.get(hash(key), (now, 0))
        left = began + _SPAN - now
        return 0 if count < limit or left <= timedelta() else int(left.total_seconds()) + 1

    def note_failure(self, key: tuple[str, ...], now: datetime) -> None:
        """Count a failure."""
        with self._lock:
            began, count = self._failures.pop(hash(key), (now, 0))
            self._failures[hash(key)] = (now, 1) if now - began >= _SPAN else (began, count + 1)
            while len(self._failures) > _MOST_KEPT:
                self._failures.popitem(last=False)
