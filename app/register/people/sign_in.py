"""Signing in by password and second factor: limited before anything is hashed, at one cost for known and unknown."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from app.domain.password import PasswordRefused, read_password, require_password
from app.domain.refusal import Refusal
from app.security.known_device import is_mark_of, new_mark
from app.security.passwords import hash_password, is_soon_guessed, verify_password
from app.security.second_factor import new_recovery_codes, recovery_digest, step_of
from app.security.security_log import SecurityAction, security_event
from app.security.throttle import network_of
from app.security.tokens import TokenKind, new_row_id
from app.store import accounts, proofs, sessions, tries
from app.store.accounts import Account
from app.store.engine import Connection, Store
from app.store.sessions import Stage
from app.store.tries import Limit

TRIES_A_MINUTE = 10  # of one network, whatever the accounts; of one known device
TRIES_AN_HOUR = 20  # of one account from one network; of one known device
STRANGERS_AN_HOUR = 100  # of one account from everywhere, known devices apart: five networks that guess use them up
CODES_A_DAY = 30  # of one account: a thief of its password meets three codes in a million that fit, thirty times a day
_MINUTE, _HOUR = timedelta(minutes=1), timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a try comes from: the address of the request, and the mark of a known device that the browser has."""

    address: str
    mark: str = ""


class SignInRefused(Refusal):
    """A password or a code that does not fit: whether the account is there, nobody learns."""

    code = "sign-in"


class TooManyTries(Refusal):
    """As many tries as there may be within a time; the next one is free at ``free_at``."""

    code = "too-many-tries"

    def __init__(self, wait: timedelta) -> None:
        self.seconds = max(1, -(-wait // timedelta(seconds=1)))
        count, word = next(
            (-(-self.seconds // size), word)
            for size, word in ((3600, "hours"), (60, "minutes"), (1, "seconds"))
            if self.seconds > 2 * size or size == 1
        )
        super().__init__("There were too many tries just now.", f"Wait {count} {word}, then try again.")


def by_password(store: Store, email: str, password: str, origin: Origin, now: datetime) -> tuple[Account, Stage]:
    """Return the account that address and password fit, and what is still asked of it.

    Raise ``TooManyTries`` or ``SignInRefused``.
    """
    address = email.strip().lower()
    limits = _password_limits(store, address, origin)
    _take_try(store, limits, "password", now)
    with store.reading() as connection:
        account = accounts.account_by_email(store, connection, address)
        held = proofs.proofs_of(store, connection, account.id if account else new_row_id())
    opens = account is not None and account.closed_at is None
    fits = verify_password(held.password if opens else None, read_password(password))
    if account is None or not fits:
        reason = "unknown-account" if account is None else "wrong-password" if opens else "closed-account"
        _note_sign_in("password", account, reason)
        raise SignInRefused(
            "E-mail or password is wrong.",
            "Try again; if the password is forgotten, ask an admin for a one-time link.",
        )
    with store.writing() as connection:
        tries.forgive_tries(connection, [limit.subject for limit in limits], now)
        _note_sign_in("password", account)
    return account, Stage.FACTOR if held.secret else Stage.SET_UP


def by_second_factor(store: Store, account: Account, code: str, origin: Origin, now: datetime) -> None:
    """Use up a code of the authenticator, or a recovery code. Raise ``TooManyTries`` or ``SignInRefused``."""
    limits = _code_limits(store, account.email, origin)
    _take_try(store, limits, "code", now, account)
    with store.writing() as connection:
        held = proofs.proofs_of(store, connection, account.id)
        step = step_of(held.secret, code, now) if held.secret else None
        if step is not None:
            fits = proofs.take_step(connection, account.id, step)
        else:
            digest = _recovery_digest(store, account, code)
            fits = proofs.take_recovery_code(store, connection, account.id, digest, now)
        if fits:
            tries.forgive_tries(connection, [limit.subject for limit in limits], now)
            if step is None:
                security_event(SecurityAction.CODE_USED, account=account.id)
            _note_sign_in("second-factor" if step is not None else "recovery-code", account)
    if not fits:
        _note_sign_in("code", account, "wrong-code")
        raise SignInRefused(
            "That code does not fit.",
            "Each code works once. Wait for the next one, and check that the clock of the device is right.",
        )


def choose_password(store: Store, account: Account, password: str, now: datetime, *, here: bytes = b"") -> None:
    """Give an account a new password; every other way in that is open ends. Raise ``PasswordRefused``.

    ``here`` is the digest of the session that goes on.
    """
    chosen = require_password(password, account.email)
    if is_soon_guessed(chosen, account.email):
        raise PasswordRefused("Too common: use several unrelated words.")
    hashed = hash_password(chosen)
    with store.writing() as connection:
        proofs.put_password(store, connection, account.id, hashed, now)
        security_event(SecurityAction.PASSWORD_SET, account=account.id)
        _end_other_ways_in(store, connection, account, here, now)


def set_up_second_factor(
    store: Store, account: Account, secret: str, code: str, now: datetime, *, here: bytes = b""
) -> list[str]:
    """Give an account an authenticator that a code proves; return its new recovery codes. Raise ``SignInRefused``.

    Every other way in that is open ends; ``here`` is the digest of the session that goes on.
    """
    step = step_of(secret, code, now)
    if step is None:
        security_event(SecurityAction.FACTOR_SET, failed=True, account=account.id, reason="wrong-code")
        raise SignInRefused(
            "That code does not fit.",
            "Type the six digits that the app shows now; check that the clock of the device is right.",
        )
    with store.writing() as connection:
        replaced = proofs.proofs_of(store, connection, account.id).secret is not None
        proofs.put_second_factor(store, connection, account.id, secret, step, now)
        done = SecurityAction.FACTOR_REPLACED if replaced else SecurityAction.FACTOR_SET
        security_event(done, account=account.id)
        _end_other_ways_in(store, connection, account, here, now)
    return renew_recovery_codes(store, account)


def renew_recovery_codes(store: Store, account: Account) -> list[str]:
    """Return new recovery codes of an account; those before are worth nothing from now on."""
    codes = new_recovery_codes()
    with store.writing() as connection:
        digests = [_recovery_digest(store, account, code) for code in codes]
        proofs.put_recovery_codes(store, connection, account.id, digests)
        security_event(SecurityAction.CODES_RENEWED, account=account.id)
    return codes


def mark_device(store: Store, account: Account) -> str:
    """Return the mark of a device that an account was just signed in with."""
    return new_mark(store.keyring.derive("token"), account.email)


def _end_other_ways_in(store: Store, connection: Connection, account: Account, here: bytes, now: datetime) -> None:
    """End what could open an account by what it was proved by before: its other sessions, and links not used yet."""
    sessions.end_sessions_of(store, connection, account.id, now, but=here)
    accounts.revoke_links(store, connection, account.id, TokenKind.SIGN_IN, now)


def _note_sign_in(step: str, account: Account | None, reason: str = "") -> None:
    who = None if account is None else account.id
    security_event(SecurityAction.SIGN_IN, failed=bool(reason), account=who, step=step, reason=reason)


def _take_try(store: Store, limits: list[Limit], step: str, now: datetime, account: Account | None = None) -> None:
    with store.writing() as connection:
        free_at = tries.take_try(connection, limits, now)
    if free_at is not None:
        who = None if account is None else account.id
        security_event(SecurityAction.THROTTLED, failed=True, account=who, step=step)
        raise TooManyTries(free_at - now)


def _password_limits(store: Store, address: str, origin: Origin) -> list[Limit]:
    """Return what bounds guesses at a password (docs/SECURITY.md#how-guessing-is-slowed)."""
    if _is_known(store, address, origin):
        device = store.blind.subject("device", origin.mark)
        return [Limit(device, TRIES_A_MINUTE, _MINUTE), Limit(device, TRIES_AN_HOUR, _HOUR)]
    site = network_of(origin.address)
    return [
        Limit(store.blind.subject("network", site), TRIES_A_MINUTE, _MINUTE),
        Limit(store.blind.subject("account and network", f"{len(address)}|{address}{site}"), TRIES_AN_HOUR, _HOUR),
        Limit(store.blind.code("tries of account", address), STRANGERS_AN_HOUR, _HOUR),
    ]


def _code_limits(store: Store, address: str, origin: Origin) -> list[Limit]:
    """Return what bounds guesses at a code: a thief of the password uses up the strangers' share alone."""
    subject = store.blind.subject
    if _is_known(store, address, origin):
        who, codes = subject("device", origin.mark), subject("second factor of device", origin.mark)
    else:
        who, codes = subject("network", network_of(origin.address)), subject("second factor", address)
    return [Limit(who, TRIES_A_MINUTE, _MINUTE), Limit(codes, CODES_A_DAY, tries.KEPT)]


def _is_known(store: Store, address: str, origin: Origin) -> bool:
    """Tell whether the browser has signed this account in before: the same work for one that is not there."""
    return is_mark_of(store.keyring.derive("token"), address, origin.mark)


def _recovery_digest(store: Store, account: Account, code: str) -> bytes:
    return recovery_digest(store.keyring.derived("token")[0], account.id, code)
