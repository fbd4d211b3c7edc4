"""What the headers of a mail say, however they are made up."""

import pytest

from app.intake.bounce import Bounce, read_bounce
from app.intake.mail import parse_mail
from app.intake.mail_headers import Envelope, read_envelope


def envelope(*lines):
    return read_envelope(parse_mail("\r\n".join([*lines, "", "text"]).encode("utf-8", "surrogateescape")))


def test_what_counts_of_a_mail():
    assert envelope(
        "Return-Path: <anna@alpha.example>",
        "Delivered-To: notices+gw-a1@closures.example",
        "From: Anna =?utf-8?q?=C3=9Cber?= <Anna@Alpha.example>",
        "To: Notices <notices@closures.example>, otto+GW-A2@alpha.example",
        "Message-ID: <1@alpha.example>",
        "References: <0@x> <9@y>",
        "Subject: =?utf-8?q?Schlie=C3=9Fung=0D=0ABcc=3A_x?=",
    ) == Envelope(
        sender="anna@alpha.example",
        message_id="<1@alpha.example>",
        references=("<0@x>", "<9@y>"),
        subject="Schließung Bcc: x",
        tags=frozenset({"GW-A1", "GW-A2"}),
        may_be_answered=True,
    )


@pytest.mark.parametrize(
    "lines",
    [
        [],
        ["From: "],
        ["From: Anna"],
        ["From: anna@alpha.example, otto@alpha.example"],
        ["From: anna@alpha.example", "From: anna@alpha.example"],
        ["From: anna@alpha.example@beta.example"],
        ["From: änna@alpha.example"],
        ["From: \udcff@alpha.example"],
        ["From: group: anna@alpha.example, b@c.example;"],
    ],
)
def test_where_from_names_not_exactly_one_address_nobody_sent_it(lines):
    assert envelope(*lines).sender == ""


@pytest.mark.parametrize(
    ("line", "answered"),
    [
        ("Auto-Submitted: no", True),
        ("Auto-Submitted: NO ; x=y", True),
        ("Auto-Submitted: auto-replied", False),
        ("Auto-Submitted: auto-generated (by a program)", False),
        ("Precedence: bulk", False),
        ("Precedence: List", False),
        ("Precedence: junk", False),
        ("Precedence: first-class", True),
        ("List-Id: <a.b>", False),
        ("list-unsubscribe: <mailto:a@b>", False),
        ("Return-Path: <>", False),
        ("Return-Path: <anna@alpha.example>", True),
    ],
)
def test_what_a_program_a_list_or_nobody_sent_is_not_answered(line, answered):
    assert envelope("From: anna@alpha.example", line).may_be_answered is answered


def test_of_many_references_the_last_are_kept():
    many = [f"<{number}@x>" for number in range(30)]
    assert envelope("References: " + " ".join(many)).references == tuple(many[-3:])


REPORT = """Content-Type: multipart/report; report-type={kind}; boundary=b

--b
Content-Type: text/plain

It did not arrive.
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example

Final-Recipient: rfc822; anna@alpha.example
Action: {action}
Status: {status}
--b
Content-Type: {returned}

Subject: New
Message-ID: <0f0f@closures.example>

--b--
"""


@pytest.mark.parametrize("returned", ["message/rfc822", "text/rfc822-headers"])
@pytest.mark.parametrize(
    ("kind", "action", "status", "found"),
    [
        ("delivery-status", "failed", "5.1.1", "5.1.1"),
        ("Delivery-Status", "Failed (no such user)", "5.7.509 (refused)", "5.7.509"),
        ("delivery-status", "delayed", "4.4.1", None),
        ("delivery-status", "failed", "4.4.7", None),
        ("delivery-status", "delivered", "5.0.0", None),
        ("disposition-notification", "failed", "5.1.1", None),
    ],
)
def test_a_report_of_a_failure_for_good_names_the_mail_and_why(returned, kind, action, status, found):
    mail = parse_mail(REPORT.format(kind=kind, action=action, status=status, returned=returned).encode())
    expected = None if found is None else Bounce(("<0f0f@closures.example>",), found)
    assert read_bounce(mail) == expected


@pytest.mark.parametrize(
    "octets",
    [
        b"Content-Type: multipart/report; report-type=delivery-status\n\n",
        b"Content-Type: multipart/report; report-type*=x''delivery-status; boundary=b\n\n--b\n\n--b--\n",
        b"Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\nContent-Type: message/delivery-status\n\nAction: failed\nStatus: five\n--b--\n",
        b"Content-Type: text/plain\n\nStatus: 5.1.1\n",
    ],
)
def test_any_other_mail_is_no_report(octets):
    assert read_bounce(parse_mail(octets)) is None
