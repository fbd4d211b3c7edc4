"""CSV as spreadsheet programs save it, as rows of cells (RFC 4180, and what else is met)."""

import csv
import io
import re
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from typing import NamedTuple

from app.ical.unread import Unread
from app.intake.header import LOOKED_AT, CellRow, Header, find_header
from app.intake.problem import unreadable

_BOMS_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_OLD_WORKBOOK = b"\xd0\xcf\x11\xe0"
_LINE_END = re.compile("\r+\n|\r")
# Excel's own first line, which says what separates the cells: ``sep=;``.
_STATED = re.compile('"?sep=([^"\n])"?[,;\t]*\n', re.IGNORECASE)
_SEPARATORS = ",;\t"
_WINDOWS_REMARK = "The sheet is not UTF-8; it was read as Windows text (CP1252)."
_SAVE = "In the spreadsheet program, save it as CSV UTF-8 or as an Excel workbook (.xlsx)."


class CsvText(NamedTuple):
    """The text of a CSV file, its lines ended by line feeds; what separates its cells; a remark on how it was read."""

    text: str
    separator: str
    is_stated: bool
    header: Header
    remarks: tuple[str, ...]

    def rows(self) -> Iterator[CellRow]:
        """Yield all rows, the header among them. Raise ``csv.Error``."""
        return _rows(self.text, self.separator, is_stated=self.is_stated)

    def swallows_rows(self, row: CellRow) -> bool:
        """Tell whether a cell of several lines holds what look like rows: its quotation mark closes further down."""
        for cell in row.cells:
            if "\n" in cell and any(line.count(self.separator) > 1 for line in cell.split("\n")[1:]):
                return True
        return False


def read_csv(octets: bytes, longest: int | None) -> CsvText:
    """Read CSV. Raise ``NoticeUnreadable`` for what is no text in lines of at most ``longest`` characters.

    The separator is the stated one, or the first of comma, semicolon and tab by which there is a header row. A carriage
    return alone ends a line too, as old Macintosh programs write it.
    """
    text, remarks = _decoded(octets)
    text = _LINE_END.sub("\n", text)
    if longest is not None and max(map(len, text.split("\n"))) > longest:
        raise unreadable(Unread("line-too-long", "A line of the sheet is too long.", "Save the sheet as CSV again."))
    stated = _STATED.match(text)
    found = []
    for separator in dict.fromkeys((stated[1] if stated else "") + _SEPARATORS):
        header = find_header(_first_rows(text, separator, is_stated=stated is not None))
        found.append(CsvText(text, separator, stated is not None, header, remarks))
    return min(found, key=lambda one: len(one.header.missing))


def _first_rows(text: str, separator: str, *, is_stated: bool) -> Iterator[CellRow]:
    # By another separator the quotation marks need not fit.
    with suppress(csv.Error):
        yield from islice(_rows(text, separator, is_stated=is_stated), LOOKED_AT)


def _rows(text: str, separator: str, *, is_stated: bool) -> Iterator[CellRow]:
    reader = csv.reader(io.StringIO(text, newline="\n"), delimiter=separator, strict=True)
    if is_stated:
        next(reader)
    number = reader.line_num + 1
    for cells in reader:
        yield CellRow(number, cells)
        number = reader.line_num + 1


def _decoded(octets: bytes) -> tuple[str, tuple[str, ...]]:
    """Return the text: Unicode by its mark or by its zeros, UTF-8, or else Windows' own, which is Excel's plain CSV."""
    if not octets.strip():
        raise unreadable(Unread("empty", "The sheet is empty.", "Send a header row and a row for each closure."))
    if octets.startswith(_OLD_WORKBOOK):
        text = "This is a workbook of old Excel (.xls), or one with a password."
        raise unreadable(Unread("workbook", text, "Save it as an Excel workbook (.xlsx) without a password."))
    encodings = ["utf-8-sig", "cp1252"]
    if octets.startswith(_BOMS_UTF16):
        encodings = ["utf-16"]
    elif octets.count(0) * 4 > len(octets):
        encodings = ["utf-16-le" if octets[1::2].count(0) > octets[::2].count(0) else "utf-16-be"]
    for encoding in encodings:
        try:
            text = octets.decode(encoding)
        except UnicodeDecodeError:
            continue
        if text.lstrip().startswith("<"):
            raise unreadable(Unread("markup", "This is a web page or XML, not a sheet.", _SAVE))
        return text, (_WINDOWS_REMARK,) if encoding == "cp1252" else ()
    raise unreadable(Unread("not-text", "The sheet is not text, as CSV is.", _SAVE))
