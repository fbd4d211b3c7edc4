"""A spreadsheet in: CSV with a header row, as any spreadsheet program saves it."""

import csv
import io
from collections.abc import Iterator

from app.domain.notice import NoticeContent
from app.domain.refusal import NoticeUnreadable
from app.ical.lines import plain_octets
from app.ical.unread import Unread
from app.intake.ical import check_count, check_size
from app.intake.problem import problem_of, unreadable
from app.intake.read_request import ReadRequest
from app.intake.rows import COLUMNS, Row, read_rows

TEMPLATE = b"gateway,starts,ends,reference\r\nGW-1,2026-12-06T02:00,2026-12-06T06:00,change-17\r\n"
_REQUIRED = ("gateway", "starts", "ends")
_HEADER = "Start with the header row gateway,starts,ends,reference; the template shows it."


def read_sheet(octets: bytes, request: ReadRequest) -> NoticeContent:
    """Read CSV, separated by comma, semicolon or tab. Raise ``NoticeTooLarge`` or ``NoticeUnreadable``.

    Times are ISO 8601; without offset they are London time. A UID is ``sheet:`` and the reference.
    """
    check_size(octets, request.limits)
    text = _text(octets)
    longest = max(map(len, text.split("\n")))
    if longest > request.limits.line_octets:
        raise unreadable(Unread("line-too-long", "A line of the sheet is too long.", "Save the sheet as CSV again."))
    rows = []
    try:
        for row in _rows(text):
            rows.append(row)
            check_count(len(rows), request.limits)
    except csv.Error as fault:
        raise unreadable(
            Unread("sheet", "The sheet is not CSV.", "Save it as CSV again; check the quotation marks.")
        ) from fault
    empty = Unread("no-events", "The sheet holds no closure.", "Add a row under the header.")
    problems = [] if rows else [problem_of(empty)]
    return read_rows(rows, problems, request, "sheet:")


def rows_of_sheet(octets: bytes) -> Iterator[Row]:
    """Yield the rows of a sheet that was read."""
    return _rows(_text(octets))


def _text(octets: bytes) -> str:
    try:
        return plain_octets(octets).decode("utf-8-sig")
    except Unread as unread:
        raise unreadable(unread) from unread
    except UnicodeDecodeError as fault:
        raise unreadable(Unread("not-utf-8", "The sheet is not UTF-8.", "Save it as CSV UTF-8.")) from fault


def _columns(header: list[str]) -> dict[str, int]:
    names = [name.strip().lower() for name in header]
    missing = [name for name in _REQUIRED if name not in names]
    if missing or len(set(names) - {""}) != len([name for name in names if name]):
        raise _no_header(missing)
    return {name: names.index(name) for name in COLUMNS if name in names}


def _no_header(missing: list[str]) -> NoticeUnreadable:
    text = f"The header row lacks {', '.join(missing)}." if missing else "The header row names a column twice."
    return unreadable(Unread("header", text, _HEADER, line=1))


def _rows(text: str) -> Iterator[Row]:
    """Yield the rows with anything in them; ``line`` is the physical line on which each begins."""
    header, _, _ = text.partition("\n")
    reader = csv.reader(io.StringIO(text), delimiter=max(",;\t", key=header.count), strict=True)
    columns = _columns(next(reader, []))
    line = reader.line_num + 1
    for cells in reader:
        if any(cell.strip() for cell in cells):
            yield Row(line, {name: cells[at] for name, at in columns.items() if at < len(cells)})
        line = reader.line_num + 1
