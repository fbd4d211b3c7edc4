"""Every door that answers JSON says the same of a closure, and the clock tells its state, not the scheduler."""

from datetime import timedelta

import pytest

from app.security import tokens
from app.store import subscriptions
from app.store.subscriptions import Subscription
from feeds.closure_json import ClosureJson, RecordedJson
from tests.conftest import NOW

NAMES = set(ClosureJson.__annotations__)
RECORDED = set(RecordedJson.__annotations__)


@pytest.fixture
def feed(web, store):
    """Return a function that reads the closures of a feed of everything, as our JSON has them."""
    new = Subscription(tokens.new_subscription_id(), "test", "all", 30, 548, NOW, NOW + timedelta(days=400))
    token = tokens.mint(tokens.TokenKind.FEED)
    with store.writing() as connection:
        digest = tokens.digest(store.keyring.derived("token")[0], token)
        subscriptions.insert_subscription(store, connection, new, digest, None)
    headers = {"Authorization": f"Bearer {token}"}
    return lambda: web.test_client().get(f"/feeds/{new.id}.json", headers=headers).json["closures"]


@pytest.fixture
def ask(web, credentials):
    """Return a function that asks the API as DCC's program."""
    return lambda path: web.test_client().get(f"/api/v1/{path}", headers=credentials[1]).json


@pytest.fixture
def moved(alpha, enrolled, announce, give, clock):
    """The reference of a closure of ALPHA that was moved at short notice and clashes with BETA's."""
    give(alpha, announce("a", "2026-11-26T02:00"))
    give(enrolled("BETA", "GW-B1"), announce("b", "2026-11-27T03:00", gateway="GW-B1"))
    outcome = give(alpha, announce("a", "2026-11-27T02:00", sender_sequence=1), at=clock.forward(seconds=5))
    return outcome.accepted[0].closure.reference


def test_every_door_says_the_same(ask, feed, moved):
    shown = ask(f"closures/{moved}")
    assert set(shown) == NAMES
    assert (shown["user_name"], shown["moves"], shown["revision"]) == ("Alpha Energy", 1, 2)
    assert shown["moved_from"]["starts_london"] == "Thu 26 Nov 2026 02:00 GMT"
    day = "from=2026-11-27&to=2026-11-28"
    (clash,) = ask(f"clashes?{day}")["clashes"]
    told = [
        *ask(f"closures?{day}")["closures"],
        *ask(f"closed?{day}")["closures"],
        *ask("moved?times=1")["closures"],
        *clash["closures"],
        ask("closed?at=2026-11-24T10:00&gateway=GW-A1")["nearest"],
    ]
    assert [one for one in told if one["gateway"] == "GW-A1"] == [shown] * 5
    recorded = {name: shown[name] for name in RECORDED}
    assert [one for one in feed() if one["reference"] == moved] == [recorded]
    for path, name in (("changes", "changes"), ("late-changes", "late_changes")):
        last = [one for one in ask(path)[name] if one["reference"] == moved][-1]
        assert {name: last[name] for name in RECORDED} == recorded
        assert (last["change"], last["change_days"], last["band"]) == ("moved", 1, "2-4")


def test_an_acknowledgement_says_the_same_and_what_the_notice_did(web, credentials, alpha, ask):
    row = {"gateway": "GW-A1", "starts": "2027-02-07T02:00", "ends": "2027-02-07T04:00", "reference": "c1"}

    def send(**changed):
        rows = {"closures": [row | changed]}
        return web.test_client().post("/api/v1/notices", json=rows, headers=credentials[0]).json["accepted"][0]

    first, second = send(), send(starts="2027-02-08T02:00", ends="2027-02-08T04:00")
    own = {
        "change",
        "replaced",
        "notice",
        "remarks",
        "left_out",
        "clashes",
        "also_at",
        "receipt",
        "counted_from",
        "conflicts",
    }
    own |= {"next_free_slot"}
    assert set(first) == NAMES | own
    assert {name: second[name] for name in NAMES} == ask(f"closures/{second['reference']}")
    assert (first["replaced"], second["replaced"]["starts"]) == (None, "2027-02-07T02:00:00Z")


def test_a_window_that_is_over_has_expired_before_any_sweep(ask, feed, moved, clock):
    clock.now = NOW + timedelta(days=3)  # Fri 27 Nov 09:00, three hours after the window

    def states(query):
        return {
            one["reference"]: one["state"] for one in ask(f"closures?from=2026-11-27&to=2026-11-28{query}")["closures"]
        }

    everything = states("")
    assert everything[moved] == ask(f"closures/{moved}")["state"] == "expired"
    assert set(everything.values()) == {"expired"}
    assert (states("&state=expired"), states("&state=planned")) == (everything, {})
    assert {one["state"] for one in feed()} == {"expired"}
    before = ask(f"closures/{moved}?as_of=2026-11-27T05:00")
    assert (before["state"], before["closed_now"]) == ("planned", True)


def test_a_feed_changes_as_a_window_ends(feed, moved, clock):
    before = feed()
    clock.now = NOW + timedelta(days=2, hours=21)  # Fri 27 Nov 06:00: ALPHA's window has ended, BETA's runs
    assert [(one["gateway"], one["state"]) for one in before] == [("GW-A1", "planned"), ("GW-B1", "planned")]
    assert [(one["gateway"], one["state"]) for one in feed()] == [("GW-A1", "expired"), ("GW-B1", "planned")]
