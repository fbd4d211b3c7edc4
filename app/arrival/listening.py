"""Whether the web process can listen where the settings say: asked before anything is made, and said in words.

A host is a name or an address, to which the port belongs, or ``unix:`` and the path of a socket.
"""

import errno
import os
import socket
import time
from pathlib import Path

from app.domain.refusal import Refusal

_PATIENCE = 5.0  # seconds, within which a service that was killed lets go of its port
_CONNECT_SECONDS = 2.0
_SOCKET = "unix:"
_REMEDIES = {
    errno.EADDRINUSE: "Stop the program that listens there, or take another port (--port, CLOSURES_PORT).",
    errno.EACCES: "Ports below 1024 are for root: take a higher one, with a proxy in front (docs/operating.md, Proxy).",
}
_OTHER_REMEDY = "Give an address of this machine (--host, CLOSURES_HOST): 127.0.0.1, or 0.0.0.0 or :: for all of them."
_SOCKET_REMEDY = (
    "Give the path of a socket (--host, CLOSURES_HOST) in a folder that is there and that the service may write. "
    "A socket at which nobody listens is replaced; one that is in use, or any other file, is not."
)


class ListeningRefused(Refusal):
    """The web process cannot listen where it is told to."""

    code = "listening"


def require_free(host: str, port: int) -> None:
    """Raise ``ListeningRefused`` with the cause unless the place can be listened at, by trying for a while.

    A socket that a killed service left is removed.
    """
    until = time.monotonic() + _PATIENCE
    while problem := _what_hinders(host, port):
        if problem.errno != errno.EADDRINUSE or time.monotonic() > until:
            is_socket = host.startswith(_SOCKET)
            place = host if is_socket else f"{host}, port {port}"
            remedy = _SOCKET_REMEDY if is_socket else _REMEDIES.get(problem.errno or 0, _OTHER_REMEDY)
            raise ListeningRefused(f"The service cannot listen at {place}: {problem.strerror}.", remedy) from problem
        time.sleep(0.1)


def connected(host: str, port: int) -> socket.socket:
    """Return a connection, from this machine, to whoever listens there. Raise ``OSError``."""
    if not host.startswith(_SOCKET):
        near = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound
        return socket.create_connection((near, port), timeout=_CONNECT_SECONDS)
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(_CONNECT_SECONDS)
    try:
        connection.connect(host.removeprefix(_SOCKET))
    except OSError:
        connection.close()
        raise
    return connection


def _what_hinders(host: str, port: int) -> OSError | None:
    try:
        if host.startswith(_SOCKET):
            _try_socket(host)
        else:
            _try_port(host, port)
    except OSError as problem:
        return problem
    return None


def _try_port(host: str, port: int) -> None:
    # As the server does: a name is one of IPv4.
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    *_, address = socket.getaddrinfo(host, port, family, socket.SOCK_STREAM)[0]
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind(address)
        probe.listen()


def _try_socket(host: str) -> None:
    path = Path(host.removeprefix(_SOCKET))
    if path.is_socket():
        try:
            connected(host, 0).close()
        except ConnectionRefusedError:
            path.unlink()  # nobody listens any more; the server itself would ask nobody and remove it
        else:
            raise OSError(errno.EADDRINUSE, os.strerror(errno.EADDRINUSE))
    with socket.socket(socket.AF_UNIX) as probe:
        probe.bind(str(path))
    path.unlink()
