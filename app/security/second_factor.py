"""The second factor: codes of an authenticator (TOTP, RFC 6238) and recovery codes on paper."""

import hmac
import secrets
from datetime import datetime

from pyotp import TOTP, random_base32

_STEP_SECONDS = 30
_CLOCKS_DIFFER_BY = 1  # steps; RFC 6238 5.2 recommends at most one for the delay on the way
_CODES = 10
_CROCKFORD = "0123456789abcdefghjkmnpqrstvwxyz"
_READ_AS = str.maketrans("oil", "011", "- ")


def new_secret() -> str:
    """Return a new secret for an authenticator, in base32."""
    return random_base32()


def enrolment_address(secret: str, account: str, service: str) -> str:
    """Return the ``otpauth:`` address that an authenticator reads from a QR code."""
    return TOTP(secret).provisioning_uri(name=account, issuer_name=service)


def step_of(secret: str, code: str, now: datetime) -> int | None:
    """Return the time step that a code belongs to, or None if it is of none that counts now.

    "The verifier MUST NOT accept the second attempt of the OTP after the successful validation" (RFC 6238 5.2): whoever
    asks keeps the step, and takes only later ones.
    """
    totp, stated = TOTP(secret, interval=_STEP_SECONDS), code.replace(" ", "").encode(errors="surrogatepass")
    here = int(now.timestamp()) // _STEP_SECONDS
    steps = range(here - _CLOCKS_DIFFER_BY, here + _CLOCKS_DIFFER_BY + 1)
    # Every step is compared, so that the time taken says nothing.
    held = [step for step in steps if hmac.compare_digest(stated, totp.generate_otp(step).encode())]
    return held[-1] if held else None


def new_recovery_codes() -> list[str]:
    """Return ten codes of 50 random bits, as people write them down: ``k7m2p-9xw4t``."""
    return [f"{_five()}-{_five()}" for _ in range(_CODES)]


def recovery_digest(key: bytes, account_id: bytes, code: str) -> bytes:
    """Return the 32 octets by which a recovery code is found; case, hyphens, and O for 0 do not matter."""
    plain = code.strip().lower().translate(_READ_AS)
    # Under the pepper of tokens, with a word in front that no token begins with.
    return hmac.digest(key, b"recovery|" + account_id + plain.encode(errors="surrogatepass"), "sha256")


def _five() -> str:
    return "".join(secrets.choice(_CROCKFORD) for _ in range(5))
