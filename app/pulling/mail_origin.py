"""Who sent a mail: a signature (DKIM, RFC 6376) that verifies, by a domain that its From belongs to; nothing less."""

import logging
import re
from collections.abc import Callable
from datetime import datetime

import dkim
import dns.exception
import dns.resolver
from dkim.util import InvalidTagValueList, parse_tag_value

_SECONDS = 5.0  # for one question, however many servers are asked
_MOST_SIGNATURES = 5
_WEAKEST_KEY = 1024  # bits of RSA (RFC 8301 3.2)
_ALGORITHM = b"rsa-sha256"  # RFC 8301 3.1 forbids SHA-1; what large senders sign is RSA
# The library takes time by the square of a run of blanks, and of the lines of a header.
_LONGEST_BLANK = b" " * 250
_LONGEST_HEAD = 100_000  # octets
_END_OF_HEAD = re.compile(rb"\r?\n\r?\n")
# By which a mail is read, and of which a signature covers the last where a reader takes the first (RFC 6376 5.4.2).
_ONCE = (b"from", b"content-type", b"content-transfer-encoding")
_OF_ONE_MAIL = frozenset({b"date", b"message-id"})  # no two mails of a sender have both alike
_NUMBER = re.compile(rb"\d{1,12}")
_SILENT = logging.getLogger("app.dkim")  # the library says at the level of errors what is wrong with a mail
_SILENT.addHandler(logging.NullHandler())
_SILENT.propagate = False

Keys = Callable[[str], bytes | None]
"""Answers with the TXT record of a name; None where there is none. Raises ``DnsAway``."""


class DnsAway(Exception):  # noqa: N818 - an outcome: the mail waits
    """No name server answered: nothing is known of the signature yet."""


def keys_from(server: str) -> Keys:
    """Return what asks the name server at ``host:port`` for keys, or with "" those of this machine."""

    def ask(name: str) -> bytes | None:
        try:
            answer = _resolver(server).resolve(name, "TXT", search=False)
            return b"".join(next(iter(answer)).strings)
        except (dns.resolver.NoNameservers, dns.resolver.NoResolverConfiguration, dns.exception.Timeout) as problem:
            raise DnsAway from problem
        except (dns.exception.DNSException, UnicodeError):  # there is none, or no such name can be
            return None

    return ask


def _resolver(server: str) -> dns.resolver.Resolver:
    resolver = dns.resolver.Resolver(configure=not server)
    resolver.lifetime = _SECONDS
    if server:
        host, _, port = server.rpartition(":")
        resolver.nameservers, resolver.port = [host.strip("[]")], int(port)
    return resolver


def find_signature(octets: bytes, sender: str, keys: Keys, now: datetime) -> bytes | None:
    """Return what a signature is over that verifies and is by the domain of ``sender`` or one above it; None without.

    That is the same for each copy of a mail, whatever was written above it on its way; it is empty where it could be
    the same for two mails, since neither Date nor Message-ID is among it. Refused are signatures over a part of the
    body (``l=``) or not over From, expired ones, those of keys of fewer than 1,024 bits, of keys in testing (``t=y``)
    and of anything but RSA with SHA-256. Raise ``DnsAway``.
    """
    head = _END_OF_HEAD.split(octets, maxsplit=1)[0]
    if len(head) > _LONGEST_HEAD or _LONGEST_BLANK in octets.replace(b"\t", b" "):
        return None
    try:
        signed = dkim.DKIM(octets, logger=_SILENT, minkey=_WEAKEST_KEY, timeout=_SECONDS)
    except (dkim.DKIMException, IndexError):  # what is no header where one should be
        return None
    names = [name.lower() for name, _ in signed.headers]
    if any(names.count(name) > 1 for name in _ONCE):
        return None
    stated = [value for name, value in signed.headers if name.lower() == b"dkim-signature"]
    for index, value in enumerate(stated[:_MOST_SIGNATURES]):
        tags = _tags(value)
        if _is_sound(tags, sender, now) and _verifies(signed, index, keys):
            return _covered(signed.signed_headers, tags)
    return None


def _tags(value: bytes) -> dict[bytes, bytes]:
    try:
        return dict(parse_tag_value(value))
    except InvalidTagValueList:
        return {}


def _covered(headers: list[tuple[bytes, bytes]], tags: dict[bytes, bytes]) -> bytes:
    """Return the headers that a signature is over, as it takes them, and all that it states but itself.

    What it states holds the digest of the body. Blanks in it are left out: a relaxed signature fits with any number.
    """
    if _OF_ONE_MAIL.isdisjoint(name.lower() for name, _ in headers):
        return b""
    stated = sorted((name, b"".join(value.split())) for name, value in tags.items() if name != b"b")
    return b"\n".join(b"%b:%b" % pair for pair in (*headers, *stated))


def _is_sound(tags: dict[bytes, bytes], sender: str, now: datetime) -> bool:
    """Tell whether a signature states what we take one by, before any key is looked for."""
    signed = [name.strip().lower() for name in tags.get(b"h", b"").split(b":")]
    return (
        tags.get(b"a", b"").lower() == _ALGORITHM
        and b"l" not in tags
        and b"from" in signed  # which the library does not ask for
        and _is_ahead(tags.get(b"x"), now)
        and _is_aligned(tags.get(b"d", b"").lower(), sender)
    )


def _is_ahead(expires: bytes | None, now: datetime) -> bool:
    return expires is None or (_NUMBER.fullmatch(expires) is not None and int(expires) > now.timestamp())


def _is_aligned(domain: bytes, sender: str) -> bool:
    """Tell whether a domain is that of the address, or one above it but for a top-level one."""
    own = sender.rpartition("@")[2].encode()
    return b"." in domain and (own == domain or own.endswith(b"." + domain))


def _verifies(signed: "dkim.DKIM", index: int, keys: Keys) -> bool:
    def ask(name: bytes, **_: float) -> bytes | None:
        found = keys(name.decode("ascii", "replace"))
        return None if found is None or _is_in_testing(found) else found

    try:
        return bool(signed.verify(index, dnsfunc=ask))
    except DnsAway:
        raise
    except Exception:  # noqa: BLE001 - the library raises all sorts on made-up signatures and keys: none verifies
        return False


def _is_in_testing(key: bytes) -> bool:
    """Tell whether its domain says of a key that nothing is to be made of it yet (RFC 6376 3.6.1)."""
    try:
        return b"y" in parse_tag_value(key).get(b"t", b"").split(b":")
    except InvalidTagValueList:
        return False
