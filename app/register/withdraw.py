"""A User withdraws one closure by its reference: a notice of its own, and a revision like any other."""

from datetime import datetime

from app.domain.access import Principal
from app.domain.notice import Channel, Notice, NoticeContent
from app.register import reading as record
from app.register.matching import withdrawal_of
from app.register.receipts import Outcome
from app.register.receive import receive_notice
from app.register.register import Register
from app.store import parties

WITHDRAWAL_MEDIA_TYPE = "text/x-withdrawal"


def withdraw_closure(
    register: Register, principal: Principal, reference: str, *, channel: Channel, now: datetime
) -> Outcome:
    """Withdraw the closure of this reference. Raise ``Unknown`` if the principal sees no such closure.

    Withdrawing what is withdrawn already says "unchanged".
    """
    held = record.find_held(register, principal, reference)
    closure = held.closure
    with register.store.reading() as connection:
        user = parties.find_user(register.store, connection, closure.user)
    notice = Notice(
        user=user.code,
        channel=channel,
        received_at=now,
        media_type=WITHDRAWAL_MEDIA_TYPE,
        octets=closure.reference.encode(),
        given_by=principal.signature(closure.user),
    )
    announced = NoticeContent(announcements=(withdrawal_of(held),), problems=(), events=1)
    return receive_notice(register, user, notice, announced, about=closure.reference)
