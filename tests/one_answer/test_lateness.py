"""Late changes are the same before and after the scheduler ran, and in every door; peaks are the same on both pages."""

import csv
import io
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.one_answer import readers
from tests.one_answer.running_service import hours_ahead


@pytest.fixture
def told(sender, database_url):
    """A User with early and late first notices and changes at two gateways, some now and today."""
    for reference, hours, place in [
        ("over", -5, 0),
        ("open", -1, 0),
        ("soon", 1, 1),
        ("near", 100, 0),
        ("far", 1200, 1),
    ]:
        sender.tell(reference, hours_ahead(hours), place=place)
    sender.tell("far", hours_ahead(150), place=1)
    sender.tell("near", hours_ahead(1300))
    return sender


def asked(sender):
    answer = sender.program.ask("GET", "/api/v1/late-changes").json()
    return {name: value for name, value in answer.items() if name not in {"from", "to", "answer"}}


def test_late_changes_are_the_same_before_and_after_the_scheduler(running, told):
    before = asked(told)
    assert (before["first_notices"], before["changes"]) == (4, 2)
    assert len(before["late_changes"]) == 6
    sheet = told.program.ask("GET", "/api/v1/late-changes?format=csv").text
    running.run("sweep", "--json")
    assert asked(told) == before
    assert told.program.ask("GET", "/api/v1/late-changes?format=csv").text == sheet


def test_every_door_has_the_same_late_changes_in_the_same_bands(running, told):
    late = readers.late_changes(told.program)
    assert len(late) == 6
    by_command = readers.late_csv(running)
    rows = csv.DictReader(
        io.StringIO(told.program.ask("GET", "/api/v1/late-changes?format=csv").content.decode("utf-8-sig"))
    )
    by_sheet = {(row["reference"], int(row["revision"])): readers.band_of(row["band"]) for row in rows}
    listed = running.run("late", "--json")["late_changes"]
    changes = told.program.ask("GET", "/api/v1/changes").json()["changes"]
    mine = {reference for reference, _ in late}
    assert {key: band for key, band in by_command.items() if key[0] in mine} == late
    assert by_sheet == late
    assert {(one["reference"], one["revision"]): one["band"] for one in listed if one["user"] == told.code} == late
    assert {(one["reference"], one["revision"]) for one in changes if one["late"]} == set(late)


def test_a_history_calls_late_what_the_late_changes_list(told):
    late = set(readers.late_changes(told.program))
    for reference, one in told.closures().items():
        history = told.program.ask("GET", f"/api/v1/closures/{reference}/revisions").json()["revisions"]
        assert (reference, one.late_change) == (reference, (reference, one.revision) in late)
        assert [revision["revision"] for revision in history][-1] == one.revision


@pytest.mark.parametrize("who", ["the User", "DCC"])
def test_the_peak_of_each_day_is_the_same_on_now_and_on_the_horizon(running, told, who):
    browser = told.browser if who == "the User" else running.dcc_browser
    now, horizon = readers.peaks_now(browser), readers.peaks_on_horizon(browser)
    today = datetime.now(UTC).astimezone(ZoneInfo("Europe/London")).date()
    days = [today + timedelta(days=day) for day in range(14)]
    assert now == [horizon.get(f"{day:%a} {day.day} {day:%b}", 0) for day in days]
    assert max(now) > 0
