"""Whether the web process can listen where the settings say: asked before anything is made, and said in words."""

import errno
import socket
import time

from app.domain.refusal import Refusal

_PATIENCE = 5.0  # seconds, within which a service that was killed lets go of its port
_REMEDIES = {
    errno.EADDRINUSE: "Stop the program that listens there, or take another port (--port, CLOSURES_PORT).",
    errno.EACCES: "Ports below 1024 are for root: take a higher one, with a proxy in front (docs/operating.md, Proxy).",
}
_OTHER_REMEDY = "Give an address of this machine (--host, CLOSURES_HOST): 127.0.0.1, or 0.0.0.0 or :: for all of them."


class ListeningRefused(Refusal):
    """The web process cannot listen where it is told to."""

    code = "listening"


def require_free(host: str, port: int) -> None:
    """Raise ``ListeningRefused`` with the cause unless the address can be listened at, by trying for a while."""
    until = time.monotonic() + _PATIENCE
    while problem := _what_hinders(host, port):
        if problem.errno != errno.EADDRINUSE or time.monotonic() > until:
            text = f"The service cannot listen at {host}, port {port}: {problem.strerror}."
            raise ListeningRefused(text, _REMEDIES.get(problem.errno or 0, _OTHER_REMEDY)) from problem
        time.sleep(0.1)


def _what_hinders(host: str, port: int) -> OSError | None:
    try:
        # As the server does: a name is one of IPv4.
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        *_, address = socket.getaddrinfo(host, port, family, socket.SOCK_STREAM)[0]
        with socket.socket(family) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            probe.listen()
    except OSError as problem:
        return problem
    return None
