"""One request and its answer, as values: the protocol reads no socket and knows no framework."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Request:
    """A request by somebody who is known already.

    ``path`` is the path alone, still percent-encoded, as the request had it (``/dav/calendars/ALPHA/GW-1/a%20b.ics``).
    ``headers`` have names in lower case. ``body`` is whole, however it was framed.
    """

    method: str
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Response:
    """The answer; ``headers`` in the order in which they are sent. Content-Length is added by whoever sends it."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
