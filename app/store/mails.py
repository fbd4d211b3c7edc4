"""Mails that came in, on disk: each is known again by its octets, with what answers it and why one was put aside."""

import json
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from app.domain.refusal import Shredded
from app.security.keyring import SERVICE_OWNER
from app.store.chains import chains_of
from app.store.engine import Store
from app.store.outbox_tables import mails

MOST_PUT_ASIDE = 500
"""So many that were put aside are kept, the newest: a flood fills no disk."""

_SHOWN = 2_000  # octets


@dataclass(frozen=True, slots=True)
class Reply:
    """What answers a mail: to which address, and how it stands in the thread. "" and no references are none."""

    address: str
    subject: str
    in_reply_to: str
    references: tuple[str, ...]
    text: str


@dataclass(frozen=True, slots=True)
class KeptMail:
    """A mail that came in. ``why`` is "" for one that was taken; of one put aside the first ``octets`` are kept."""

    kept_at: datetime
    why: str = ""
    sender: str = ""
    subject: str = ""
    octets: bytes = b""
    reply: Reply | None = None

    @property
    def first_words(self) -> str:
        """Return the beginning of what is kept of it as text, whatever octets it has."""
        text = self.octets[:_SHOWN].decode("utf-8", "replace").replace("\r\n", "\n")
        return "".join(one if one.isprintable() or one == "\n" else "\N{REPLACEMENT CHARACTER}" for one in text)


def find_mail(connection: sa.Connection, key: bytes) -> bool | None:
    """Tell whether the mail of a key was taken; None where it is not known."""
    query = sa.select(mails).where(mails.c.id == chains_of(connection).index(key))
    row = connection.execute(query).first()
    return None if row is None else row.user_id is not None


def has_copy(connection: sa.Connection, signed: bytes) -> bool:
    """Tell whether a mail was taken of which the same is signed, by its digest."""
    query = sa.select(mails.c.id).where(mails.c.signed == chains_of(connection).index(signed))
    return connection.execute(query).first() is not None


def insert_mail(
    store: Store,
    connection: sa.Connection,
    key: bytes,
    kept: KeptMail,
    *,
    user_id: bytes | None = None,
    message_id: bytes | None = None,
    signed: bytes | None = None,
) -> None:
    """Keep a mail under its key: one of ``user_id`` that was taken, or one put aside, with the message answering it."""
    row_id = chains_of(connection).index(key)
    reply = None if kept.reply is None else asdict(kept.reply)
    body = json.dumps([kept.why, kept.sender, kept.subject, reply]).encode() + b"\n" + kept.octets
    values = {
        "id": row_id,
        "user_id": user_id,
        "message_id": message_id,
        "signed": None if signed is None else chains_of(connection).index(signed),
        "kept_at": kept.kept_at,
        "sealed": store.keyring.seal(user_id or SERVICE_OWNER, "mails", "sealed", row_id, 1, body),
    }
    connection.execute(sa.insert(mails).values(values))
    if user_id is None:
        _drop_oldest(connection)


def _drop_oldest(connection: sa.Connection) -> None:
    aside = sa.select(mails.c.id).where(mails.c.user_id.is_(None))
    beyond = aside.order_by(mails.c.kept_at.desc(), mails.c.id).offset(MOST_PUT_ASIDE).limit(10)
    gone = connection.execute(beyond).scalars().all()
    if gone:
        connection.execute(sa.delete(mails).where(mails.c.id.in_(gone)))


def reply_of(store: Store, connection: sa.Connection, message_id: bytes) -> Reply | None:
    """Return what a message answers; None where its mail is forgotten, or its User shredded. Raise ``SealBroken``."""
    row = connection.execute(sa.select(mails).where(mails.c.message_id == message_id)).first()
    try:
        return None if row is None else _open(store, row).reply
    except Shredded:
        return None


def list_put_aside(store: Store, connection: sa.Connection, most: int) -> list[KeptMail]:
    """Return the newest mails that were put aside, newest first. Raise ``SealBroken``."""
    query = sa.select(mails).where(mails.c.user_id.is_(None)).order_by(mails.c.kept_at.desc(), mails.c.id).limit(most)
    return [_open(store, row) for row in connection.execute(query)]


def count_mails(connection: sa.Connection) -> dict[str, int]:
    """Return how many mails are kept as taken and as put aside."""
    taken = connection.execute(sa.select(sa.func.count(mails.c.user_id), sa.func.count())).one()
    return {"taken": taken[0], "put aside": taken[1] - taken[0]}


def purge_mails(connection: sa.Connection, before: datetime) -> int:
    """Forget the mails that were kept before an instant; return how many."""
    return connection.execute(sa.delete(mails).where(mails.c.kept_at < before)).rowcount


def _open(store: Store, row: Any) -> KeptMail:
    body = store.keyring.unseal(row.user_id or SERVICE_OWNER, "mails", "sealed", row.id, 1, row.sealed)
    facts, _, octets = body.partition(b"\n")
    why, sender, subject, reply = json.loads(facts)
    made = None if reply is None else Reply(**{**reply, "references": tuple(reply["references"])})
    return KeptMail(row.kept_at, why, sender, subject, octets, made)
