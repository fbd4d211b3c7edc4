"""What one report may cost: instances, octets and time, counted before the work is done, and whose turn it is.

A small report costs nothing but the counting. One that grows large needs a turn: an account has one at a time, and few
are given in a process, so that threads are left for everybody else (docs/operating.md#fair-shares).
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from app.caldav.exchange import Refused
from app.caldav.notation import dav

_SMALL = 0.25  # seconds of work; a report that takes longer, or a tenth of what it may hold, is a large one
_SHARE = 10
_AT_ONCE = 2  # large reports in one process, of different accounts
_MOST_WAITING = 1  # of all accounts together: who waits holds a thread
_WAITS_SECONDS = 2.0
_RETRY_AFTER = "5"
_WORK_SECONDS = 0.005  # of a large report, after which it rests a moment: others get what they ask for in between
_REST_SECONDS = 0.005


@dataclass(frozen=True, slots=True)
class ReportLimits:
    """What one report may hold and take; see the settings of these names."""

    octets: int = 20_000_000
    instances: int = 20_000
    seconds: float = 10


def too_much(text: str) -> Refused:
    """Return the refusal of what is more than one report returns or takes (RFC 4791 7.8, 7.10)."""
    return Refused(507, dav("number-of-matches-within-limits"), text)


def _not_now() -> Refused:
    text = "A large report of this account, or several of others, are being made. Ask for one at a time."
    return Refused(503, "", text, headers=(("Retry-After", _RETRY_AFTER),))


class ReportTurns:
    """Who works on a large report in this process."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._working: set[str] = set()
        self._waiting = 0

    def take(self, account: str) -> None:
        """Take a turn, waiting for a moment if need be. Raise ``Refused``."""
        with self._changed:
            if self._is_free(account):
                self._working.add(account)
                return
            if self._waiting >= _MOST_WAITING:
                raise _not_now()
            self._waiting += 1
            try:
                if not self._changed.wait_for(lambda: self._is_free(account), _WAITS_SECONDS):
                    raise _not_now()
                self._working.add(account)
            finally:
                self._waiting -= 1

    def leave(self, account: str) -> None:
        """Give the turn back."""
        with self._changed:
            self._working.discard(account)
            self._changed.notify_all()

    def _is_free(self, account: str) -> bool:
        return account not in self._working and len(self._working) < _AT_ONCE


class ReportCost:
    """What one request's report has come to. A mutable value on purpose: it lives for one request.

    ``clock`` gives monotonic seconds. Time spent waiting for a turn is not counted.
    """

    def __init__(
        self,
        limits: ReportLimits,
        turns: ReportTurns,
        account: str,
        *,
        clock: Callable[[], float] = time.monotonic,
        rest: Callable[[float], None] = time.sleep,
    ) -> None:
        self._limits, self._turns, self._account = limits, turns, account
        self._clock, self._rest = clock, rest
        self._began = self._rested_at = clock()
        self._octets = self._instances = 0
        self._is_large = False

    @property
    def limits(self) -> ReportLimits:
        """What the report may hold."""
        return self._limits

    def spend(self, *, octets: int = 0, instances: int = 0) -> None:
        """Count what is about to be done; wait for a turn once it is much. Raise ``Refused``."""
        limits = self._limits
        self._octets += octets
        self._instances += instances
        if self._instances > limits.instances:
            raise too_much(
                f"More than {limits.instances:,} members and instances would be in the answer, the most that one "
                "report returns; ask for a shorter time-range."
            )
        if self._octets > limits.octets:
            raise too_much(
                f"The answer would be larger than {limits.octets:,} octets, the most that one report returns; ask for "
                "a shorter time-range, for fewer members, or for less of each."
            )
        now = self._clock()
        if now - self._began > limits.seconds:
            raise too_much(
                f"This takes longer than {limits.seconds:g} seconds, the most that one report may work; ask for a "
                "shorter time-range."
            )
        if self._is_large:
            self._make_room(now)
        elif (
            now - self._began > _SMALL
            or self._octets * _SHARE > limits.octets
            or self._instances * _SHARE > limits.instances
        ):
            self._turns.take(self._account)
            self._is_large = True
            self._began += self._clock() - now

    def close(self) -> None:
        """Give back the turn, if there is one."""
        if self._is_large:
            self._turns.leave(self._account)

    def _make_room(self, now: float) -> None:
        if now - self._rested_at > _WORK_SECONDS:
            self._rest(_REST_SECONDS)
            self._rested_at = self._clock()
            self._began += self._rested_at - now  # rest is no work
