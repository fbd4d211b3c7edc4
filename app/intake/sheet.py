"""A spreadsheet in: CSV, or an Excel workbook, with a header row (docs/sheets.md)."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass, replace

from app.domain.notice import NoticeContent
from app.domain.refusal import IntakeProblem
from app.ical.limits import Limits
from app.ical.unread import Unread
from app.intake.csv_cells import CsvText, read_csv
from app.intake.header import REQUIRED, CellRow, Header
from app.intake.ical import check_count, check_size
from app.intake.problem import problem_of, unreadable
from app.intake.read_request import ReadRequest
from app.intake.rows import Row, read_rows
from app.intake.sheet_times import SheetTimes, is_day_or_midnight, sheet_times_of
from app.intake.workbook import WORKBOOK_MARK, Workbook, read_workbook

TEMPLATE = b"gateway,starts,ends,reference\r\nGW-1,2026-12-06T02:00,2026-12-06T06:00,change-17\r\n"
_TIMES = ("starts", "ends")


@dataclass(frozen=True, slots=True)
class _Sheet:
    """The rows of a sheet, those that cannot be read at all as problems, and how it was read."""

    rows: list[Row]
    problems: list[IntakeProblem]
    remarks: tuple[str, ...]


def read_sheet(octets: bytes, request: ReadRequest) -> NoticeContent:
    """Read CSV or an Excel workbook. Raise ``NoticeTooLarge`` or ``NoticeUnreadable``.

    Times are those of ``sheet_times``; without offset they are London time. A UID is ``sheet:`` and the reference.
    """
    check_size(octets, request.limits)
    sheet = _read(octets, request.limits)
    problems = sheet.problems
    if not sheet.rows and not problems:
        problems = [problem_of(Unread("no-events", "The sheet holds no closure.", "Add a row under the header."))]
    content = read_rows(sheet.rows, problems, request, "sheet:")
    return replace(content, events=len(sheet.rows) + len(sheet.problems), remarks=sheet.remarks + content.remarks)


def rows_of_sheet(octets: bytes) -> list[Row]:
    """Return the rows of a sheet that was read, their times as ISO 8601."""
    return _read(octets, None).rows


def _read(octets: bytes, limits: Limits | None) -> _Sheet:
    """Read the rows; ``limits`` are None for a sheet that was found to be within them."""
    if octets.startswith(WORKBOOK_MARK):
        found: CsvText | Workbook = read_workbook(octets, limits)
    else:
        found = read_csv(octets, None if limits is None else limits.line_octets)
    header, columns = found.header, found.header.columns()
    rows, problems, above = [], [], False
    try:
        for row in found.rows():
            if row.number == header.number or not row.filled():
                continue
            unread = _unread_row(row, header, found)
            if unread is not None:
                problems.append(problem_of(unread))
            elif row.number < header.number:
                above = True
            else:
                rows.append(
                    Row(row.number, {name: row.cells[at] for name, at in columns.items() if at < len(row.cells)})
                )
            if limits is not None:
                check_count(len(rows) + len(problems), limits)
    except csv.Error as fault:
        raise unreadable(
            Unread("sheet", "The sheet is not CSV.", "Save it as CSV again; check the quotation marks.")
        ) from fault
    times = sheet_times_of(_stated_times(rows), from_1904=isinstance(found, Workbook) and found.from_1904)
    remarks = found.remarks + (_above(header) if above else ()) + times.remarks
    return _Sheet([_with_times(row, times) for row in rows], problems, remarks)


def _above(header: Header) -> tuple[str, ...]:
    return (f"Row {header.number} was taken for the header; what stands above it was not read.",)


def _unread_row(row: CellRow, header: Header, found: CsvText | Workbook) -> Unread | None:
    """Return why a row as a whole is not to be trusted, if it is not."""
    if row.number < header.number:
        if row.filled() < len(REQUIRED):
            return None
        text, remedy = "This row stands above the header row, so it was not read.", "Move the header row to the top."
    elif isinstance(found, Workbook):
        return None
    elif found.swallows_rows(row):
        text = "A cell of this row goes on over lines that look like rows of their own."
        remedy = "Check the quotation marks: each that opens a cell must close it."
    elif any(cell.strip() for cell in row.cells[header.width() :]):
        text = "This row has more cells than the header row has names."
        remedy = "Put quotation marks around a cell that holds the separator, or give each column a name."
    else:
        return None
    return Unread("row", text, remedy, line=row.number)


def _stated_times(rows: list[Row]) -> Iterator[tuple[int, str]]:
    for row in rows:
        for column in _TIMES:
            if row.values.get(column):
                yield row.line, row.values[column]


def _with_times(row: Row, times: SheetTimes) -> Row:
    """Return a row with its times as ISO 8601, or with why they are none."""
    values, faults = dict(row.values), {}
    for column in _TIMES:
        if not row.value(column):
            continue
        try:
            values[column] = times.read(values[column])
        except Unread as unread:
            faults[column] = unread
    if is_day_or_midnight(row.values.get("ends", "")) and ":" in values.get("starts", ""):
        text = "This number may be a whole day or the midnight with which it begins."
        faults["ends"] = Unread("time", text, "Show the cell as a date with its time and save the sheet again.")
    return replace(row, values=values, faults=faults)
