"""``kill -9`` of the scheduler with mail both ways, again and again: each notice recorded once, none lost, a reply at most twice.

A real scheduler, a real IMAP server (Dovecot) that mails are put into, keys by DNS and a real mail server that takes the
answers, all on loopback. A few rounds here; their number is CLOSURES_MAILBOX_ROUNDS (make mailbox N=100).
"""

import email
import os
import random
import re
import signal
import subprocess
import sys
import threading
import time
from collections import Counter

import pytest
import sqlalchemy as sa
from aiosmtpd.controller import Controller

from app.factory import utc_now
from app.register.sources import add_source, gateway_of, make_source
from app.register.verification import verify_record
from app.store import tables
from tests.mailbox.conftest import certificate, dovecot, keys, name_server, sign, write  # noqa: F401 - fixtures of there
from tests.mailbox.dovecot import free_port

pytestmark = pytest.mark.slow

ROUNDS = int(os.environ.get("CLOSURES_MAILBOX_ROUNDS", "5"))
PER_ROUND = 4
SECONDS = 90  # until what was delivered has to be answered


class Answers:
    def __init__(self):
        self.mails = []

    async def handle_DATA(self, server, session, envelope):  # noqa: N802 - aiosmtpd's name
        self.mails.append((time.monotonic(), email.message_from_bytes(envelope.original_content)))
        return "250 OK"


@pytest.fixture
def answers():
    box = Answers()
    server = Controller(box, hostname="127.0.0.1", port=free_port(), ready_timeout=10)
    server.start()
    box.port = server.port
    yield box
    server.stop()


@pytest.fixture
def scheduler(service, environ, alpha, dovecot, name_server, answers):  # noqa: F811 - fixtures of there
    """Return a function that starts the scheduler, which reads the mailbox of ``user`` and answers to ``answers``."""
    made = make_source(
        gateway_of(service.store, "ALPHA", "GW-A1"), url="mailto:anna@alpha.example", username="", password="", word="",
        category="", every_minutes=15, now=utc_now(),
    )  # fmt: skip
    add_source(service.store, made)
    running, threads = [], []

    def start(user):
        stated = {
            "CLOSURES_IMAP_URL": dovecot.url(user),
            "CLOSURES_SMTP_URL": f"smtp://127.0.0.1:{answers.port}",
            "CLOSURES_DNS": name_server.address,
        }
        running.append(
            subprocess.Popen(
                [sys.executable, "-c", "from app.cli import main; main()", "work"],
                env=os.environ | environ | stated,
                stderr=subprocess.PIPE,
                text=True,
            )
        )
        for line in running[-1].stderr:  # it waits until the lead of the one before has ended
            if "the scheduler runs" in line:
                break
        threads.append(threading.Thread(target=running[-1].stderr.read))  # so that it is never kept from writing
        threads[-1].start()
        return running[-1]

    yield start
    for process in running:
        process.kill()
        process.wait()
    for thread in threads:
        thread.join()
    for process in running:
        process.stderr.close()


def until(found, expected):
    """Wait until what is found is what is expected, and say what was found where it never was."""
    ends = time.monotonic() + SECONDS
    while (seen := found()) != expected and time.monotonic() < ends:
        time.sleep(0.05)
    assert seen == expected


def test_a_mail_becomes_a_receipt_in_its_thread(service, dovecot, scheduler, answers, write, sign):  # noqa: F811
    scheduler("journey")
    until(lambda: box_exists(dovecot), expected=True)
    given = {}
    for number in range(5):
        given[f"<{number}@alpha.example>"] = time.monotonic()
        dovecot.deliver("journey", sign(write(uid=f"u{number}", number=number)))
        time.sleep(1.1)
    until(lambda: len(answers.mails), 5)
    took = sorted(at - given[mail["In-Reply-To"]] for at, mail in answers.mails)
    assert {(mail["To"], mail["Subject"], mail["Auto-Submitted"]) for _, mail in answers.mails} == {
        ("anna@alpha.example", "Re: Gateway closed", "auto-replied")
    }
    assert all(mail["References"] == mail["In-Reply-To"] for _, mail in answers.mails)
    assert count(service) == 5
    print(f"from delivery to receipt: median {took[2]:.1f} s, longest {took[-1]:.1f} s of 5")


def test_killed_at_any_moment_it_takes_each_mail_once(service, dovecot, scheduler, answers, write, sign):  # noqa: F811
    chance = random.Random()
    for number in range(ROUNDS):
        mails = [sign(write(uid=f"u{number}-{one}", number=f"{number}-{one}")) for one in range(PER_ROUND)]
        dovecot.deliver("crash", *mails, write(sender="otto@beta.example", number=f"x{number}"))
        process = scheduler("crash")
        time.sleep(chance.uniform(0, 2))
        process.send_signal(signal.SIGKILL)
        process.wait()
    total = ROUNDS * PER_ROUND
    scheduler("crash")
    until(lambda: (count(service), len(dovecot.held("crash", "INBOX"))), (total, 0))
    wanted = {f"<{number}-{one}@alpha.example>" for number in range(ROUNDS) for one in range(PER_ROUND)}
    # An attempt that was cut off is due again after a minute: that much is waited for.
    until(lambda: wanted - {mail["In-Reply-To"] for _, mail in answers.mails}, set())
    received = Counter(mail["In-Reply-To"] for _, mail in answers.mails if mail["To"] == "anna@alpha.example")
    assert set(received) == wanted
    assert set(received.values()) <= {1, 2}
    assert len({mail["Message-ID"] for _, mail in answers.mails if mail["In-Reply-To"] in wanted}) == total
    references = Counter(
        reference
        for _, mail in answers.mails
        for reference in {*re.findall(r"CN-[0-9A-Z]{10}", mail.get_payload(decode=True).decode())}
    )
    assert len(references) == total  # each receipt is of a closure of its own
    assert count(service) == total
    assert verify_record(service.register).is_sound
    twice = sum(times == 2 for times in received.values())
    print(
        f"{ROUNDS} rounds of kill -9, {total} notices by mail, none twice, 0 lost, {twice} answers twice, none more often"
    )


def count(service):
    """How many notices are recorded."""
    with service.store.reading() as connection:
        return connection.execute(sa.select(sa.func.count()).select_from(tables.notices)).scalar_one()


def box_exists(server):
    with server.box("journey") as box:
        return box.folder.exists("INBOX.Taken")
