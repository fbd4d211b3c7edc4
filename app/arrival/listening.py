"""Whether the web process can listen where the settings say: asked before anything is made, and said in words."""

import errno
import socket

from app.domain.refusal import Refusal

_REMEDIES = {
    errno.EADDRINUSE: "Stop the program that listens there, or take another port (--port, CLOSURES_PORT).",
    errno.EACCES: "Ports below 1024 are for root: take a higher one, with a proxy in front (docs/operating.md, Proxy).",
}
_OTHER_REMEDY = "Give an address of this machine (--host, CLOSURES_HOST): 127.0.0.1, or 0.0.0.0 or :: for all of them."


class ListeningRefused(Refusal):
    """The web process cannot listen where it is told to."""

    code = "listening"


def require_free(host: str, port: int) -> None:
    """Raise ``ListeningRefused`` with the cause unless the address can be listened at, by trying."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the server does
            probe.bind(address)
            probe.listen()
    except OSError as problem:
        text = f"The service cannot listen at {host}, port {port}: {problem.strerror}."
        raise ListeningRefused(text, _REMEDIES.get(problem.errno or 0, _OTHER_REMEDY)) from problem
