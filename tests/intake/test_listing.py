import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from app.domain.notice import Announcement, NoticeContent
from app.domain.refusal import NoticeTooLarge, NoticeUnreadable
from app.domain.window import ClosureWindow
from app.ical.limits import Limits
from app.intake.listing import read_listing

ENTRY = {"gateway": "GW-1", "starts": "2026-12-06T02:00", "ends": "2026-12-06T06:00Z", "reference": "change-17"}
WINDOW = ClosureWindow(datetime(2026, 12, 6, 2, tzinfo=UTC), datetime(2026, 12, 6, 6, tzinfo=UTC))


@pytest.mark.parametrize(
    "document", [{"closures": [ENTRY]}, [ENTRY], [{**ENTRY, "withdrawn": False, "note": {"a": 1}}]]
)
def test_an_object_or_a_bare_list(asking, document):
    assert read_listing(json.dumps(document).encode(), asking) == NoticeContent(
        announcements=(Announcement(uid="listing:change-17", gateway="GW-1", window=WINDOW, line=1),),
        problems=(),
        whole_uids=frozenset({"listing:change-17"}),
        events=1,
    )


def test_a_withdrawal(asking):
    entries = [{**ENTRY, "withdrawn": True}, {"reference": "b", "withdrawn": "yes"}]
    reading = read_listing(json.dumps(entries).encode(), asking)
    assert [(one.uid, one.withdrawn, one.window) for one in reading.announcements] == [
        ("listing:change-17", True, WINDOW),
        ("listing:b", True, None),
    ]


@pytest.mark.parametrize("days", [("2026-12-06", "2026-12-08"), ("20261206", "20261208"), ("2026-W49-7", "2026-W50-2")])
def test_days_without_times_are_whole_and_said_so(asking, days):
    entry = {**ENTRY, "starts": days[0], "ends": days[1]}
    (one,) = read_listing(json.dumps([entry]).encode(), asking).announcements
    assert one.window == ClosureWindow(datetime(2026, 12, 6, tzinfo=UTC), datetime(2026, 12, 9, tzinfo=UTC))
    assert one.remarks == (
        "Without a time, the start is the beginning of 6 Dec 2026.",
        "Without a time, the end is the end of 8 Dec 2026: that day is included.",
    )


def test_the_last_day_that_there_is_has_no_end(asking):
    entry = {**ENTRY, "ends": "9999-12-31"}
    (problem,) = read_listing(json.dumps([entry]).encode(), asking).problems
    assert (problem.code, problem.property, problem.text) == ("time", "ends", "That time is out of range.")


@pytest.mark.parametrize(
    ("entry", "name", "code"),
    [
        ("text", None, "json"),
        ({**ENTRY, "starts": 1_796_522_400}, "starts", "json"),
        ({**ENTRY, "gateway": ["GW-1"]}, "gateway", "json"),
        ({**ENTRY, "withdrawn": 1}, "withdrawn", "json"),
        ({**ENTRY, "ends": None}, "ends", "time"),
        ({**ENTRY, "gateway": "GW-9"}, "gateway", "gateway"),
        (ENTRY, "reference", "duplicate"),
    ],
)
def test_a_problem_names_the_entry_and_the_member(asking, entry, name, code):
    reading = read_listing(json.dumps([ENTRY, entry]).encode(), asking)
    assert [(one.line, one.property, one.code) for one in reading.problems] == [(2, name, code)]
    assert [one.uid for one in reading.announcements] == ["listing:change-17"]
    assert reading.events == 2


def test_a_reference_keeps_no_control_characters_and_no_halves_of_characters(asking):
    octets = json.dumps([{**ENTRY, "reference": "a\x00\ud800\u2028b"}]).encode()
    assert [one.uid for one in read_listing(octets, asking).announcements] == ["listing:ab"]


@pytest.mark.parametrize(
    ("octets", "code"),
    [
        (b"", "empty"),
        (b"{", "json"),
        (b"7", "json"),
        (b'{"closures": {}}', "json"),
        (b"[" * 100_000, "json"),
        (b"[" + b"9" * 5_000 + b"]", "json"),
        (b'["\xff"]', "json"),
    ],
)
def test_what_is_no_list_is_refused(asking, octets, code):
    with pytest.raises(NoticeUnreadable) as refused:
        read_listing(octets, asking)
    assert [problem.code for problem in refused.value.problems] == [code]


def test_an_empty_list_says_so(asking):
    assert [one.code for one in read_listing(b"[]", asking).problems] == ["no-events"]


def test_limits(asking):
    with pytest.raises(NoticeTooLarge):
        read_listing(json.dumps([ENTRY] * 3).encode(), replace(asking, limits=Limits(events=2)))


@pytest.mark.parametrize(
    ("document", "lines"),
    [
        ('[{"starts": "2026-12-06T02:00Z", "starts": "2027-12-06T02:00Z", "ends": "2026-12-06T06:00Z"}, %s]', [1]),
        ('[%s, {"ends": "2026-12-06T06:00Z", "ends": "2026-12-06T06:00Z"}]', [2]),
        ('{"closures": [%s, {"withdrawn": false, "reference": "x", "withdrawn": true}]}', [2]),
    ],
)
def test_an_entry_with_a_key_twice_is_a_problem_and_the_others_are_read(asking, codes, document, lines):
    reading = read_listing((document % json.dumps(ENTRY)).encode(), asking)
    assert [told.uid for told in reading.announcements] == ["listing:change-17"]
    assert codes(reading) == [(line, None, "json") for line in lines]
    assert reading.problems[0].text == "A key stands twice in this entry."


def test_a_list_that_is_given_twice_is_refused(asking):
    entries = json.dumps([ENTRY])
    with pytest.raises(NoticeUnreadable, match=r"A key of the notice stands in it twice\. Give each key once\."):
        read_listing(f'{{"closures": {entries}, "closures": {entries}}}'.encode(), asking)


def test_a_key_twice_in_what_is_not_read_is_of_no_account(asking):
    entry = json.dumps(ENTRY)[:-1] + ', "note": {"a": 1, "a": 2}}'
    assert len(read_listing(f"[{entry}]".encode(), asking).announcements) == 1
