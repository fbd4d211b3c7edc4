"""Tokens, references and row ids: random, recognisable by scanners, and stored only as digests."""

import hmac
import re
import secrets
import zlib
from enum import StrEnum

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_VALUES = {character: value for value, character in enumerate(_CROCKFORD)} | {"O": 0, "I": 1, "L": 1}
_SECRET_BITS = 256
_SECRET_CHARACTERS = 52  # 260 bits: the leading four are zero
_CHECK_CHARACTERS = 7  # 35 bits for a CRC of 32
_PREFIX = re.compile(r"gwf[dfpr]_", re.IGNORECASE)
_AS_MINTED = re.compile(rf"gwf[dfpr]_[{_CROCKFORD}]{{{_SECRET_CHARACTERS + _CHECK_CHARACTERS}}}")
# Wherever it stands, with nothing but a prefix to go by: after "%2F" there is no edge of a word, and in a URL the
# underscore may be escaped.
_IN_TEXT = re.compile(r"(gwf[dfpr])(?:_|%5F)[0-9A-Z-]+", re.IGNORECASE)
_LONGEST = 128  # a token with every hyphen that a person might put in


class TokenKind(StrEnum):
    """What a token opens; its prefix says which, to people and to secret scanners."""

    FEED = "gwff"
    APP_PASSWORD = "gwfp"  # noqa: S105 - a prefix, not a password
    SIGN_IN = "gwfr"
    DESK = "gwfd"


def mint(kind: TokenKind) -> str:
    """Return a new token: prefix, 256 random bits and a CRC-32, in Crockford's base32."""
    body = _encode(secrets.randbits(_SECRET_BITS), _SECRET_CHARACTERS)
    return f"{kind}_{body}{_check(kind, body)}"


def kind_of(token: str) -> TokenKind | None:
    """Tell a token's kind; None where it is no token, or mistyped (its CRC does not hold)."""
    plain = canonical(token)
    if plain is None:
        return None
    kind, body, check = TokenKind(plain[:4]), plain[5:-_CHECK_CHARACTERS], plain[-_CHECK_CHARACTERS:]
    return kind if _check(kind, body) == check else None


def canonical(token: str) -> str | None:
    """Return a token as it was minted, or None if it cannot be one.

    Case does not matter, hyphens are passed over, and I, L and O are read as 1, 1 and 0, as Crockford has it.
    """
    if _AS_MINTED.fullmatch(token):  # what programs send, each time: nothing is left to do
        return token
    token = token.strip()
    if len(token) > _LONGEST or not token.isascii() or not _PREFIX.match(token):
        return None
    values = [_VALUES.get(character) for character in token[5:].upper().replace("-", "")]
    if len(values) != _SECRET_CHARACTERS + _CHECK_CHARACTERS or None in values:
        return None
    return token[:5].lower() + "".join(_CROCKFORD[value] for value in values if value is not None)


def digest(pepper: bytes, token: str) -> bytes:
    """Return the 32 octets by which a token is found: HMAC-SHA256 of its canonical form."""
    return hmac.digest(pepper, (canonical(token) or token).encode(errors="surrogatepass"), "sha256")


def redact(text: str) -> str:
    """Return a text for a log, without the secret part of any token in it."""
    return _IN_TEXT.sub(r"\1_…", text)


def new_reference(kind: str = "CN") -> str:
    """Return a new reference, of a closure ``CN-``, of maintenance ``DM-``, and 10 characters of Crockford's base32."""
    return f"{kind}-" + _random_characters(10)


def new_subscription_id() -> str:
    """Return a new subscription id: 16 random characters, lower case."""
    return _random_characters(16).lower()


def new_row_id() -> bytes:
    """Return 16 random octets, which say nothing about the row."""
    return secrets.token_bytes(16)


def new_session_id() -> str:
    """Return a random session id for a cookie."""
    return secrets.token_urlsafe(32)


def _random_characters(count: int) -> str:
    return _encode(secrets.randbits(5 * count), count)


def _encode(number: int, characters: int) -> str:
    return "".join(_CROCKFORD[(number >> (5 * place)) & 31] for place in reversed(range(characters)))


def _check(kind: TokenKind, body: str) -> str:
    return _encode(zlib.crc32(f"{kind}_{body}".encode()), _CHECK_CHARACTERS)
