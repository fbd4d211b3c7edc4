"""Who gets the next thread: of those who wait each in turn, and of one only a few at once, one of them writing.

Who sends more waits behind itself, without a thread, and nobody is refused (docs/operating.md#fair-shares).
"""

from collections import Counter, OrderedDict, deque
from dataclasses import dataclass
from typing import Generic, TypeVar

_READING = frozenset({"GET", "HEAD", "OPTIONS", "PROPFIND", "REPORT"})

_Waiting = TypeVar("_Waiting")


@dataclass(frozen=True, slots=True)
class Requester:
    """Whose request it is, by the whole credential or cookie that it states; "" for those that state none.

    The whole of it counts, so that whoever knows a mere name keeps nobody waiting.
    """

    credential: str
    writes: bool


def requester_of(method: str, headers: list[tuple[str, str]]) -> Requester:
    """Return who asks, by a request's method and headers (their names in capitals)."""
    stated = dict(headers)
    credential = stated.get("AUTHORIZATION") or stated.get("COOKIE") or ""
    return Requester(credential, credential != "" and method not in _READING)


class Line(Generic[_Waiting]):
    """Requests that are here, for one process's ``threads``, of which one credential keeps half busy at most.

    The process's loop alone asks, so nothing is locked.
    """

    def __init__(self, threads: int) -> None:
        self._free, self._most_of_one = threads, threads // 2
        self._at_work = Counter[Requester]()
        self._waiting: OrderedDict[str, deque[tuple[Requester, _Waiting]]] = (
            OrderedDict()
        )  # in the order of their turns

    def join(self, requester: Requester, one: _Waiting) -> None:
        """Wait, behind what the same one sent."""
        self._waiting.setdefault(requester.credential, deque()).append((requester, one))

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

    def leave(self, requester: Requester) -> None:
        """Give a thread back."""
        self._free += 1
        self._at_work[requester] -= 1
        if not self._at_work[requester]:
            del self._at_work[requester]

    def _may_go(self, requester: Requester) -> bool:
        if not self._free:
            return False
        if not requester.credential:
            return True
        # Two that write would take as long as one after the other, and each would hold up whoever has its turn to.
        if requester.writes and self._at_work[requester]:
            return False
        both = (Requester(requester.credential, writes) for writes in (False, True))
        return sum(self._at_work[one] for one in both) < self._most_of_one
