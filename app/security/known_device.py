"""A mark in a browser that somebody signed in with: guesses made elsewhere do not slow it down.

After OWASP, "Slow Down Online Guessing Attacks with Device Cookies". The mark opens nothing: it says only whose tries
are counted apart from those of strangers.
"""

import hmac
import secrets

_NONCE_OCTETS = 16


def new_mark(key: bytes, address: str) -> str:
    """Return a new mark for the account of an e-mail address, good for a cookie; ``key`` is the pepper of tokens."""
    nonce = secrets.token_hex(_NONCE_OCTETS)
    return f"{nonce}.{_seal(key, nonce, address)}"


def is_mark_of(key: bytes, address: str, mark: str) -> bool:
    """Tell whether a mark was made for the account of this e-mail address."""
    nonce, _, stated = mark.partition(".")
    return hmac.compare_digest(_seal(key, nonce, address).encode(), stated.encode(errors="surrogatepass"))


def _seal(key: bytes, nonce: str, address: str) -> str:
    # A word in front that no token begins with, and a length, so that no two pairs share one text.
    text = f"device|{len(nonce)}|{nonce}|{address}"
    return hmac.digest(key, text.encode(errors="surrogatepass"), "sha256").hex()
