"""Answers to mails that came in: kept with the mail, written in the transaction that takes it, sent from the outbox."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from app.register.messages.link_letters import open_letter_box
from app.store import mails, outbox, tries
from app.store.engine import Connection, Store
from app.store.mails import Reply
from app.store.outbox import Message
from app.store.tries import Limit

REPLY = "reply"
"""The word by which the outbox knows an answer to a mail."""
STRANGERS_A_DAY = 100
"""So many answers go to strangers in a day, one to each: a flood in false names is not passed on to their owners."""
_DAY = timedelta(days=1)
_STRANGERS = "senders of mail who are not known"


@dataclass(frozen=True, slots=True)
class Thread:
    """The mail that is answered: whose it is, and what places the answer beside it; "" is not stated."""

    sender: str
    subject: str
    message_id: str
    references: tuple[str, ...]


def make_reply(thread: Thread, text: str) -> Reply:
    """Return the answer to a mail, in its thread (RFC 5322 3.6.4)."""
    subject = thread.subject or "your mail"
    return Reply(
        address=thread.sender,
        subject=subject if subject.lower().startswith("re:") else f"Re: {subject}",
        in_reply_to=thread.message_id,
        references=(*thread.references, thread.message_id) if thread.message_id else (),
        text=text,
    )


def post_reply(store: Store, connection: Connection, address: str, now: datetime) -> bytes:
    """Let an answer wait; return the id of its message. ``address`` is a known sender's, "" for a stranger's."""
    box = open_letter_box(store, connection, address, address or _STRANGERS, now)
    return outbox.insert_letter(store, connection, box.id, REPLY, now)


def may_answer_stranger(store: Store, connection: Connection, address: str, now: datetime) -> bool:
    """Count an answer to somebody unknown; tell whether it may be sent: one to an address in a day, few to all."""
    limits = [
        Limit(store.blind.subject("stranger answered", address), 1, _DAY),
        Limit(store.blind.subject("strangers answered", ""), STRANGERS_A_DAY, _DAY),
    ]
    return tries.take_try(connection, limits, now) is None


def read_reply(store: Store, message: Message) -> Reply | None:
    """Return the answer that a message brings; None where its mail is forgotten, or its User shredded."""
    with store.reading() as connection:
        return mails.reply_of(store, connection, message.id)
