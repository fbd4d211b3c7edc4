"""Reading answers of the API: an ETag on each, 304 where the asker has it, and pages with a way on."""

import hashlib
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from flask import Response, request

from app.store.receipt_order import Place
from app.web.api.contract import OPERATIONS
from app.web.cursor import read_cursor, read_place, write_cursor, write_place
from app.web.query import read_count
from app.web.refusals import app_json
from app.web.site import site

MOST = 1000
_ALL_DIGITS = 999_999_999


def conditional(response: Response) -> Response:
    """Return an answer with the ETag of its octets; 304 where If-None-Match names it (RFC 9110 13.1.2)."""
    response.set_etag(hashlib.sha256(response.get_data()).hexdigest()[:32])
    response.make_conditional(request)
    return response


def read_answer(facts: object) -> Response:
    """Return facts as JSON, with an ETag."""
    return conditional(app_json(facts))


def paged_answer(facts: Mapping[str, Any], name: str, order: Sequence[str]) -> Response:
    """Return one page of ``facts[name]``, with a Link to the next (RFC 8288) where there is one.

    ``order`` names the facts by which the items are put in order; one with a minus before it is a number, and the
    greatest comes first. Items that are alike in all of these are told apart by counting. The other facts are the
    question as it was read: the link asks the same again, whatever the clock says by then.
    """
    limit, after = read_count("limit", MOST, MOST), read_cursor("cursor", len(order) + 1) or []
    left = [(place, item) for place, item in _in_order(facts[name], order) if place > after]
    page = left[:limit]
    after_it = write_cursor(page[-1][0]) if len(left) > limit else None
    return _page({**facts, name: [item for _, item in page]}, after_it)


def placed_answer(read: Callable[[Place | None, int], tuple[Mapping[str, Any], Place | None]]) -> Response:
    """Return one page of the items that ``read`` gives: from a place in the record on, so many at most.

    It gives with them the place from which to go on, None at the end.
    """
    facts, beyond = read(read_place("cursor"), read_count("limit", MOST, MOST))
    return _page(facts, None if beyond is None else write_place(beyond))


def _page(facts: Mapping[str, Any], cursor: str | None) -> Response:
    response = read_answer(facts)
    if cursor is not None:
        known = {parameter.name for parameter in OPERATIONS[request.endpoint or ""].parameters}
        stated = {key: value for key, value in facts.items() if isinstance(value, str) and key in known}
        query = {**request.args.to_dict(), **stated, "limit": read_count("limit", MOST, MOST), "cursor": cursor}
        response.headers["Link"] = f'<{site().base_url}{request.path}?{urlencode(query)}>; rel="next"'
    return response


def _in_order(items: Sequence[Mapping[str, Any]], order: Sequence[str]) -> list[tuple[list[str], Mapping[str, Any]]]:
    """Return the items, each with its place, by their places."""
    alike: Counter[tuple[str, ...]] = Counter()
    found = []
    for item in items:
        place = tuple(_text_of(item, key) for key in order)
        found.append(([*place, _in_digits(alike[place])], item))
        alike[place] += 1
    return sorted(found, key=lambda entry: entry[0])


def _text_of(item: Mapping[str, Any], key: str) -> str:
    if key.startswith("-"):
        return _in_digits(_ALL_DIGITS - item[key[1:]])
    value = item[key]
    return _in_digits(value) if isinstance(value, int) else value or ""


def _in_digits(number: int) -> str:
    """Word a number so that texts are in order as their numbers are."""
    return f"{number:09}"
