"""Signing in by password and second factor: limited before anything is hashed, at one cost for known and unknown."""

from datetime import datetime, timedelta
from ipaddress import ip_address, ip_network

from app.domain.password import PasswordRefused, read_password, require_password
from app.domain.refusal import Refusal
from app.security.passwords import hash_password, is_soon_guessed, verify_password
from app.security.second_factor import new_recovery_codes, recovery_digest, step_of
from app.security.tokens import new_row_id
from app.store import accounts, proofs, tries
from app.store.accounts import Account
from app.store.engine import Store
from app.store.sessions import Stage
from app.store.tries import Limit

TRIES_A_MINUTE = 10
CODES_A_DAY = 30  # of one account: a thief of its password meets three codes in a million that fit, thirty times a day
_MINUTE = timedelta(minutes=1)


class SignInRefused(Refusal):
    """A password or a code that does not fit: whether the account is there, nobody learns."""

    code = "sign-in"


class TooManyTries(Refusal):
    """As many tries as there may be within a time; the next one is free at ``free_at``."""

    code = "too-many-tries"

    def __init__(self, wait: timedelta) -> None:
        self.seconds = max(1, -(-wait // timedelta(seconds=1)))
        span = f"{self.seconds} seconds" if self.seconds <= 120 else f"{-(-self.seconds // 3600)} hours"  # noqa: PLR2004 - words, not a rule
        super().__init__("There were too many tries just now.", f"Wait {span}, then try again.")


def by_password(store: Store, email: str, password: str, network: str, now: datetime) -> tuple[Account, Stage]:
    """Return the account that address and password fit, and what is still asked of it.

    Raise ``TooManyTries`` or ``SignInRefused``. ``network`` is the address that the request came from.
    """
    address = email.strip().lower()
    subjects = _subjects(store, address, network)
    _take_try(store, [Limit(subject, TRIES_A_MINUTE, _MINUTE) for subject in subjects], now)
    with store.reading() as connection:
        account = accounts.account_by_email(store, connection, address)
        held = proofs.proofs_of(store, connection, account.id if account else new_row_id())
    opens = account is not None and account.closed_at is None
    fits = verify_password(held.password if opens else None, read_password(password))
    if account is None or not fits:
        raise SignInRefused(
            "That address and that password do not belong together.",
            "Try again; if the password is forgotten, ask an admin for a one-time link.",
        )
    with store.writing() as connection:
        tries.forgive_tries(connection, subjects, now)
    return account, Stage.FACTOR if held.secret else Stage.SET_UP


def stage_by_link(store: Store, account: Account) -> Stage:
    """Return what is still asked of somebody who used a one-time link.

    The link stands for the password. An account that has a second factor is asked for it, so that whoever makes links
    cannot sign in as somebody else; one that has none yet is in, and is led to set both up.
    """
    with store.reading() as connection:
        held = proofs.proofs_of(store, connection, account.id)
    return Stage.FACTOR if held.secret else Stage.LINK


def by_second_factor(store: Store, account: Account, code: str, network: str, now: datetime) -> None:
    """Use up a code of the authenticator, or a recovery code. Raise ``TooManyTries`` or ``SignInRefused``."""
    subjects = _subjects(store, account.email, network)
    codes = store.blind.subject("second factor", account.email)
    limits = [Limit(subject, TRIES_A_MINUTE, _MINUTE) for subject in subjects]
    _take_try(store, [*limits, Limit(codes, CODES_A_DAY, tries.KEPT)], now)
    with store.writing() as connection:
        held = proofs.proofs_of(store, connection, account.id)
        step = step_of(held.secret, code, now) if held.secret else None
        if step is not None:
            fits = proofs.take_step(connection, account.id, step)
        else:
            digest = _recovery_digest(store, account, code)
            fits = proofs.take_recovery_code(connection, account.id, digest, now)
        if fits:
            tries.forgive_tries(connection, [*subjects, codes], now)
    if not fits:
        raise SignInRefused(
            "That code does not fit.",
            "Each code works once. Wait for the next one, and check that the clock of the device is right.",
        )


def choose_password(store: Store, account: Account, password: str, now: datetime) -> None:
    """Give an account a new password. Raise ``PasswordRefused``."""
    chosen = require_password(password, account.email)
    if is_soon_guessed(chosen, account.email):
        raise PasswordRefused(
            "That password is one of those that are tried first.", "Put a few words together that are not a saying."
        )
    hashed = hash_password(chosen)
    with store.writing() as connection:
        proofs.put_password(store, connection, account.id, hashed, now)


def set_up_second_factor(store: Store, account: Account, secret: str, code: str, now: datetime) -> list[str]:
    """Give an account an authenticator that a code proves; return its new recovery codes. Raise ``SignInRefused``."""
    step = step_of(secret, code, now)
    if step is None:
        raise SignInRefused(
            "That code does not fit.",
            "Type the six digits that the app shows now; check that the clock of the device is right.",
        )
    with store.writing() as connection:
        proofs.put_second_factor(store, connection, account.id, secret, step, now)
    return renew_recovery_codes(store, account)


def renew_recovery_codes(store: Store, account: Account) -> list[str]:
    """Return new recovery codes of an account; those before are worth nothing from now on."""
    codes = new_recovery_codes()
    with store.writing() as connection:
        digests = [_recovery_digest(store, account, code) for code in codes]
        proofs.put_recovery_codes(connection, account.id, digests)
    return codes


def network_of(address: str) -> str:
    """Return what tries are counted under: an IPv4 address itself, of IPv6 the 64 bits that one site has."""
    try:
        found = ip_address(address)
    except ValueError:
        return address
    return str(found) if found.version == 4 else str(ip_network((found, 64), strict=False))  # noqa: PLR2004 - IP's version


def _take_try(store: Store, limits: list[Limit], now: datetime) -> None:
    with store.writing() as connection:
        free_at = tries.take_try(connection, limits, now)
    if free_at is not None:
        raise TooManyTries(free_at - now)


def _subjects(store: Store, address: str, network: str) -> tuple[bytes, bytes]:
    return store.blind.code("tries of account", address), store.blind.subject("network", network_of(network))


def _recovery_digest(store: Store, account: Account, code: str) -> bytes:
    return recovery_digest(store.keyring.derive("token"), account.id, code)
