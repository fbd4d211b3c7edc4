"""The words that answers share. An answer is JSON whose ``answer`` is one short sentence made of the same values."""

from functools import lru_cache

from app.domain.london import LONDON, london_date, london_text
from app.domain.window import ClosureWindow


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
