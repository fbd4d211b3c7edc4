"""The security log: one line for each thing that happens to sign-ins, credentials, rights, copies and keys.

``security_event`` is the one way in (docs/security-log.md). A line says who by row ids, and what by words of our own:
nothing that anybody typed or sent is in it, so that there is no secret to strike out and no line to break.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from enum import StrEnum
from functools import lru_cache
from ipaddress import ip_address
from typing import Any, Self

import structlog
from structlog.contextvars import bind_contextvars, clear_contextvars

from app.security.tokens import new_row_id

DATASET = "closures.security"

_LOG = structlog.get_logger()
_Line = tuple[str, bool, dict[str, Any]]  # message, whether it failed, fields
_HELD: ContextVar[list[_Line] | None] = ContextVar("held", default=None)


class SecurityAction(StrEnum):
    """What happened: ``event.action``. ``category`` is ECS's ``event.category``."""

    category: str

    def __new__(cls, value: str, category: str) -> Self:
        """Make one of a word and its category."""
        made = str.__new__(cls, value)
        made._value_ = value
        made.category = category
        return made

    SIGN_IN = "sign-in", "authentication"
    THROTTLED = "throttled", "authentication"
    SIGN_OUT = "sign-out", "session"
    SESSIONS_ENDED = "sessions-ended", "session"
    LINK_MADE = "link-made", "iam"
    LINK_USED = "link-used", "authentication"
    PASSWORD_SET = "password-set", "iam"
    FACTOR_SET = "factor-set", "iam"
    FACTOR_REPLACED = "factor-replaced", "iam"
    FACTOR_REMOVED = "factor-removed", "iam"
    CODES_RENEWED = "codes-renewed", "iam"
    CODE_USED = "code-used", "authentication"
    IDENTITY_LINKED = "identity-linked", "iam"
    IDENTITIES_UNLINKED = "identities-unlinked", "iam"
    ACCOUNT_OPENED = "account-opened", "iam"
    ACCOUNT_CLOSED = "account-closed", "iam"
    ACCOUNT_REOPENED = "account-reopened", "iam"
    RIGHTS_CHANGED = "rights-changed", "iam"
    TOKEN_MADE = "token-made", "iam"
    TOKEN_FIRST_USED = "token-first-used", "authentication"
    TOKEN_REVOKED = "token-revoked", "iam"
    TOKEN_REFUSED = "token-refused", "authentication"
    EXPORTED = "exported", "database"
    KEYS_ROTATED = "keys-rotated", "configuration"
    ROOT_ROTATED = "root-rotated", "configuration"
    ROTATION_ENDED = "rotation-ended", "configuration"
    KEYS_SHREDDED = "keys-shredded", "configuration"
    ACCESS_REFUSED = "access-refused", "web"
    FORM_REFUSED = "form-refused", "web"
    LIMIT_REACHED = "limit-reached", "web"


def security_event(
    action: SecurityAction,
    *,
    failed: bool = False,
    account: bytes | None = None,
    about: bytes | None = None,
    role: str = "",
    user: bytes | None = None,
    token: bytes | str = "",
    kind: str = "",
    step: str = "",
    reason: str = "",
    status: int = 0,
    route: str | None = None,
) -> None:
    """Write a line. What succeeds inside a transaction is written once that is durable, what fails at once.

    ``account`` is who acts, where that is not who asks; ``about`` the account that it is done to, ``role`` what that is
    from now on; ``user`` is a SEC organisation. All are row ids. ``token`` is the id of a token or subscription. The
    others are words of our own: ``kind`` of the thing, ``step`` of a sign-in, ``reason`` of a failure.
    """
    facts: dict[str, Any] = {
        "user.id": account and account.hex(),
        "user.target.id": about and about.hex(),
        "user.target.roles": [str(role)] if role else None,
        "organization.id": user and user.hex(),
        "closures.token.id": token.hex() if isinstance(token, bytes) else token,
        "closures.kind": kind,
        "closures.step": step,
        "closures.route": route,
        "event.reason": reason,
        "http.response.status_code": status,
    }
    fields = {
        "event.dataset": DATASET,
        "event.kind": "event",
        "event.category": [action.category],
        "event.action": action.value,
        "event.outcome": "failure" if failed else "success",
        **{name: value for name, value in facts.items() if value},
    }
    line = (f"{action} {fields['event.outcome']}", failed, fields)
    held = _HELD.get()
    if held is None or failed:
        _write(line)
    else:
        held.append(line)


@contextmanager
def held_until_durable() -> Iterator[None]:
    """Keep back what succeeds inside a transaction; where that is rolled back, it never happened."""
    if _HELD.get() is not None:
        yield
        return
    lines: list[_Line] = []
    before = _HELD.set(lines)
    try:
        yield
    finally:
        _HELD.reset(before)
    for line in lines:
        _write(line)


def begin_request(address: str | None) -> str:
    """Name the request that the lines from now on belong to by an id of its own, and say where it came from.

    Return the id.
    """
    clear_contextvars()
    request_id = new_row_id().hex()
    bind_contextvars(**{"http.request.id": request_id}, **_source(address or ""))
    return request_id


@lru_cache(maxsize=1024)  # whoever asks asks again
def _source(address: str) -> Mapping[str, str]:
    # What a proxy passed on may be no address: nothing that a client wrote comes into a line.
    try:
        return {"source.ip": str(ip_address(address))}
    except ValueError:
        return {}


def asked_by(*, account: bytes | None = None, token: bytes | None = None) -> None:
    """Say in the lines from now on which account or token asks."""
    who = {"user.id": account, "closures.token.id": token}
    bind_contextvars(**{name: row_id.hex() for name, row_id in who.items() if row_id is not None})


def _write(line: _Line) -> None:
    message, failed, fields = line
    (_LOG.warning if failed else _LOG.info)(message, **fields)
