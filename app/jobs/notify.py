"""Telling people: what the clock gives to tell, and what waits in the outbox, sent at least once under a stable id."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from app.domain.london import utc_text
from app.jobs.letter import Letter, NotDelivered
from app.jobs.post_office import PostOffice
from app.publishing import maintenance_entry_of
from app.register.closure_json import entry_of
from app.register.messages import outbox
from app.register.messages.content import Telling, read_telling
from app.register.register import Register
from app.store.outbox import Message
from feeds.entry import Publisher
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
    for message in outbox.due_messages(register, now(), _MOST_AT_ONCE):
        claimed = outbox.claim_message(register, message, now())
        if claimed is None:
            continue
        # Read after the claim: whatever moved until now is told as it stands now, or not at all.
        telling = read_telling(register, claimed, now())
        if telling is None:
            outbox.drop_message(register, claimed, now())
            continue
        try:
            office.carriers[telling.recipient.carrier](_letter(claimed, telling, office.publisher, now()))
        except NotDelivered as problem:
            outbox.note_failed(register, claimed, problem.fault, now(), for_good=problem.for_good)
            failed += 1
        else:
            outbox.note_sent(register, claimed, now())
            arrived += 1
    return Sent(arrived, failed)


def _letter(message: Message, telling: Telling, publisher: Publisher, sent_at: datetime) -> Letter:
    names = telling.parties.names
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
        address=telling.recipient.address,
        secret=telling.recipient.secret,
        subject=subject_of(told),
        text=text_of(told, publisher),
        payload=payload_of(told, message_id, utc_text(message.made_at), sent_at),
        sent_at=sent_at,
    )
