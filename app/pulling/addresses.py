"""Which addresses a source may be fetched from: our own list, since what is global to a library is not safe to us."""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

# Python 3.11's `ipaddress` calls several of these global. What is not named here for IPv4 is the public internet.
_NEVER_4 = tuple(
    IPv4Network(network)
    for network in (
        "0.0.0.0/8",  # this host; many systems connect it to loopback
        "168.63.129.16/32",  # a cloud's metadata, at a public address
        "169.254.0.0/16",  # link-local, where most clouds keep their metadata
        "192.0.0.0/24",  # IETF protocol assignments, one cloud's metadata among them
        "192.0.2.0/24",  # documentation
        "192.88.99.0/24",  # relays of 6to4
        "198.18.0.0/15",  # benchmarks
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
    )
)
# IPv6 the other way round: global unicast alone is public. So ::, ::127.0.0.1, ::ffff:0:0/96, 64:ff9b::/96, 100::/64,
# fe80::/10, fec0::/10 and ff00::/8 need no line of their own.
_PUBLIC_6 = IPv6Network("2000::/3")
_NEVER_6 = tuple(
    IPv6Network(network)
    for network in (
        "2001::/23",  # IETF protocol assignments: Teredo carries any IPv4 address
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4 carries any IPv4 address
        "3fff::/20",  # documentation
        "fd00:ec2::/32",  # a cloud's metadata, inside the private range
    )
)
_NEVER: tuple[IPv4Network | IPv6Network, ...] = (*_NEVER_4, *_NEVER_6)
_PRIVATE: tuple[IPv4Network | IPv6Network, ...] = tuple(
    ip_network(network)
    for network in (
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "::1/128",
        "fc00::/7",
    )
)


def may_connect(text: str, *, allow_private: bool) -> bool:
    """Tell whether a resolved address, as the resolver words it, may be connected to.

    ``allow_private`` opens loopback and the private ranges, for a site that hosts both; never what is link-local,
    multicast, reserved, or an IPv4 address in the clothes of an IPv6 one.
    """
    try:
        address = ip_address(text)
    except ValueError:
        return False
    if isinstance(address, IPv6Address) and address.scope_id is not None:
        return False
    if any(address in network for network in _NEVER):
        return False
    if any(address in network for network in _PRIVATE):
        return allow_private
    return isinstance(address, IPv4Address) or address in _PUBLIC_6
