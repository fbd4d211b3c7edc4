"""The header row of a sheet: which row names the columns, and where each is."""

from collections.abc import Iterable
from typing import NamedTuple

from app.ical.unread import Unread
from app.intake.problem import unreadable
from app.intake.rows import COLUMNS

REQUIRED = ("gateway", "starts", "ends")
LOOKED_AT = 20  # rows: a title and a few lines of explanation may stand above the header
_REMEDY = "Start with the header row gateway,starts,ends,reference; the template shows it."


class CellRow(NamedTuple):
    """One row of a sheet: ``number`` is the one that its reader sees beside it, from 1."""

    number: int
    cells: list[str]

    def filled(self) -> int:
        """Count the cells with anything in them."""
        return sum(bool(cell.strip()) for cell in self.cells)


class Header(NamedTuple):
    """The row that names most of the columns that a closure needs, its names, and those that it lacks."""

    number: int
    names: list[str]
    missing: tuple[str, ...]

    def is_of(self, row: CellRow) -> bool:
        """Tell whether this is the header's own row."""
        return row.number == self.number and names_of(row) == self.names

    def columns(self) -> dict[str, int]:
        """Return where each known column is, from 0. Raise ``NoticeUnreadable`` where the row is no header."""
        if self.missing:
            text = f"The header row lacks {', '.join(self.missing)}."
        elif any(self.names.count(name) > 1 for name in COLUMNS):
            text = "The header row names a column twice."
        else:
            return {name: self.names.index(name) for name in COLUMNS if name in self.names}
        raise unreadable(Unread("header", text, _REMEDY, line=self.number))

    def width(self) -> int:
        """Return how many columns there are up to the last that has a name."""
        return max(at for at, name in enumerate(self.names, 1) if name)


def names_of(row: CellRow) -> list[str]:
    """Return the names of columns that a row may be."""
    return [" ".join(cell.split()).lower() for cell in row.cells]


def find_header(rows: Iterable[CellRow]) -> Header:
    """Return the header among the first rows of a sheet: the first that lacks nothing, or else the best."""
    best = Header(1, [], REQUIRED)
    for row in rows:
        names = names_of(row)
        missing = tuple(name for name in REQUIRED if name not in names)
        if len(missing) < len(best.missing):
            best = Header(row.number, names, missing)
        if not missing:
            break
    return best
