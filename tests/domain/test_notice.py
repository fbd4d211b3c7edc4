import dataclasses
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from app.domain.notice import Announcement, Channel, Notice, SenderMark, mark_of
from app.domain.window import ClosureWindow

NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)
WINDOW = ClosureWindow(datetime(2026, 2, 2, tzinfo=UTC), datetime(2026, 2, 3, tzinfo=UTC))


def test_the_doors_a_notice_can_come_through():
    assert [str(channel) for channel in Channel] == ["form", "upload", "api", "caldav", "pull", "mail", "command line"]


def test_a_notice_names_nobody_unless_told():
    notice = Notice("ACME", Channel.API, NOW, "text/calendar", b"BEGIN:VCALENDAR")
    assert notice.given_by == ""


def test_a_form_announces_without_a_mark_of_its_own():
    said = Announcement("uid@acme", "GW1", WINDOW)
    assert dataclasses.asdict(said) | {"window": None} == {
        "uid": "uid@acme",
        "gateway": "GW1",
        "window": None,
        "recurrence_id": "",
        "withdrawn": False,
        "sender_sequence": 0,
        "sender_dtstamp": None,
        "position": None,
        "by_receipt": False,
        "line": None,
        "remarks": (),
        "left_out": (),
        "named": None,
        "provisional": False,
    }


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (Notice("ACME", Channel.API, NOW, "text/calendar", b""), "octets"),
        (Announcement("uid", "GW1", WINDOW), "window"),
    ],
)
def test_what_was_received_cannot_be_altered(value, name):
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(value, name, None)


STAMP = datetime(2025, 12, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
SAID = Announcement("uid@acme", "GW1", WINDOW, "20260202T000000Z", sender_sequence=2, sender_dtstamp=STAMP, position=3)
MARK = SenderMark(uid="uid@acme", recurrence_id="20260202T000000Z", position=3, sequence=2, dtstamp=STAMP)


def test_the_mark_of_a_first_announcement():
    assert mark_of(SAID) == MARK


@pytest.mark.parametrize(
    ("said", "news"),
    [
        ({}, {}),
        ({"sender_sequence": 5}, {"sequence": 5}),
        ({"sender_sequence": 5, "sender_dtstamp": STAMP + DAY}, {"sequence": 5, "dtstamp": STAMP + DAY}),
        ({"sender_sequence": 0, "sender_dtstamp": None}, {}),  # a form takes nothing back
        ({"sender_dtstamp": STAMP + DAY}, {"dtstamp": STAMP + DAY}),
        ({"recurrence_id": "20260203T000000Z", "position": 4}, {"recurrence_id": "20260203T000000Z", "position": 4}),
        ({"position": 0}, {"position": 0}),
        ({"position": None}, {}),  # one occurrence sent without its rule
        ({"window": None, "gateway": "GW2", "withdrawn": True}, {}),
        ({"uid": "another"}, {}),  # told of by its reference: the closure keeps the name that it has
    ],
)
def test_what_another_announcement_does_to_the_mark(said, news):
    assert MARK.after(replace(SAID, **said)) == replace(MARK, **news)


@pytest.mark.parametrize("sequence", [0, 1, 2, 3])
@pytest.mark.parametrize("dtstamp", [None, STAMP - DAY, STAMP, STAMP + DAY])
def test_the_mark_of_what_stands_by_receipt_is_the_one_that_stands(sequence, dtstamp):
    said = replace(SAID, sender_sequence=sequence, sender_dtstamp=dtstamp, by_receipt=True)
    assert MARK.after(said) == replace(MARK, sequence=sequence, dtstamp=dtstamp)


@pytest.mark.parametrize(
    ("uid", "own_reference", "program_uid"),
    [
        ("form:CHG-1001", "CHG-1001", ""),
        ("sheet:CHG-1001", "CHG-1001", ""),
        ("listing:a\nb", "a\nb", ""),
        (f"form:{'0a' * 16}", "", ""),
        (f"sheet:derived:{'0a' * 16}", "", ""),
        ("uid@acme", "", "uid@acme"),
    ],
)
def test_what_a_person_stated_is_told_from_what_a_program_did(uid, own_reference, program_uid):
    mark = replace(MARK, uid=uid)
    assert (mark.own_reference, mark.program_uid) == (own_reference, program_uid)
