"""A shared mailbox follows a User's closures by mail: `closures up` as a process, a mail server, and HTTP."""

import email
import email.policy
import json
import time
from datetime import UTC, datetime, timedelta

import icalendar
import pytest
from aiosmtpd.controller import Controller

from tests.jobs.conftest import Mailbox, free_port

TODAY = datetime.now(UTC).replace(hour=2, minute=0, second=0, microsecond=0)
DESK = "desk@zeta.example"


@pytest.fixture
def box():
    """A mail server on loopback: what it was handed, and where it listens."""
    found = Mailbox()
    server = Controller(found, hostname="127.0.0.1", port=free_port(), ready_timeout=10)
    server.start()
    found.url = f"smtp://127.0.0.1:{server.port}"
    yield found
    server.stop()


@pytest.fixture
def stated(box):
    return {"CLOSURES_SMTP_URL": box.url}


def notice(starts, sequence, method="PUBLISH", status="CONFIRMED"):
    """A calendar's event of four hours."""
    lines = [
        *("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//a//b//EN", f"METHOD:{method}", "BEGIN:VEVENT", "UID:journey"),
        *(f"DTSTAMP:{datetime.now(UTC):%Y%m%dT%H%M%SZ}", f"SEQUENCE:{sequence}", f"STATUS:{status}"),
        *(f"DTSTART:{starts:%Y%m%dT%H%M%SZ}", f"DTEND:{starts + timedelta(hours=4):%Y%m%dT%H%M%SZ}"),
        *("END:VEVENT", "END:VCALENDAR", ""),
    ]
    return "\r\n".join(lines).encode()


def wait_for(box, count):
    """Wait until so many mails are there, and give all of them."""
    until = time.monotonic() + 60
    while len(box.mails) < count:
        assert time.monotonic() < until, f"{len(box.mails)} of {count} mails came"
        time.sleep(0.1)
    return [email.message_from_bytes(octets, policy=email.policy.default) for _, _, octets in box.mails]


def told(mail):
    calendar = icalendar.Calendar.from_ical(mail.get_payload()[1].get_payload(decode=True))
    (event,) = calendar.events
    return str(calendar["METHOD"]), str(event["UID"]), int(event["SEQUENCE"]), event.start


def test_from_a_notice_to_three_mails_and_out(visitor, box):
    for words in (("user", "add", "ZETA", "Zeta Energy"), ("gateway", "add", "ZETA", "GW-ZETA-1")):
        visitor.run(*words)
    own = visitor.run("token", "add", "--user", "ZETA", "--label", "curl")
    visitor.run("notify", "add", "--invitation", DESK, "--user", "ZETA", "--label", "desk")

    def give(octets):
        status, body, _ = visitor.ask("/api/v1/notices", user=own["username"], password=own["token"], data=octets)
        assert status == 200, body
        return json.loads(body)

    # A notice, its move and its withdrawal are three mails, each as the feed would show it then.
    first, second = TODAY + timedelta(days=30), TODAY + timedelta(days=37)
    reference = give(notice(first, 0))["accepted"][0]["reference"]
    wait_for(box, 1)
    give(notice(second, 1))
    wait_for(box, 2)
    give(notice(second, 2, "CANCEL", "CANCELLED"))
    mails = wait_for(box, 3)
    uid = f"{reference.lower()}@gateway-closures"
    assert [told(mail) for mail in mails] == [
        ("REQUEST", uid, 1, first), ("REQUEST", uid, 2, second), ("CANCEL", uid, 3, second),
    ]  # fmt: skip
    assert {mail["To"] for mail in mails} == {DESK}
    assert len({mail["Message-ID"] for mail in mails}) == 3
    assert len({(mail["Subject"], mail["References"]) for mail in mails}) == 1

    # The link in the mail ends it, by one press of a program that has no session; again, it changes nothing.
    link = mails[0]["List-Unsubscribe"].strip("<>").removeprefix(visitor.base)
    form = "application/x-www-form-urlencoded"
    for _ in range(2):
        assert visitor.ask(link, data=b"List-Unsubscribe=One-Click", content_type=form)[0] == 200
    assert visitor.run("notify", "list")["recipients"] == []
    give(notice(first, 3))
    assert visitor.run("notify", "outbox") == {"messages": []}
    assert visitor.run("record", "verify")["sound"] is True
    assert len(box.mails) == 3
