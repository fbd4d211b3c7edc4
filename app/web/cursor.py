"""A cursor: where a page begins, as the link of another page has it."""

import base64
import binascii
import json

from flask import request

from app.store.receipt_order import Place
from app.web.query import QueryRefused

_MOST_DIGITS = 18  # of a number that a database takes


def write_cursor(place: list[str]) -> str:
    """Return a cursor in the letters that an address takes as they are."""
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode().rstrip("=")


def read_cursor(name: str, length: int) -> list[str] | None:
    """Read a cursor of so many texts; None, if it is not given. Raise ``QueryRefused``."""
    text = request.args.get(name)
    if text is None:
        return None
    try:
        place = json.loads(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True))
    except (ValueError, binascii.Error, RecursionError):
        place = None
    if not (isinstance(place, list) and len(place) == length and all(isinstance(entry, str) for entry in place)):
        raise _no_cursor()
    return place


def write_place(place: Place) -> str:
    """Return a place in the order of receipt as a cursor."""
    return write_cursor([str(number) for number in place])


def read_place(name: str) -> Place | None:
    """Read a place in the order of receipt; None, if it is not given. Raise ``QueryRefused``."""
    texts = read_cursor(name, 2)
    if texts is None:
        return None
    if not all(text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS for text in texts):
        raise _no_cursor()
    received_at, position = map(int, texts)
    return received_at, position


def _no_cursor() -> QueryRefused:
    return QueryRefused("That is no cursor of ours.", "Follow the Link header of the page before.")
