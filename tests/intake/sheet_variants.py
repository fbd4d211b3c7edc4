"""Sheets as people make them, for the tables of docs/sheets.md: what each holds, and the words for what was read."""

import csv
import io
import re
from datetime import UTC, date, datetime, time

from openpyxl import Workbook

from app.domain.london import london_text
from app.domain.refusal import NoticeTooLarge, NoticeUnreadable
from app.intake.media import read_notice
from app.intake.read_request import ReadRequest

ASKING = ReadRequest(now=datetime(2026, 9, 1, 12, tzinfo=UTC), gateways=("GW-1",))
HEADER = ["gateway", "starts", "ends", "reference"]
ROW = ["GW-1", "2026-12-06T02:00", "2026-12-06T06:00", "a"]
NEXT = ["GW-1", "2026-12-13T02:00", "2026-12-13T06:00", "b"]


def as_csv(*rows, separator=",", end="\r\n"):
    table = io.StringIO()
    csv.writer(table, delimiter=separator, lineterminator=end).writerows(rows)
    return table.getvalue()


def as_workbook(*rows, formats=(), others=(), from_1904=False, first_row=1):
    """Octets of a workbook with one sheet of ``rows``; ``formats`` are (row, column, number format)."""
    book = Workbook()
    if from_1904:
        book.epoch = datetime(1904, 1, 1)
    sheet = book.active
    for at, row in enumerate(rows, first_row):
        for column, value in enumerate(row, 1):
            sheet.cell(at, column).value = value
    for row, column, number_format in formats:
        sheet.cell(row, column).number_format = number_format
    for title, cell in others:
        book.create_sheet(title)["A1"] = cell
    held = io.BytesIO()
    book.save(held)
    return held.getvalue()


def with_hidden_first_sheet():
    book = Workbook()
    book.active.sheet_state = "hidden"
    shown = book.create_sheet("Closures")
    for row in (HEADER, ROW):
        shown.append(row)
    held = io.BytesIO()
    book.save(held)
    return held.getvalue()


DATED = ["GW-1", datetime(2026, 12, 6, 2), datetime(2026, 12, 6, 6), "a"]
WHOLE = ["GW-1", date(2026, 12, 6), date(2026, 12, 7), "a"]
SIMPLE = as_csv(HEADER, ROW)
FILES = {
    "CSV with commas": SIMPLE.encode(),
    "CSV with semicolons": as_csv(HEADER, ROW, separator=";").encode(),
    "tab-separated text": as_csv(HEADER, ROW, separator="\t").encode(),
    "CSV after a line `sep=;`": b"sep=;\r\n" + as_csv(HEADER, ROW, separator=";").encode(),
    "CSV after a line `sep=\\|`": b"sep=|\r\n" + as_csv(HEADER, ROW, separator="|").encode(),
    "CSV after a line `sep=;`, with commas all the same": b"sep=;\r\n" + SIMPLE.encode(),
    "CSV UTF-8 (with a byte order mark)": SIMPLE.encode("utf-8-sig"),
    "Unicode text (UTF-16, tabs)": as_csv(HEADER, ROW, separator="\t").encode("utf-16"),
    "UTF-16 without a byte order mark": SIMPLE.encode("utf-16-le"),
    "UTF-16, high octet first": b"\xfe\xff" + SIMPLE.encode("utf-16-be"),
    "Excel's plain CSV (CP1252), a reference `café`": as_csv(HEADER, [*ROW[:3], "café"]).encode("cp1252"),
    "CSV of old Macs (CR ends each line)": as_csv(HEADER, ROW, NEXT, end="\r").encode(),
    "CSV with one CR among lines of CR LF": as_csv(HEADER, ROW).encode().replace(b",a\r\n", b",a\r")
    + as_csv(NEXT).encode(),
    "CSV with CR CR LF": as_csv(HEADER, ROW, NEXT, end="\r\r\n").encode(),
    "CSV with a CR inside a quoted note": as_csv([*HEADER, "notes"], [*ROW, "one\rtwo"]).encode(),
    "a title and a blank row above the header": as_csv(["Planned closures 2026"], [], HEADER, ROW).encode(),
    "a title with commas, the table with semicolons": b"Closures, planned, of GW-1\r\n"
    + as_csv(HEADER, ROW, separator=";").encode(),
    "a row of data above the header": as_csv(NEXT, HEADER, ROW).encode(),
    "names in capitals, in another order, with notes": as_csv(
        ["Notes", "ENDS", " Starts", "Gateway", "Reference"], ["x", ROW[2], ROW[1], "gw-1", "a"]
    ).encode(),
    "a comma in a note without quotation marks": as_csv([*HEADER, "notes"], ROW).encode()
    + b"GW-1,2026-12-13T02:00,2026-12-13T06:00,b,one, two\r\n",
    "a quotation mark that closes two rows later": as_csv(HEADER, ROW).encode()
    + b'GW-1,2026-12-13T02:00,2026-12-13T06:00,"b\r\n'
    + as_csv(["GW-1", "2026-12-20T02:00", "2026-12-20T06:00", 'c"'], end="\r\n").encode().replace(b'"c"""', b'c"'),
    "a quotation mark that is never closed": as_csv(HEADER, ROW).encode() + b'GW-1,"2026-12-13T02:00,x,b\r\n',
    "no header row": as_csv(ROW).encode(),
    "the header row alone": as_csv(HEADER).encode(),
    "Excel, cells with date and time": as_workbook(HEADER, DATED),
    "Excel, cells shown as dates without times": as_workbook(HEADER, WHOLE),
    "Excel, midnight shown with its time": as_workbook(
        HEADER, ["GW-1", datetime(2026, 12, 6), datetime(2026, 12, 7), "a"]
    ),
    "Excel, shown in capitals (LibreOffice: `DD/MM/YYYY HH:MM`)": as_workbook(
        HEADER,
        ["GW-1", datetime(2026, 12, 6), datetime(2026, 12, 7), "a"],
        formats=[(2, 2, "DD/MM/YYYY HH:MM"), (2, 3, "DD/MM/YYYY HH:MM")],
    ),
    "Excel, numbers that were never shown as dates": as_workbook(HEADER, ["GW-1", 46362.0833333333, 46362.25, 17]),
    "Excel, whole numbers that were never shown as dates": as_workbook(HEADER, ["GW-1", 46362, 46363, "a"]),
    "Excel, a number with a time, and a whole one": as_workbook(HEADER, ["GW-1", 46362.0833333333, 46363, "a"]),
    "Excel, counted from 1904": as_workbook(HEADER, DATED, from_1904=True),
    "Excel, numbers counted from 1904": as_workbook(HEADER, ["GW-1", 44900.0833333333, 44900.25, "a"], from_1904=True),
    "Excel, dates as text": as_workbook(HEADER, ["GW-1", "13/12/2026 2am", "13/12/2026 6am", "a"]),
    "Excel set to month first: 06/12 became a date, 13/12 stayed text": as_workbook(
        HEADER,
        ["GW-1", datetime(2026, 6, 12, 2), datetime(2026, 6, 12, 6), "a"],
        ["GW-1", "13/12/2026 02:00", "13/12/2026 06:00", "b"],
    ),
    "Excel, a title above the header": as_workbook(["Planned closures"], [], HEADER, DATED),
    "Excel, the table far down": as_workbook(HEADER, DATED, first_row=900),
    "Excel, a comment right of the table": as_workbook(HEADER, [*DATED, None, "ask Jo"]),
    "Excel, a formula that was never calculated": as_workbook(HEADER, DATED, ["GW-1", "=B2+7", "=C2+7", "b"]),
    "Excel, a time without its date": as_workbook(HEADER, DATED, ["GW-1", datetime(2026, 12, 13, 2), time(6), "b"]),
    "Excel, withdrawn ticked as TRUE": as_workbook([*HEADER, "withdrawn"], ["GW-1", None, None, "a", True]),
    "Excel, a second sheet with something in it": as_workbook(HEADER, DATED, others=[("More", "GW-1")]),
    "Excel, a second sheet without anything": as_workbook(HEADER, DATED, others=[("Sheet2", None)]),
    "Excel, the first sheet hidden": with_hidden_first_sheet(),
    "a workbook of old Excel (.xls), or one with a password": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 512,
    "a web page named .xls or .csv": b"<html><table><tr><td>gateway</td></tr></table></html>",
    "a ZIP file that is no workbook": b"PK\x03\x04 is not enough",
}


def file_of_cells(starts, ends, beside):
    """Octets of a sheet with a row of these cells, and one of the cell ``beside``, which has a day of its own."""
    rows = [["GW-1", starts, ends, "a"], *([["GW-1", beside, beside, "b"]] if beside else [])]
    return as_csv(HEADER, *rows).encode()


def words_of(octets, *, without_row=0):
    """Say what was read of a sheet, but for one row of it."""
    try:
        content = read_notice(octets, "text/csv", ASKING)
    except (NoticeUnreadable, NoticeTooLarge) as refused:
        return f"Refused: {refused.text}"
    read = [" ".join([_window(one), *one.remarks]) for one in content.announcements if one.line != without_row]
    asked = [f"Asks: {problem.text}" for problem in content.problems if problem.line != without_row]
    return " ".join([*read, *asked, *content.remarks])


def _window(announcement):
    if announcement.window is None:
        return "Withdrawn."
    return f"{london_text(announcement.window.starts)} to {london_text(announcement.window.ends)}."


def table_of(page, head):
    """The rows of the table of a page whose head begins with ``head``, each as its cells."""
    lines = page[page.index(head) :].split("\n\n")[0].splitlines()[2:]
    return [tuple(cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]) for line in lines]
