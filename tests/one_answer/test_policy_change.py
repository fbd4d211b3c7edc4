"""A change of the rules alters no verdict that was given: every door says the same before and after."""

import pytest

from tests.one_answer import readers
from tests.one_answer.readers import Seen, differences
from tests.one_answer.running_service import hours_ahead


@pytest.fixture
def told(running, sender, database_url):
    """A User with closures of much and little notice: new, moved, pushed back from near to far, and withdrawn."""
    for reference, hours in {"near": 100, "later": 300, "far": 1100, "moved": 1200, "back": 90, "gone": 110}.items():
        sender.tell(reference, hours_ahead(hours))
    sender.tell("moved", hours_ahead(150))
    sender.tell("back", hours_ahead(1300))
    gone = next(r for r, one in sender.closures().items() if one.starts == hours_ahead(110))
    sender.withdraw_by_api(gone)
    yield sender
    running.run("policy", "set", "--recommended-days", "20", "--json")


def verdicts(running, sender):
    """What every door says of lateness: lists by door, histories, and late changes."""
    references = sorted(sender.closures())
    answer = sender.program.ask("GET", "/api/v1/late-changes").json()
    return {
        "API": sender.closures(),
        "feed .ics": readers.feed_ics(sender),
        "feed .json": readers.feed_json(sender),
        "feed jCal": readers.feed_jcal(sender),
        "closures.csv": readers.closures_csv(sender),
        "closures schedule": readers.cli_schedule(running, sender.code),
        "page Closures": readers.closures_page(sender),
        "page of each": {one: readers.closure_page(sender.browser, one) for one in references},
        "API, each": [sender.program.ask("GET", f"/api/v1/closures/{one}").json() for one in references],
        "histories": [sender.program.ask("GET", f"/api/v1/closures/{one}/revisions").json() for one in references],
        "histories by command": [running.run("closure", "show", one, "--json") for one in references],
        "late changes": answer["late_changes"],
        "late sheet": [line for line in running.run("late", "--csv").splitlines() if sender.code in line],
    }


@pytest.mark.parametrize("days", [5, 60])
def test_a_policy_change_alters_no_verdict(running, told, days):
    before = verdicts(running, told)
    running.run("policy", "set", "--recommended-days", str(days), "--json")
    after = verdicts(running, told)
    assert [door for door in before if before[door] != after[door]] == []
    assert before == after
    running.run("sweep", "--json")
    assert verdicts(running, told) == before


def test_a_revision_after_the_change_is_judged_by_the_new_rule_and_those_before_by_theirs(running, told):
    (reference,) = [r for r, one in told.closures().items() if one.starts == hours_ahead(300)]
    history = told.program.ask("GET", f"/api/v1/closures/{reference}/revisions").json()["revisions"]
    running.run("policy", "set", "--recommended-days", "5", "--json")
    told.change_by_page(reference, hours_ahead(301))
    now = told.program.ask("GET", f"/api/v1/closures/{reference}").json()
    assert (now["recommended"], now["short_notice"], now["late_change"]) == (5, False, False)
    again = told.program.ask("GET", f"/api/v1/closures/{reference}/revisions").json()["revisions"]
    assert again[: len(history)] == history
    seen = readers.seen_in(now)
    assert differences("feed", {reference: readers.feed_json(told)[reference]}, {reference: seen}) == []
    assert isinstance(seen, Seen)
