"""The deny list itself: what may be connected to, address by address and network by network."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.pulling.addresses import may_connect

PUBLIC = ["1.1.1.1", "93.184.216.34", "100.63.255.255", "172.32.0.1", "192.167.255.255", "223.255.255.255"]
PUBLIC_6 = ["2606:4700::1111", "2a00:1450:4009:80b::200e", "2001:4860:4860::8888", "3ffe::1", "2606:2800:21f::1"]
PRIVATE = [
    "10.0.0.1",
    "100.64.0.1",
    "127.0.0.1",
    "127.8.8.8",
    "127.255.255.254",
    "172.16.0.1",
    "192.168.1.1",
    "::1",
    "fd12::1",
    "fc00::1",
]
NEVER = [
    *("0.0.0.0", "0.1.2.3", "169.254.169.254", "168.63.129.16", "192.0.0.192", "192.0.2.1", "192.88.99.1"),
    *("198.18.0.1", "198.51.100.1", "203.0.113.7", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255"),
    *("::", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:93.184.216.34", "64:ff9b::7f00:1", "64:ff9b::5db8:d822"),
    *("64:ff9b:1::1", "100::1", "2001::1", "2001:10::1", "2001:db8::1", "2002:7f00:1::", "2002:5db8:d822::"),
    *("192.0.0.8", "239.255.255.250", "::ffff:10.0.0.1", "2002:7f00:1::1"),
    *("3fff::1", "5f00::1", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "fd00:ec2::254", "4000::1"),
    *("", "localhost", "127.1", "0x7f000001", "2130706433", "::1%lo", "93.184.216.34:443", "1.1.1.1/32"),
]


@pytest.mark.parametrize("text", [*PUBLIC, *PUBLIC_6])
def test_the_public_internet_may_be_connected_to(text):
    assert (may_connect(text, allow_private=False), may_connect(text, allow_private=True)) == (True, True)


@pytest.mark.parametrize("text", PRIVATE)
def test_private_addresses_only_where_a_site_allows_them(text):
    assert (may_connect(text, allow_private=False), may_connect(text, allow_private=True)) == (False, True)


@pytest.mark.parametrize("text", NEVER)
def test_what_is_neither_public_nor_private_never(text):
    assert (may_connect(text, allow_private=False), may_connect(text, allow_private=True)) == (False, False)


@given(st.ip_addresses(v=4))
def test_no_ipv6_form_of_an_ipv4_address_is_ever_allowed(address):
    number = int(address)
    forms = [number, 0xFFFF << 32 | number, 0x64FF9B << 96 | number, 0x2002 << 112 | number << 80]
    forms += [0x20010000 << 96 | number ^ 0xFFFFFFFF]  # Teredo carries it inverted
    assert [may_connect(str(IPv6Address(form)), allow_private=False) for form in forms] == [False] * len(forms)


@given(st.ip_addresses())
def test_what_a_library_calls_unsafe_is_unsafe_to_us(address):
    unsafe = address.is_private or address.is_loopback or address.is_link_local or address.is_multicast
    if unsafe or address.is_reserved or address.is_unspecified:
        assert not may_connect(str(address), allow_private=False)


@given(st.ip_addresses(v=4))
def test_a_site_that_allows_private_addresses_reaches_nothing_else(address):
    opened = may_connect(str(address), allow_private=True) and not may_connect(str(address), allow_private=False)
    networks = ("10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")
    assert opened == any(address in ip_network(network) for network in networks)


@given(
    st.sampled_from(["10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"]),
    st.data(),
)
def test_the_edges_of_a_private_network_are_private(text, data):
    network = ip_network(text)
    first, last = int(network.network_address), int(network.broadcast_address)
    number = data.draw(st.sampled_from([first, first + 1, last - 1, last]) | st.integers(first, last))
    kind = IPv4Address if network.version == 4 else IPv6Address
    assert not may_connect(str(kind(number)), allow_private=False)
    assert ip_address(str(kind(number))) in network
