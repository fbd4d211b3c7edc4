"""One-time links by mail: an invitation, or a way back in. The outbox says who gets one; it is made as it leaves.

Nobody learns from asking whether an address has an account: the answer is the same, and so is the counting of tries.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from app.domain.london import london_text
from app.register.people.enrolment import SIGN_IN_LASTS, LinkPurpose, make_link
from app.register.people.sign_in import Origin, TooManyTries
from app.register.register import Register
from app.security.security_log import SecurityAction, security_event
from app.security.throttle import network_of
from app.security.tokens import new_subscription_id
from app.store import accounts, outbox, recipients, tries
from app.store.accounts import Account
from app.store.engine import Connection, Store
from app.store.outbox import Message
from app.store.recipients import Carrier, Recipient
from app.store.tries import Limit

LETTERS_AN_HOUR = 3
"""To one address, whether it has an account or not."""
ASKED_AN_HOUR = 20
"""From one network."""
_HOUR = timedelta(hours=1)


class LinkLetter(StrEnum):
    """What a letter with a link is for: the word that the outbox keeps."""

    INVITATION = "invitation"
    WAY_BACK = "way back"


@dataclass(frozen=True, slots=True)
class WrittenLink:
    """A letter with its link, ready to leave: to whom, its subject and its text."""

    address: str
    subject: str
    text: str


def mail_link(store: Store, account: Account, letter: LinkLetter, now: datetime) -> None:
    """Let a letter with a new link wait for the account's owner."""
    with store.writing() as connection:
        _post(store, connection, account, letter, now)


def ask_for_link(store: Store, email: str, origin: Origin, now: datetime) -> None:
    """Send a link to whoever forgot the password, where the address has an open account. Raise ``TooManyTries``."""
    address = email.strip().lower()
    limits = [
        Limit(store.blind.subject("letters", address), LETTERS_AN_HOUR, _HOUR),
        Limit(store.blind.subject("letters of network", network_of(origin.address)), ASKED_AN_HOUR, _HOUR),
    ]
    with store.writing() as connection:
        free_at = tries.take_try(connection, limits, now)
        account = accounts.account_by_email(store, connection, address)
        if free_at is None and account is not None and account.closed_at is None:
            _post(store, connection, account, LinkLetter.WAY_BACK, now)
    if free_at is not None:
        security_event(SecurityAction.THROTTLED, failed=True, step="letter")
        raise TooManyTries(free_at - now)


def write_link(register: Register, message: Message, base_url: str, now: datetime) -> WrittenLink | None:
    """Make the link of a letter that is about to leave, and word it; None where its account is closed or gone."""
    store = register.store
    with store.writing() as connection:
        box = recipients.read_recipient(store, connection, message.recipient_id)
        account = None if box is None else accounts.account_by_email(store, connection, box.address)
        if account is None or account.closed_at is not None:
            return None
        token = make_link(store, connection, account, LinkPurpose.SIGN_IN, now)
    url, until = f"{base_url.rstrip('/')}/sign-in/{token}", london_text(now + SIGN_IN_LASTS)
    subject, text = _WORDS[LinkLetter(message.letter)]
    return WrittenLink(account.email, subject, text.format(url=url, until=until))


def open_letter_box(store: Store, connection: Connection, address: str, label: str, now: datetime) -> Recipient:
    """Return the recipient by which an address gets letters; a new one, called ``label``, where there is none."""
    box = recipients.letter_box(store, connection, address)
    if box is None:
        box = Recipient(
            id=new_subscription_id(), label=label, carrier=Carrier.EMAIL, address=address,
            kinds=frozenset(), digest_hour=None, created_at=now,
        )  # fmt: skip
        recipients.insert_recipient(store, connection, box)
    return box


def _post(store: Store, connection: Connection, account: Account, letter: LinkLetter, now: datetime) -> None:
    box = open_letter_box(store, connection, account.email, account.email, now)
    outbox.insert_letter(store, connection, box.id, letter.value, now)


_LINK = "{url}\n\nThe link works once, until {until}, for whoever opens it first: pass it on to nobody.\n"
_WORDS = {
    LinkLetter.INVITATION: (
        "Your invitation to Planned gateway closures",
        "You are invited to Planned gateway closures. Users tell the DCC there when they plan to close a gateway.\n\n"
        "Open this link, press the button, and choose a password and a second factor:\n" + _LINK,
    ),
    LinkLetter.WAY_BACK: (
        "Your way back in to Planned gateway closures",
        "Somebody asked for a link for this address. If that was you, open it, press the button, give your second "
        "factor, and choose a new password:\n"
        + _LINK
        + "\nIf it was not you, nothing has to be done: your password stays as it is.\n",
    ),
}
