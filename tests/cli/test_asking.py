"""The questions by the command line: each says one sentence, then a table; --json says both to programs."""

import csv
import io
from datetime import timedelta

import pytest


@pytest.fixture
def told(alpha_closures, notified, calendar_file, clock_hand):
    """GW-A1 on 6 Dec 02:00-06:00 and GW-A2 on 6 Dec 05:00-07:00, told on 24 Nov; returns the first's reference."""
    path = calendar_file("second.ics", ("u2", "20261206T050000Z", "20261206T070000Z"))
    said = alpha_closures("notice", "import", path, "--user", "ALPHA", "--gateway", "GW-A2", "--json")
    assert said.exit_code == 0
    return notified


def test_q1_closed_in_a_span(alpha_closures, told):
    said = alpha_closures("closed", "--from", "2026-12-06T02:00", "--to", "2026-12-06T08:00")
    assert said.lines[0] == (
        "2 gateways closed in Sun 6 Dec 2026 02:00-08:00 GMT; at most 2 at once, Sun 6 Dec 2026 05:00-06:00 GMT."
    )
    assert [line.split()[2] for line in said.lines[3:]] == ["GW-A1", "GW-A2"]
    assert alpha_closures("closed", "--from", "2026-12-06", "--at", "2026-12-06").exit_code == 2


def test_q2_clashes_with_a_gateway_and_with_dccs_own_dates(alpha_closures, told, calendar_file):
    path = calendar_file("dcc.ics", ("m", "20261206T010000Z", "20261206T030000Z"))
    assert alpha_closures("maintenance", "import", path).lines == [
        "1 added, 0 moved, 0 withdrawn, 0 unchanged, 0 not read."
    ]
    said = alpha_closures("clashes", "--json").json
    assert (len(said["clashes"]), len(said["maintenance_clashes"])) == (1, 1)
    rows = alpha_closures("clashes").lines
    assert rows[0] == "1 clash between gateways, 1 closure on DCC's own dates, no hours above a threshold."
    assert rows[3].startswith(f"{told} GW-A1  CN-")
    assert rows[4].split("  ")[0] == f"{told} GW-A1"
    assert " maintenance" in rows[4]


def test_q5_changes(alpha_closures, told):
    said = alpha_closures("changes", "--since", "2026-11-24", "--until", "2026-11-25")
    assert said.lines[0] == (
        "2 changes between Tue 24 Nov 2026 00:00 GMT and Wed 25 Nov 2026 00:00 GMT: 2 first notices; 2 at short notice."
    )
    assert len(alpha_closures("changes", "--json").json["changes"]) == 2
    assert alpha_closures("changes", "--since", "2026-11-25", "--until", "2026-11-24").exit_code == 2


def test_q7_triage(alpha_closures, told):
    said = alpha_closures("closed", "--gateway", "gw-a1", "--at", "2026-12-06T03:00")
    assert said.lines[0] == (
        "GW-A1 is in a planned closure, Sun 6 Dec 2026 02:00-06:00 GMT: 8 Working Days' notice; 20 are recommended."
    )
    gone = alpha_closures("closed", "--gateway", "GW-A1", "--at", "2026-12-06T03:00", "--as-of", "2026-11-24T08:00Z")
    assert gone.lines == ["GW-A1 is not in a planned closure at Sun 6 Dec 2026 03:00 GMT, and none is known."]
    assert alpha_closures("closed", "--gateway", "GW-X").exit_code == 1


def test_q8_open_now_and_expired(alpha_closures, told, clock_hand):
    assert alpha_closures("closed").lines == ["No gateways in a planned closure at Tue 24 Nov 2026 09:00 GMT."]
    clock_hand.move_to("2026-12-06T06:30:00+00:00")
    assert alpha_closures("sweep").exit_code == 0
    assert alpha_closures("closed", "--json").json["gateways"] == ["GW-A2"]
    said = alpha_closures("schedule", "--from", "2026-12-01", "--state", "expired", "--json").json
    assert [one["reference"] for one in said["closures"]] == [told]


def test_q9_free_slots(alpha_closures, told):
    said = alpha_closures("free-slots", "--from", "2026-12-06T03:00", "--to", "2026-12-07", "--hours", "6")
    assert said.lines[0] == (
        "The next window of at least 6 h with fewer than 1 gateway closed is "
        "Sun 6 Dec 2026 07:00 GMT to Mon 7 Dec 2026 00:00 GMT."
    )
    none = alpha_closures("free-slots", "--from", "2026-12-06T03:00", "--to", "2026-12-06T07:00", "--json").json
    assert (none["slots"], none["answer"]) == (
        [],
        "No window of at least 4 h has fewer than 1 gateway closed in Sun 6 Dec 2026 03:00-07:00 GMT.",
    )


def test_q10_busiest(alpha_closures, told):
    said = alpha_closures("busiest", "--from", "2026-12-06", "--most", "2")
    assert [line.split()[-2:] for line in said.lines[3:]] == [["1", "1"], ["0", "1"]]
    assert alpha_closures("busiest", "--from", "2026-11-24", "--to", "2026-11-25").lines == [
        "No gateways are closed in Tue 24 Nov 2026 00:00 GMT to Wed 25 Nov 2026 00:00 GMT."
    ]


def test_q12_silent(alpha_closures, told, clock_hand):
    assert alpha_closures("user", "add", "OMEGA", "Omega").exit_code == 0
    assert alpha_closures("silent", "--json").json["users"] == [{"user": "OMEGA", "last_notice": None}]
    clock_hand.shift(timedelta(days=400))
    assert [one["user"] for one in alpha_closures("silent", "--json").json["users"]] == ["OMEGA", "ALPHA"]
    assert [line.split() for line in alpha_closures("silent").lines[3:]] == [
        ["OMEGA", "-"],
        ["ALPHA", "2026-11-24T09:00:00Z"],
    ]


def test_q13_moved(alpha_closures, told, calendar_file):
    for number, day in enumerate(("08", "09"), 1):
        path = calendar_file(
            "m.ics", ("u1", f"202612{day}T020000Z", f"202612{day}T060000Z"), more=f"SEQUENCE:{number}\r\n"
        )
        assert alpha_closures("notice", "import", path, "--user", "ALPHA", "--gateway", "GW-A1").exit_code == 0
    assert alpha_closures("moved").lines[0] == "1 closure was moved 2 times or more."
    assert alpha_closures("moved", "--times", "3", "--json").json["closures"] == []


def test_insights_by_quarter(alpha_closures, told, clock_hand):
    said = alpha_closures("insights")
    assert said.lines[0] == (
        "Of 2 closures that start in Thu 1 Jan 2026 00:00 GMT to Fri 1 Jan 2027 00:00 GMT, 2 have short notice "
        "and none were moved twice or more."
    )
    assert [line.split() for line in said.lines[3:]] == [["ALPHA", "2026-Q4", "2", "2", "0", "0", "0"]]
    found = alpha_closures("insights", "--json").json
    assert (found["from"], found["to"], found["silent_months"]) == ("2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z", 6)
    assert {one["band"]: one["closures"] for one in found["notice"] if one["closures"]} == {"5-9": 2}
    clock_hand.move_to("2027-01-01T00:00:00+00:00")
    assert alpha_closures("insights", "--json").json["from"] == "2026-03-31T23:00:00Z"  # BST
    assert alpha_closures("insights", "--from", "2026-12-06T05:00", "--json").json["closures"] == 1
    assert alpha_closures("insights", "--from", "2027-04-01").exit_code == 2


def test_q3_q14_a_report_is_exported_and_noted(alpha_closures, told):
    said = alpha_closures("late-report", "2026-q4", "--csv", "--pseudonyms")
    (row,) = csv.DictReader(io.StringIO(said.stdout.removeprefix("\ufeff")))
    assert (row["notices"], row["short_first_notices"], row["policy_versions"], row["user"][:5]) == (
        "2",
        "2",
        "1",
        "User-",
    )
    assert alpha_closures("late-report", "2026-11").lines[0] == "Of 2 notices in 2026-11, 2 came at short notice."
    assert alpha_closures("late-report", "2026-13").exit_code == 2
    assert alpha_closures("late-report", "2026-11", "--csv", "--json").exit_code == 2
    assert alpha_closures("reads", "--json").json["exports"] == [
        {"at": "2026-11-24T09:00:00Z", "by": "command line", "what": "late report 2026-Q4, csv", "rows": 1}
    ]
    assert alpha_closures("reads").lines[0] == "No feed was read, 1 export."


def test_dccs_own_dates_come_in_and_go(alpha_closures, calendar_file):
    path = calendar_file("r.ics", ("r", "20270225T080000Z", "20270225T180000Z"))
    (made,) = alpha_closures("maintenance", "import", path, "--kind", "release", "--json").json["added"]
    again = alpha_closures("maintenance", "import", path, "--kind", "release", "--json").json
    assert (again["added"], again["moved"], again["unchanged"]) == ([], [], 1)
    span = ("--from", "2027-02-01", "--to", "2027-03-01")
    assert alpha_closures("maintenance", "list", *span).lines[1] == (
        f"{made['reference']}  release  Thu 25 Feb 2027 08:00 GMT  Thu 25 Feb 2027 18:00 GMT"
    )
    assert alpha_closures("schedule", *span, "--json").json["closures"] == []
    assert alpha_closures("maintenance", "remove", made["reference"]).lines == [f"{made['reference']} is withdrawn."]
    assert alpha_closures("maintenance", "list", *span).lines == ["DCC has no maintenance or release then."]
    assert alpha_closures("maintenance", "remove", made["reference"]).exit_code == 1


def test_a_hostile_calendar_of_dccs_own_is_read_like_any_other(alpha_closures, tmp_path):
    bad = tmp_path / "bad.ics"
    bad.write_bytes(
        b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:b\r\nDTSTART:20270207T060000Z\r\n"
        b"DTEND:20270207T020000Z\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    )
    said = alpha_closures("maintenance", "import", str(bad))
    assert (said.exit_code, said.lines[0]) == (1, "0 added, 0 moved, 0 withdrawn, 0 unchanged, 1 not read.")
    bad.write_bytes(b"\xff\xfe no calendar")
    assert alpha_closures("maintenance", "import", str(bad)).exit_code == 1


def test_thresholds_are_rules_with_a_history(closures):
    assert closures("policy", "show", "--json").json["thresholds"] == {
        "version": 1, "closed": 5, "reopening": 3, "release_days": 2, "versions": [],
    }  # fmt: skip
    said = closures("policy", "set", "--closed-threshold", "8", "--json").json["thresholds"]
    assert (said["version"], said["closed"], said["reopening"]) == (1, 8, 3)
    said = closures("policy", "set", "--reopening-threshold", "4", "--release-days", "1", "--json").json["thresholds"]
    assert [(one["version"], one["closed"], one["reopening"], one["release_days"]) for one in said["versions"]] == [
        (1, 8, 3, 2), (2, 8, 4, 1),
    ]  # fmt: skip
    assert closures("policy", "set", "--closed-threshold", "0").exit_code == 1
