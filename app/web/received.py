"""A request as it reaches the views: uploads stay in memory, and a credential that cannot be read is none.

And as it ends: what no view read of a body is read before the answer is sent, so that the answer arrives.
"""

from functools import cached_property
from io import BytesIO
from time import monotonic
from typing import IO, Any

from flask import Flask, Request, Response, request
from gunicorn.http.errors import ParseException
from werkzeug.datastructures import Authorization
from werkzeug.exceptions import BadRequest

from app.security.security_log import begin_request

_MOST_DROPPED = 32_000_000  # octets of a body that is read only to be dropped
_AT_ONCE = 65_536


class ReceivedRequest(Request):
    """What a client sent. Uploads are bounded by the application's limit, and never put on disk."""

    id: str  # of our own making, and not what a client calls it: it is in every line of the log
    began: float  # when it had arrived whole and a thread took it, by ``monotonic``

    def __init__(self, environ: dict[str, Any], *facts: Any, **more: Any) -> None:
        self.began = monotonic()
        # The host that a client names counts for nothing, since our address is a setting (docs/feeds.md#transport); a
        # name that is no host name would even leave us unable to link from one page to the next.
        named_host: str | None = environ.pop("HTTP_HOST", None)
        super().__init__(environ, *facts, **more)
        # An address in a CalDAV request may name it, and means a place here then. None: it named none.
        self.named_host = named_host

    @cached_property
    def authorization(self) -> Authorization | None:
        """Return the credential; None, and never a fault, where there is none to be read (docs/feeds.md#transport)."""
        try:
            return super().authorization
        except ValueError:  # Basic with anything but ASCII in it; werkzeug passes on what base64 raises
            return None

    @cached_property
    def stream(self) -> "ArrivingBody":  # type: ignore[override]  # of a stream, Flask and we only ever read
        """Return the body, to be read once."""
        return ArrivingBody(super().stream)

    def _get_file_stream(self, *_facts: object, **_more: object) -> BytesIO:
        # Werkzeug would put a file of over 500 kB into a temporary file, in clear (docs/threat-model.md#sealing).
        return BytesIO()


class ArrivingBody:
    """A body while it arrives: where it breaks off or its chunks are none, that is the client's fault, not ours."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    def read(self, size: int = -1) -> bytes:
        """Return up to ``size`` octets, or all. Raise ``BadRequest``."""
        try:
            return self._stream.read(size)
        except ParseException as problem:  # gunicorn's word for it, which werkzeug does not know
            raise BadRequest from problem


def install_reception(app: Flask) -> None:
    """Hold every request of ``app`` to a Host header, and take in the rest of its body before it is answered."""

    @app.before_request
    def _begin() -> None:
        assert isinstance(request, ReceivedRequest)
        request.id = begin_request(request.remote_addr)

    @app.before_request
    def _require_host() -> None:
        """Raise ``BadRequest``: "to any HTTP/1.1 request message that lacks a Host header field" (RFC 9112 3.2)."""
        assert isinstance(request, ReceivedRequest)
        if request.named_host is None and request.environ.get("SERVER_PROTOCOL") == "HTTP/1.1":
            raise BadRequest

    @app.after_request
    def _take_in(response: Response) -> Response:
        """Read what is left of the body, and drop it.

        A client that still sends does not read; were the connection closed on it, it would see that, and not the
        answer. What is announced as more than anybody sends by mistake is left where it is.
        """
        ends = request.environ.get("wsgi.input_terminated")  # else a server's own socket, which never does
        if ends and (request.content_length or 0) <= _MOST_DROPPED:
            _drop(request.environ["wsgi.input"])
        return response


def _drop(stream: IO[bytes]) -> None:
    left = _MOST_DROPPED
    try:
        while left > 0 and (dropped := stream.read(_AT_ONCE)):
            left -= len(dropped)
    except (ParseException, OSError):
        return  # a body that breaks off, or a client that went: nobody waits for more
