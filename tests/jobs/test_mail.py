"""Letters by e-mail, against a real mail server on loopback."""

import email
import email.policy
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from app.jobs.letter import Letter, NotDelivered
from app.jobs.mail import MailServer, read_mail_server, send_mail
from feeds.entry import Publisher

LETTER = Letter(
    id="0f" * 16,
    address="planning@dcc.example",
    secret="",
    subject="New: GW-ÆRØ-1, Sun 6 Dec 2026 02:00 GMT",
    text="GW-ÆRØ-1 closed (Ærø Energy 🔌)\n" + "a long line " * 20 + "\n.\nFrom here on\n",
    payload=b"{}",
    sent_at=datetime(2026, 11, 24, 9, 0, tzinfo=UTC),
)


def server_at(port, **facts):
    return MailServer(**{"host": "localhost", "port": port, "wrapped": False, "username": "", "password": ""} | facts)


def test_what_leaves(mail_server, publisher):
    box, port = mail_server()
    send_mail(server_at(port), publisher, LETTER)
    ((sender, to, octets),) = box.mails
    mail = email.message_from_bytes(octets, policy=email.policy.default)
    assert (sender, to) == ("notices@closures.example", ("planning@dcc.example",))
    assert {name: str(value) for name, value in mail.items()} == {
        "From": "Closure notices <notices@closures.example>",
        "To": "planning@dcc.example",
        "Subject": LETTER.subject,
        "Date": "Tue, 24 Nov 2026 09:00:00 +0000",
        "Message-ID": f"<{LETTER.id}@closures.example>",
        "Auto-Submitted": "auto-generated",
        "X-Auto-Response-Suppress": "DR, RN, NRN, OOF, AutoReply",
        "Content-Language": "en-GB",
        "Content-Type": 'text/plain; charset="utf-8"',
        "Content-Transfer-Encoding": "quoted-printable",
        "MIME-Version": "1.0",
    }
    assert mail.get_content().replace("\r\n", "\n") == LETTER.text
    assert octets.isascii()
    assert max(map(len, octets.split(b"\r\n"))) <= 78


def test_a_mail_has_a_link_by_which_its_reader_leaves_with_one_press(mail_server, publisher):
    box, port = mail_server()
    link = "https://closures.of-an-organisation.example/leave/0c4x8h2m6q1s5w9z." + "0f" * 16
    for letter in (LETTER, replace(LETTER, leave=link)):
        send_mail(server_at(port), publisher, letter)
    lines = [[line for line in octets.split(b"\r\n") if b"Unsubscribe" in line] for _, _, octets in box.mails]
    # Each on one line: folded or encoded, as mail folds long words, the link would be none.
    assert lines == [[], [f"List-Unsubscribe: <{link}>".encode(), b"List-Unsubscribe-Post: List-Unsubscribe=One-Click"]]


def test_an_answer_stands_in_the_thread_of_its_mail(mail_server, publisher):
    box, port = mail_server()
    thread = tuple(f"<{number}.{'x' * 200}@alpha.example>" for number in range(4))
    send_mail(server_at(port), publisher, replace(LETTER, answers=thread[-1], thread=thread))
    octets = box.mails[0][2]
    lines = octets.decode().split("\r\n")
    assert [
        line for line in lines if line.startswith(("In-Reply-To", "References", "Auto-Submitted", "Message-ID"))
    ] == [
        f"Message-ID: <{LETTER.id}@closures.example>",
        f"In-Reply-To: {thread[-1]}",
        f"References: {' '.join(thread)}",
        "Auto-Submitted: auto-replied",
    ]
    assert max(map(len, lines)) <= 998


def test_a_second_attempt_has_the_same_id(mail_server, publisher):
    box, port = mail_server()
    for _ in range(2):
        send_mail(server_at(port), publisher, LETTER)
    assert box.mails[0] == box.mails[1]


@pytest.mark.parametrize(
    ("answers", "fault", "for_good"),
    [
        ({"RCPT": "550 no such person here: planning@dcc.example"}, "the mail server refused the address (550)", True),
        ({"RCPT": "451 later"}, "the mail server refused the address (451)", False),
        ({"DATA": "554 not this text"}, "the mail server declined (554)", True),
        ({"DATA": "452 full"}, "the mail server declined (452)", False),
    ],
)
def test_what_the_server_says_is_noted_without_its_words(mail_server, publisher, answers, fault, for_good):
    box, port = mail_server()
    box.answers = answers
    with pytest.raises(NotDelivered) as refused:
        send_mail(server_at(port), publisher, LETTER)
    assert (refused.value.fault, refused.value.for_good, refused.value.away, box.mails) == (fault, for_good, False, [])


def test_what_goes_wrong_after_it_arrived_does_not_send_it_again(mail_server, publisher):
    box, port = mail_server()
    box.answers = {"QUIT": "500 no"}
    send_mail(server_at(port), publisher, LETTER)
    assert len(box.mails) == 1


def test_no_server_there(publisher):
    with pytest.raises(NotDelivered, match="could not be spoken to") as refused:
        send_mail(server_at(1), publisher, LETTER)
    assert refused.value.away


@pytest.mark.parametrize("options", [{"starttls": True}, {"wrapped": True}])
def test_a_password_goes_over_an_encrypted_line(mail_server, publisher, certificate, options):
    box, port = mail_server(login=True, **options)
    wrapped = options.get("wrapped", False)
    whole = {"username": "closures", "password": "p@ss/word", "trust": certificate[1], "wrapped": wrapped}
    send_mail(server_at(port, **whole), publisher, LETTER)
    assert (len(box.mails), box.logins[0][1:]) == (1, (b"closures", b"p@ss/word"))
    with pytest.raises(NotDelivered) as refused:
        send_mail(server_at(port, **whole | {"password": "wrong"}), publisher, LETTER)
    # A setting, which may be put right before the next attempt.
    assert (refused.value.for_good, len(box.mails)) == (False, 1)


@pytest.mark.parametrize("options", [{"starttls": True}, {"wrapped": True}])
def test_a_server_that_cannot_prove_who_it_is_gets_nothing(mail_server, publisher, options):
    box, port = mail_server(login=True, **options)
    with pytest.raises(NotDelivered, match="SSLCertVerificationError"):
        send_mail(server_at(port, username="u", password="p", wrapped=options.get("wrapped", False)), publisher, LETTER)
    assert (box.mails, box.logins) == ([], [])


def test_a_password_never_goes_over_an_open_line(mail_server, publisher):
    box, port = mail_server(login=True)
    with pytest.raises(NotDelivered, match="no encryption"):
        send_mail(server_at(port, username="u", password="p"), publisher, LETTER)
    assert box.logins == []


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("smtp://mail.example", ("mail.example", 25, False, "", "")),
        ("smtp://closures:p%40ss%2Fword@mail.example:587", ("mail.example", 587, False, "closures", "p@ss/word")),
        ("smtps://mail.example", ("mail.example", 465, True, "", "")),
    ],
)
def test_the_address_of_the_server(url, expected):
    found = read_mail_server(url)
    assert (found.host, found.port, found.wrapped, found.username, found.password) == expected
    assert "p@ss" not in repr(found)


def test_a_hostile_name_adds_no_header(mail_server):
    box, port = mail_server()
    publisher = Publisher('Evil, "Name" <x@y>', "notices@closures.example", "https://c.example", "c.example")
    send_mail(server_at(port), publisher, LETTER)
    mail = email.message_from_bytes(box.mails[0][2], policy=email.policy.default)
    (sender,) = mail["From"].addresses
    assert (sender.display_name, sender.addr_spec) == ('Evil, "Name" <x@y>', "notices@closures.example")
