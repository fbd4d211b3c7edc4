"""Leaving by the link in a mail: whoever has it ends what that recipient is told, without signing in (RFC 8058)."""

from contextlib import suppress
from datetime import datetime

from app.domain.refusal import Unknown
from app.store import recipients
from app.store.engine import Store
from app.store.recipients import Recipient

_LEAVING = "leaving"


def leave_address(store: Store, recipient: Recipient, base_url: str) -> str:
    """Return the address of a recipient's link: the same in each mail.

    Nothing of it is stored: what follows the id are 128 bits that only this service's first key makes of it, for good.
    """
    return f"{base_url.rstrip('/')}/leave/{recipient.id}.{store.blind.subject(_LEAVING, recipient.id).hex()}"


def require_leaving(store: Store, token: str) -> str:
    """Return the id of the recipient whose link this is, removed or not. Raise ``Unknown``."""
    recipient_id, _, proof = token.partition(".")
    if not store.blind.is_subject(proof, _LEAVING, recipient_id):
        raise Unknown("There is no such link.", "Copy the whole address out of the mail.")
    return recipient_id


def leave(store: Store, token: str, now: datetime) -> None:
    """End what a link's recipient is told; where that has ended already, nothing changes. Raise ``Unknown``."""
    recipient_id = require_leaving(store, token)
    with store.writing() as connection, suppress(Unknown):
        recipients.remove_recipient(store, connection, recipient_id, now)
