"""Where the lines of the security log go beside standard error: a file, or a syslog daemon (docs/security-log.md)."""

import json
import os
import socket
import threading
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

import structlog
from structlog.typing import EventDict

from app.security.security_log import DATASET

ECS_VERSION = "8.11.0"
_OWN_NAMES = {"timestamp": "@timestamp", "level": "log.level", "event": "message"}
_LOG = structlog.get_logger()
_WAIT_SECONDS = 1.0  # at most, on a daemon that does not take a line: a request waits for it
_REST_SECONDS = 30.0  # between two tries after one that failed
_INFORMATIONAL, _WARNING = 86, 84  # facility authpriv; severity informational, warning (RFC 5424 6.2.1)


def is_security_line(event: EventDict) -> bool:
    """Tell whether a line of the log belongs to the security log."""
    return event.get("event.dataset") == DATASET


def named_by_ecs(event: EventDict) -> EventDict:
    """Return a line of the security log under the names of the Elastic Common Schema, the time first."""
    own = {ours: event[name] for name, ours in _OWN_NAMES.items() if name in event}
    return {**own, "ecs.version": ECS_VERSION, **{name: held for name, held in event.items() if name not in _OWN_NAMES}}


class SecurityStream:
    """A file, or a syslog daemon, that takes every line of the security log as JSON. Where it fails, work goes on."""

    def __init__(self, address: str) -> None:
        """Take a path, ``syslog:/dev/log``, ``syslog:udp://host:514`` or ``syslog:tcp://host:601``."""
        daemon = address.removeprefix("syslog:")
        self._send = _File(address) if daemon == address else _Syslog(daemon)
        self._lock = threading.Lock()
        self._rests_until = 0.0

    def __call__(self, _logger: Any, _name: str, event: EventDict) -> EventDict:
        """Send a line on its way through the log, if it is one of ours; the log goes on with it."""
        if is_security_line(event):
            with self._lock:
                self._try(named_by_ecs(event))
        return event

    def _try(self, line: EventDict) -> None:
        if monotonic() < self._rests_until:
            return
        try:
            self._send(line)
        except OSError as problem:
            # A full disk is asked again at once, which costs nothing; a daemon that hangs is not waited for each time.
            self._rests_until = monotonic() + _REST_SECONDS if isinstance(self._send, _Syslog) else 0.0
            reason = type(problem).__name__
            _LOG.error("the stream of the security log takes no line", reason=reason, number=problem.errno)


class _File:
    """Appends to a file that only its owner may read, opened for each line: whoever rotates it need tell nobody."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._is_cut = False

    def __call__(self, line: EventDict) -> None:
        octets = json.dumps(line).encode() + b"\n"
        handle = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            if self._is_cut:  # a line that a full disk cut short is ended before the next
                octets = b"\n" + octets
            self._is_cut = os.write(handle, octets) < len(octets)
        finally:
            os.close(handle)
        if self._is_cut:
            raise OSError(None, "a line was cut short")


class _Syslog:
    """Sends lines to a syslog daemon: over its socket, or in the form of RFC 5424 by UDP (5426) or TCP (6587).

    Each line has a connection of its own: none is written into one that the other side has left.
    """

    def __init__(self, address: str) -> None:
        parts = urlsplit(address)
        self._how, self._path, self._at = parts.scheme, parts.path, (parts.hostname or "", parts.port or 0)

    def __call__(self, line: EventDict) -> None:
        with self._connect() as connection:
            connection.sendall(self._message(line))

    def _message(self, line: EventDict) -> bytes:
        priority = _WARNING if line["event.outcome"] == "failure" else _INFORMATIONAL
        if self._path:
            return f"<{priority}>closures: {json.dumps(line)}".encode()
        message = f"<{priority}>1 {line['@timestamp']} - closures {os.getpid()} security - {json.dumps(line)}".encode()
        # "Octet counting" (RFC 6587 3.4.1): a line's end is known, whatever is in it.
        return b"%d %s" % (len(message), message) if self._how == "tcp" else message

    def _connect(self) -> socket.socket:
        if self._how == "tcp":
            return socket.create_connection(self._at, _WAIT_SECONDS)
        family, at = socket.AF_UNIX, self._path
        if not self._path:
            family, _, _, _, at = socket.getaddrinfo(*self._at, type=socket.SOCK_DGRAM)[0]  # type: ignore[assignment]
        opened = socket.socket(family, socket.SOCK_DGRAM)
        opened.settimeout(_WAIT_SECONDS)
        try:
            opened.connect(at)
        except OSError:
            opened.close()
            raise
        return opened
