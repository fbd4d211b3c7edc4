"""Answers that are kept for a while under the sender's own key, so that a notice sent twice is taken once."""

import json
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from app.store.chains import chains_of
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
    """What is kept under a key: when, the answer, and whether it answers the same that is asked now."""

    kept_at: datetime
    answer: Answer
    is_of_same: bool = True


def find_answer(store: Store, connection: sa.Connection, answer_id: bytes, asked: bytes) -> KeptAnswer | None:
    """Return what is kept under a key; ``answer_id`` and ``asked`` are digests of the key and of what is asked."""
    stands = chains_of(connection).index
    query = sa.select(kept_answers).where(kept_answers.c.id == stands(answer_id), kept_answers.c.sealed.is_not(None))
    row = connection.execute(query).first()
    if row is None:
        return None
    body = store.keyring.unseal(row.user_id, "kept_answers", "sealed", row.id, 1, row.sealed)
    return KeptAnswer(row.kept_at, Answer(*json.loads(body)), row.asked == stands(asked))


def keep_answer(
    store: Store, connection: sa.Connection, answer_id: bytes, user_id: bytes, kept: KeptAnswer, *, asked: bytes
) -> None:
    """Keep an answer under a key, in place of what the key stood for before."""
    stands = chains_of(connection).index
    row_id = stands(answer_id)
    connection.execute(sa.delete(kept_answers).where(kept_answers.c.id == row_id))
    body = json.dumps([kept.answer.status, kept.answer.media_type, kept.answer.text]).encode()
    sealed = store.keyring.seal(user_id, "kept_answers", "sealed", row_id, 1, body)
    values = {"id": row_id, "user_id": user_id, "asked": stands(asked), "kept_at": kept.kept_at, "sealed": sealed}
    connection.execute(sa.insert(kept_answers).values(values))


def purge_answers(connection: sa.Connection, before: datetime) -> int:
    """Forget the answers kept before an instant; return how many."""
    return connection.execute(sa.delete(kept_answers).where(kept_answers.c.kept_at < before)).rowcount
