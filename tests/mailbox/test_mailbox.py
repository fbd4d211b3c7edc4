"""The mailbox that notices come to: against a real IMAP server, one that hangs, and one that is not there."""

import socket
import ssl
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from app.domain.notification import Kind
from app.factory import utc_now
from app.jobs import mailbox as job
from app.jobs.mailbox import MailReader, Post
from app.jobs.post_office import PostOffice
from app.jobs.timetable import Timetable
from app.pulling import mailbox as pulling
from app.pulling.http_client import Outbound
from app.pulling.mail_origin import keys_from
from app.pulling.mailbox import Mailbox, MailboxAway, read_mailbox_address
from app.register.messages import recipients
from app.register.questions.troubles import find_troubles
from app.register.witnesses import Witnesses
from app.security.tokens import new_row_id
from app.store import runs
from app.store.recipients import Carrier
from tests.mailbox.dovecot import PASSWORD, Dovecot, token_of
from tests.mailbox.test_take_mail import ANNA, PUBLISHER, Room

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
UNREAD = "The mailbox that notices come to cannot be read: Service, Health says why."
SILENT = "The job mailbox has not run in its time: see the scheduler's log."


@pytest.fixture
def user():
    """A mailbox of this test alone."""
    return f"u{new_row_id().hex()}"


@pytest.fixture
def box(dovecot, user):
    box = Mailbox(read_mailbox_address(dovecot.url(user), None))
    yield box
    box.close()


@pytest.fixture
def room(register, alpha, name_server):
    room = Room(register, keys_from(name_server.address))
    room.name("ALPHA", "GW-A1")
    return room


@pytest.fixture
def reader(room, box):
    reader = MailReader(Post(box, room.ask, PUBLISHER))
    return lambda: reader.look(room.register, lambda: room.now)


def last(store, name):
    with store.reading() as connection:
        found = runs.read_run(connection, name)
    return found and (found.position, found.outcome)


def test_what_waits_is_read_as_it_came_and_put_into_its_folder(dovecot, user, box):
    mails = [b"From: a@b.example\r\n\r\n.\r\n\xff one" + b"x" * 3_000, b"From: c@d.example\r\n\r\ntwo"]
    dovecot.deliver(user, *mails)
    first, second = box.waiting()
    assert [box.fetch(first, 10_000), box.fetch(second, 10)] == [mails[0], mails[1][:10]]
    box.put(first, pulling.TAKEN)
    box.put(second, pulling.PUT_ASIDE)
    assert (box.waiting(), box.fetch(first, 10)) == ([], None)
    assert dovecot.held(user, "INBOX.Taken") == mails[:1]
    assert dovecot.held(user, "INBOX.Put aside") == mails[1:]


def test_who_read_it_before_does_not_matter(dovecot, user, box):
    dovecot.deliver(user, b"From: a@b.example\r\n\r\none")
    with dovecot.box(user) as other:
        other.flag(other.uids("ALL", charset=None), [r"\Seen"], value=True)
    assert len(box.waiting()) == 1


def test_a_mailbox_may_be_a_folder(dovecot, user):
    with dovecot.box(user) as other:
        other.folder.create("Notices")
        other.append(b"From: a@b.example\r\n\r\none", "Notices")
    box = Mailbox(read_mailbox_address(dovecot.url(user, "Notices"), None))
    box.put(box.waiting()[0], pulling.TAKEN)
    box.close()
    assert len(dovecot.held(user, "Notices.Taken")) == 1


def test_a_token_is_read_for_each_sign_in(dovecot, user, tmp_path):
    path = tmp_path / "token"
    address = read_mailbox_address(dovecot.url(user, password=""), path)
    path.write_text(token_of(user, lasts=-60))
    with pytest.raises(MailboxAway):
        Mailbox(address).waiting()
    path.write_text(token_of(user) + "\n")
    box = Mailbox(address)
    assert box.waiting() == []
    box.close()
    path.unlink()
    with pytest.raises(MailboxAway):
        box.waiting()


def test_tls_is_spoken_to_whom_we_trust_alone(dovecot, user, certificate):
    address = read_mailbox_address(f"imaps://{user}:p%40ss%2Fword@localhost:{dovecot.tls_port}", None)
    box = Mailbox(replace(address, trust=certificate[1]))
    assert box.waiting() == []
    box.close()
    with pytest.raises(MailboxAway) as away:
        Mailbox(address).waiting()
    assert isinstance(away.value.__cause__, ssl.SSLCertVerificationError)


def test_elsewhere_than_here_nothing_is_said_in_clear(dovecot, user, certificate, monkeypatch):
    monkeypatch.setattr(pulling, "_LOOPBACK", frozenset())
    address = read_mailbox_address(f"imap://{user}:p%40ss%2Fword@localhost:{dovecot.port}", None)
    box = Mailbox(replace(address, trust=certificate[1]))
    assert box.waiting() == []
    assert isinstance(box._box.client.sock, ssl.SSLSocket)
    box.close()
    with pytest.raises(MailboxAway):
        Mailbox(address).waiting()


def test_a_server_that_restarts_is_signed_in_to_again(certificate, user):
    server = Dovecot(certificate[0], separator="/")
    try:
        box = Mailbox(read_mailbox_address(server.url(user), None))
        assert box.waiting() == []
        server.end()
        with pytest.raises(MailboxAway):
            box.waiting()
        server.start()
        server.deliver(user, b"From: a@b.example\r\n\r\none")
        box.put(box.waiting()[0], pulling.TAKEN)
        assert len(server.held(user, "INBOX/Taken")) == 1
        box.close()
    finally:
        server.remove()


def test_a_look_takes_what_is_a_notice_and_puts_the_rest_aside(dovecot, user, reader, room, store, write, sign):
    dovecot.deliver(user, sign(write()), write(number=2))
    reader()
    assert room.closures() == [("GW-A1", "2027-02-07T02:00", "planned")]
    assert [len(dovecot.held(user, name)) for name in ("INBOX", "INBOX.Taken", "INBOX.Put aside")] == [0, 1, 1]
    assert last(store, runs.MAILBOX) == (0, "1 taken, 1 put aside")
    assert sorted(letter.address for letter in room.sent()) == [ANNA, ANNA]


def test_a_mail_whose_move_was_lost_is_moved_and_not_taken_again(dovecot, user, reader, room, write, sign):
    octets = sign(write())
    room.take(octets)
    dovecot.deliver(user, octets)
    reader()
    assert (len(room.sent()), len(dovecot.held(user, "INBOX.Taken"))) == (1, 1)


def test_one_mail_that_fails_keeps_no_other_waiting(dovecot, user, reader, room, store, write, sign, monkeypatch):
    def fails(register, octets, *rest, **options):
        if b"<1@" in octets:
            raise ZeroDivisionError
        return take(register, octets, *rest, **options)

    take = job.take_mail
    monkeypatch.setattr(job, "take_mail", fails)
    dovecot.deliver(user, sign(write()), sign(write(number=2)))
    reader()
    assert last(store, runs.MAILBOX) == (0, "1 taken, 0 put aside, 1 left for later")
    assert len(dovecot.held(user, "INBOX")) == 1
    with store.reading() as connection:
        assert runs.all_failures(connection) == {"mailbox": 1}
    monkeypatch.undo()
    reader()  # it is not tried again at once
    assert len(dovecot.held(user, "INBOX")) == 1
    again = Mailbox(read_mailbox_address(dovecot.url(user), None))
    MailReader(Post(again, room.ask, PUBLISHER)).look(room.register, lambda: room.now)
    again.close()
    assert dovecot.held(user, "INBOX") == []


def test_while_no_name_server_answers_it_waits_a_day(
    dovecot, user, reader, room, store, write, sign, name_server, monkeypatch
):
    monkeypatch.setattr(job, "_ASKED_AGAIN", 0.0)
    name_server.failing.add("s1._domainkey.alpha.example")
    dovecot.deliver(user, sign(write()))
    reader()
    room.now += timedelta(days=1) - timedelta(seconds=1)
    reader()
    assert (len(dovecot.held(user, "INBOX")), room.put_aside()) == (1, [])
    room.now += timedelta(seconds=1)
    reader()
    assert room.put_aside() == [(ANNA, "no signature shows that it is from the address that it names")]


def test_whose_name_servers_are_silent_keeps_nobody_waiting(
    dovecot, user, reader, room, store, write, sign, name_server, keys
):
    """So many questions are asked in vain in one look; the next begins behind them."""
    name_server.failing.add("s1._domainkey.alpha.example")
    name_server.records["s2._domainkey.alpha.example"] = keys[1]
    silent = [sign(write(uid=f"u{number}", number=number)) for number in range(7)]
    dovecot.deliver(user, *silent, sign(write(uid="u9", number=9), selector="s2"))
    reader()
    assert (last(store, runs.MAILBOX), len(room.closures())) == ((0, "0 taken, 0 put aside, 8 left for later"), 0)
    reader()
    assert (last(store, runs.MAILBOX), len(room.closures())) == ((0, "1 taken, 0 put aside, 7 left for later"), 1)


def test_a_mailbox_that_cannot_be_read_is_a_trouble_and_then_none(dovecot, user, room, store, monkeypatch):
    monkeypatch.setattr(job, "_FIRST_WAIT", 0)
    wrong = Mailbox(read_mailbox_address(dovecot.url(user, password="wrong"), None))
    MailReader(Post(wrong, room.ask, PUBLISHER)).look(room.register, lambda: NOW)
    assert last(store, runs.MAILBOX_FAILED) == (1, "the mailbox could not be read (MailboxLoginError)")
    assert UNREAD in find_troubles(room.register, {}, NOW)
    right = Mailbox(read_mailbox_address(dovecot.url(user), None))
    reader = MailReader(Post(right, room.ask, PUBLISHER))
    reader.look(room.register, lambda: NOW + timedelta(minutes=1))
    assert find_troubles(room.register, {}, NOW + timedelta(minutes=1)) == []
    assert SILENT in find_troubles(room.register, {}, NOW + timedelta(minutes=12))
    reader.close()


def test_a_mailbox_that_fails_is_tried_ever_less_often(room, store):
    gone = Mailbox(read_mailbox_address("imap://u:p@127.0.0.1:1/", None))
    reader = MailReader(Post(gone, room.ask, PUBLISHER))
    for _ in range(5):
        reader.look(room.register, lambda: NOW)
    assert last(store, runs.MAILBOX_FAILED) == (1, "the mailbox could not be read (ConnectionRefusedError)")


def test_a_mailbox_that_hangs_is_given_up(room, store, monkeypatch):
    monkeypatch.setattr(pulling, "_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = read_mailbox_address(f"imap://u:p@127.0.0.1:{silent.getsockname()[1]}/", None)
        MailReader(Post(Mailbox(address), room.ask, PUBLISHER)).look(room.register, lambda: NOW)
    assert last(store, runs.MAILBOX_FAILED) == (1, "the mailbox could not be read (TimeoutError)")


@pytest.mark.parametrize("said", [b"", b"* BYE\r\n", b"* OK\r\n\0\0\0\r\n", b"\xff" * 100 + b"\r\n", b"* OK x\r\n" * 2])
def test_what_is_no_imap_server_is_a_fault_in_words(said, monkeypatch):
    monkeypatch.setattr(pulling, "_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer():
            wire, _ = server.accept()
            wire.sendall(said)
            wire.close()

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(MailboxAway):
            Mailbox(read_mailbox_address(f"imap://u:p@127.0.0.1:{server.getsockname()[1]}/", None)).waiting()
        thread.join()


def test_the_password_is_shown_nowhere(dovecot, user):
    assert PASSWORD not in repr(read_mailbox_address(dovecot.url(user), None))


class Letters:
    def __init__(self):
        self.sent = threading.Event()

    def carry(self, letter):
        self.sent.set()


def test_a_mailbox_that_hangs_holds_up_nothing_else(room, alpha, announce, give, store):
    recipients.add_recipient(
        store, label="desk", carrier=Carrier.EMAIL, address="desk@dcc.example", kinds={Kind.NEW}, digest_hour=None,
        user_code=None, now=NOW,
    )  # fmt: skip
    letters = Letters()
    office = PostOffice(PUBLISHER, {Carrier.EMAIL: letters.carry})
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = read_mailbox_address(f"imap://u:p@127.0.0.1:{silent.getsockname()[1]}/", None)
        reader = MailReader(Post(Mailbox(address), room.ask, PUBLISHER))
        timetable = Timetable(room.register, utc_now, Outbound(), office, Witnesses(), mail_reader=reader)
        timetable.start()
        try:
            wire, _ = silent.accept()  # the job waits for the server's first words from here on
            give(alpha, announce("u1", "2027-12-01T02:00"))
            assert letters.sent.wait(30)
            wire.close()
        finally:
            timetable.stop()
    assert last(store, runs.MAILBOX_FAILED)[1] == "the mailbox could not be read (abort)"


def test_where_no_mailbox_is_named_any_more_nobody_waits_for_it(room, store):
    with store.writing() as connection:
        for name in (runs.MAILBOX, runs.MAILBOX_FAILED):
            runs.write_run(connection, runs.JobRun(name, 1, NOW, "away"))
    timetable = Timetable(room.register, utc_now, Outbound(), PostOffice(PUBLISHER, {}), Witnesses())
    timetable.start()
    for _ in range(200):
        if last(store, runs.MAILBOX) is None:
            break
        time.sleep(0.05)
    timetable.stop()
    assert (last(store, runs.MAILBOX), last(store, runs.MAILBOX_FAILED)) == (None, None)
