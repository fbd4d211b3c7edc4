"""An Excel workbook (.xlsx, ECMA-376) as rows of cells: its first sheet, read by openpyxl within bounds."""

import re
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from io import BytesIO
from itertools import islice
from typing import IO, Any, NamedTuple

from app.domain.refusal import NoticeTooLarge
from app.ical.limits import Limits
from app.ical.unread import FAULTS, Unread
from app.intake.header import LOOKED_AT, CellRow, Header, find_header
from app.intake.ical import check_count
from app.intake.problem import unreadable

WORKBOOK_MARK = b"PK\x03\x04"
# Of all parts together, unpacked: for a sheet without rows, and for each row that a notice may have.
_OCTETS, _OCTETS_OF_ROW = 2_000_000, 3_000
_TAGS, _TAGS_OF_ROW = 20_000, 100
# Of each part that holds neither rows nor their texts: what is made of its tags is dear. A stretch without tags may
# hold a number format, which openpyxl searches in the square of its length.
_OCTETS_OF_PART, _TAGS_OF_PART, _STRETCH = 500_000, 20_000, 1_000
_HOLDING_ROWS = ("xl/worksheets/", "xl/sharedStrings.xml", "xl/media/")
_STYLES = "xl/styles.xml"
_PARTS, _SHEETS, _COLUMNS = 1_000, 100, 100
_LAST_ROW = 1_048_576
_1904 = 1904
_WORDS_OF_FORMAT = re.compile(r'"[^"]*"|\[[^\]]*\]|\\.')
_VALUE = re.compile(rb"<(?:\w+:)?(?:v|is)[ >]")
# What openpyxl, the XML parsers and zipfile raise on hostile octets.
_FAULTS = (*FAULTS, SyntaxError, zipfile.BadZipFile, zlib.error, EOFError, RuntimeError)
_SAVE = "Open it in Excel and save it as an Excel workbook (.xlsx) without a password, or as CSV UTF-8."


class Workbook(NamedTuple):
    """The filled rows of the first sheet that is shown; whether any cell is a date; whether numbers count from 1904."""

    filled: list[CellRow]
    has_dates: bool
    from_1904: bool
    header: Header
    remarks: tuple[str, ...]

    def rows(self) -> Iterator[CellRow]:
        """Yield the rows."""
        return iter(self.filled)


def read_workbook(octets: bytes, limits: Limits | None) -> Workbook:
    """Read a workbook; ``limits`` are None for one that was found to be within them.

    Raise ``NoticeUnreadable``, or ``NoticeTooLarge`` before more is unpacked than the rows of a notice may take.
    """
    try:
        if limits is not None:
            _check_bounds(octets, limits)
        return _read(octets, limits)
    except _FAULTS as fault:
        raise unreadable(Unread("workbook", "This is no Excel workbook that can be read.", _SAVE)) from fault


def _check_bounds(octets: bytes, limits: Limits) -> None:
    """Refuse a workbook that is small only while it is packed; zipfile unpacks no more than a part states."""
    left = _OCTETS + _OCTETS_OF_ROW * limits.events
    tags_left = _TAGS + _TAGS_OF_ROW * limits.events
    with zipfile.ZipFile(BytesIO(octets)) as archive:
        parts = archive.infolist()
        if len(parts) > _PARTS or sum(part.file_size for part in parts) > left:
            raise _too_large()
        for part in parts:
            unpacked = archive.read(part)
            tags = unpacked.count(b"<")
            tags_left -= tags
            is_plain = part.filename.startswith(_HOLDING_ROWS)
            if tags_left < 0 or not (is_plain or (len(unpacked) <= _OCTETS_OF_PART and tags <= _TAGS_OF_PART)):
                raise _too_large()
            if part.filename == _STYLES and max(map(len, unpacked.split(b"<"))) > _STRETCH:
                raise _too_large()


def _too_large() -> NoticeTooLarge:
    return NoticeTooLarge(
        "The workbook unpacks to more than the rows of one notice may take.",
        "Copy the rows into a new workbook, or save the sheet as CSV UTF-8.",
    )


def _read(octets: bytes, limits: Limits | None) -> Workbook:
    # Loaded where a workbook comes, which few notices are.
    from openpyxl.reader.excel import ExcelReader  # noqa: PLC0415
    from openpyxl.styles.stylesheet import apply_stylesheet  # noqa: PLC0415

    # It speaks to programmers of what it will not write back, which nobody wants written.
    warnings.filterwarnings("ignore", module=r"openpyxl\.")
    # What ``load_workbook`` does, but for the sheets: it measures each, as often as the workbook names it.
    reader = ExcelReader(BytesIO(octets), read_only=True, data_only=True, keep_links=False)
    reader.read_manifest()
    reader.read_strings()
    reader.read_workbook()
    apply_stylesheet(reader.archive, reader.wb)
    shown = dict.fromkeys(
        relation.target
        for sheet, relation in islice(reader.parser.find_sheets(), _SHEETS)
        if sheet.state == "visible" and relation.target in reader.valid_files and "chartsheet" not in relation.Type
    )
    first, *others = shown
    with reader.archive.open(first) as source:
        filled, has_dates = _filled_rows(source, reader, limits)
    remarks: tuple[str, ...] = ()
    if any(_VALUE.search(reader.archive.read(other)) for other in others):
        remarks = ("Only the first sheet of the workbook was read.",)
    from_1904 = reader.wb.epoch.year == _1904
    return Workbook(filled, has_dates, from_1904, find_header(islice(filled, LOOKED_AT)), remarks)


def _filled_rows(source: IO[bytes], reader: Any, limits: Limits | None) -> tuple[list[CellRow], bool]:
    """Return the filled rows in the order of the file, and whether any cell is a date. Raise ``NoticeTooLarge``."""
    book = reader.wb
    days = {style for style in book._date_formats if not _shows_time(_format(book, style))}  # noqa: SLF001 - as below
    rows: list[CellRow] = []
    has_dates = False
    for number, cells in _parsed_rows(source, reader):
        if not 0 < number <= _LAST_ROW:
            raise ValueError(number)
        held = [cell for cell in cells if cell["value"] is not None and cell["column"] <= _COLUMNS]
        texts = [""] * max((cell["column"] for cell in held), default=0)
        for cell in held:
            has_dates = has_dates or isinstance(cell["value"], datetime)
            texts[cell["column"] - 1] = _text(cell["value"], is_day=cell["style_id"] in days)
        if any(map(str.strip, texts)):
            rows.append(CellRow(number, texts))
            if limits is not None:
                check_count(len(rows) - LOOKED_AT, limits)
    return rows, has_dates


def _parsed_rows(source: IO[bytes], reader: Any) -> Iterator[tuple[int, list[dict[str, Any]]]]:
    """Yield the number and the cells of each row as openpyxl parses them, and of what follows the rows nothing."""
    from openpyxl.worksheet._reader import FORMULA_TAG, ROW_TAG, WorkSheetParser  # noqa: PLC0415 - as above
    from openpyxl.xml.functions import iterparse  # noqa: PLC0415 - as above

    book = reader.wb
    parser = WorkSheetParser(
        source,
        reader.shared_strings,
        data_only=True,
        epoch=book.epoch,
        date_formats=book._date_formats,  # noqa: SLF001 - what openpyxl hands to its own parser
        timedelta_formats=book._timedelta_formats,  # noqa: SLF001 - as above
    )
    for _, element in iterparse(source):
        if element.tag != ROW_TAG:
            continue
        number, cells = parser.parse_row(element)
        for cell, child in zip(cells, element, strict=True):
            if cell["value"] is None and child.find(FORMULA_TAG) is not None:
                # A formula that was never calculated is left as one.
                cell["value"] = "="
        element.clear()
        yield number, cells


def _text(value: Any, *, is_day: bool) -> str:
    """Return a cell's value as text: a date as ISO 8601, as a day where it is shown as one and holds no time."""
    if isinstance(value, datetime):
        rounded = (value + timedelta(microseconds=500_000)).replace(microsecond=0)
        return rounded.date().isoformat() if is_day and rounded.time() == time() else rounded.isoformat()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return value.isoformat() if isinstance(value, date | time) else str(value)


def _format(book: Any, style: int) -> str:
    """Return the number format of a style."""
    from openpyxl.styles.numbers import BUILTIN_FORMATS, BUILTIN_FORMATS_MAX_SIZE  # noqa: PLC0415 - as above

    number = book._cell_styles[style].numFmtId  # noqa: SLF001 - where openpyxl's own cells look
    if number < BUILTIN_FORMATS_MAX_SIZE:
        return BUILTIN_FORMATS.get(number, "")
    return str(book._number_formats[number - BUILTIN_FORMATS_MAX_SIZE])  # noqa: SLF001 - as above


def _shows_time(number_format: str) -> bool:
    return any(letter in _WORDS_OF_FORMAT.sub("", number_format).lower() for letter in "hs")
