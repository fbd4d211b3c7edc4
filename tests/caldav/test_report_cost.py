"""What a report may hold and take, and whose turn a large one is (RFC 4791 7.8, 7.10; RFC 6578 3.6)."""

import threading
import time
from dataclasses import replace

import pytest

from app.caldav.exchange import Refused
from app.caldav.report_cost import ReportCost, ReportLimits, ReportTurns

GATEWAY = "/dav/calendars/ALPHA/GW-1/"
EXPAND = '<C:calendar-data><C:expand start="20261201T000000Z" end="20271201T000000Z"/></C:calendar-data>'
DAILY = "RRULE:FREQ=DAILY;COUNT=100"
NUMBER = "number-of-matches-within-limits"


@pytest.fixture
def daily(client, calendar, event):
    """Two members of a hundred instances each, each with a text of 1,000 octets."""
    for name in ("a", "b"):
        octets = calendar(event(DAILY, "DESCRIPTION:" + "x" * 1000, uid=name))
        assert client.put(f"{name}.ics", octets).status == 201
    return client


def limited(client, **limits):
    client.limits = replace(ReportLimits(), **limits)
    return client


def test_members_and_instances_are_counted_and_the_refusal_says_how_many(daily, say):
    everything = say.comp("VEVENT")
    assert len(limited(daily, instances=2).query(everything).names()) == 2
    refused = limited(daily, instances=1).query(everything)
    assert refused.refusal() == (507, NUMBER)
    assert refused.xml.findtext(".//{DAV:}responsedescription") == (
        "More than 1 members and instances would be in the answer, the most that one report returns; ask for a shorter "
        "time-range."
    )
    assert len(limited(daily, instances=202).query(everything, prop=EXPAND).names()) == 2
    assert limited(daily, instances=201).query(everything, prop=EXPAND).refusal() == (507, NUMBER)


def test_what_expanding_would_write_is_counted_before(daily, say):
    everything = say.comp("VEVENT")
    assert limited(daily, octets=100_000).query(everything, prop=EXPAND).refusal() == (507, NUMBER)
    assert len(limited(daily, octets=400_000).query(everything, prop=EXPAND).names()) == 2


def test_busy_times_are_counted(daily, say):
    body = say.xml("C:free-busy-query", '<C:time-range start="20261201T000000Z" end="20271201T000000Z"/>')
    assert limited(daily, instances=200).report(body).status == 200
    assert limited(daily, instances=199).report(body).refusal() == (507, NUMBER)


def test_a_multiget_is_held_to_both(daily):
    hrefs = [GATEWAY + "a.ics", GATEWAY + "b.ics"]
    assert limited(daily, instances=1).multiget(*hrefs).refusal() == (507, NUMBER)
    data = "<C:calendar-data/>"
    assert limited(daily, octets=2_000).multiget(*hrefs, prop=data).refusal() == (507, NUMBER)
    assert limited(daily, octets=4_000).multiget(*hrefs, prop=data).rows() == dict.fromkeys(hrefs, "200")


def test_a_sync_with_data_goes_on_in_pages(client, calendar, event):
    names = [f"{number}.ics" for number in range(5)]
    for name in names:
        client.put(name, calendar(event("DESCRIPTION:" + "x" * 1000, uid=name)))
    limited(client, octets=3_000)
    token, seen, pages = "", [], 0
    while True:
        found = client.sync(token, prop="<C:calendar-data/>")
        rows = found.rows()
        token, pages = found.xml.findtext("{DAV:}sync-token"), pages + 1
        seen += [href for href in rows if href != GATEWAY]
        if rows.get(GATEWAY) != "507":
            break
    assert (seen, pages) == ([GATEWAY + name for name in names], 3)
    assert len(client.sync().rows()) == 5  # tags alone are small


class Clock:
    """Seconds that pass only when told."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now

    def sleep(self, seconds):
        self.now += seconds


def cost_of(clock, turns, account="ALPHA"):
    return ReportCost(ReportLimits(seconds=10), turns, account, clock=clock, rest=clock.sleep)


def test_work_ends_after_its_seconds_and_rest_is_not_counted():
    clock = Clock()
    cost = cost_of(clock, ReportTurns())
    for _ in range(99):
        clock.now += 0.1
        cost.spend()
    assert clock.now > 10
    clock.now += 0.2
    with pytest.raises(Refused) as refused:
        cost.spend()
    assert (refused.value.status, refused.value.precondition) == (507, "{DAV:}number-of-matches-within-limits")
    assert "10 seconds" in refused.value.text


def test_small_reports_need_no_turn():
    turns, clock = ReportTurns(), Clock()
    turns.take("ALPHA")
    for _ in range(20):
        cost = cost_of(clock, turns)
        cost.spend(octets=100_000, instances=100)


def test_a_large_one_waits_for_its_accounts_other_and_a_third_is_refused_at_once():
    turns, clock, came = ReportTurns(), Clock(), threading.Event()
    first, second, third = cost_of(clock, turns), cost_of(clock, turns), cost_of(clock, turns)
    first.spend(octets=3_000_000)

    def wait():
        second.spend(octets=3_000_000)
        came.set()

    waiting = threading.Thread(target=wait)
    waiting.start()
    while not turns._waiting:
        time.sleep(0.001)
    with pytest.raises(Refused) as refused:
        third.spend(octets=3_000_000)
    assert (refused.value.status, refused.value.headers) == (503, (("Retry-After", "5"),))
    assert not came.is_set()
    first.close()
    waiting.join(10)
    assert came.is_set()
    second.close()
    third.spend()


def test_few_accounts_are_at_work_and_a_turn_comes_back_whatever_becomes_of_the_report(daily, say):
    for _ in range(3):
        assert limited(daily, octets=200_000).query(say.comp("VEVENT"), prop=EXPAND).refusal() == (507, NUMBER)
    turns = daily.turns
    turns.take("BETA")
    turns.take("GAMMA")
    assert (turns._is_free("ALPHA"), turns._working) == (False, {"BETA", "GAMMA"})
