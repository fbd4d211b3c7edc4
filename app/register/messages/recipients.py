"""Who is told: recipients are let in, listed, changed and removed here. A webhook's secret is returned once."""

import base64
import secrets
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from email.errors import HeaderParseError
from email.headerregistry import Address

from app.domain.closure import State
from app.domain.notification import FOR_A_READER, FOR_THE_SENDER, Kind, Notification, due_from
from app.domain.party import read_code
from app.domain.refusal import Refusal, Unknown
from app.register.people.enrolment import read_name
from app.security.tokens import new_subscription_id
from app.store import outbox, parties, recipients
from app.store.closures_of_users import closures_of_users
from app.store.engine import Connection, Store
from app.store.outbox import Message, MessageState
from app.store.recipients import Carrier, Listener, Recipient, Silencing

_SECRET_OCTETS = 32  # Standard Webhooks asks for 24 to 64
_LONGEST_ADDRESS = 254  # RFC 5321 4.5.3.1.3, less the brackets
MOST_SHOWN = 200
"""How many messages are listed at once."""


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
    """A message and whom it is for: a recipient that may be removed by now; None where its User was shredded."""

    message: Message
    recipient: Recipient | None


@dataclass(frozen=True, slots=True)
class Gathering:
    """What waits for a recipient and is in no message yet: how many notifications, and when; None is at once."""

    recipient: Recipient
    count: int
    due_at: datetime | None


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
    silencing: Silencing | None = None,
) -> ListedRecipient:
    """Let a recipient in. Raise ``RecipientRefused``, ``NameRefused``, ``CodeRefused`` or ``Unknown``.

    Without ``user_code`` it hears of every User's closures; receipts and reminders are for a User alone. The address
    of a webhook was checked by whoever will send to it. Invitations begin with what is planned now. An Alertmanager
    has ``silencing`` in place of kinds.
    """
    chosen = check_kinds(carrier, kinds, for_a_user=user_code is not None) if silencing is None else frozenset()
    checked = read_address(carrier, address)
    secret = _new_secret() if carrier is Carrier.WEBHOOK else ""
    named = read_name(label)
    with store.writing() as connection:
        user = None if user_code is None else parties.find_user(store, connection, read_code(user_code))
        _require_gateways(store, connection, silencing)
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
            silencing=silencing,
        )
        recipients.insert_recipient(store, connection, made)
        if carrier is Carrier.INVITATION:
            _tell_what_stands(store, connection, made)
    return ListedRecipient(made, "" if user is None else user.code)


def _tell_what_stands(store: Store, connection: Connection, made: Recipient) -> None:
    """Let a new recipient be told of each closure that is planned or open as it is added.

    A calendar that stayed empty until the next change would look as if nothing were planned. Whoever adds a recipient
    holds the head by now, so no revision comes in between.
    """
    users = parties.read_parties(store, connection).users
    codes = {user.id: user.code for user in users.values() if made.user_id in {None, user.id}}
    listener = Listener(made.id, made.user_id, made.kinds, made.digest_hour)
    standing = [held.closure for held in closures_of_users(store, connection, codes, State.PLANNED)]
    told = [
        (listener, Notification(made.id, Kind.REVISION, closure.id, closure.number))
        for closure in standing
        if closure.state_at(made.created_at) is State.PLANNED
    ]
    outbox.insert_notifications(store, connection, told, made.created_at)


def list_recipients(store: Store) -> list[ListedRecipient]:
    """Return who is told anything, oldest first."""
    with store.reading() as connection:
        users = parties.read_parties(store, connection).users
        found = recipients.list_recipients(store, connection).whole
    return [
        ListedRecipient(recipient, users[recipient.user_id].code if recipient.user_id in users else "")
        for recipient in found
    ]


def find_recipient(store: Store, recipient_id: str) -> ListedRecipient:
    """Return one that is told something. Raise ``Unknown``."""
    with store.reading() as connection:
        found = recipients.find_recipient(store, connection, recipient_id)
        users = parties.read_parties(store, connection).users
    return ListedRecipient(found, users[found.user_id].code if found.user_id in users else "")


def change_recipient(
    store: Store,
    recipient_id: str,
    *,
    label: str,
    address: str,
    kinds: Collection[Kind],
    digest_hour: int | None,
    now: datetime,
    silencing: Silencing | None = None,
) -> None:
    """Change what a recipient is told from now on, when and where. Raise as ``add_recipient``.

    Its User, its carrier and a webhook's secret stay. What waits is told too, at the new hour and to the new address.
    An Alertmanager's address stays, so that no silence is left behind where nobody looks any more.
    """
    named = read_name(label)
    with store.writing() as connection:
        found = recipients.find_recipient(store, connection, recipient_id)
        if silencing is not None and address != found.address:
            raise RecipientRefused("An Alertmanager's address stays.", "Add another recipient, then end this one.")
        _require_gateways(store, connection, silencing)
        changed = replace(
            found,
            label=named,
            address=read_address(found.carrier, address),
            kinds=frozenset()
            if silencing is not None
            else check_kinds(found.carrier, kinds, for_a_user=found.user_id is not None),
            digest_hour=digest_hour,
            silencing=silencing,
        )
        recipients.change_recipient(store, connection, changed)
        if digest_hour != found.digest_hour:
            outbox.put_off(connection, found.id, due_from(digest_hour, now))


def remove_recipient(store: Store, recipient_id: str, now: datetime) -> None:
    """Tell a recipient nothing more; what waits for it is dropped. Raise ``Unknown``."""
    with store.writing() as connection:
        recipients.remove_recipient(store, connection, recipient_id, now)


def list_messages(store: Store, states: Collection[MessageState]) -> list[ListedMessage]:
    """Return the newest messages in these states, newest first."""
    with store.reading() as connection:
        found = outbox.list_messages(store, connection, list(states), MOST_SHOWN)
        who = recipients.read_recipients(store, connection, [message.recipient_id for message in found])
    return [ListedMessage(message, who.get(message.recipient_id)) for message in found]


def list_gatherings(store: Store) -> list[Gathering]:
    """Return what is in no message yet, the soonest told first; what nobody will be told is not among it."""
    with store.reading() as connection:
        waiting = outbox.list_waiting(connection)
        who = recipients.read_recipients(store, connection, list(waiting))
    found = [
        Gathering(recipient, held.count, held.due_at)
        for recipient in who.values()
        for held in [waiting[recipient.id]]
        if recipient.removed_at is None
    ]
    at_once = [gathering for gathering in found if gathering.due_at is None]
    later = [
        (gathering.due_at, gathering.recipient.id, gathering) for gathering in found if gathering.due_at is not None
    ]
    return at_once + [gathering for _, _, gathering in sorted(later, key=lambda one: one[:2])]


def every_kind(carrier: Carrier, *, for_a_user: bool) -> frozenset[Kind]:
    """Return all that a recipient may be told: a calendar each revision and nothing else, whoever reads the others."""
    if carrier is Carrier.INVITATION:
        return frozenset({Kind.REVISION})
    return frozenset(FOR_A_READER) - (frozenset() if for_a_user else FOR_THE_SENDER)


def check_kinds(carrier: Carrier, kinds: Collection[Kind], *, for_a_user: bool) -> frozenset[Kind]:
    """Return the kinds that a recipient asks for. Raise ``RecipientRefused`` where they are none, or not for it."""
    chosen = frozenset(kinds)
    if not chosen:
        raise RecipientRefused("There is nothing to tell.", "Name at least one kind.")
    others = chosen - every_kind(carrier, for_a_user=for_a_user)
    if others & FOR_THE_SENDER and carrier is not Carrier.INVITATION:
        raise RecipientRefused("Receipts and reminders are for a User.", "Name the User, or leave these kinds out.")
    if others:
        raise RecipientRefused("Invitations follow each closure: there are no kinds to choose.", "Name none.")
    return chosen


def read_address(carrier: Carrier, text: str) -> str:
    """Return an address as it is kept. Raise ``RecipientRefused``; a URL is checked by whoever sends to it."""
    return _email(text) if carrier.is_mail else text


def _require_gateways(store: Store, connection: Connection, silencing: Silencing | None) -> None:
    """Raise ``Unknown`` unless all gateways to silence are there: one that is mistyped would never be silent."""
    if silencing is not None and silencing.gateways - parties.read_parties(store, connection).names.gateways.keys():
        raise Unknown("There is no such gateway.", "Check the codes.")


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
