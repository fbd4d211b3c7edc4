"""The schedule, one closure's history, late changes and notice periods by the command line."""

import csv
import io
from datetime import timedelta

import pytest

HEADER = "REFERENCE      USER   GATEWAY  STARTS                    ENDS                      STATE    WORKING DAYS"


@pytest.fixture
def moved(alpha_closures, notified, calendar_file, clock_hand):
    """The closure of ``notified``, moved three days later to 8 Dec 2026; returns its reference."""
    clock_hand.shift(timedelta(days=3))
    path = calendar_file("moved.ics", ("u1", "20261208T020000Z", "20261208T060000Z"), more="SEQUENCE:1\r\n")
    assert alpha_closures("notice", "import", path, "--user", "ALPHA", "--gateway", "GW-A1").exit_code == 0
    return notified


def references(said):
    return [one["reference"] for one in said.json["closures"]]


def test_the_schedule_is_a_table_in_london_time(alpha_closures, notified):
    row = f"{notified}  ALPHA  GW-A1    Sun 6 Dec 2026 02:00 GMT  Sun 6 Dec 2026 06:00 GMT  planned  8"
    assert alpha_closures("schedule").lines == [HEADER, row]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (("--from", "2026-12-06T05:59", "--to", "2026-12-07"), True),
        (("--from", "2026-12-06T06:00", "--to", "2026-12-07"), False),
        (("--to", "2026-12-06T02:00"), False),
        (("--to", "2026-12-06T02:01"), True),
        (("--at", "2026-12-06T02:00"), True),
        (("--at", "2026-12-06T01:59:59"), False),
        (("--at", "2026-12-06T06:00"), False),
        (("--at", "2026-12-06T03:00+01:00"), True),
        (("--user", "alpha"), True),
        (("--user", "beta"), False),
        (("--gateway", "gw-a1"), True),
        (("--gateway", "gw-a2"), False),
        (("--as-of", "2026-11-24T09:00Z"), True),
        (("--as-of", "2026-11-24T08:59:59Z"), False),
    ],
)
def test_the_schedule_answers_what_is_asked(alpha_closures, notified, words, found):
    assert references(alpha_closures("schedule", *words, "--json")) == ([notified] if found else [])


def test_the_schedule_as_of_then_shows_the_old_window(alpha_closures, moved):
    (now,) = alpha_closures("schedule", "--json").json["closures"]
    then = alpha_closures("schedule", "--as-of", "2026-11-26", "--json").json
    assert (now["starts"], now["revision"], now["short_notice"]) == ("2026-12-08T02:00:00Z", 2, True)
    assert (then["as_of"], then["closures"][0]["starts"]) == ("2026-11-26T00:00:00Z", "2026-12-06T02:00:00Z")
    assert alpha_closures("schedule", "--as-of", "2026-11-26").lines[1].split()[-1] == "8"


def test_what_is_withdrawn_is_listed_but_not_closed_at_its_time(alpha_closures, notified, calendar_file):
    path = calendar_file(
        "off.ics", ("u1", "20261206T020000Z", "20261206T060000Z"), more="STATUS:CANCELLED\r\nSEQUENCE:1\r\n"
    )
    said = alpha_closures("notice", "import", path, "--user", "ALPHA", "--gateway", "GW-A1", "--json").json
    assert [one["reference"] for one in said["withdrawn"]] == [notified]
    assert [one["state"] for one in alpha_closures("schedule", "--json").json["closures"]] == ["withdrawn"]
    assert references(alpha_closures("schedule", "--at", "2026-12-06T03:00", "--json")) == []
    assert references(alpha_closures("schedule", "--at", "2026-12-06T03:00", "--as-of", "2026-11-25", "--json")) == []


@pytest.mark.parametrize(
    "words",
    [
        ("--at", "2026-12-06", "--from", "2026-12-06"),
        ("--from", "2026-12-06", "--to", "2026-12-06"),
        ("--from", "2026-12-06", "--to", "2056-12-06"),
        ("--from", "9999-12-31"),
        ("--at", "tomorrow"),
    ],
)
def test_a_span_that_is_none_is_usage(closures, words):
    assert closures("schedule", *words).exit_code == 2


def test_how_a_time_was_read_is_said(closures):
    twice = "The clocks go back then: of the two such times, the first was taken."
    gap = "The clocks go forward then and skip that time: the end of the gap was taken."
    assert closures("schedule", "--at", "2026-10-25T01:30").stderr.splitlines() == [twice]
    assert closures("schedule", "--at", "2026-03-29T01:30").stderr.splitlines() == [gap]


def test_a_closure_is_shown_with_its_whole_history(alpha_closures, moved):
    said = alpha_closures("closure", "show", moved.lower(), "--json").json
    assert (said["reference"], said["starts"], said["moves"]) == (moved, "2026-12-08T02:00:00Z", 1)
    assert [
        (one["revision"], one["change"], one["channel"], one["notice"]["change_days"]) for one in said["revisions"]
    ] == [
        (1, "first notice", "upload", 8),
        (2, "moved", "upload", 5),
    ]
    head, _, _, *rows = alpha_closures("closure", "show", moved).lines
    assert head == f"{moved}  ALPHA  GW-A1  Tue 8 Dec 2026 02:00 GMT to Tue 8 Dec 2026 06:00 GMT  planned"
    assert len(rows) == 2


def test_a_closure_as_of_then_is_what_was_known(alpha_closures, moved):
    said = alpha_closures("closure", "show", moved, "--as-of", "2026-11-25", "--json").json
    assert (said["user"], said["starts"], said["revision"]) == ("ALPHA", "2026-12-06T02:00:00Z", 1)
    assert [one["revision"] for one in said["revisions"]] == [1]
    early = alpha_closures("closure", "show", moved, "--as-of", "2026-11-23")
    assert (early.exit_code, early.stderr.splitlines()[0]) == (1, "That closure was not known then.")


def test_no_such_closure_is_refused(closures):
    assert closures("closure", "show", "CN-0000000000").exit_code == 1


def test_late_changes_are_listed_by_the_day_of_receipt(alpha_closures, moved):
    assert alpha_closures("late").lines[0].startswith("1 first notice and 1 change at short notice")
    assert alpha_closures("sweep", "--json").json["late_changes"] == 2
    found = alpha_closures("late", "--json").json
    assert (found["from"], found["to"]) == ("2026-08-27", "2026-11-27")
    assert [(one["reference"], one["change"], one["change_days"]) for one in found["late_changes"]] == [
        (moved, "first notice", 8),
        (moved, "moved", 5),
    ]
    only = alpha_closures("late", "--from", "2026-11-27", "--to", "2026-11-27", "--json").json["late_changes"]
    assert [one["change"] for one in only] == ["moved"]
    before = alpha_closures("late", "--from", "2026-11-24", "--to", "2026-11-26", "--json").json["late_changes"]
    assert [one["change"] for one in before] == ["first notice"]


def test_late_changes_go_to_a_spreadsheet(alpha_closures, moved):
    alpha_closures("sweep")
    as_csv = list(csv.DictReader(io.StringIO(alpha_closures("late", "--csv").stdout.removeprefix("\ufeff"))))
    instants = ("starts", "ends", "first_received", "changed", "received")
    as_json = alpha_closures("late", "--json").json["late_changes"]
    moved_from = [one.pop("moved_from") for one in as_json]
    assert [(one.pop("fact"), one.pop("difference"), one.pop("plan")["starts"]) for one in as_json] == [
        (None, None, one["starts"]) for one in as_json
    ]
    assert [one.pop("difference") for one in as_csv] == ["", ""]
    assert [one and one["starts"] for one in moved_from] == [None, "2026-12-06T02:00:00Z"]
    in_london = [[one.pop(f"{of}_{part}") for of in instants for part in ("date", "time")] for one in as_csv]
    assert as_csv == [{name: str(value) for name, value in one.items()} | {"band": "5 to 9"} for one in as_json]
    first = ["2026-12-08", "02:00", "2026-12-08", "06:00", "2026-11-24", "09:00"]
    assert [cells[:6] for cells in in_london] == [["2026-12-06", "02:00", "2026-12-06", *first[3:]], first]


def test_late_takes_one_form_and_days_in_order(closures):
    assert closures("late", "--csv", "--json").exit_code == 2
    assert closures("late", "--from", "2026-02-01", "--to", "2026-01-31").exit_code == 2


def test_a_notice_period_is_counted_by_clear_working_days(closures):
    said = closures("notice-period", "2026-02-02T00:00", "--given-on", "2026-01-05", "--json").json
    assert (said["working_days_notice"], said["band"], said["short_notice"]) == (19, "10-19", True)
    assert (said["last_on_time_day"], said["recommended"], said["start"]) == ("2026-01-04", 20, "2026-02-02T00:00:00Z")
    assert closures("notice-period", "2026-02-02T00:00", "--given-on", "2026-01-05").lines == [
        "Start: Mon 2 Feb 2026 00:00 GMT (2026-02-02T00:00:00Z)",
        "Told on Mon 5 Jan 2026: 19 Working Days' notice; 20 are recommended (band 10-19).",
        "Last on-time day: Sun 4 Jan 2026",
    ]


def test_a_notice_period_counts_from_today_and_says_how_the_time_was_read(closures):
    said = closures("notice-period", "2027-03-28T01:30", "--json")
    assert (said.json["given_on"], said.json["start"], said.json["start_read_as"]) == (
        "2026-11-24",
        "2027-03-28T01:00:00Z",
        "after the gap",
    )
    assert closures("notice-period", "2026-11-23", "--json").json["band"] == "after start"
    assert "1 Working Day's notice" in closures("notice-period", "2026-11-26").stdout
