"""No notice with an event comes to nothing without a word, and what it comes to adds up, whatever was held before."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.domain.notice import Channel, Notice
from app.intake.media import read_notice
from app.intake.read_request import ReadRequest
from app.register.give import NoticeOptions, find_sender, give_notice

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
ASKING = ReadRequest(NOW, ("GW-A1", "GW-A2"))
_LINE = re.compile(r"line (\d+)")

# Days from now: long past, past, ahead, beyond the horizon, beyond what may be told at all.
_DAYS = st.sampled_from([-4_000, -1_900, -40, 3, 30, 61, 200, 560, 900, 2_100])
_RULES = st.sampled_from(
    [
        "",
        "",
        "FREQ=DAILY;COUNT=3",
        "FREQ=WEEKLY",
        "FREQ=YEARLY;COUNT=6",
        "FREQ=DAILY;UNTIL=20330101",
        "FREQ=MONTHLY;COUNT=1",
    ]
)
_KINDS = st.sampled_from(["UTC", "DATE", "London", "Berlin"])


def spelt(name, at, kind):
    return {
        "UTC": f"{name}:{at:%Y%m%dT020000Z}",
        "DATE": f"{name};VALUE=DATE:{at:%Y%m%d}",
        "London": f"{name};TZID=Europe/London:{at:%Y%m%dT020000}",
        "Berlin": f"{name};TZID=Europe/Berlin:{at:%Y%m%dT020000}",
        "floating": f"{name}:{at:%Y%m%dT020000}",
        "midnight": f"{name}:{at:%Y%m%dT000000Z}",
    }[kind]


@st.composite
def events(draw):
    """The events of one UID: an event or a series with exceptions, or exceptions alone."""
    uid = draw(st.sampled_from("abc"))
    first, kind, rule = NOW + timedelta(days=draw(_DAYS)), draw(_KINDS), draw(_RULES)
    found = []
    if draw(st.integers(0, 5)):
        lines = [f"UID:{uid}", spelt("DTSTART", first, kind), f"SEQUENCE:{draw(st.integers(0, 1))}"]
        lines += [f"DURATION:{'P1D' if kind == 'DATE' else 'PT4H'}"] if draw(st.integers(0, 9)) else []
        lines += [f"RRULE:{rule}"] if rule else []
        for day in draw(st.lists(st.integers(0, 3), max_size=4)):
            written = draw(st.sampled_from([kind, "floating", "midnight", "DATE"]))
            lines.append(spelt("EXDATE", first + timedelta(days=day), written))
        lines += ["STATUS:CANCELLED"] if draw(st.integers(0, 6)) == 0 else []
        found += [lines] * (2 if draw(st.integers(0, 9)) == 0 else 1)
    for day in draw(st.lists(st.integers(0, 8), max_size=2)):
        named = draw(st.sampled_from([kind, "floating", "midnight", "DATE"]))
        original = spelt("RECURRENCE-ID", first + timedelta(days=day), named)
        if draw(st.integers(0, 3)) == 0:
            original = original.replace("RECURRENCE-ID", "RECURRENCE-ID;RANGE=THISANDFUTURE")
        lines = [f"UID:{uid}", original, f"SEQUENCE:{draw(st.integers(0, 2))}"]
        if draw(st.booleans()):
            lines += [spelt("DTSTART", first + timedelta(days=day + 1), draw(_KINDS)), "DURATION:P1D"]
        lines += ["STATUS:CANCELLED"] if draw(st.booleans()) else []
        found.append(lines)
    return found or [[f"UID:{uid}", spelt("DTSTART", first, kind), "DURATION:P1D"]]


@st.composite
def notices(draw):
    """A calendar of such events as octets, at which gateway each is by LOCATION or by the request alone."""
    stated = [lines for group in draw(st.lists(events(), min_size=1, max_size=3)) for lines in group]
    method = draw(st.sampled_from(["", "", "", "METHOD:CANCEL", "METHOD:ADD"]))
    located = draw(st.booleans())
    text = ["BEGIN:VCALENDAR", "VERSION:2.0", *filter(None, [method])]
    for lines in stated:
        where = [f"LOCATION:{draw(st.sampled_from(['GW-A1', 'GW-A2']))}"] if located else []
        text += ["BEGIN:VEVENT", *lines, *where, "END:VEVENT"]
    return "\r\n".join([*text, "END:VCALENDAR", ""]).encode(), None if located else "GW-A1"


def uids_by_line(octets):
    found, begun = {}, 0
    for number, line in enumerate(octets.decode().split("\r\n"), 1):
        begun = number if line == "BEGIN:VEVENT" else begun
        if line.startswith("UID:"):
            uid = line[4:]
        if line == "END:VEVENT":
            found |= dict.fromkeys(range(begun, number + 1), uid)
    return found


@settings(max_examples=200)
@given(notices())
def test_each_uid_is_announced_or_named(stated):
    octets, gateway = stated
    reading = read_notice(octets, "text/calendar", ReadRequest(NOW, ASKING.gateways, gateway))
    uids = uids_by_line(octets)
    told = {announcement.uid for announcement in reading.announcements}
    told |= {uids[problem.line] for problem in reading.problems}
    told |= {uids[int(line)] for remark in reading.remarks for line in _LINE.findall(remark)}
    assert told == set(uids.values())
    assert reading.events == octets.count(b"BEGIN:VEVENT")
    begun = {number for number, line in enumerate(octets.split(b"\r\n"), 1) if line == b"BEGIN:VEVENT"}
    named = {int(line) for remark in reading.remarks for line in _LINE.findall(remark)}
    told = {announcement.line for announcement in reading.announcements}
    assert reading.unread <= begun
    assert reading.left_out <= named & begun
    assert not reading.left_out & (reading.unread | told)
    assert bool(reading.unread) == bool(reading.problems)
    assert told <= begun


@pytest.mark.slow
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(stated=st.lists(notices(), min_size=2, max_size=3))
def test_what_an_answer_lists_adds_up_and_is_never_nothing(register, alpha, stated):
    sender = find_sender(register, "ALPHA", None)
    for octets, gateway in stated:
        notice = Notice("ALPHA", Channel.API, NOW, "text/calendar", octets, "a test")
        asked = give_notice(register, sender, notice, NoticeOptions(gateway, dry_run=True))
        given_ = give_notice(register, sender, notice, NoticeOptions(gateway))
        outcome, content = given_.outcome, given_.content
        lists = [outcome.accepted, outcome.unchanged, outcome.superseded, outcome.withdrawn]
        listed = [acknowledgement.closure.id for each in lists for acknowledgement in each]
        assert len(set(listed)) == len(listed)
        assert listed or outcome.problems or outcome.remarks
        assert [len(each) for each in lists] == [
            len(each)
            for each in (
                asked.outcome.accepted, asked.outcome.unchanged, asked.outcome.superseded, asked.outcome.withdrawn,
            )
        ]  # fmt: skip
        counts = outcome.counts
        assert counts == asked.outcome.counts
        assert (
            counts["events"]
            == octets.count(b"BEGIN:VEVENT")
            == counts["taken"] + counts["with_problems"] + counts["left_out"]
        )
        assert len(listed) == counts["closures"] + counts["vanished"]
        # Each announcement is in one of the lists or a problem of the record; a series cancelled whole is its closures.
        unheard = len(outcome.problems) - len(content.problems)
        one_by_one = [told for told in content.announcements if told.recurrence_id or not told.withdrawn]
        if len(one_by_one) == len(content.announcements):
            assert counts["closures"] + unheard == len(one_by_one)
        assert len(outcome.accepted) <= sum(not told.withdrawn for told in content.announcements)
