"""Bulk import: every file is one notice; what cannot be read is named, kept, and never stops the rest."""

from datetime import datetime

from openpyxl import Workbook

BAD = ("u2", "20261207T060000Z", "20261207T020000Z")
GOOD = ("u1", "20261206T020000Z", "20261206T060000Z")


def test_a_file_is_recorded_and_acknowledged(alpha_closures, calendar_file):
    said = alpha_closures(
        "notice", "import", calendar_file("a.ics", GOOD), "--user", "alpha", "--gateway", "gw-a2", "--json"
    )
    assert said.exit_code == 0
    (one,) = said.json["accepted"]
    assert (one["gateway"], one["starts"], one["ends"]) == ("GW-A2", "2026-12-06T02:00:00Z", "2026-12-06T06:00:00Z")
    assert (one["working_days_notice"], one["band"], one["revision"]) == (8, "5-9", 1)
    assert set(one["receipt"]) >= {"reference", "root", "leaf"}
    lengths = {"accepted": 1, "unchanged": 0, "superseded": 0, "withdrawn": 0, "problems": 0}
    counts = {"events": 1, "taken": 1, "with_problems": 0, "left_out": 0, "closures": 1, "vanished": 0}
    assert said.json["files"] == [{"file": "a.ics", "kept": True, **lengths, "counts": counts}]
    assert [one["reference"] for one in alpha_closures("schedule", "--json").json["closures"]] == [one["reference"]]


def test_the_same_file_again_says_nothing_new(alpha_closures, calendar_file, notified):
    path = calendar_file("first.ics", GOOD)
    said = alpha_closures("notice", "import", path, "--user", "ALPHA", "--gateway", "GW-A1")
    assert (said.exit_code, said.lines) == (
        0,
        [
            "first.ics: 0 accepted, 1 unchanged, 0 superseded, 0 withdrawn; 0 could not be read.",
            "  1 event or row: 1 taken, 0 with problems, 0 left out.",
        ],
    )


def test_a_dry_run_records_nothing_and_names_what_the_file_leaves_out(alpha_closures, calendar_file, notified):
    path = calendar_file("b.ics", ("u9", "20261213T020000Z", "20261213T060000Z"))
    said = alpha_closures("notice", "import", path, "--user", "ALPHA", "--gateway", "GW-A1", "--dry-run", "--json")
    assert (said.exit_code, said.json["files"][0]["kept"], len(said.json["accepted"])) == (0, False, 1)
    assert [one["reference"] for one in said.json["missing"]] == [notified]
    assert [one["reference"] for one in alpha_closures("schedule", "--json").json["closures"]] == [notified]


def test_one_bad_event_is_named_and_the_rest_recorded(alpha_closures, calendar_file):
    said = alpha_closures(
        "notice", "import", calendar_file("a.ics", GOOD, BAD), "--user", "ALPHA", "--gateway", "GW-A1"
    )
    assert said.exit_code == 0
    assert said.lines[:2] == [
        "a.ics: 1 accepted, 0 unchanged, 0 superseded, 0 withdrawn; 1 could not be read.",
        "  2 events or rows: 1 taken, 1 with problems, 0 left out.",
    ]
    (problem,) = said.stderr.splitlines()
    assert problem == (
        "a.ics: Line 14, DTEND (u2, 2026-12-07 06:00): The end is not after the start. Check both times; the end must be "
        "later than the start."
    )


def test_a_problem_names_its_event_to_a_program(alpha_closures, calendar_file):
    path = calendar_file("a.ics", GOOD, BAD)
    said = alpha_closures("notice", "import", path, "--user", "ALPHA", "--gateway", "GW-A1", "--dry-run", "--json")
    assert [(problem["line"], problem["event"]) for problem in said.json["problems"]] == [(14, "u2, 2026-12-07 06:00")]


def test_an_unreadable_file_is_kept_and_does_not_stop_the_next(alpha_closures, calendar_file, tmp_path, reopen):
    junk = tmp_path / "junk.ics"
    junk.write_bytes(b"junk")
    good = calendar_file("a.ics", GOOD)
    before = alpha_closures("record", "verify", "--json").json["entries"]
    said = alpha_closures("notice", "import", str(junk), good, "--user", "ALPHA", "--gateway", "GW-A1", "--json")
    assert said.exit_code == 1
    assert [
        (one["file"], one["kept"], one["accepted"], one["counts"] and one["counts"]["events"])
        for one in said.json["files"]
    ] == [("junk.ics", True, 0, None), ("a.ics", True, 1, 1)]
    assert [problem["file"] for problem in said.json["problems"]] == ["junk.ics"]
    assert alpha_closures("record", "verify", "--json").json["entries"] == before + 3  # two notices, one revision


def test_a_dry_run_does_not_keep_an_unreadable_file(alpha_closures, tmp_path):
    junk = tmp_path / "junk.ics"
    junk.write_bytes(b"junk")
    before = alpha_closures("record", "verify", "--json").json["entries"]
    said = alpha_closures("notice", "import", str(junk), "--user", "ALPHA", "--dry-run")
    assert (said.exit_code, said.lines) == (1, ["junk.ics: nothing of it could be read."])
    assert alpha_closures("record", "verify", "--json").json["entries"] == before


def test_more_events_than_a_form_takes_are_imported(alpha_closures, tmp_path):
    path = tmp_path / "many.csv"
    rows = [
        f"GW-A1,2027-{1 + day // 28:02}-{1 + day % 28:02}T{hour:02}:00,2027-{1 + day // 28:02}-{1 + day % 28:02}T{hour:02}:30,r{day}-{hour}"
        for day in range(60)
        for hour in range(20)
    ]
    path.write_text("\n".join(["gateway,starts,ends,reference", *rows]) + "\n")
    said = alpha_closures("notice", "import", str(path), "--user", "ALPHA")
    assert (said.exit_code, said.lines[0]) == (
        0,
        "many.csv: 1200 accepted, 0 unchanged, 0 superseded, 0 withdrawn; 0 could not be read.",
    )
    assert said.lines[-1] == "  and 1180 more; --json shows all of them"


def test_a_workbook_is_imported(alpha_closures, tmp_path):
    book = Workbook()
    book.active.append(["gateway", "starts", "ends", "reference"])
    for day in range(1, 32):
        book.active.append(["GW-A1", datetime(2027, 1, day, 2), datetime(2027, 1, day, 6), f"r{day}"])
    book.save(tmp_path / "January.XLSX")
    said = alpha_closures("notice", "import", str(tmp_path / "January.XLSX"), "--user", "ALPHA")
    assert (said.exit_code, said.lines[0]) == (
        0,
        "January.XLSX: 31 accepted, 0 unchanged, 0 superseded, 0 withdrawn; 0 could not be read.",
    )


def test_a_gateway_of_somebody_else_is_refused(alpha_closures, calendar_file):
    said = alpha_closures("notice", "import", calendar_file("a.ics", GOOD), "--user", "ALPHA", "--gateway", "GW-B1")
    assert (said.exit_code, said.stderr.splitlines()[0]) == (1, "That User has no such gateway.")


def test_nobody_watching_sees_no_bar(alpha_closures, calendar_file):
    said = alpha_closures("notice", "import", calendar_file("a.ics", GOOD), "--user", "ALPHA", "--gateway", "GW-A1")
    assert said.stderr == ""


def test_a_file_that_is_not_there_is_usage(alpha_closures):
    assert alpha_closures("notice", "import", "nowhere.ics", "--user", "ALPHA").exit_code == 2
    assert alpha_closures("notice", "import", "--user", "ALPHA").exit_code == 2


def test_a_dry_run_prints_what_a_closure_meets_and_the_next_free_slot(notified, alpha_closures, calendar_file):
    dcc = calendar_file("dcc.ics", ("m1", "20261206T030000Z", "20261206T040000Z"))
    assert alpha_closures("maintenance", "import", dcc).exit_code == 0
    again = calendar_file("again.ics", ("u2", "20261206T020000Z", "20261206T060000Z"))
    words = ("notice", "import", again, "--user", "ALPHA", "--gateway", "GW-A1")
    said = alpha_closures(*words, "--dry-run").lines
    assert said[3:6] == [
        f"    The same times are told already, as {notified}.",
        "    DCC planned maintenance is from Sun 6 Dec 2026 03:00 GMT to Sun 6 Dec 2026 04:00 GMT.",
        "    Next free at these hours: Mon 7 Dec 2026 02:00-06:00 GMT.",
    ]
    (one,) = alpha_closures(*words, "--dry-run", "--json").json["accepted"]
    assert [conflict["kind"] for conflict in one["conflicts"]] == ["same-times", "dcc-date"]
    assert one["next_free_slot"]["starts"] == "2026-12-07T02:00:00Z"
    assert alpha_closures(*words).lines[3:] == said[3:5]  # as recorded, without a slot
