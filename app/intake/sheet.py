"""A spreadsheet in: CSV, or an Excel workbook, with a header row (docs/sheets.md)."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass, replace

from app.domain.notice import NoticeContent
from app.domain.refusal import IntakeProblem
from app.ical.limits import Limits
from app.ical.unread import Unread
from app.intake.csv_cells import CsvText, read_csv
from app.intake.header import REQUIRED, CellRow
from app.intake.ical import check_count, check_size
from app.intake.problem import problem_of, unreadable
from app.intake.read_request import ReadRequest
from app.intake.rows import Row, read_rows
from app.intake.sheet_times import SheetTimes, is_day_or_midnight, plain, sheet_times_of
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
    columns, width = found.header.columns(), found.header.width()
    rows, problems, remarks = [], [], list(found.remarks)
    try:
        for row, is_below in _placed(found):
            unread = _unread_below(row, found, width) if is_below else _unread_above(row)
            if unread is not None:
                problems.append(problem_of(unread))
            elif is_below:
                rows.append(_row(row, columns))
            elif len(remarks) == len(found.remarks):
                remarks.append(f"Row {found.header.number} was taken for the header; the title above it was not read.")
            if limits is not None:
                check_count(len(rows) + len(problems), limits)
    except csv.Error as fault:
        remedy = "Save it as CSV again; check the quotation marks."
        raise unreadable(Unread("sheet", "The sheet is not CSV.", remedy)) from fault
    times = sheet_times_of(_stated_times(rows), workbook=found if isinstance(found, Workbook) else None)
    return _Sheet([_with_times(row, times) for row in rows], problems, (*remarks, *times.remarks))


def _placed(found: CsvText | Workbook) -> Iterator[tuple[CellRow, bool]]:
    """Yield the rows with anything in them, but for the header, and whether each stands below it."""
    is_below = False
    for row in found.rows():
        if not is_below and found.header.is_of(row):
            is_below = True
        elif any(map(str.strip, row.cells)):
            yield row, is_below


def _unread_above(row: CellRow) -> Unread | None:
    if row.filled() < len(REQUIRED):
        return None
    text = "This row stands above the header row, so it was not read."
    return Unread("row", text, "Move the header row to the top.", line=row.number)


def _unread_below(row: CellRow, found: CsvText | Workbook, width: int) -> Unread | None:
    """Return why the cells of a row may not be those of their columns, if so; a workbook knows where each is."""
    if isinstance(found, Workbook):
        return None
    if found.swallows_rows(row):
        text = "A cell of this row goes on over lines that look like rows of their own."
        remedy = "Check the quotation marks: each that opens a cell must close it."
    elif len(row.cells) > width and any(map(str.strip, row.cells[width:])):
        text = "This row has more cells than the header row has names."
        remedy = "Put quotation marks around a cell that holds the separator, or give each column a name."
    else:
        return None
    return Unread("row", text, remedy, line=row.number)


def _row(row: CellRow, columns: dict[str, int]) -> Row:
    values = {name: row.cells[at] for name, at in columns.items() if at < len(row.cells)}
    for column in _TIMES:
        values[column] = plain(values.get(column, ""))
    return Row(row.number, values)


def _stated_times(rows: list[Row]) -> Iterator[tuple[int, str]]:
    return ((row.line, row.values[column]) for row in rows for column in _TIMES if row.values[column])


def _with_times(row: Row, times: SheetTimes) -> Row:
    """Return a row with its times as ISO 8601, or with why they are none."""
    read, faults = {}, {}
    for column in _TIMES:
        stated = row.values[column]
        try:
            read[column] = times.read(stated) if stated else ""
        except Unread as unread:
            read[column], faults[column] = stated, unread
    if ":" in read["starts"] and is_day_or_midnight(row.values["ends"]):
        text = "This number may be a whole day or the midnight with which it begins."
        faults["ends"] = Unread("time", text, "Show the cell as a date with its time and save the sheet again.")
    if not faults and read.items() <= row.values.items():
        return row
    return Row(row.line, {**row.values, **read}, faults)
