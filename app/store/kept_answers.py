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
    """What is kept under a key: what was ``asked``, when, and the answer; None while it is being worked on."""

    asked: bytes
    kept_at: datetime
    answer: Answer | None


def find_answer(store: Store, connection: sa.Connection, answer_id: bytes) -> KeptAnswer | None:
    """Return what is kept under a key."""
    row = connection.execute(sa.select(kept_answers).where(kept_answers.c.id == answer_id)).first()
    if row is None:
        return None
    if row.sealed is None:
        return KeptAnswer(row.asked, row.kept_at, None)
    body = store.keyring.unseal(row.user_id, "kept_answers", "sealed", answer_id, 1, row.sealed)
    return KeptAnswer(row.asked, row.kept_at, Answer(*json.loads(body)))


def begin_answer(connection: sa.Connection, answer_id: bytes, user_id: bytes, asked: bytes, now: datetime) -> None:
    """Note that an answer is being worked on, in place of what the key stood for before."""
    forget_answer(connection, answer_id)
    connection.execute(sa.insert(kept_answers).values(id=answer_id, user_id=user_id, asked=asked, kept_at=now))


def keep_answer(store: Store, connection: sa.Connection, answer_id: bytes, user_id: bytes, answer: Answer) -> None:
    """Keep the answer that was begun."""
    body = json.dumps([answer.status, answer.media_type, answer.text]).encode()
    sealed = store.keyring.seal(user_id, "kept_answers", "sealed", answer_id, 1, body)
    connection.execute(sa.update(kept_answers).where(kept_answers.c.id == answer_id).values(sealed=sealed))


def forget_answer(connection: sa.Connection, answer_id: bytes) -> None:
    """Keep nothing under a key."""
    connection.execute(sa.delete(kept_answers).where(kept_answers.c.id == answer_id))


def purge_answers(connection: sa.Connection, before: datetime) -> int:
    """Forget the answers kept before an instant; return how many."""
    return connection.execute(sa.delete(kept_answers).where(kept_answers.c.kept_at < before)).rowcount
