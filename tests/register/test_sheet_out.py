"""What leaves as a sheet: every name of the one JSON, and no cell that a spreadsheet takes for something else."""

import csv
import io

import pytest

from app.register import sheet_out
from app.register.closure_json import LateChangeJson
from app.register.questions.late_report import ReportRowJson
from feeds.closure_json import ClosureJson


def read(text):
    assert text.startswith("\ufeff")
    return list(csv.reader(io.StringIO(text[1:])))


@pytest.mark.parametrize(
    ("columns", "shape", "left"),
    [
        (sheet_out.CLOSURES, ClosureJson, {"moved_from", "plan", "fact"}),
        (sheet_out.LATE_CHANGES, LateChangeJson, {"moved_from", "plan", "fact"}),
        (sheet_out.LATE_REPORT, ReportRowJson, set()),
    ],
)
def test_the_columns_are_the_names_of_the_json(columns, shape, left):
    assert (len(columns), set(columns)) == (len(set(columns)), set(shape.__annotations__) - left)


@pytest.mark.parametrize(
    ("band", "cell"),
    [
        (">=20", "20 or more"),
        ("10-19", "10 to 19"),
        ("5-9", "5 to 9"),
        ("2-4", "2 to 4"),
        ("5", "5"),
        ("<2", "fewer than 2"),
        ("after start", "after start"),
        ("after end", "after end"),
    ],
)
def test_no_band_is_a_date_or_a_formula(band, cell):
    assert read(sheet_out.to_csv(["band"], [{"band": band}])) == [["band"], [cell]]


@pytest.mark.parametrize("first", ["=", "+", "-", "@", "\t", "\r"])
def test_no_text_is_a_formula(first):
    assert read(sheet_out.to_csv(["user_name"], [{"user_name": f"{first}1+1"}])) == [["user_name"], [f"'{first}1+1"]]


def test_numbers_and_the_rest_stay_as_they_are():
    row = {"moves": -1, "short_notice": True, "user_name": 'A "B", C', "left": "not a column"}
    columns = ["moves", "short_notice", "user_name"]
    assert read(sheet_out.to_csv(columns, [row])) == [columns, ["-1", "True", 'A "B", C']]


@pytest.mark.parametrize(
    ("instant", "day", "clock"),
    [
        ("2026-12-06T02:00:00Z", "2026-12-06", "02:00"),
        ("2026-07-05T23:30:00Z", "2026-07-06", "00:30"),
        ("2026-10-25T00:30:00Z", "2026-10-25", "01:30"),
        ("2026-10-25T01:30:00Z", "2026-10-25", "01:30"),
    ],
)
def test_an_instant_stands_again_as_a_date_and_a_time_of_london(instant, day, clock):
    row = {"starts": instant, "changed_at": "2026-12-31T23:59:59Z", "state": "planned"}
    assert read(sheet_out.to_csv(["starts", "state", "changed_at"], [row])) == [
        ["starts", "state", "changed_at", "starts_date", "starts_time", "changed_date", "changed_time"],
        [instant, "planned", "2026-12-31T23:59:59Z", day, clock, "2026-12-31", "23:59"],
    ]


def test_the_octets_open_as_unicode():
    octets = sheet_out.to_csv(["user_name"], [{"user_name": "Énergie"}]).encode()
    assert octets == b"\xef\xbb\xbfuser_name\r\n\xc3\x89nergie\r\n"
