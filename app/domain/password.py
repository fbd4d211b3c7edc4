"""Which passwords are taken: long ones that are not the account's own address. Nothing is asked about their letters."""

import re
import unicodedata

from app.domain.refusal import Refusal

SHORTEST = 15
LONGEST = 256
_NOT_LETTERS = re.compile(r"[\W_]+")


class PasswordRefused(Refusal):
    """A password that is too short, too long, or tells itself by the account's address."""

    code = "password"


def read_password(text: str) -> str:
    """Return a password in the one form that is hashed, whichever keyboard typed it (NIST SP 800-63B 5.1.1.2: NFKC)."""
    return unicodedata.normalize("NFKC", text)


def require_password(text: str, address: str) -> str:
    """Return a new password as it is hashed; raise ``PasswordRefused``. ``address`` is the account's e-mail address."""
    password = read_password(text)
    if len(password) < SHORTEST:
        raise PasswordRefused(
            "That password is too short.",
            f"Use {SHORTEST} characters or more; a few words that only you would put together do well.",
        )
    if len(password) > LONGEST:
        raise PasswordRefused("That password is too long.", f"Use at most {LONGEST} characters.")
    if _is_guessed_by(password, address):
        raise PasswordRefused(
            "That password is little more than your own e-mail address.", "Choose words that do not stand in it."
        )
    return password


def _is_guessed_by(password: str, address: str) -> bool:
    """Tell whether fewer than eight characters remain once the parts of the address are taken away."""
    remains = _plain(password)
    parts = {_plain(part) for part in (address, *re.split(r"[@.+_-]", address))}
    held = [part for part in sorted(parts, key=len, reverse=True) if len(part) > 2 and part in remains]  # noqa: PLR2004 - "uk" proves nothing
    for part in held:
        remains = remains.replace(part, "")
    return bool(held) and len(remains) < SHORTEST // 2 + 1


def _plain(text: str) -> str:
    return _NOT_LETTERS.sub("", text.casefold())
