"""How many requests of one program may be writing at once in a process: threads are left for everybody else."""

import threading
from collections import Counter

from flask import Flask, g, request

from app.domain.refusal import Refusal

MOST_AT_ONCE = 3
"""One at work, the others waiting for it; with its reports, fewer than a process has threads (app/wsgi.py)."""
_WAITS_SECONDS = 10.0
_READING = frozenset({"GET", "HEAD", "OPTIONS", "PROPFIND", "REPORT"})


class TooMuchAtOnce(Refusal):
    """A program sends more at once than it may: nothing of this request was recorded."""

    code = "too-much-at-once"


class _Shares:
    """Who is in this process to write, by credential, and who of them is at work."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._inside = Counter[str]()
        self._at_work: set[str] = set()

    def enter(self, credential: str) -> None:
        """Come in, and wait until nobody else with this credential is at work. Raise ``TooMuchAtOnce``.

        Two at work would take as long as one after the other, and while they read their notices the third, which holds
        the writer's place, would get on half as fast.
        """
        with self._changed:
            if self._inside[credential] >= MOST_AT_ONCE:
                raise _too_much()
            self._inside[credential] += 1
            if not self._changed.wait_for(lambda: credential not in self._at_work, _WAITS_SECONDS):
                self._forget(credential)
                raise _too_much()
            self._at_work.add(credential)

    def leave(self, credential: str) -> None:
        """Go out; the next comes to work."""
        with self._changed:
            self._at_work.discard(credential)
            self._forget(credential)
            self._changed.notify_all()

    def _forget(self, credential: str) -> None:
        self._inside[credential] -= 1
        if not self._inside[credential]:
            del self._inside[credential]


def install_shares(app: Flask) -> None:
    """Hold each credential to its share. A browser's session is a person, and not counted."""
    shares = _Shares()

    @app.before_request
    def _enter() -> None:
        """Raise ``TooMuchAtOnce``. The whole credential counts, so that whoever knows a mere name keeps nobody out."""
        credential = request.headers.get("Authorization")
        if credential is not None and request.method not in _READING:
            shares.enter(credential)
            g.writing_credential = credential

    @app.teardown_request
    def _leave(_problem: BaseException | None) -> None:
        credential = g.pop("writing_credential", None)
        if credential is not None:
            shares.leave(credential)


def _too_much() -> TooMuchAtOnce:
    return TooMuchAtOnce(
        f"This credential sends more than {MOST_AT_ONCE} notices at once, or larger ones than are written meanwhile; "
        "this one was not recorded.",
        "Send it again in a moment, and one after the other.",
    )
