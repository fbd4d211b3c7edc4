"""Who is told: recipients are let in, listed and removed here. A webhook's secret is returned once, by its making."""

import base64
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from email.errors import HeaderParseError
from email.headerregistry import Address

from app.domain.party import read_code
from app.domain.refusal import Refusal
from app.domain.tiding import FOR_THE_SENDER, Kind
from app.register.enrolment import read_name
from app.security.tokens import new_subscription_id
from app.store import outbox, parties, recipients
from app.store.engine import Store
from app.store.outbox import Message, MessageState
from app.store.recipients import Carrier, Recipient

_SECRET_OCTETS = 32  # Standard Webhooks asks for 24 to 64
_LONGEST_ADDRESS = 254  # RFC 5321 4.5.3.1.3, less the brackets
_MOST_SHOWN = 200


class RecipientRefused(Refusal):
    """A recipient whose address, kinds and User do not fit together."""

    code = "recipient"


@dataclass(frozen=True, slots=True)
class ListedRecipient:
    """A recipient, and the code of the User whose closures it hears of; "" for everybody's."""

    recipient: Recipient
    user: str


@dataclass(frozen=True, slots=True)
class ListedMessage:
    """A message and whom it is for; ``label`` is "" where the recipient's User was shredded."""

    message: Message
    label: str


def add_recipient(
    store: Store,
    *,
    label: str,
    carrier: Carrier,
    address: str,
    kinds: Collection[Kind],
    digest_hour: int | None,
    user_code: str | None,
    now: datetime,
) -> ListedRecipient:
    """Let a recipient in. Raise ``RecipientRefused``, ``NameRefused``, ``CodeRefused`` or ``Unknown``.

    Without ``user_code`` it hears of every User's closures; receipts and reminders are for a User alone. The address
    of a webhook was checked by whoever will send to it.
    """
    chosen = frozenset(kinds)
    if not chosen:
        raise RecipientRefused("There is nothing to tell.", "Name at least one kind.")
    if user_code is None and chosen & FOR_THE_SENDER:
        raise RecipientRefused("Receipts and reminders are for a User.", "Name the User, or leave these kinds out.")
    checked = _email(address) if carrier is Carrier.EMAIL else address
    secret = "" if carrier is Carrier.EMAIL else _new_secret()
    named = read_name(label)
    with store.writing() as connection:
        user = None if user_code is None else parties.find_user(store, connection, read_code(user_code))
        made = Recipient(
            id=new_subscription_id(),
            label=named,
            carrier=carrier,
            address=checked,
            kinds=chosen,
            digest_hour=digest_hour,
            created_at=now,
            secret=secret,
            user_id=None if user is None else user.id,
        )
        recipients.insert_recipient(store, connection, made)
    return ListedRecipient(made, "" if user is None else user.code)


def list_recipients(store: Store) -> list[ListedRecipient]:
    """Return who is told anything, oldest first."""
    with store.reading() as connection:
        users = parties.read_parties(store, connection).users
        found = recipients.list_recipients(store, connection)
    return [ListedRecipient(one, users[one.user_id].code if one.user_id in users else "") for one in found]


def remove_recipient(store: Store, recipient_id: str, now: datetime) -> None:
    """Tell a recipient nothing more; what waits for it is dropped. Raise ``Unknown``."""
    with store.writing() as connection:
        recipients.remove_recipient(connection, recipient_id, now)


def list_messages(store: Store, states: Collection[MessageState]) -> list[ListedMessage]:
    """Return the newest messages in these states, newest first."""
    with store.reading() as connection:
        found = outbox.list_messages(connection, list(states), _MOST_SHOWN)
        who = recipients.read_recipients(store, connection, [one.recipient_id for one in found])
    return [ListedMessage(one, who[one.recipient_id].label if one.recipient_id in who else "") for one in found]


def _new_secret() -> str:
    """Return a new signing secret as Standard Webhooks writes it."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(_SECRET_OCTETS)).decode()


def _email(text: str) -> str:
    address = text.strip()
    try:
        parsed = Address(addr_spec=address)
    except (ValueError, IndexError, HeaderParseError) as problem:
        raise _not_an_address() from problem
    if len(address) > _LONGEST_ADDRESS or not address.isascii() or not address.isprintable() or not parsed.domain:
        raise _not_an_address()
    return address


def _not_an_address() -> RecipientRefused:
    return RecipientRefused("That is not an e-mail address.", "Write it as name@example.org.")
