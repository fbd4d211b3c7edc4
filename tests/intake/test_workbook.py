"""Excel workbooks through the reading of notices: what is read of one, and that no hostile one costs much."""

import io
import subprocess
import sys
import zipfile
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from openpyxl import Workbook

from app.domain.notice import Announcement
from app.domain.refusal import NoticeTooLarge, NoticeUnreadable
from app.domain.window import ClosureWindow
from app.ical.limits import Limits
from app.intake.media import media_type_of_file, read_notice

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MAIN = b'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
HEADER = ["gateway", "starts", "ends", "reference"]
ROW = ["GW-1", datetime(2027, 1, 10, 22), datetime(2027, 1, 11, 4), "chg-1"]
WINDOW = ClosureWindow(datetime(2027, 1, 10, 22, tzinfo=UTC), datetime(2027, 1, 11, 4, tzinfo=UTC))


def workbook(*rows):
    book = Workbook()
    for row in rows:
        book.active.append(row)
    held = io.BytesIO()
    book.save(held)
    return held.getvalue()


def with_parts(octets, parts):
    """The workbook with some of its parts replaced."""
    held = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(octets)) as before, zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as after:
        kept = {name: before.read(name) for name in before.namelist()}
        for name, part in (kept | parts).items():
            after.writestr(name, part)
    return held.getvalue()


def sheet_xml(rows):
    return b"<worksheet " + MAIN + b"><sheetData>" + rows + b"</sheetData></worksheet>"


def inline(place, text):
    return f'<c r="{place}" t="inlineStr"><is><t>{text}</t></is></c>'.encode()


HEADER_XML = (
    b'<row r="1">' + b"".join(inline(f"{at}1", name) for at, name in zip("ABCD", HEADER, strict=True)) + b"</row>"
)


def row_xml(number, reference, day="2027-01-10"):
    cells = ["GW-1", f"{day}T22:00", f"{day}T23:00", reference]
    held = b"".join(inline(f"{at}{number}", text) for at, text in zip("ABCD", cells, strict=True))
    return f'<row r="{number}">'.encode() + held + b"</row>"


@pytest.mark.parametrize(
    "media_type", [XLSX, "text/csv", "application/vnd.ms-excel", "application/octet-stream", "Q1.XLSX", ""]
)
def test_a_workbook_is_known_by_its_octets_whatever_it_is_called(asking, media_type):
    reading = read_notice(workbook(HEADER, ROW), media_type, asking)
    assert reading.announcements == (Announcement(uid="sheet:chg-1", gateway="GW-1", window=WINDOW, line=2),)
    assert (reading.problems, reading.remarks, reading.events) == ((), (), 1)


def test_csv_that_is_called_a_workbook_is_read(asking):
    octets = b"gateway,starts,ends,reference\r\nGW-1,2027-01-10T22:00,2027-01-11T04:00,chg-1\r\n"
    assert [one.window for one in read_notice(octets, XLSX, asking).announcements] == [WINDOW]


@pytest.mark.parametrize(
    ("name", "media_type"),
    [
        ("Closures Q1.XLSX", XLSX),
        ("a.csv", "text/csv"),
        ("a.ics", "text/calendar"),
        ("a.json", "application/json"),
        ("xlsx", "application/octet-stream"),
        ("a.pdf", "application/octet-stream"),
    ],
)
def test_the_ending_of_a_file_says_what_it_is(name, media_type):
    assert media_type_of_file(name) == media_type


def test_a_second_that_is_not_quite_one_is_rounded(asking):
    """02:00 on 10 January 2027 as Excel computes it from parts."""
    octets = workbook(
        HEADER, ["GW-1", datetime(2027, 1, 10, 1, 59, 59, 999_000), datetime(2027, 1, 10, 6, 0, 0, 1000), "a"]
    )
    (one,) = read_notice(octets, XLSX, asking).announcements
    assert (one.window.starts, one.window.ends) == (
        datetime(2027, 1, 10, 2, tzinfo=UTC),
        datetime(2027, 1, 10, 6, tzinfo=UTC),
    )


@pytest.mark.parametrize(
    ("cell", "reference"),
    [(17, "17"), (17.0, "17"), (1e15, "1000000000000000"), (1.5, "1.5"), ("017", "017"), (" a ", "a")],
)
def test_a_reference_may_be_a_number(asking, cell, reference):
    (one,) = read_notice(workbook(HEADER, [*ROW[:3], cell]), XLSX, asking).announcements
    assert one.uid == f"sheet:{reference}"


def test_what_reads_workbooks_is_loaded_for_workbooks_alone():
    code = "import sys, app.intake.media; print([name for name in ('openpyxl', 'defusedxml') if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"


def test_numbers_without_order_lose_no_row(asking):
    rows = (
        HEADER_XML + row_xml(5, "a") + row_xml(5, "b", "2027-02-10") + row_xml(3, "c", "2027-03-10") + row_xml(1, "d")
    )
    reading = read_notice(with_parts(workbook(HEADER), {"xl/worksheets/sheet1.xml": sheet_xml(rows)}), XLSX, asking)
    assert [(one.uid, one.line) for one in reading.announcements] == [
        ("sheet:a", 5),
        ("sheet:b", 5),
        ("sheet:c", 3),
        ("sheet:d", 1),
    ]


def test_the_last_row_that_excel_has_costs_no_more(asking):
    rows = HEADER_XML + row_xml(1_048_576, "a")
    reading = read_notice(with_parts(workbook(HEADER), {"xl/worksheets/sheet1.xml": sheet_xml(rows)}), XLSX, asking)
    assert [one.line for one in reading.announcements] == [1_048_576]


def test_what_follows_the_rows_is_not_looked_at(asking):
    tail = b"<mergeCells><mergeCell ref='nowhere'/></mergeCells><dataValidations><dataValidation sqref='?'/></dataValidations>"
    part = sheet_xml(HEADER_XML + row_xml(2, "a")).replace(b"</sheetData>", b"</sheetData>" + tail)
    reading = read_notice(with_parts(workbook(HEADER), {"xl/worksheets/sheet1.xml": part}), XLSX, asking)
    assert [one.uid for one in reading.announcements] == ["sheet:a"]


def test_a_cell_in_the_last_column_is_beside_the_table(asking):
    rows = HEADER_XML + row_xml(2, "a").replace(b"</row>", inline("XFD2", "far") + b"</row>")
    reading = read_notice(with_parts(workbook(HEADER), {"xl/worksheets/sheet1.xml": sheet_xml(rows)}), XLSX, asking)
    assert [one.uid for one in reading.announcements] == ["sheet:a"]


@pytest.mark.parametrize(
    "parts",
    [
        {"xl/media/image1.png": b"\0" * 6_000_000},
        {"xl/sharedStrings.xml": b"<sst " + MAIN + b">" + b"<si><t>" + b"a" * 5_100_000 + b"</t></si></sst>"},
        {"xl/styles.xml": b"<styleSheet " + MAIN + b"><cellXfs>" + b"<xf/>" * 20_000 + b"</cellXfs></styleSheet>"},
        {"xl/styles.xml": b"<styleSheet " + MAIN + b"><numFmt formatCode='" + b"[" * 1_001 + b"'/></styleSheet>"},
        {"xl/workbook.xml": b"<workbook " + MAIN + b"><definedName>" + b"a" * 500_000 + b"</definedName></workbook>"},
        {"xl/worksheets/sheet1.xml": sheet_xml(HEADER_XML + b"<row>" + b"<c/>" * 120_000 + b"</row>")},
        {f"xl/media/{at}.png": b"" for at in range(1_001)},
    ],
    ids=["octets", "text", "styles", "format", "names", "cells", "parts"],
)
def test_what_is_small_only_while_packed_is_refused_before_it_is_read(asking, parts):
    octets = with_parts(workbook(HEADER, ROW), parts)
    assert len(octets) < 200_000
    with pytest.raises(NoticeTooLarge) as refused:
        read_notice(octets, XLSX, asking)
    assert refused.value.text == "The workbook unpacks to more than the rows of one notice may take."


def test_a_part_that_lies_about_its_size_is_not_unpacked(asking):
    octets = with_parts(workbook(HEADER, ROW), {"xl/media/image1.png": b"\0" * 50_000_000})
    lying = octets.replace((50_000_000).to_bytes(4, "little"), (10).to_bytes(4, "little"))
    with pytest.raises(NoticeUnreadable) as refused:
        read_notice(lying, XLSX, asking)
    assert [problem.code for problem in refused.value.problems] == ["workbook"]


ENTITIES = (
    b'<?xml version="1.0"?><!DOCTYPE lol [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">'
    b'<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;"><!ENTITY d SYSTEM "file:///etc/passwd">]>'
)


@pytest.mark.parametrize(
    "parts",
    [
        {"xl/worksheets/sheet1.xml": ENTITIES + sheet_xml(HEADER_XML + row_xml(2, "&c;"))},
        {"xl/worksheets/sheet1.xml": ENTITIES + sheet_xml(HEADER_XML + row_xml(2, "&d;"))},
        {"xl/worksheets/sheet1.xml": sheet_xml(HEADER_XML)[:-9]},
        {"xl/worksheets/sheet1.xml": b"\xff\xfe\0"},
        {"xl/worksheets/sheet1.xml": sheet_xml(HEADER_XML + row_xml(1_048_577, "a"))},
        {"xl/workbook.xml": b""},
        {"xl/workbook.xml": b"<workbook " + MAIN + b"><sheets/></workbook>"},
        {"xl/styles.xml": b"<styleSheet>"},
        {"[Content_Types].xml": b"<Types/>"},
    ],
)
def test_a_workbook_that_cannot_be_read_is_refused_in_words(asking, parts):
    with pytest.raises(NoticeUnreadable) as refused:
        read_notice(with_parts(workbook(HEADER, ROW), parts), XLSX, asking)
    assert [(problem.code, problem.text) for problem in refused.value.problems] == [
        ("workbook", "This is no Excel workbook that can be read.")
    ]


def test_any_octet_may_be_wrong_and_the_answer_is_in_words(asking):
    octets = workbook(HEADER, ROW)
    refusals = []
    for at in range(0, len(octets), 97):
        broken = octets[:at] + bytes([octets[at] ^ 0x55]) + octets[at + 1 :]
        try:
            read_notice(broken, XLSX, asking)
        except (NoticeUnreadable, NoticeTooLarge) as refused:
            refusals.append(refused)
    assert len(refusals) > 20
    assert all(refused.remedy for refused in refusals)


def test_one_sheet_named_many_times_is_read_once(asking):
    octets = workbook(HEADER, ROW)
    with zipfile.ZipFile(io.BytesIO(octets)) as archive:
        book = archive.read("xl/workbook.xml")
    start, end = book.index(b"<sheet "), book.index(b"</sheets>")
    many = (
        book[:start]
        + b"".join(book[start:end].replace(b'"Sheet"', f'"S{at}"'.encode()) for at in range(2_000))
        + book[end:]
    )
    reading = read_notice(with_parts(octets, {"xl/workbook.xml": many}), XLSX, asking)
    assert ([one.uid for one in reading.announcements], reading.remarks) == (["sheet:chg-1"], ())


def test_a_workbook_holds_as_many_rows_as_a_notice(asking):
    few = replace(asking, limits=Limits(events=30))
    rows = [["GW-1", datetime(2027, 1, 1 + at, 22), datetime(2027, 1, 1 + at, 23), f"r{at}"] for at in range(31)]
    assert len(read_notice(workbook(HEADER, *rows[:30]), XLSX, few).announcements) == 30
    with pytest.raises(NoticeTooLarge):
        read_notice(workbook(HEADER, *rows), XLSX, few)
