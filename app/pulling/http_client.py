"""Asking at an address that somebody else chose, without being sent where it should not lead (ADR 17)."""

import http.client
import io
import socket
import ssl
import time
import zlib
from base64 import b64encode
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import SplitResult, quote, urljoin, urlsplit

from app.pulling.addresses import may_connect
from app.pulling.fetch_failure import SourceUnread

LARGEST = 10_000_000  # octets of one visit on the wire, and of any one answer unpacked
_SECONDS = 60.0  # of one visit, whatever it asks
_SECONDS_TO_CONNECT = 10.0
_PORTS = frozenset({443, 8443})
_MOST_HOPS = 3
_MOVED = frozenset({301, 302, 307, 308})
_CHUNK = 65_536
_GZIP = 16 + zlib.MAX_WBITS
_IN_PATH = "/%:@!$&'()*+,;=~-._"
_AGENT = "closure-notices"


def _resolve(host: str, port: int) -> Sequence[str]:
    """Return every address that the system's resolver gives for a host, as text."""
    return [str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


def _dial(address: str, port: int, seconds: float) -> socket.socket:
    """Connect to an address, which is no name any more: nothing is looked up a second time."""
    return socket.create_connection((address, port), seconds)


@dataclass(frozen=True, slots=True)
class Outbound:
    """How far requests may go.

    ``allow_private`` opens private addresses, loopback, http and every port, for a site that hosts both the service and
    the calendars. ``apart`` has sources looked at in a process of its own (``app.pulling.apart``). The other three are
    the ends that touch the network; the service never sets them.
    """

    allow_private: bool = False
    apart: bool = False
    resolve: Callable[[str, int], Sequence[str]] = _resolve
    dial: Callable[[str, int, float], socket.socket] = _dial
    trust: Callable[[], ssl.SSLContext] = ssl.create_default_context

    def check(self, url: str) -> SplitResult:
        """Return the parts of an address that may be asked at all. Raise ``SourceUnread``; nothing is resolved yet."""
        try:
            parts = urlsplit(url)
            port = port_of(parts)
            host = (parts.hostname or "").encode("ascii").decode()
        except ValueError as problem:
            raise SourceUnread("address") from problem
        schemes = {"http", "https"} if self.allow_private else {"https"}
        sound = url.isprintable() and host and "@" not in parts.netloc and parts.scheme in schemes
        if not sound or not (self.allow_private or port in _PORTS):
            raise SourceUnread("address")
        return parts

    def connect(self, parts: SplitResult, seconds: float) -> socket.socket:
        """Connect to the host of an address that was checked; every address that its name has must be allowed."""
        host, port = parts.hostname or "", port_of(parts)
        try:
            found = self.resolve(host, port)
            if not found or not all(may_connect(entry, allow_private=self.allow_private) for entry in found):
                raise SourceUnread("unreachable")
            wire = self._dial_first(found, port, seconds)
            if parts.scheme != "https":
                return wire
            try:
                return self.trust().wrap_socket(wire, server_hostname=host)
            except BaseException:
                wire.close()
                raise
        except (OSError, ValueError) as problem:
            raise SourceUnread("unreachable") from problem

    def _dial_first(self, addresses: Sequence[str], port: int, seconds: float) -> socket.socket:
        """Connect to the first address that answers; a host with IPv6 on paper alone is common."""
        share = min(seconds, _SECONDS_TO_CONNECT) / len(addresses)
        for address in addresses[:-1]:
            try:
                return self.dial(address, port, share)
            except OSError:
                continue
        return self.dial(addresses[-1], port, share)


def port_of(parts: SplitResult) -> int:
    """Return the port of an address, stated or not. Raise ``ValueError`` for one that is no number."""
    return parts.port or (443 if parts.scheme == "https" else 80)


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """What came back: ``headers`` by lower-case name, ``body`` unpacked."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Asker(Protocol):
    """Something that can be asked over HTTP; what may be wrong with the connection is a ``SourceUnread``."""

    def ask(self, method: str, url: str, headers: Mapping[str, str], body: bytes = b"") -> HttpAnswer:
        """Ask and return the answer, whatever its status."""


@dataclass(slots=True)
class _Allowance:
    """What is left of one visit: octets, and seconds by a clock that never goes back."""

    until: float
    octets: int = LARGEST

    def seconds(self) -> float:
        left = self.until - time.monotonic()
        if left <= 0:
            raise SourceUnread("too-slow")
        return left

    def take(self, octets: int) -> None:
        self.octets -= octets
        if self.octets < 0:
            raise SourceUnread("too-large")


class _Metered(io.RawIOBase):
    """Reads a socket inside the allowance, so that neither a drip nor a flood lasts, in headers or in the body."""

    def __init__(self, wire: socket.socket, allowance: _Allowance) -> None:
        self._wire = wire
        self._allowance = allowance

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        self._wire.settimeout(self._allowance.seconds())
        taken = self._wire.recv_into(buffer)
        self._allowance.take(taken)
        return taken


class _Wire:
    """The four things that http.client does with a socket."""

    def __init__(self, wire: socket.socket, allowance: _Allowance) -> None:
        self._wire = wire
        self._allowance = allowance

    def makefile(self, _mode: str) -> io.BufferedReader:
        return io.BufferedReader(_Metered(self._wire, self._allowance), _CHUNK)

    def sendall(self, octets: bytes) -> None:
        self._wire.settimeout(self._allowance.seconds())
        self._wire.sendall(octets)

    def close(self) -> None:
        """Leave it open: http.client lets go of it before the answer is read. ``Visit`` closes it."""


class Visit:
    """The requests of one look at a source: to one origin, by one user name, inside one allowance."""

    def __init__(
        self, outbound: Outbound, url: str, username: str = "", password: str = "", *, agent: str = "",
        seconds: float | None = None,
    ) -> None:  # fmt: skip
        self._outbound = outbound
        self._origin = _origin(outbound.check(url))
        self._allowance = _Allowance(time.monotonic() + (_SECONDS if seconds is None else seconds))
        self._headers = {"User-Agent": agent or _AGENT, "Accept-Encoding": "gzip", "Connection": "close"}
        if username:
            pair = b64encode(f"{username}:{password}".encode()).decode()
            self._headers["Authorization"] = f"Basic {pair}"

    def ask(self, method: str, url: str, headers: Mapping[str, str], body: bytes = b"") -> HttpAnswer:
        """Ask, and follow redirects inside the origin. Raise ``SourceUnread``."""
        for _ in range(_MOST_HOPS + 1):
            answer = self.ask_once(method, url, headers, body)
            if answer.status not in _MOVED:
                return answer
            try:
                url = urljoin(url, answer.headers.get("location", ""))
            except ValueError as problem:
                raise SourceUnread("redirected") from problem
        raise SourceUnread("redirected")

    def ask_once(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> HttpAnswer:
        """Ask; a redirect is an answer like any other. Raise ``SourceUnread``."""
        parts = self._same_origin(url)
        path = quote(parts.path or "/", safe=_IN_PATH)
        if parts.query:
            path += "?" + quote(parts.query, safe=_IN_PATH + "?")
        asking = http.client.HTTPConnection(parts.hostname or "", port_of(parts))
        asking.default_port = 443 if parts.scheme == "https" else 80
        # http.client finds itself connected: the only code that connects is the code that checks.
        wire = self._outbound.connect(parts, self._allowance.seconds())
        asking.sock = _Wire(wire, self._allowance)
        try:
            asking.request(method, path, body or None, {**headers, **self._headers})
            return self._read(asking.getresponse())
        except http.client.HTTPException as problem:
            raise SourceUnread("broken-off") from problem
        except TimeoutError as problem:
            raise SourceUnread("too-slow") from problem
        except OSError as problem:
            raise SourceUnread("broken-off") from problem
        finally:
            wire.close()

    def _same_origin(self, url: str) -> SplitResult:
        try:
            parts = self._outbound.check(url)
        except SourceUnread as problem:
            raise SourceUnread("redirected") from problem
        if _origin(parts) != self._origin:
            raise SourceUnread("redirected")
        return parts

    def _read(self, response: http.client.HTTPResponse) -> HttpAnswer:
        headers = {name.lower(): value for name, value in response.getheaders()}
        packing = headers.get("content-encoding", "identity").strip().lower()
        if packing not in {"identity", "gzip"}:
            raise SourceUnread("not-calendar")
        body = bytearray()
        unpack = zlib.decompressobj(_GZIP) if packing == "gzip" else None
        while chunk := response.read(_CHUNK):
            body += _unpacked(unpack, chunk, LARGEST + 1 - len(body)) if unpack else chunk
            if len(body) > LARGEST:
                raise SourceUnread("too-large")
        # http.client says nothing of a body that is shorter than its Content-Length: what is missing is counted here.
        if response.length or (unpack is not None and body and not unpack.eof):
            raise SourceUnread("broken-off")
        return HttpAnswer(response.status, headers, bytes(body))


def _unpacked(unpack: Any, chunk: bytes, most: int) -> bytes:
    """Unpack, but never more than ``most`` octets: what a small answer may swell to is decided here."""
    try:
        octets: bytes = unpack.decompress(chunk, most)
    except zlib.error as problem:
        raise SourceUnread("broken-off") from problem
    return octets


def _origin(parts: SplitResult) -> tuple[str, str, int]:
    return parts.scheme, parts.hostname or "", port_of(parts)
