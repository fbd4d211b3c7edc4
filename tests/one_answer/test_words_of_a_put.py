"""What whoever PUTs an event is told in words, through a running service: why it is refused, and how it was read."""

import json
from datetime import timedelta

import pytest
from lxml import etree

from tests.one_answer import events, readers
from tests.one_answer.running_service import hours_ahead

FIRST = hours_ahead(24 * 40)
LASTS = timedelta(hours=3)
CALENDAR = {"Content-Type": "text/calendar"}
RECEIPT = "{urn:closure-notices:dav}receipt"
ASK_RECEIPT = b'<D:propfind xmlns:D="DAV:"><D:prop><R:receipt xmlns:R="urn:closure-notices:dav"/></D:prop></D:propfind>'


def backwards(uid, summary):
    """Return a calendar object whose event ends before it starts."""
    return events.write_calendar(events.write_event(uid, FIRST, FIRST - LASTS, summary=summary))


def weekly(uid, *more):
    return events.write_calendar(events.write_event(uid, FIRST, FIRST + LASTS, "RRULE:FREQ=WEEKLY;COUNT=3", *more))


def test_a_refusal_names_the_event_as_every_door_does(running, sender, tmp_path):
    octets, gateway = backwards("bad", "Works <at> Leeds & York"), sender.gateways[0]
    answer = sender.program.ask("PUT", sender.collection(gateway) + "bad.ics", octets, 403, **CALENDAR)
    ((condition, *beside),) = [list(etree.fromstring(answer.content).iter())[1:]]
    (said,) = beside
    problem = sender.program.ask(
        "POST", f"/api/v1/notices?gateway={gateway}&dry_run=1", octets, 422, Content_Type="text/calendar"
    ).json()["problems"][0]
    name = f"Works <at> Leeds & York, {FIRST:%Y-%m-%d %H:%M}"
    place = f"Line {problem['line']}, DTEND ({name})"
    assert (problem["line"], problem["property"], problem["event"]) == (8, "DTEND", name)
    assert etree.QName(condition).localname == "valid-calendar-data"
    assert said.text == f"{place}: {problem['text']} {problem['remedy']}"
    page = sender.browser.submit(
        sender.browser.ask("GET", "/notices/new"),
        "/notices/preview",
        files={"file": ("bad.ics", octets)},
        status=None,
        gateway=gateway,
    )
    assert f"{place}: {problem['text']}" in readers.words_of(page.text)
    (tmp_path / "bad.ics").write_bytes(octets)
    words = ("notice", "import", str(tmp_path / "bad.ics"), "--user", sender.code, "--gateway", gateway, "--dry-run")
    assert running.refuse(*words).stderr == f"bad.ics: {said.text}\n"
    assert json.loads(running.refuse(*words, "--json").stdout)["problems"] == [{"file": "bad.ics", **problem}]


def test_the_remarks_on_a_whole_series_reach_whoever_put_it(sender):
    path, stray = sender.collection(sender.gateways[0]) + "weekly.ics", FIRST + timedelta(days=1)
    octets = weekly("weekly", f"EXDATE:{events.compact(stray)}")
    remark = (
        f"EXDATE names what is no occurrence of the series at line 4 (from {FIRST.day} {FIRST:%b %Y %H:%M} UTC); nothing "
        f"was left out for it: {stray.day} {stray:%b %Y %H:%M} UTC (line 12). To leave one out, give the start that it "
        "has in the series."
    )
    put = sender.program.ask("PUT", path, octets, 201, **CALENDAR)
    assert json.loads(put.headers["X-Closure-Receipt"])["remarks"] == [remark]
    found = etree.fromstring(sender.program.ask("PROPFIND", path, ASK_RECEIPT, 207, Depth="0").content)
    assert json.loads(found.findtext(f".//{RECEIPT}"))["remarks"] == [remark]
    for reference in sender.closures():
        assert readers.words_of(sender.browser.ask("GET", f"/closures/{reference}").text).count(remark) == 1
    sender.program.ask("PUT", path, weekly("weekly"), 204, **CALENDAR)
    for reference in sender.closures():
        assert "read as a whole" not in sender.browser.ask("GET", f"/closures/{reference}").text


@pytest.mark.parametrize("how", ["dcc", "another User"])
def test_nobody_else_is_told_how_an_event_was_read(running, sender, how):
    stray = f"EXDATE:{events.compact(FIRST + timedelta(days=1))}"
    path = sender.collection(sender.gateways[0]) + "weekly.ics"
    sender.program.ask("PUT", path, weekly("weekly", stray), 201, **CALENDAR)
    other, status = (running.dcc_browser, 200) if how == "dcc" else (running.enrol().browser, 404)
    for reference in sender.closures():
        assert "EXDATE" not in other.ask("GET", f"/closures/{reference}", status=status).text
