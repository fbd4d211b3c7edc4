from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.notice import Announcement, NoticeContent
from app.domain.refusal import NoticeTooLarge, NoticeUnreadable
from app.domain.window import ClosureWindow
from app.ical.limits import Limits
from app.intake.read_request import ReadRequest
from app.intake.sheet import TEMPLATE, read_sheet

HEAD = "gateway,starts,ends,reference,withdrawn\r\n"
ROW = "GW-1,2026-12-06T02:00,2026-12-06T06:00,change-17,\r\n"
WINDOW = ClosureWindow(datetime(2026, 12, 6, 2, tzinfo=UTC), datetime(2026, 12, 6, 6, tzinfo=UTC))


@pytest.fixture
def sheet(asking):
    def _sheet(text, asking=asking):
        return read_sheet(text.encode() if isinstance(text, str) else text, asking)

    return _sheet


def test_the_template_reads_as_what_it_shows(sheet):
    assert sheet(TEMPLATE) == NoticeContent(
        announcements=(Announcement(uid="sheet:change-17", gateway="GW-1", window=WINDOW, line=2),),
        problems=(),
        whole_uids=frozenset({"sheet:change-17"}),
        events=1,
    )


@pytest.mark.parametrize(
    "text",
    [
        "\ufeff" + HEAD + ROW,
        (HEAD + ROW).replace(",", ";"),
        (HEAD + ROW).replace(",", "\t"),
        (HEAD + ROW).replace("\r\n", "\n"),
        HEAD.upper() + ROW.lower().replace("change-17", "change-17"),
        HEAD + "\r\n" + ROW + ",,,,\r\n",
        'gateway,starts,ends,reference\r\n"GW-1","2026-12-06 02:00","2026-12-06T06:00:00Z","change-17"\r\n',
        "reference,notes,ends,starts,gateway\r\nchange-17,=1+1,2026-12-06T06:00,2026-12-06T02:00,gw-1\r\n",
    ],
)
def test_as_spreadsheet_programs_save_it(sheet, text):
    reading = sheet(text)
    assert reading.problems == ()
    assert [(one.uid, one.gateway, one.window) for one in reading.announcements] == [
        ("sheet:change-17", "GW-1", WINDOW)
    ]


def test_london_times_on_the_nights_when_the_clocks_change(sheet):
    reading = sheet(
        HEAD
        + "GW-1,2026-10-25T01:30,2026-10-25T06:00,autumn,\r\n"
        + "GW-1,2027-03-28T01:30,2027-03-28T06:00,spring,\r\n"
        + "GW-1,2026-10-25T01:30+00:00,2026-10-25T06:00,exact,\r\n"
    )
    assert [(one.window.starts, one.remarks) for one in reading.announcements] == [
        (
            datetime(2026, 10, 25, 0, 30, tzinfo=UTC),
            ("01:30 on 25 Oct 2026 happens twice that night, as the clocks go back; it was read as the first.",),
        ),
        (
            datetime(2027, 3, 28, 1, tzinfo=UTC),
            (
                "01:30 on 28 Mar 2027 does not exist that night, as the clocks go forward; it was read as the end of the gap.",
            ),
        ),
        (datetime(2026, 10, 25, 1, 30, tzinfo=UTC), ()),
    ]


def test_without_reference_a_closure_is_known_by_gateway_and_start(sheet):
    text = HEAD + "GW-1,2026-12-06T02:00,2026-12-06T06:00,,\r\n"
    first, again = sheet(text), sheet(text.replace("T06:00", "T07:00"))
    other = sheet(text.replace("T02:00", "T01:00"))
    uids = [reading.announcements[0].uid for reading in (first, again, other)]
    assert uids[0] == uids[1] != uids[2]
    assert uids[0].startswith("sheet:derived:")
    assert first.remarks == (
        "Closures without a reference are known by their gateway and start: a moved one reads as a new one.",
    )


@pytest.mark.parametrize(
    ("cell", "withdrawn"), [("yes", True), ("TRUE", True), ("x", True), ("no", False), ("0", False)]
)
def test_withdrawn(sheet, cell, withdrawn):
    reading = sheet(HEAD + ROW.replace("17,", f"17,{cell}"))
    assert [(one.withdrawn, one.window) for one in reading.announcements] == [(withdrawn, WINDOW)]


def test_a_withdrawal_by_reference_needs_no_time(sheet):
    reading = sheet(HEAD + "GW-1,,,change-17,yes\r\n")
    assert reading.announcements == (
        Announcement(uid="sheet:change-17", gateway="GW-1", window=None, withdrawn=True, line=2),
    )


@pytest.mark.parametrize(
    ("row", "name", "code"),
    [
        ("GW-2,2026-12-06T02:00,2026-12-06T06:00,a,", "gateway", "gateway"),
        ("GW-1,06/12/2026 02:00,2026-12-06T06:00,a,", "starts", "date-order"),
        ("GW-1,2026-12-06T02:00,,a,", "ends", "time"),
        ("GW-1,２０２６-12-06T02:00,2026-12-06T06:00,a,", "starts", "time"),
        ("GW-1,2026-12-06T06:00,2026-12-06T02:00,a,", "ends", "end-not-after-start"),
        ("GW-1,2036-12-06T02:00,2036-12-06T06:00,a,", "starts", "too-far-ahead"),
        ("GW-1,0001-01-01T00:00,2036-12-06T06:00,a,", "starts", "time-out-of-range"),
        ("GW-1,0001-01-01T00:00+14:00,2036-12-06T06:00,a,", "starts", "time"),
        ("GW-1,2026-12-06T02:00,2027-02-06T06:00,a,", "ends", "window-too-long"),
        ("GW-1,2026-12-06T02:00,2026-12-06T06:00,a,perhaps", "withdrawn", "withdrawn"),
        ("GW-1,2026-12-06T02:00,2026-12-06T06:00," + "a" * 201 + ",", "reference", "reference"),
        ("GW-1,2026-12-06T02:00,2026-12-06T06:00,change-17,", "reference", "duplicate"),
        ("=cmd|calc,=1+1,@x,+y,-z", "withdrawn", "withdrawn"),
        ("GW-1", "starts", "time"),
    ],
)
def test_a_problem_names_line_column_and_remedy_and_echoes_nothing(sheet, row, name, code):
    reading = sheet(HEAD + ROW + "\r\n" + row + "\r\n")
    assert [(one.line, one.property, one.code) for one in reading.problems] == [(4, name, code)]
    assert reading.problems[0].remedy
    assert not [cell for cell in row.split(",") if len(cell) > 4 and cell in reading.problems[0].text]
    assert [one.uid for one in reading.announcements] == ["sheet:change-17"]
    assert reading.events == 2


def test_where_the_gateway_cannot_be_told_the_words_are_about_the_sheet(sheet, asking):
    two = replace(asking, gateways=("GW-1", "GW-2"))
    (problem,) = sheet(HEAD + ROW.replace("GW-1", ""), two).problems
    assert problem.remedy == (
        "Choose the gateway when you send it, or write its code under gateway. Yours: GW-1, GW-2."
    )


def test_a_row_without_gateway_takes_the_only_or_the_chosen_one(sheet, asking):
    text = HEAD + ROW.replace("GW-1", "")
    two = replace(asking, gateways=("GW-1", "GW-2"))
    assert [one.gateway for one in sheet(text).announcements] == ["GW-1"]
    assert [one.gateway for one in sheet(text, replace(two, gateway="GW-2")).announcements] == ["GW-2"]
    assert [(one.line, one.property, one.code) for one in sheet(text, two).problems] == [(2, "gateway", "gateway")]


@pytest.mark.parametrize(
    ("octets", "code"),
    [
        (b"", "empty"),
        (b"\x01\x02\x03", "header"),
        (b"GW-1,2026-12-06T02:00,2026-12-06T06:00,a\r\n", "header"),
        (b"gateway,starts,reference\r\n", "header"),
        (b"gateway,starts,ends,starts\r\n", "header"),
        ((HEAD + ROW).encode("utf-16")[:-1], "not-text"),
        ((HEAD + ROW).encode() + b"\x81", "not-text"),
        (b"\r\n \r\n", "empty"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 512, "workbook"),
        (b"<html><table><tr><td>gateway</td></tr></table></html>", "markup"),
        (HEAD.encode() + b'"GW-1', "sheet"),
        (HEAD.encode() + b'"GW-1"x,2026', "sheet"),
        (HEAD.encode() + b"x" * 70_000, "line-too-long"),
    ],
)
def test_what_is_no_sheet_is_refused(sheet, octets, code):
    with pytest.raises(NoticeUnreadable) as refused:
        sheet(octets)
    assert [problem.code for problem in refused.value.problems] == [code]


def test_a_sheet_without_rows_says_so(sheet):
    assert [one.code for one in sheet(HEAD).problems] == ["no-events"]


def test_limits(sheet, asking):
    with pytest.raises(NoticeTooLarge):
        sheet(HEAD + ROW * 3, replace(asking, limits=Limits(events=2)))
    with pytest.raises(NoticeTooLarge):
        sheet(HEAD + ROW, replace(asking, limits=Limits(octets=50)))


def told(reading):
    return [(one.uid, one.window) for one in reading.announcements]


@pytest.mark.parametrize("blank", ["\u00a0", "\u202f", "  ", "\t"])
def test_any_blank_parts_the_date_from_the_time(sheet, blank):
    reading = sheet(HEAD + f'GW-1,"{blank}13/12/2026{blank}02:00{blank}",13/12/2026{blank}6{blank}am,a,\r\n')
    assert [one.window for one in reading.announcements] == [
        ClosureWindow(datetime(2026, 12, 13, 2, tzinfo=UTC), datetime(2026, 12, 13, 6, tzinfo=UTC))
    ]


def test_a_day_over_12_tells_from_any_row_and_either_column(sheet):
    alone = "GW-1,06/12/2026 02:00,06/12/2026 06:00,a,\r\n"
    telling = [
        "GW-1,07/12/2026 02:00,13/12/2026 06:00,b,\r\n",
        "GW-2,13/12/2026 02:00,13/12/2026 06:00,b,\r\n",
        "GW-1,13/12/2026 02:00,,b,yes\r\n",
    ]
    for row in telling:
        for text in (HEAD + alone + row, HEAD + row + alone):
            assert ("sheet:a", WINDOW) in told(sheet(text))
            number = 2 + text.splitlines()[1:].index(row.strip())
            assert sheet(text).remarks == (f"Dates were read day first (dd/mm/yyyy): row {number} has a day over 12.",)


def test_no_row_is_read_by_a_guess_where_the_sheet_says_two_things(sheet, codes):
    rows = [
        f"GW-1,{day}/2026 02:00,{day}/2026 06:00,r{at},\r\n"
        for at, day in enumerate(("06/12", "13/12", "12/13", "12/12"))
    ]
    reading = sheet(HEAD + "".join(rows))
    assert codes(reading) == [(at, "starts", "date-order") for at in (2, 3, 4)]
    assert [one.uid for one in reading.announcements] == ["sheet:r3"]
    assert reading.remarks == ()


def test_rows_in_and_rows_told_of_are_as_many(sheet):
    reading = sheet(
        "Closures\r\nGW-1,2026-12-06T02:00,2026-12-06T06:00,above\r\n"
        "gateway,starts,ends,reference\r\n"
        "GW-1,2026-12-06T02:00,2026-12-06T06:00,a\r"
        "GW-1,2026-12-07T02:00,2026-12-07T06:00,b\r\n"
        "GW-1,2026-12-08T02:00,2026-12-08T06:00,c,d,e\r\n"
        "\r\n,,,\r\n"
        "GW-1,soon,later,f\n"
    )
    assert [(one.uid, one.line) for one in reading.announcements] == [("sheet:a", 4), ("sheet:b", 5)]
    assert [(one.line, one.code) for one in reading.problems] == [(2, "row"), (6, "row"), (9, "time")]
    assert reading.events == 5
    assert reading.remarks == ("Row 3 was taken for the header; the title above it was not read.",)


def test_of_a_sheet_of_nothing_but_faulty_rows_each_is_named(sheet):
    reading = sheet(HEAD + "GW-1,2026-12-06T02:00,2026-12-06T06:00,a,no,x\r\n" * 2)
    assert [(one.line, one.code) for one in reading.problems] == [(2, "row"), (3, "row")]
    assert (reading.events, reading.announcements) == (2, ())


WAYS = (
    "{0:%Y-%m-%dT%H:%M}",
    "{0:%d/%m/%Y %H:%M}",
    "{0.day}/{0.month}/{0:%y} {0.hour}:{0:%M}",
    "{0:%d-%m-%Y %I:%M %p}",
    "{0.day} {0:%b %Y} {0:%I.%M%p}",
    "{0:%a} {0:%d %B %Y, %H:%M:%S}",
    "{0:%d-%b-%y %H%M}",
    "{0:%Y/%m/%d %H:%M} hrs",
)


@given(
    st.datetimes(datetime(2026, 9, 1), datetime(2030, 12, 31)).map(lambda at: at.replace(second=0, microsecond=0)),
    st.sampled_from(WAYS),
    st.sampled_from(WAYS),
)
def test_every_way_of_writing_a_time_reads_as_iso_does(starts, way, other):
    asking = ReadRequest(now=datetime(2026, 9, 1, 12, tzinfo=UTC), gateways=("GW-1",))
    ends = starts + timedelta(days=1, minutes=1)

    def sheet_of(*cells):
        quoted = ",".join(f'"{cell}"' for cell in cells)
        return f"gateway,starts,ends,reference\r\nGW-1,{quoted},a\r\nGW-1,13/12/2026,13/12/2026,b\r\n".encode()

    found = read_sheet(sheet_of(way.format(starts), other.format(ends)), asking)
    assert told(found) == told(read_sheet(sheet_of(starts.isoformat(), ends.isoformat()), asking))


@given(st.floats(46_000, 47_500).map(lambda number: round(number * 1440) / 1440))
def test_excels_numbers_are_days_since_1899(number):
    asking = ReadRequest(now=datetime(2026, 9, 1, 12, tzinfo=UTC), gateways=("GW-1",))
    wall = datetime(1899, 12, 30) + timedelta(minutes=round(number * 1440))
    found = read_sheet(f"gateway,starts,ends\r\nGW-1,{number:.6f},{number + 1.5:.6f}\r\n".encode(), asking)
    same = f"gateway,starts,ends\r\nGW-1,{wall},{wall + timedelta(hours=36)}\r\n"
    assert told(found) == told(read_sheet(same.encode(), asking))
