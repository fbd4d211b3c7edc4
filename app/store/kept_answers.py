"""Answers that are kept for a while under the sender's own key, so that a notice sent twice is taken once."""

import json
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from app.store.engine import Store
from app.store.outbox_tables import kept_answers


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as it left."""

    status: int
    media_type: str
    text: str


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """What is kept under a key: what was ``asked``, when, and the answer."""

    asked: bytes
    kept_at: datetime
    answer: Answer


def find_answer(store: Store, connection: sa.Connection, answer_id: bytes) -> KeptAnswer | None:
    """Return what is kept under a key."""
    query = sa.select(kept_answers).where(kept_answers.c.id == answer_id, kept_answers.c.sealed.is_not(None))
    row = connection.execute(query).first()
    if row is None:
        return None
    body = store.keyring.unseal(row.user_id, "kept_answers", "sealed", answer_id, 1, row.sealed)
    return KeptAnswer(row.asked, row.kept_at, Answer(*json.loads(body)))


def keep_answer(store: Store, connection: sa.Connection, answer_id: bytes, user_id: bytes, kept: KeptAnswer) -> None:
    """Keep an answer under a key, in place of what the key stood for before."""
    connection.execute(sa.delete(kept_answers).where(kept_answers.c.id == answer_id))
    body = json.dumps([kept.answer.status, kept.answer.media_type, kept.answer.text]).encode()
    sealed = store.keyring.seal(user_id, "kept_answers", "sealed", answer_id, 1, body)
    values = {"id": answer_id, "user_id": user_id, "asked": kept.asked, "kept_at": kept.kept_at, "sealed": sealed}
    connection.execute(sa.insert(kept_answers).values(values))


def purge_answers(connection: sa.Connection, before: datetime) -> int:
    """Forget the answers kept before an instant; return how many."""
    return connection.execute(sa.delete(kept_answers).where(kept_answers.c.kept_at < before)).rowcount
