"""One closure JSON: the API, the feed's JSON, the command line and sheets state the same facts by the same names."""

import csv
import io
import re
from datetime import timedelta

import pytest

from tests.one_answer.readers import band_of
from tests.one_answer.running_service import hours_ahead

NAMES = {
    *("reference", "user", "user_name", "gateway", "gateway_name", "starts", "ends", "starts_london", "ends_london"),
    *("state", "closed_now", "revision", "moves", "moved_from", "first_received_at", "changed_at"),
    *("working_days_notice", "first_notice_days", "recommended", "band", "short_notice", "late_change"),
    *("provisional", "plan", "fact", "difference"),
}
LATE = ("<2", "2-4", "5-9", "10-19")
_DATE = re.compile(r"\d+\s*[-/.]\s*\d+")  # what spreadsheets take for one


@pytest.fixture(scope="module")
def told(running):
    """A User with a closure in each band; the last was moved."""
    sender, first = running.enrol(), {}
    for starts in (hours_ahead(20) + timedelta(days=day) for day in range(45)):
        asked = sender.program.ask("GET", f"/api/v1/notice-period?start={starts:%Y-%m-%dT%H:%MZ}").json()
        first.setdefault(asked["band"], starts)
    assert {*LATE, ">=20"} <= set(first)
    for starts in (hours_ahead(-30), hours_ahead(-1), *(first[band] for band in (*LATE, ">=20"))):
        sender.tell(f"at {starts}", starts)
    sender.tell(f"at {first['>=20']}", first[">=20"] + timedelta(days=3))
    return sender


def test_every_door_of_json_states_the_same_names(running, told, database_url):
    (one, *_) = _listed(told)
    in_feed = told.subscriber.ask("GET", f"/feeds/{told.feed}.json").json()["closures"][0]
    stated = {
        "API, list": (set(one), NAMES),
        "API, one closure": (set(told.program.ask("GET", f"/api/v1/closures/{one['reference']}").json()), NAMES),
        "closures schedule": (set(running.run("schedule", "--user", told.code, "--json")["closures"][0]), NAMES),
        "closures closure show": (
            set(running.run("closure", "show", one["reference"], "--json")),
            NAMES | {"as_of", "revisions"},
        ),
        # The feed's list does not change with the clock: there ``closed_now`` stands beside it.
        "feed": (set(in_feed), NAMES - {"closed_now"}),
    }
    assert {door: names ^ wanted for door, (names, wanted) in stated.items() if names != wanted} == {}


def test_every_door_of_json_states_the_same_values(running, told, database_url):
    listed = _by_reference(_listed(told))
    assert len(listed) == 6  # what is over is not in the list from now on
    in_schedule = _by_reference(running.run("schedule", "--user", told.code, "--json")["closures"])
    in_feed = _by_reference(told.subscriber.ask("GET", f"/feeds/{told.feed}.json").json()["closures"])
    assert in_schedule == listed
    assert {name: told.program.ask("GET", f"/api/v1/closures/{name}").json() for name in listed} == listed
    for facts in listed.values():
        facts.pop("closed_now", None)
    assert {name: in_feed[name] for name in listed} == listed


def test_the_sheet_has_the_names_as_columns(told, database_url):
    text = told.browser.ask("GET", "/closures.csv").content.decode("utf-8-sig")
    columns = set(csv.DictReader(io.StringIO(text)).fieldnames)
    added = {f"{of}_{part}" for of in ("starts", "ends", "first_received", "changed") for part in ("date", "time")}
    assert columns == (NAMES - {"moved_from", "plan", "fact"}) | added | {"own_reference"}


def test_no_band_in_a_sheet_can_be_taken_for_a_date(running, told, database_url):
    sheets = {
        "closures.csv": (told.browser.ask("GET", "/closures.csv").text, {"after start", *LATE, ">=20"}),
        "closures late --csv": (running.run("late", "--csv"), {"after end", "after start", *LATE}),
        "late-changes": (
            told.program.ask("GET", "/api/v1/late-changes?format=csv").text,
            {"after end", "after start", *LATE},
        ),
    }
    taken = []
    for name, (text, bands) in sheets.items():
        rows = [row for row in csv.DictReader(io.StringIO(text)) if row["user"] == told.code]
        assert (name, {band_of(row["band"]) for row in rows}) == (name, bands)
        taken += [f"{name}: {row['band']}" for row in rows if _DATE.fullmatch(row["band"].strip())]
    assert taken == []


def _listed(told):
    return told.program.ask("GET", f"/api/v1/closures?user={told.code}").json()["closures"]


def _by_reference(listed):
    return {facts["reference"]: facts for facts in listed}
