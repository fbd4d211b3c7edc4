"""Recipients on disk: who is told of what, and where to; address and secret sealed."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from app.domain.notification import Kind
from app.domain.refusal import Shredded, Unknown
from app.security.sealing import SealBroken
from app.store.acts import Deed, change_rows, end_altered, insert_row
from app.store.deciding import open_row
from app.store.engine import Store
from app.store.listing import Listing, list_rows
from app.store.outbox_tables import recipients
from app.store.runs import read_bridges


class Carrier(StrEnum):
    """What brings a message to its recipient."""

    EMAIL = "e-mail"
    WEBHOOK = "webhook"
    INVITATION = "invitation"
    ALERTMANAGER = "alertmanager"

    @property
    def is_mail(self) -> bool:
        """Tell whether it goes to an e-mail address."""
        return self in {Carrier.EMAIL, Carrier.INVITATION}


@dataclass(frozen=True, slots=True)
class Silencing:
    """What an Alertmanager silences: alerts that ``matchers`` find, for closures of these gateways; none: of all.

    ``sign_in`` is ``user:password`` or a token, as an address has it: percent-encoded; "" where none is needed.
    """

    matchers: str
    gateways: frozenset[str]
    sign_in: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """Somebody who is told. ``user_id`` is the User whose closures it hears of; None, for DCC, is everybody's.

    ``address`` is an e-mail address or a URL; ``secret`` signs what a webhook gets. ``digest_hour`` is an hour of the
    day in London; None is at once. An Alertmanager has ``silencing``, and no kinds: it is sent no message. Else one
    without ``kinds`` gets letters alone: about its sign-in, or in answer to its mails.
    """

    id: str
    label: str
    carrier: Carrier
    address: str
    kinds: frozenset[Kind]
    digest_hour: int | None
    created_at: datetime
    secret: str = ""
    user_id: bytes | None = None
    removed_at: datetime | None = None
    silencing: Silencing | None = None

    @property
    def is_letter_box(self) -> bool:
        """Tell whether it is an account that gets letters about its sign-in, and hears of no closure."""
        return not self.kinds and self.silencing is None


@dataclass(frozen=True, slots=True)
class Listener:
    """As much of a recipient as the writing of a revision needs; nothing is unsealed for it."""

    id: str
    user_id: bytes | None
    kinds: frozenset[Kind]
    digest_hour: int | None


_SILENCES = "silences"
_LISTENERS = sa.select(recipients.c.id, recipients.c.user_id, recipients.c.kinds, recipients.c.digest_hour).where(
    recipients.c.removed_at.is_(None)
)


def insert_recipient(store: Store, connection: sa.Connection, new: Recipient) -> None:
    """Write a new recipient."""
    values = {"id": new.id, "user_id": new.user_id, "created_at": new.created_at, **_clear(new)}
    insert_row(store, connection, Deed.RECIPIENT_ADDED, recipients, values, _body(new))


def change_recipient(store: Store, connection: sa.Connection, changed: Recipient) -> None:
    """Write a recipient as it is from now on; its id, User and beginning stay. The caller has found it."""
    which, changes = [recipients.c.id == changed.id], _clear(changed)
    change_rows(store, connection, Deed.RECIPIENT_CHANGED, recipients, which, changes, _body(changed))


def _clear(one: Recipient) -> dict[str, object]:
    # An Alertmanager has a word of its own there, by which it is found among letter boxes without opening each.
    kinds = [_SILENCES] if one.silencing is not None else [kind for kind in Kind if kind in one.kinds]
    return {"kinds": ",".join(kinds), "digest_hour": one.digest_hour}


def _body(one: Recipient) -> bytes:
    silencing = one.silencing
    more = [] if silencing is None else [[silencing.matchers, sorted(silencing.gateways), silencing.sign_in]]
    return json.dumps([one.label, one.carrier, one.address, one.secret, *more]).encode()


def listeners(connection: sa.Connection) -> list[Listener]:
    """Return who is told anything at all. Words that were altered into none are none: nothing is sent unopened."""
    return [
        Listener(row.id, row.user_id, frozenset(Kind) & set(row.kinds.split(",")), row.digest_hour)
        for row in connection.execute(_LISTENERS)
    ]


def list_recipients(store: Store, connection: sa.Connection) -> Listing[Recipient]:
    """Return the recipients that are told of closures, oldest first; those of a shredded User are not among them."""
    query = sa.select(recipients).where(recipients.c.removed_at.is_(None))
    query = query.order_by(recipients.c.created_at, recipients.c.id)
    found = list_rows(connection, recipients, query, lambda row: _open(store, row))
    # Not by the query: a row whose kinds somebody took away is to be named.
    return replace(found, whole=[one for one in found.whole if not one.is_letter_box])


def letter_box(store: Store, connection: sa.Connection, address: str) -> Recipient | None:
    """Return the recipient by which an address gets letters about its sign-in, or in answer to its mails."""
    query = sa.select(recipients).where(recipients.c.kinds == "", recipients.c.removed_at.is_(None))
    found = list_rows(connection, recipients, query, lambda row: _open(store, row)).whole
    return next((recipient for recipient in found if recipient.address == address), None)


def list_alertmanagers(store: Store, connection: sa.Connection) -> list[Recipient]:
    """Return the Alertmanagers that silence, and of those that were removed the ones that may hold silences yet."""
    asked = sa.or_(recipients.c.removed_at.is_(None), recipients.c.id.in_(read_bridges(connection)))
    query = sa.select(recipients).where(recipients.c.kinds == _SILENCES, asked)
    return list_rows(connection, recipients, query, lambda row: _open(store, row)).whole


def own_recipients(store: Store, connection: sa.Connection, email: str) -> list[Recipient]:
    """Return the recipients by which an account has itself told of its Users' closures: its address is their name."""
    return [
        one
        for one in list_recipients(store, connection).whole
        if one.carrier is Carrier.EMAIL and one.address == one.label == email and one.user_id is not None
    ]


def read_recipients(store: Store, connection: sa.Connection, ids: Sequence[str]) -> dict[str, Recipient]:
    """Return recipients by id, removed ones too; those of a shredded User, or altered, are not among them."""
    query = sa.select(recipients).where(recipients.c.id.in_(ids))
    found = list_rows(connection, recipients, query, lambda row: _open(store, row))
    return {recipient.id: recipient for recipient in found.whole}


def read_recipient(store: Store, connection: sa.Connection, recipient_id: str) -> Recipient | None:
    """Return a recipient by id, a removed one too; None where its User was shredded. Raise ``SealBroken``."""
    row = connection.execute(sa.select(recipients).where(recipients.c.id == recipient_id)).first()
    return None if row is None else _open(store, row)


def find_recipient(store: Store, connection: sa.Connection, recipient_id: str) -> Recipient:
    """Return a recipient that is told something. Raise ``Unknown`` or ``SealBroken``."""
    found = read_recipient(store, connection, recipient_id)
    if found is None or found.removed_at is not None:
        raise _unknown()
    return found


def remove_recipient(store: Store, connection: sa.Connection, recipient_id: str, now: datetime) -> None:
    """Tell a recipient nothing from now on, an altered one too. Raise ``Unknown``."""
    which, deed = [recipients.c.id == recipient_id, recipients.c.removed_at.is_(None)], Deed.RECIPIENT_REMOVED
    try:
        is_removed = change_rows(store, connection, deed, recipients, which, {"removed_at": now}) == 1
    except SealBroken:
        over = Recipient(
            id=recipient_id, label="was altered", carrier=Carrier.EMAIL, address="", kinds=frozenset({Kind.NEW}),
            digest_hour=None, created_at=now,
        )  # fmt: skip
        values = {"id": recipient_id, "user_id": None, "created_at": now, "removed_at": now, **_clear(over)}
        is_removed = end_altered(store, connection, deed, recipients, values, _body(over))
    if not is_removed:
        raise _unknown()


def _unknown() -> Unknown:
    return Unknown("There is no such recipient, or it is removed already.", "The list of recipients shows who is told.")


def _kinds(text: str) -> frozenset[Kind]:
    return frozenset(Kind(word) for word in text.split(",") if word)


def _open(store: Store, row: Any) -> Recipient | None:
    try:
        body = open_row(store, recipients, row._asdict())
    except Shredded:
        return None
    label, carrier, address, secret, *more = json.loads(body)
    silencing = Silencing(more[0][0], frozenset(more[0][1]), more[0][2]) if more else None
    return Recipient(
        id=row.id,
        label=label,
        carrier=Carrier(carrier),
        address=address,
        kinds=frozenset() if silencing is not None else _kinds(row.kinds),
        digest_hour=row.digest_hour,
        created_at=row.created_at,
        secret=secret,
        user_id=row.user_id,
        removed_at=row.removed_at,
        silencing=silencing,
    )
