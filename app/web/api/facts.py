"""What is told of a closure as it happens, by programs: closed, re-opened, still closed, taken back (docs/api.md)."""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from flask import Blueprint, Response, request

from app.domain.access import Action
from app.domain.fact import FactKind, ToldFact
from app.domain.london import read_instant
from app.domain.notice import Channel
from app.domain.refusal import Refusal
from app.register import reading
from app.register.receipts import outcome_facts
from app.register.register import Register
from app.register.tell_fact import tell_fact
from app.store import parties
from app.web.idempotency import answer_once
from app.web.principal import current_principal
from app.web.refusals import app_json
from app.web.site import site

blueprint = Blueprint("facts", __name__, url_prefix="/api/v1")

_LONGEST = 10_000
_KINDS = {
    "closed_at": FactKind.CLOSED,
    "reopened_at": FactKind.REOPENED,
    "still_closed_until": FactKind.STILL_CLOSED,
    "taken_back": FactKind.TAKEN_BACK,
}
_NOW = "now"
_REMEDY = 'Send one of {"closed_at": T}, {"reopened_at": T}, {"still_closed_until": T} and {"taken_back": true}.'


class FactUnreadable(Refusal):
    """A body that does not tell one thing of a closure."""

    code = "fact-unreadable"


@blueprint.post("/closures/<reference>/facts", action=Action.GIVE_NOTICE)
def tell_of_closure(reference: str) -> Response:
    """Record what is told; the answer is the closure as it stands after it, with plan, fact, difference and receipt."""
    principal, now = current_principal(), site().now()
    code = reading.find_closure(site().register, principal, reference).user
    with site().store.reading() as connection:
        user = parties.find_user(site().store, connection, code)
    octets = request.stream.read(_LONGEST + 1)

    def prepare() -> Callable[[Register], Response]:
        told = read_told(octets, now)

        def record(register: Register) -> Response:
            outcome = tell_fact(register, principal, reference, told, channel=Channel.API, now=now)
            return app_json(outcome_facts(outcome)["accepted"][0])

        return record

    return answer_once(user, octets, prepare)


def read_told(octets: bytes, now: datetime) -> ToldFact:
    """Read what a body tells. Raise ``FactUnreadable``, or ``TimeRefused`` for a time that is none."""
    try:
        body = json.loads(octets) if len(octets) <= _LONGEST else None
    except (ValueError, RecursionError):
        body = None
    told = _only(body) if isinstance(body, dict) else None
    if told is None:
        raise FactUnreadable("That does not tell one thing of a closure.", _REMEDY)
    name, value = told
    kind = _KINDS[name]
    if kind is FactKind.TAKEN_BACK:
        if value is not True:
            raise FactUnreadable("What is taken back is not true.", _REMEDY)
        return ToldFact(kind)
    if not isinstance(value, str):
        raise FactUnreadable("That is not a time.", f'Write 2026-12-06T02:03:00Z, or "{_NOW}".')
    return ToldFact(kind, now if value == _NOW else read_instant(value)[0])


def _only(body: Mapping[str, Any]) -> tuple[str, Any] | None:
    """Return the one thing that a body tells; what is null tells nothing."""
    told = [(name, value) for name, value in body.items() if value is not None]
    return told[0] if len(told) == 1 and told[0][0] in _KINDS else None
