"""Reading answers of the API: an ETag on each, 304 where the asker has it, and pages with a way on."""

import base64
import binascii
import hashlib
import json
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

from flask import Response, request

from app.web.asking import QueryRefused, read_count
from app.web.refusals import app_json
from app.web.site import site

MOST = 1000


def conditional(response: Response) -> Response:
    """Return an answer with the ETag of its octets; 304 where If-None-Match names it (RFC 9110 13.1.2)."""
    response.set_etag(hashlib.sha256(response.get_data()).hexdigest()[:32])
    response.make_conditional(request)
    return response


def read_answer(facts: object) -> Response:
    """Return facts as JSON, with an ETag."""
    return conditional(app_json(facts))


def paged_answer(facts: dict[str, Any], name: str, order: Sequence[str]) -> Response:
    """Return one page of ``facts[name]``, with a Link to the next (RFC 8288) where there is one.

    ``order`` names the texts by which the items are put in order; together they tell any two apart. The other facts
    are the question as it was read: the link asks the same again, whatever the clock says by then.
    """
    limit, after = read_count("limit", MOST, MOST), _cursor(len(order))

    def place(item: dict[str, Any]) -> list[str]:
        return [str(item[key]).zfill(9) if isinstance(item[key], int) else item[key] for key in order]

    items = sorted(facts[name], key=place)
    left = [item for item in items if place(item) > after] if after else items
    page = left[:limit]
    response = read_answer({**facts, name: page})
    if len(left) > limit:
        stated = {key: value for key, value in facts.items() if isinstance(value, str)}
        query = {**request.args.to_dict(), **stated, "limit": limit, "cursor": _write_cursor(place(page[-1]))}
        response.headers["Link"] = f'<{site().base_url}{request.path}?{urlencode(query)}>; rel="next"'
    return response


def _write_cursor(place: list[str]) -> str:
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode().rstrip("=")


def _cursor(length: int) -> list[str]:
    """Return the place after which to go on; the empty list is the beginning."""
    text = request.args.get("cursor")
    if text is None:
        return []
    try:
        place = json.loads(base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True))
    except (ValueError, binascii.Error, RecursionError):
        place = None
    if not (isinstance(place, list) and len(place) == length and all(isinstance(one, str) for one in place)):
        raise QueryRefused("That is no cursor of ours.", "Follow the Link header of the page before.")
    return place
