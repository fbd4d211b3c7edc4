"""Telling people: what the clock gives to tell, and what waits in the outbox, sent at least once under a stable id."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from app.domain.london import utc_text
from app.jobs.letter import Letter, NotDelivered
from app.jobs.post_office import PostOffice
from app.publishing import maintenance_entry_of
from app.register.closure_json import entry_of
from app.register.messages import outbox
from app.register.messages.content import Telling, read_telling
from app.register.messages.leaving import leave_address
from app.register.messages.link_letters import write_link
from app.register.messages.replies import REPLY, read_reply
from app.register.register import Register
from app.store.mails import Reply
from app.store.outbox import Message
from app.store.recipients import Carrier
from feeds.entry import Publisher
from feeds.invitation import invitation_of
from feeds.telling import EntryTold, payload_of, subject_of, text_of

_MOST_AT_ONCE = 50  # letters of one run; the next is a second away


@dataclass(frozen=True, slots=True)
class Sent:
    """How many messages of one run arrived, and how many did not."""

    arrived: int
    failed: int


def deliver(register: Register, office: PostOffice, now: Callable[[], datetime]) -> Sent:
    """Put together and send what is due. Safe to run twice, and to be killed at any moment."""
    outbox.make_messages(register, now())
    arrived = failed = 0
    away: dict[Carrier, NotDelivered] = {}
    for message in outbox.due_messages(register, now(), _MOST_AT_ONCE):
        claimed = outbox.claim_message(register, message, now())
        if claimed is None:
            continue
        # Read after the claim: whatever moved until now is told as it stands now, or not at all.
        written = _written(register, claimed, office.publisher, now())
        if written is None:
            outbox.drop_message(register, claimed, now())
            continue
        carrier, letter = written
        try:
            if carrier in away:
                raise away[carrier]
            office.carriers[carrier](letter)
        except NotDelivered as problem:
            if problem.away:
                away[carrier] = problem  # fifty letters that each wait for it would hold up all others for minutes
            outbox.note_failed(register, claimed, problem.fault, now(), for_good=problem.for_good)
            failed += 1
        else:
            outbox.note_sent(register, claimed, now())
            arrived += 1
    return Sent(arrived, failed)


def _written(
    register: Register, message: Message, publisher: Publisher, sent_at: datetime
) -> tuple[Carrier, Letter] | None:
    """Return what carries a message, and the letter; None where it has nothing to tell any more."""
    if message.letter == REPLY:
        reply = read_reply(register.store, message)
        return None if reply is None else (Carrier.EMAIL, _answer(message, reply, sent_at))
    if message.letter:
        link = write_link(register, message, publisher.base_url, sent_at)
        if link is None:
            return None
        facts = Letter(message.id.hex(), link.address, "", link.subject, link.text, b"", sent_at)
        return Carrier.EMAIL, facts
    telling = read_telling(register, message, sent_at)
    if telling is None:
        return None
    letter = _letter(message, telling, publisher, sent_at)
    if telling.recipient.carrier.is_mail:
        letter = replace(letter, leave=leave_address(register.store, telling.recipient, publisher.base_url))
    return telling.recipient.carrier, letter


def _answer(message: Message, reply: Reply, sent_at: datetime) -> Letter:
    return Letter(
        id=message.id.hex(),
        address=reply.address,
        secret="",
        subject=reply.subject,
        text=reply.text,
        payload=b"",
        sent_at=sent_at,
        answers=reply.in_reply_to,
        thread=reply.references,
    )


def _letter(message: Message, telling: Telling, publisher: Publisher, sent_at: datetime) -> Letter:
    names, recipient = telling.parties.names, telling.recipient
    if recipient.carrier is Carrier.INVITATION:
        (only,) = telling.told
        made = invitation_of(entry_of(only.closure, names), recipient.address, recipient.id, publisher)
        facts = (message.id.hex(), recipient.address, "", made.subject, made.text, b"", sent_at)
        return Letter(*facts, invitation=made)
    told = [
        EntryTold(
            kinds=tuple(kind.value for kind in entry.kinds),
            entry=entry_of(entry.closure, names),
            clashes=tuple(entry_of(other, names) for other in entry.clashes),
            maintenance=tuple(map(maintenance_entry_of, entry.maintenance)),
        )
        for entry in telling.told
    ]
    message_id = message.id.hex()
    return Letter(
        id=message_id,
        address=recipient.address,
        secret=recipient.secret,
        subject=subject_of(told),
        text=text_of(told, publisher),
        payload=payload_of(told, message_id, utc_text(message.made_at), sent_at),
        sent_at=sent_at,
    )
