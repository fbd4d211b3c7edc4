"""If-Match and If-None-Match as sets of tags (RFC 9110 13.1)."""

import re
from collections.abc import Mapping

from app.caldav.backend import Condition

_TAG = re.compile(r'(W/)?"([^"]*)"|(\*)|([^\s,"]+)')


def read_condition(headers: Mapping[str, str]) -> Condition:
    """Read both headers. If-Match compares strongly, so a weak tag there matches nothing (RFC 9110 13.1.1)."""
    return Condition(match=_tags(headers.get("if-match"), weak=False), none_match=_tags(headers.get("if-none-match")))


def _tags(text: str | None, *, weak: bool = True) -> frozenset[str] | None:
    if text is None:
        return None
    # Some clients leave the quotation marks out; what they mean is plain.
    found = [(match[1], match[2] if match[2] is not None else match[3] or match[4]) for match in _TAG.finditer(text)]
    return frozenset(tag for is_weak, tag in found if weak or not is_weak)
