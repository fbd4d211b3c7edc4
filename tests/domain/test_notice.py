import dataclasses
from datetime import UTC, datetime

import pytest

from app.domain.notice import Announcement, Channel, Notice
from app.domain.window import ClosureWindow

NOW = datetime(2026, 1, 5, 9, tzinfo=UTC)
WINDOW = ClosureWindow(datetime(2026, 2, 2, tzinfo=UTC), datetime(2026, 2, 3, tzinfo=UTC))


def test_the_doors_a_notice_can_come_through():
    assert [str(channel) for channel in Channel] == ["form", "upload", "api", "caldav", "pull"]


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
