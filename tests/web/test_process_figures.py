"""What a web process holds in memory, as it was after the last request that it answered."""

import re

import psutil
import pytest

from app.register.people.enrolment import add_subscription
from tests.conftest import NOW


@pytest.fixture
def figures(web):
    """Return a function that gives the samples of a figure by what stands in its labels."""

    def ask(name):
        text = web.test_client().get("/metrics").text
        return {
            tuple(re.findall(r'"([^"]*)"', labels)): float(value)
            for labels, value in re.findall(rf"^{name}\{{(.*)\}} (.*)$", text, re.MULTILINE)
        }

    return ask


def test_what_is_kept_ready_is_told_of_this_process(web, figures, store, alpha, announce, give, credentials):
    client, kinds = web.test_client(), ("histories", "events", "feeds")
    client.get("/livez")
    assert figures("closures_cache_entries") == {(kind, "0"): 0 for kind in kinds}
    assert figures("closures_cache_bytes") == {("feeds", "0"): 0}
    give(alpha, announce("u1", "2027-02-07T02:00"), announce("u2", "2027-02-08T02:00"))
    client.get("/api/v1/closures?from=2027-02-07&to=2027-02-10", headers=credentials[1])
    made = add_subscription(
        store, scope_text="all", label="x", secret_url=False, past_days=30, horizon_days=548, now=NOW
    )
    octets = 0
    for coding in ("identity", "gzip"):
        address, who = f"/feeds/{made.subscription.id}.ics", (made.subscription.id, made.token)
        answer = client.get(address, auth=who, headers={"Accept-Encoding": coding})
        assert answer.status_code == 200
        octets += len(answer.data)
    assert figures("closures_cache_entries") == {("histories", "0"): 2, ("events", "0"): 2, ("feeds", "0"): 1}
    assert figures("closures_cache_bytes")["feeds", "0"] == octets


def test_the_memory_of_this_process_is_told(web, figures):
    figures("closures_cache_entries")
    found = figures("closures_process_memory_bytes")
    assert list(found) == [("0",)]
    assert found["0",] == pytest.approx(psutil.Process().memory_info().rss, rel=0.1)
