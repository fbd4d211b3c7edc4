"""The answer to a question: one short sentence for people, and the facts for programs, made from the same values."""

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from app.domain.london import LONDON, london_date, london_text, utc_text
from app.domain.window import ClosureWindow


@dataclass(frozen=True, slots=True)
class Answer:
    """``sentence`` is the answer in words, ``facts`` the same as JSON; a door may say either or both."""

    sentence: str
    facts: dict[str, Any]

    def as_json(self) -> dict[str, Any]:
        """Return both, the sentence first."""
        return {"answer": self.sentence, **self.facts}


def span_facts(span: ClosureWindow, as_of: datetime | None) -> dict[str, Any]:
    """Return what was asked about: the span, and the instant at which it was known."""
    return {
        "from": utc_text(span.starts),
        "to": utc_text(span.ends),
        "as_of": None if as_of is None else utc_text(as_of),
    }


def window_facts(window: ClosureWindow) -> dict[str, str]:
    """Return a window in UTC and in London time."""
    return {
        "starts": utc_text(window.starts),
        "ends": utc_text(window.ends),
        "starts_london": london_text(window.starts),
        "ends_london": london_text(window.ends),
    }


@lru_cache(maxsize=4096)  # as london_text
def span_words(window: ClosureWindow) -> str:
    """Word a window in London time, what both ends share named once: ``Sun 6 Dec 2026 02:00-04:00 GMT``."""
    starts, ends = (instant.astimezone(LONDON) for instant in (window.starts, window.ends))
    if london_date(window.starts) == london_date(window.ends) and starts.utcoffset() == ends.utcoffset():
        return f"{starts:%a} {starts.day} {starts:%b %Y %H:%M}-{ends:%H:%M %Z}"
    return f"{london_text(window.starts)} to {london_text(window.ends)}"


def count_words(count: int, one: str, several: str = "") -> str:
    """Word a count: ``no gateways``, ``1 gateway``, ``2 gateways``."""
    return f"{count or 'no'} {one if count == 1 else several or one + 's'}"


def sentence_of(text: str) -> str:
    """Return ``text`` with a capital at its start and a full stop at its end."""
    return f"{text[:1].upper()}{text[1:]}."
