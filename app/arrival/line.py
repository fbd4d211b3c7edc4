"""Who gets the next thread: of those who wait each in turn, and of one only a few at once, one of them writing.

Who sends more waits behind itself, without a thread, and nobody is refused (docs/operating.md#fair-shares).
"""

from collections import Counter, OrderedDict, deque
from dataclasses import dataclass
from typing import Generic, TypeVar

MOST_OF_ONE = 3
"""Requests of one credential that have a thread in a process: half of its threads (app/wsgi.py)."""
_READING = frozenset({"GET", "HEAD", "OPTIONS", "PROPFIND", "REPORT"})

_Waiting = TypeVar("_Waiting")


@dataclass(frozen=True, slots=True)
class Asker:
    """Whose request it is, by the whole credential or cookie that it states; "" for those that state none.

    The whole of it counts, so that whoever knows a mere name keeps nobody waiting.
    """

    credential: str
    writes: bool


def asker_of(method: str, headers: list[tuple[str, str]]) -> Asker:
    """Return who asks, by a request's method and headers (their names in capitals)."""
    stated = dict(headers)
    credential = stated.get("AUTHORIZATION") or stated.get("COOKIE") or ""
    return Asker(credential, credential != "" and method not in _READING)


class Line(Generic[_Waiting]):
    """Requests that are here, for one process's threads. Its loop alone asks, so nothing is locked."""

    def __init__(self, threads: int) -> None:
        self._free = threads
        self._at_work = Counter[Asker]()
        self._waiting: OrderedDict[str, deque[tuple[Asker, _Waiting]]] = OrderedDict()  # in the order of their turns

    def join(self, asker: Asker, one: _Waiting) -> None:
        """Wait, behind what the same one sent."""
        self._waiting.setdefault(asker.credential, deque()).append((asker, one))

    def next(self) -> _Waiting | None:
        """Return the one that gets a thread now, which ``leave`` gives back; None where none may."""
        for credential, queue in self._waiting.items():
            chosen = next((place for place in queue if self._may_go(place[0])), None)
            if chosen is not None:
                queue.remove(chosen)
                del self._waiting[credential]
                if queue:
                    self._waiting[credential] = queue  # behind everybody else
                self._free -= 1
                self._at_work[chosen[0]] += 1
                return chosen[1]
        return None

    def leave(self, asker: Asker) -> None:
        """Give a thread back."""
        self._free += 1
        self._at_work[asker] -= 1
        if not self._at_work[asker]:
            del self._at_work[asker]

    def _may_go(self, asker: Asker) -> bool:
        if not self._free:
            return False
        if not asker.credential:
            return True
        # Two that write would take as long as one after the other, and each would hold up whoever has its turn to.
        if asker.writes and self._at_work[asker]:
            return False
        both = (Asker(asker.credential, writes) for writes in (False, True))
        return sum(self._at_work[one] for one in both) < MOST_OF_ONE
