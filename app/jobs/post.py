"""Posting to an address that somebody else chose, without being sent where it should not lead (SECURITY.md 9).

https only, no redirect, and the address that is connected to is the one that was checked: the name is looked up once.
"""

import http.client
import ipaddress
import socket
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from app.jobs.letter import NotDelivered

_SECONDS = 10.0
_PORTS = frozenset({443, 8443})
# Some of these are "global" to Python 3.11, though they lead to private addresses or carry one inside.
_DENIED = tuple(
    map(ipaddress.ip_network, ("100.64.0.0/10", "192.0.0.0/24", "::/96", "64:ff9b::/96", "64:ff9b:1::/48", "2002::/16"))
)
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def is_public(address: Address) -> bool:
    """Tell whether an address is one of the open Internet, whatever form it is written in."""
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        address = address.ipv4_mapped
    denied = any(address in network for network in _DENIED if network.version == address.version)
    return address.is_global and not address.is_multicast and not denied


def _resolve(host: str, port: int) -> list[str]:
    return [str(one[4][0]) for one in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


@dataclass(frozen=True, slots=True)
class Outside:
    """How far a post may go. The service leaves every field as it is; a test brings its own ends of the network."""

    ports: frozenset[int] = _PORTS
    may_reach: Callable[[Address], bool] = is_public
    resolve: Callable[[str, int], list[str]] = _resolve
    trust: Callable[[], ssl.SSLContext] = ssl.create_default_context

    def post(self, url: str, headers: Mapping[str, str], body: bytes) -> int:
        """Post ``body`` and return the status; no more of the answer is read. Raise ``NotDelivered``."""
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or 443
        if parts.scheme != "https" or port not in self.ports:
            raise NotDelivered("the address of the webhook is not one that may be asked", for_good=True)
        asking = http.client.HTTPConnection(host, port)
        asking.default_port = 443
        try:
            # http.client finds itself connected: the only code that connects is the code that checks.
            asking.sock = self._connect(host, port)
            path = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
            asking.request("POST", path, body, {**headers, "User-Agent": "closure-notices", "Connection": "close"})
            return asking.getresponse().status
        except (OSError, ValueError, http.client.HTTPException) as problem:
            # One text for all: an address must not become a means to look around from here.
            raise NotDelivered("the webhook could not be reached") from problem
        finally:
            asking.close()

    def _connect(self, host: str, port: int) -> ssl.SSLSocket:
        found = [ipaddress.ip_address(one) for one in self.resolve(host, port)]
        if not found or not all(self.may_reach(one) for one in found):
            raise OSError("no address that may be reached")
        wire = socket.create_connection((str(found[0]), port), _SECONDS)
        try:
            return self.trust().wrap_socket(wire, server_hostname=host)
        except BaseException:
            wire.close()
            raise


def post_outside(url: str, headers: Mapping[str, str], body: bytes) -> int:
    """Post to the open Internet. Raise ``NotDelivered``."""
    return Outside().post(url, headers, body)
