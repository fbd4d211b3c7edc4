"""One mail: taken as a notice of the User who named its sender, or put aside; answered as it may be; known again."""

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from app.domain.access import Principal, Role
from app.domain.maintenance import MaintenanceKind
from app.domain.window import ClosureWindow
from app.jobs.housekeeping import keep_house
from app.jobs.notify import deliver
from app.jobs.post_office import PostOffice
from app.pulling.mail_origin import DnsAway, keys_from
from app.pulling.take_mail import LIMITS, take_mail
from app.register.messages.outbox import resend_message
from app.register.messages.replies import STRANGERS_A_DAY
from app.register.move_index import move_index
from app.register.people.enrolment import shred_user
from app.register.planned_limit import PlannedLimit
from app.register.reading import Question, read_schedule
from app.register.sources import SourceRefused, add_source, gateway_of, make_source
from app.register.verification import verify_record
from app.store import mails, outbox_tables, tables
from app.store.outbox import MessageState, list_messages
from app.store.recipients import Carrier
from feeds.entry import Publisher

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
PUBLISHER = Publisher("Notices", "notices@closures.example", "https://closures.example", "closures.example")
ANNA = "anna@alpha.example"
DCC = Principal("dcc", Role.DCC)
SPAN = ClosureWindow(NOW, NOW + timedelta(days=400))


class Room:
    """A register, the name servers, and what leaves by mail."""

    def __init__(self, register, keys):
        self.register, self.store, self.ask, self.now, self.left = register, register.store, keys, NOW, []

    def name(self, user, gateway, address=ANNA):
        made = make_source(
            gateway_of(self.store, user, gateway), url=f"mailto:{address}", username="", password="", word="",
            category="", every_minutes=15, now=NOW,
        )  # fmt: skip
        add_source(self.store, made)
        return made

    def take(self, octets, **options):
        return take_mail(self.register, octets, self.ask, PUBLISHER, self.now, **options)

    def sent(self):
        """What leaves from the outbox now."""
        office = PostOffice(PUBLISHER, {Carrier.EMAIL: self.left.append, Carrier.WEBHOOK: None})
        before = len(self.left)
        deliver(self.register, office, lambda: self.now)
        return self.left[before:]

    def closures(self):
        found = read_schedule(self.register, DCC, Question(SPAN))
        return sorted((one.gateway, f"{one.window.starts:%Y-%m-%dT%H:%M}", one.state.value) for one in found)

    def count(self, table):
        with self.store.reading() as connection:
            return connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()

    def put_aside(self):
        with self.store.reading() as connection:
            return [(one.sender, one.why) for one in mails.list_put_aside(self.store, connection, 1_000)]


@pytest.fixture
def room(register, alpha, name_server):
    return Room(register, keys_from(name_server.address))


@pytest.fixture
def known(room):
    room.name("ALPHA", "GW-A1")
    return room


def test_an_invitation_is_a_notice_and_the_receipt_goes_back_in_its_thread(known, write, sign):
    assert known.take(sign(write(References="<0@alpha.example>"))) is True
    assert known.closures() == [("GW-A1", "2027-02-07T02:00", "planned")]
    (letter,) = known.sent()
    assert (letter.address, letter.subject) == (ANNA, "Re: Gateway closed")
    assert (letter.answers, letter.thread) == ("<1@alpha.example>", ("<0@alpha.example>", "<1@alpha.example>"))
    reference = re.search(r"CN-[0-9A-Z]{10}", letter.text)[0]
    assert letter.text == (
        "Your notice was received Tue 24 Nov 2026 09:00 GMT.\n\n"
        "Recorded:\n"
        f"{reference}  GW-A1  Sun 7 Feb 2027 02:00 GMT to Sun 7 Feb 2027 06:00 GMT  first notice. "
        "50 Working Days' notice; 20 are recommended.\n"
        f"  https://closures.example/closures/{reference}\n"
    )
    assert verify_record(known.register).is_sound


def test_an_update_moves_it_and_a_cancellation_withdraws_it(known, write, sign):
    for sequence, (method, starts, expected) in enumerate(
        [
            ("REQUEST", "20270207T020000Z", ("GW-A1", "2027-02-07T02:00", "planned")),
            ("REQUEST", "20270207T030000Z", ("GW-A1", "2027-02-07T03:00", "planned")),
            ("CANCEL", "20270207T030000Z", ("GW-A1", "2027-02-07T03:00", "withdrawn")),
        ]
    ):
        assert known.take(sign(write(method=method, starts=starts, sequence=sequence, number=sequence)))
        assert known.closures() == [expected]
    said = {letter.answers: re.search(r"GMT  (.*?)\.", letter.text)[1] for letter in known.sent()}
    assert said == {
        "<0@alpha.example>": "first notice",
        "<1@alpha.example>": "shortened",
        "<2@alpha.example>": "withdrawn",
    }


def test_a_mail_is_taken_once(known, write, sign):
    octets = sign(write())
    assert [known.take(octets) for _ in range(3)] == [True, True, True]
    assert (known.count(tables.notices), len(known.sent())) == (1, 1)


def test_a_copy_that_somebody_sends_on_moves_nothing_back(known, write, sign):
    moved = {"starts": "20270207T030000Z", "ends": "20270207T070000Z"}
    old = sign(write(number=1))
    assert [known.take(old), known.take(sign(write(number=2, **moved)))] == [True, True]
    known.sent()
    assert known.take(b"Received: from otto.example by closures.example\r\n" + old) is False
    assert known.take(b"Delivered-To: notices+GW-A2@closures.example\r\n" + old) is False
    assert known.closures() == [("GW-A1", "2027-02-07T03:00", "planned")]
    assert known.sent() == []
    assert known.put_aside() == [(ANNA, "a copy of it was taken before")] * 2
    assert [known.take(octets) for octets in (old, sign(write(number=3)))] == [True, True]
    assert known.closures() == [("GW-A1", "2027-02-07T02:00", "planned")]


def test_two_mails_that_a_signature_does_not_tell_apart_are_both_taken(known, write, sign):
    signed = [sign(write(number=number), include_headers=[b"from", b"subject"]) for number in (1, 2)]
    assert [known.take(octets) for octets in signed] == [True, True]
    assert (known.count(tables.notices), known.put_aside()) == (2, [])


def test_one_that_is_put_aside_is_known_again_too(known, write):
    octets = write()
    assert [known.take(octets) for _ in range(3)] == [False, False, False]
    assert (known.count(tables.notices), len(known.put_aside()), len(known.sent())) == (0, 1, 1)


@pytest.mark.parametrize(
    ("sent_to", "gateway"),
    [
        ({"to": "notices+GW-A2@closures.example"}, "GW-A2"),
        ({"to": "Notices <notices+gw-a2@closures.example>, otto+x@alpha.example"}, "GW-A2"),
        ({"Delivered_To": "notices+gw-a2@closures.example"}, "GW-A2"),
        ({"X_Original_To": "notices+gw-a2@closures.example"}, "GW-A2"),
        ({"to": "notices+GW-B1@closures.example"}, "GW-A1"),
        ({"to": "notices+GW-A2+x@closures.example"}, "GW-A1"),
    ],
)
def test_the_word_behind_the_plus_chooses_among_the_users_own_gateways(known, enrolled, write, sign, sent_to, gateway):
    enrolled("BETA", "GW-B1")
    assert known.take(sign(write(**sent_to)))
    assert [one[0] for one in known.closures()] == [gateway]


def test_an_address_named_for_two_gateways_leaves_it_to_the_notice(known, write, sign):
    known.name("ALPHA", "GW-A2")
    assert known.take(sign(write()))
    assert known.closures() == []
    assert known.take(sign(write(to="notices+gw-a2@closures.example", number=2)))
    assert [one[0] for one in known.closures()] == ["GW-A2"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"to": "notices+gw-a1@c.example, notices+gw-a2@c.example"}, "The mail was sent to addresses of two gateways. Send one mail for each."),
        ({"calendar": None}, "The mail holds no calendar, sheet or listing."),
        ({"ends": "20270207T010000Z"}, "Line 10, DTEND (Gateway closed, 2027-02-07 02:00): The end is not after the start."),
        ({"method": "REFRESH"}, "METHOD:REFRESH asks for the latest version"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_goes_back_with_what_helps(known, write, sign, options, said):
    assert known.take(sign(write(**options)))
    assert known.closures() == []
    (letter,) = known.sent()
    assert said in letter.text
    assert letter.answers == "<1@alpha.example>"


def test_more_than_a_user_may_plan_is_refused_whole_in_words(known, write, sign):
    known.register = replace(known.register, planned=PlannedLimit(1))
    assert [known.take(sign(write(uid=uid, number=uid))) for uid in ("u1", "u2")] == [True, True]
    assert (len(known.closures()), known.count(tables.notices)) == (1, 1)
    said = {letter.answers: letter.text.partition("\n")[0] for letter in known.sent()}
    assert said["<u2@alpha.example>"] == "Nothing of your mail was recorded as a closure."
    assert verify_record(known.register).is_sound


def test_what_a_program_sent_is_recorded_and_not_answered(known, write, sign):
    assert known.take(sign(write(Auto_Submitted="auto-generated")))
    assert (len(known.closures()), known.sent()) == (1, [])


@pytest.mark.parametrize("sender", [ANNA, "otto@beta.example"])
def test_an_answer_to_an_invitation_is_put_aside_and_not_answered(known, write, sign, sender):
    assert known.take(sign(write(sender=sender, method="REPLY"))) is False
    assert known.put_aside() == [(sender, "it answers an invitation")]
    assert (known.count(tables.notices), known.sent()) == (0, [])


def test_a_holiday_note_to_our_answer_is_put_aside(known, write, sign):
    assert known.take(sign(write(calendar=None, Auto_Submitted="auto-replied"))) is False
    assert (known.count(tables.notices), known.sent()) == (0, [])


@pytest.mark.parametrize(
    ("headers", "why"),
    [
        ({"sender": "otto@alpha.example"}, "no User has named the address that it is from"),
        ({"sender": "anna@alpha.example, otto@alpha.example"}, "no User has named the address that it is from"),
        ({"sender": None}, "no User has named the address that it is from"),
        ({"Subject": "another"}, None),
    ],
)
def test_who_is_not_known_is_put_aside(known, write, sign, headers, why):
    octets = sign(write(**headers)) if headers.get("sender", ANNA) else b"DKIM-Signature: x\r\n" + write(**headers)
    assert known.take(octets) is (why is None)
    assert known.closures() == [] or why is None
    assert [one[1] for one in known.put_aside()] == ([] if why is None else [why])


def test_an_address_that_two_users_name_is_nobodys(known, enrolled, write, sign):
    enrolled("BETA", "GW-B1")
    known.name("BETA", "GW-B1")
    assert known.take(sign(write())) is False
    assert known.put_aside() == [(ANNA, "more than one User has named the address that it is from")]
    assert known.count(tables.notices) == 0


@pytest.mark.slow
def test_a_thousand_forged_mails_record_nothing(known, write, sign, keys, name_server):
    """Unsigned, signed by another domain, signed and changed, or from an address that nobody named."""
    name_server.records["s1._domainkey.evil.example"] = keys[1]
    signed = sign(write())
    for number in range(250):
        one = write(uid=f"u{number}", number=number)
        assert known.take(one) is False
        assert known.take(sign(one, domain="evil.example")) is False
        assert known.take(signed.replace(b"See below.", b"See below %d" % number)) is False
        assert known.take(sign(write(sender=f"x{number}@alpha.example", number=number))) is False
    assert (known.count(tables.notices), known.closures()) == (0, [])
    assert len(known.put_aside()) == mails.MOST_PUT_ASIDE
    # One to the address that most of them bear, and so many in all.
    assert known.count(outbox_tables.mails) == mails.MOST_PUT_ASIDE
    addresses = [letter.address for _ in range(5) for letter in known.sent()]
    assert len(addresses) == len({*addresses}) <= STRANGERS_A_DAY


def test_a_stranger_is_answered_once_a_day(known, write):
    for number in range(3):
        known.take(write(sender="otto@beta.example", number=number))
    (letter,) = known.sent()
    assert (letter.address, letter.answers) == ("otto@beta.example", "<0@alpha.example>")
    known.now += timedelta(days=1, seconds=1)
    known.take(write(sender="otto@beta.example", number=9))
    assert [one.answers for one in known.sent()] == ["<9@alpha.example>"]


def test_strangers_together_are_answered_so_often_a_day(known, write):
    for number in range(STRANGERS_A_DAY + 5):
        known.take(write(sender=f"x{number}@beta.example", number=number))
    assert sum(len(known.sent()) for _ in range(4)) == STRANGERS_A_DAY


@pytest.mark.parametrize(
    "headers",
    [
        {"sender": PUBLISHER.organizer_email},
        {"Auto_Submitted": "auto-replied"},
        {"Precedence": "bulk"},
        {"List_Id": "<a.b>"},
        {"Return_Path": "<>"},
        {"sender": None},
    ],
)
def test_there_is_no_loop(known, write, headers):
    assert known.take(write(**{"sender": "otto@beta.example"} | headers)) is False
    assert known.sent() == []


def test_what_is_too_large_or_cannot_be_parsed_is_put_aside(known, write):
    assert known.take(write() + b"x" * LIMITS.octets) is False
    assert known.take(b"Content-Type: message/rfc822\n\n" * 100) is False
    assert sorted(known.put_aside()) == [
        ("", "The mail has more lines, parts or levels than are read."),
        ("", "it is larger than 5 MB"),
    ]


def test_while_no_name_server_answers_a_mail_waits(known, write, sign, name_server):
    octets = sign(write())
    name_server.failing.add("s1._domainkey.alpha.example")
    with pytest.raises(DnsAway):
        known.take(octets)
    assert (known.count(outbox_tables.mails), known.count(tables.notices)) == (0, 0)
    name_server.failing.clear()
    assert known.take(octets) is True


def test_but_not_for_ever(known, write, sign, name_server):
    name_server.failing.add("s1._domainkey.alpha.example")
    assert known.take(sign(write()), patient=False) is False


REPORT = """From: mailer-daemon@mx.example
Return-Path: <>
Content-Type: multipart/report; report-type=delivery-status; boundary=b

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example

Final-Recipient: rfc822; anna@alpha.example
Action: failed
Status: 5.1.1
--b
Content-Type: message/rfc822

Message-ID: <{name}>

--b--
"""


def messages(store):
    with store.reading() as connection:
        return [(one.state.value, one.fault) for one in list_messages(store, connection, list(MessageState), 10)]


def test_a_bounce_of_our_answer_is_shown_and_not_answered(known, store, write, sign):
    known.take(sign(write()))
    (letter,) = known.sent()
    report = REPORT.format(name=f"{letter.id}@{PUBLISHER.uid_domain}").encode()
    assert [known.take(report), known.take(report)] == [False, False]
    assert messages(store) == [("dead", "the mail bounced: 5.1.1")]
    assert known.put_aside() == [("mailer-daemon@mx.example", "it reports that a mail of ours did not arrive (5.1.1)")]
    assert known.sent() == []
    # It may be sent again, and the same report says nothing new of it.
    resend_message(known.register, letter.id, known.now)
    assert len(known.sent()) == 1
    known.take(report)
    assert messages(store) == [("sent", "")]


@pytest.mark.parametrize("name", ["00" * 16 + "@closures.example", "{id}@other.example", "x@closures.example", ""])
def test_a_forged_bounce_does_nothing(known, store, write, sign, name):
    known.take(sign(write()))
    (letter,) = known.sent()
    assert known.take(REPORT.format(name=name.format(id=letter.id)).encode()) is False
    assert messages(store) == [("sent", "")]


def test_mails_are_forgotten_after_ninety_days(known, write, sign):
    known.take(sign(write()))
    known.take(write(number=2))
    keep_house(known.register, NOW + timedelta(days=89))
    assert known.count(outbox_tables.mails) == 2
    keep_house(known.register, NOW + timedelta(days=91))
    assert known.count(outbox_tables.mails) == 0
    assert known.sent() == []


@pytest.mark.parametrize(
    "url",
    [
        "mailto:",
        "mailto:anna",
        "mailto:a b@c.example",
        "mailto:a@b@c.example",
        "mailto:anna@alpha",
        "mailto:änna@alpha.example",
    ],
)
def test_an_address_that_is_none_cannot_be_named(known, url):
    with pytest.raises(SourceRefused):
        known.name("ALPHA", "GW-A1", url.removeprefix("mailto:"))


@pytest.mark.parametrize("more", [{"username": "x"}, {"word": "x"}, {"category": "x"}, {"agent": "x"}])
def test_nothing_else_goes_with_an_address(known, more):
    stated = {"username": "", "password": "", "word": "", "category": "", "every_minutes": 15, "now": NOW} | more
    with pytest.raises(SourceRefused):
        make_source(gateway_of(known.store, "ALPHA", "GW-A1"), url="mailto:a@b.example", **stated)
    with pytest.raises(SourceRefused):
        make_source(MaintenanceKind.RELEASE, url="mailto:a@b.example", **stated | dict.fromkeys(more, ""))


def test_mails_are_known_again_after_the_root_was_rotated(known, write, sign):
    taken, aside = sign(write()), write(sender="otto@beta.example", number=2)
    assert [known.take(taken), known.take(aside)] == [True, False]
    known.store.keyring.rotate(root=True)
    move_index(known.store)
    assert [known.take(taken), known.take(aside)] == [True, False]
    assert (known.count(tables.notices), len(known.put_aside())) == (1, 1)
    assert sorted(letter.address for letter in known.sent()) == [ANNA, "otto@beta.example"]


def test_what_answers_a_shredded_user_is_gone(known, alpha, write, sign):
    known.take(sign(write()))
    shred_user(known.store, "ALPHA", NOW)
    assert known.sent() == []
    assert known.take(sign(write(number=2))) is False
