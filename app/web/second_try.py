"""A request that lost its database before anything of it was committed is begun anew, once, over a new connection."""

from collections.abc import Callable, Iterable
from io import BytesIO
from typing import IO, Any

from app.store.engine import COMMITS

LOST = "closures.lost"
"""Where a request says that it may be begun anew; the value is True."""
IS_SECOND = "closures.second"
"""Where it is said that this is the second time."""
_MOST_KEPT = 2_000_000  # octets of a body; a larger one is refused or sent again by its client


class SecondTry:
    """The application, asked a second time where the first time says that it may be."""

    def __init__(self, app: Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]) -> None:
        self._app = app

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer a request."""
        body = _KeptBody(environ["wsgi.input"])
        COMMITS.set(0)
        first = environ | {"wsgi.input": body}
        started: list[Any] = []

        def start(*facts: Any) -> Any:
            started.append(facts)
            return None  # an application that writes by itself is none of ours

        answer = self._app(first, start)
        if not first.get(LOST) or not body.is_whole:
            start_response(*started[-1])
            return answer
        close = getattr(answer, "close", None)
        if close is not None:
            close()
        return self._app(environ | {"wsgi.input": BytesIO(body.octets), IS_SECOND: True}, start_response)


class _KeptBody:
    """A body that is read once, and kept for a second time."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.octets = b""
        self.is_whole = True

    def read(self, size: int = -1) -> bytes:
        """Return up to ``size`` octets, or all."""
        return self._kept(self._stream.read(size))

    def readline(self, size: int = -1) -> bytes:
        """Return a line, or up to ``size`` octets of it."""
        return self._kept(self._stream.readline(size))

    def _kept(self, octets: bytes) -> bytes:
        if len(self.octets) + len(octets) > _MOST_KEPT:
            self.octets, self.is_whole = b"", False
        elif self.is_whole:
            self.octets += octets
        return octets
