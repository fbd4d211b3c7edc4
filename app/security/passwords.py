"""Passwords of people: argon2id (19 MiB, two passes), one at a time in each process, at the same cost for nobody."""

import secrets
import threading
from functools import lru_cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

# OWASP's parameters for argon2id (docs/threat-model.md#people).
_HASHER = PasswordHasher(time_cost=2, memory_cost=19 * 1024, parallelism=1)
_LOOKED_AT = 72  # characters; the estimate takes longer than in proportion, and nobody guesses as many
_SAFE_SCORE = 3  # of 4: more than 10^8 guesses, and nobody has more than 100 an hour for one account
# One at a time in each web process, however many threads ask.
_ONE_AT_A_TIME = threading.Lock()


def hash_password(password: str) -> str:
    """Return the hash of a password, with its salt and parameters."""
    with _ONE_AT_A_TIME:
        return _HASHER.hash(password)


def is_soon_guessed(password: str, address: str) -> bool:
    """Tell whether a password is among the first that are tried: common ones, rows of keys, repeats, the own address.

    By zxcvbn's estimate, which has its lists with it (NIST SP 800-63B 5.1.1.2: a blocklist, and no rule on letters).
    """
    from zxcvbn import zxcvbn  # noqa: PLC0415 - its lists are needed only where a password is chosen

    known = [address, *address.replace("@", ".").split(".")]
    return bool(zxcvbn(password[:_LOOKED_AT], user_inputs=known)["score"] < _SAFE_SCORE)


def verify_password(stored: str | None, password: str) -> bool:
    """Tell whether a password is the one that was hashed; None stands for nobody and costs as much as somebody."""
    with _ONE_AT_A_TIME:
        try:
            _HASHER.verify(stored or _of_nobody(), password)
        except (VerificationError, InvalidHashError):
            return False
        return stored is not None


@lru_cache(maxsize=1)
def _of_nobody() -> str:
    """Return a hash that no password is known for."""
    return _HASHER.hash(secrets.token_hex())
