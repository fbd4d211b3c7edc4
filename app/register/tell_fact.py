"""Somebody tells of one closure as it happens: closed, re-opened, still closed, or takes the last back (ADR 34)."""

from datetime import datetime

from app.domain.access import Principal
from app.domain.fact import FactKind, ToldFact
from app.domain.london import utc_text
from app.domain.notice import Channel, Notice, NoticeContent
from app.domain.refusal import Unknown
from app.domain.told_fact import before_last_fact, step_back, step_of_fact
from app.register import reading as record
from app.register.calendar_view import follow_closures
from app.register.conflicts import own_beside
from app.register.decisions import Decision, decide_fact
from app.register.receipts import Outcome
from app.register.receive import Receiving, record_decisions
from app.register.register import Register
from app.store import closures as rows
from app.store import parties

FACT_MEDIA_TYPE = "text/x-fact"


def tell_fact(
    register: Register, principal: Principal, reference: str, told: ToldFact, *, channel: Channel, now: datetime
) -> Outcome:
    """Record what is told of the closure of this reference; nothing is refused for being late.

    Raise ``FactDoubted`` where it does not fit what stands, and ``Unknown`` where the principal sees no such closure:
    then nothing is recorded.
    """
    found = record.find_held(register, principal, reference).closure
    with register.store.reading() as connection:
        user = parties.find_user(register.store, connection, found.user)
    notice = Notice(
        user=user.code,
        channel=channel,
        received_at=now,
        media_type=FACT_MEDIA_TYPE,
        octets=_octets(found.reference, told),
        given_by=principal.signature(found.user),
    )
    content = NoticeContent(announcements=(), problems=(), events=1)
    beside = own_beside(register, user, [found.window])
    with register.store.writing(user.id) as connection:
        head, rulebook = register.lock(connection)
        receiving = Receiving(register, connection, head, rulebook, user, notice, beside)
        decision = _decide(receiving, found.reference, told)
        recorded = record_decisions(receiving, content, [decision], [])
        known = [] if decision.held is None else [decision.held]
        follow_closures(register, connection, user, recorded.changes, rulebook, known=known)
    return recorded.outcome(register.signing_key)


def _decide(receiving: Receiving, reference: str, told: ToldFact) -> Decision:
    """Decide under the locked head, by what stands now: somebody may have told the same in between."""
    store, connection, user = receiving.register.store, receiving.connection, receiving.user
    held = rows.by_reference(store, connection, reference, {user.id: user.code})
    if held is None:
        raise Unknown("There is no such closure.", "Check the reference; it looks like CN-0123456789.")
    closure = held.closure
    if told.kind is not FactKind.TAKEN_BACK:
        step = step_of_fact(closure, told, receiving.notice.received_at)
        return decide_fact(held, step, None, receiving.occasion)
    before = before_last_fact(record.history_of(held, rows.history(store, connection, closure)))
    return decide_fact(held, step_back(closure, before), before, receiving.occasion)


def _octets(reference: str, told: ToldFact) -> bytes:
    return " ".join([reference, told.kind, *([] if told.at is None else [utc_text(told.at)])]).encode()
