"""``Idempotency-Key``: a program that got no answer sends its notice again, and is told what it missed."""

import re
from collections.abc import Callable
from datetime import timedelta

from flask import Response, request

from app.domain.party import User
from app.domain.refusal import Refusal
from app.store import kept_answers
from app.store.kept_answers import Answer
from app.web.site import site

LASTS = timedelta(days=1)
_AT_MOST_AT_WORK = timedelta(minutes=2)  # then whoever worked on it was killed; gunicorn ends a worker sooner
_KEY = re.compile(r"[!-~]{1,200}")


class KeyUnreadable(Refusal):
    """An Idempotency-Key that is empty, too long or not printable ASCII."""

    code = "idempotency-key"


class KeyReused(Refusal):
    """An Idempotency-Key that came with another notice before."""

    code = "idempotency-key-reused"


class StillAtWork(Refusal):
    """The first notice with this Idempotency-Key has no answer yet."""

    code = "still-at-work"


def answer_once(user: User, octets: bytes, answer: Callable[[], Response]) -> Response:
    """Answer a notice of ``user``; with a key that was seen within a day, as it was answered then.

    Raise ``KeyUnreadable``, ``KeyReused`` or ``StillAtWork``. A refusal is not kept: the next try is a first one.
    """
    key = request.headers.get("Idempotency-Key")
    if key is None:
        return answer()
    if not _KEY.fullmatch(key):
        raise KeyUnreadable("That is no Idempotency-Key.", "Give 1 to 200 printable ASCII characters without spaces.")
    store, now = site().store, site().now()
    answer_id = store.blind.answer(user.id.hex(), key)
    asked = store.blind.digest(b"\n".join([request.query_string, (request.content_type or "").encode(), octets]))
    with store.writing() as connection:
        site().register.lock(connection)  # of two that come at once, one is the first
        kept = kept_answers.find_answer(store, connection, answer_id)
        if kept is not None and now - kept.kept_at < (LASTS if kept.answer else _AT_MOST_AT_WORK):
            if kept.asked != asked:
                raise KeyReused("This Idempotency-Key came with another notice.", "Give each notice a key of its own.")
            if kept.answer is None:
                raise StillAtWork("The first notice with this key is still being worked on.", "Ask again in a moment.")
            return Response(kept.answer.text, kept.answer.status, content_type=kept.answer.media_type)
        kept_answers.begin_answer(connection, answer_id, user.id, asked, now)
    try:
        response = answer()
    except BaseException:
        with store.writing() as connection:
            kept_answers.forget_answer(connection, answer_id)
        raise
    with store.writing() as connection:
        answered = Answer(response.status_code, response.content_type or "", response.get_data(as_text=True))
        kept_answers.keep_answer(store, connection, answer_id, user.id, answered)
    return response
