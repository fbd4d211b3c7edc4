"""The entries of the log as people look through them: the latest first, a page at a time. No closure is in them."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.register.register import Register
from app.store.engine import read_head
from app.store.log import KINDS, LoggedEntry, latest_entries

__all__ = ["KINDS", "EntryPage", "read_entries"]

_ON_A_PAGE = 50


@dataclass(frozen=True, slots=True)
class EntryPage:
    """``size`` is that of the whole log; ``older`` the position to ask before for the next page, None at its end."""

    entries: Sequence[LoggedEntry]
    size: int
    older: int | None


def read_entries(register: Register, kind: str | None, before: int | None) -> EntryPage:
    """Return a page of the entries before a position, of one ``kind`` or of all."""
    with register.store.reading() as connection:
        size = read_head(connection).log_size
        found = latest_entries(connection, kind, before, _ON_A_PAGE + 1)
    shown = found[:_ON_A_PAGE]
    return EntryPage(shown, size, shown[-1].position if len(found) > _ON_A_PAGE else None)
