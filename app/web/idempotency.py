"""``Idempotency-Key``: a program that got no answer sends its notice again, and is told what it missed.

What a notice says and the answer to it are written in one transaction: there is both, or neither.
"""

import re
from collections.abc import Callable
from datetime import timedelta

from flask import Response, request

from app.domain.party import User
from app.domain.refusal import Refusal
from app.register.register import Register
from app.store import kept_answers
from app.store.engine import Connection
from app.store.kept_answers import Answer, KeptAnswer
from app.web.site import site

LASTS = timedelta(days=1)
_KEY = re.compile(r"[!-~]{1,200}")


class KeyUnreadable(Refusal):
    """An Idempotency-Key that is empty, too long or not printable ASCII."""

    code = "idempotency-key"


class KeyReused(Refusal):
    """An Idempotency-Key that came with another notice before."""

    code = "idempotency-key-reused"


def answer_once(user: User, octets: bytes, prepare: Callable[[], Callable[[Register], Response]]) -> Response:
    """Answer a notice of ``user``; with a key that was seen within a day, as it was answered then.

    ``prepare`` reads the notice before the transaction; what it returns records the notice by the register that it is
    given, and answers. Raise ``KeyUnreadable`` or ``KeyReused``. A refusal is not kept: the next try is a first one. Of
    two that come at once, the second waits for the answer of the first.
    """
    register, key = site().register, request.headers.get("Idempotency-Key")
    if key is None:
        return prepare()(register)
    if not _KEY.fullmatch(key):
        raise KeyUnreadable("That is no Idempotency-Key.", "Give 1 to 200 printable ASCII characters without spaces.")
    store, now = register.store, site().now()
    answer_id = store.blind.answer(user.id.hex(), key)
    asked = store.blind.digest(b"\n".join([request.query_string, (request.content_type or "").encode(), octets]))
    with store.reading() as connection:
        known = _known_answer(connection, answer_id, asked)
    if known is not None:
        return known
    record = prepare()
    with store.writing(user.id) as connection:
        register.lock(connection)
        known = _known_answer(connection, answer_id, asked)
        if known is not None:
            return known
        response = record(register.within(connection))
        answered = Answer(response.status_code, response.content_type or "", response.get_data(as_text=True))
        kept_answers.keep_answer(store, connection, answer_id, user.id, KeptAnswer(now, answered), asked=asked)
    return response


def _known_answer(connection: Connection, answer_id: bytes, asked: bytes) -> Response | None:
    """Return the answer that a key has. Raise ``KeyReused`` where it was another notice's."""
    kept = kept_answers.find_answer(site().store, connection, answer_id, asked)
    if kept is None or site().now() - kept.kept_at >= LASTS:
        return None
    if not kept.is_of_same:
        raise KeyReused("This Idempotency-Key came with another notice.", "Give each notice a key of its own.")
    return Response(kept.answer.text, kept.answer.status, content_type=kept.answer.media_type)
