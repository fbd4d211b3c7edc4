"""``kill -9`` of the process that sends, again and again: each message once or twice under one id, none lost.

A few rounds here; the number of rounds is CLOSURES_OUTBOX_ROUNDS (make outbox N=100). Where a message was cut off in
the middle of two attempts nobody can know whether it arrived: it is not sent a third time by itself, but waits, in
sight, for a person, who has it sent again at the end of the drill.
"""

import email
import email.policy
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from aiosmtpd.controller import Controller

from app.domain.notification import Kind
from app.register.messages import outbox, recipients
from app.store.outbox import MessageState, list_messages
from app.store.recipients import Carrier

pytestmark = pytest.mark.slow

ROUNDS = int(os.environ.get("CLOSURES_OUTBOX_ROUNDS", "4"))
NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
PROGRAM = """
import os, sys
from datetime import UTC, datetime, timedelta
from app.factory import open_service, publisher_of
from app.pulling.http_client import Outbound
from app.jobs.notify import deliver
from app.jobs.post_office import open_post_office
from app.settings import read_settings

settings = read_settings(os.environ)
service = open_service(settings)
office = open_post_office(publisher_of(settings), Outbound(), settings.smtp_url.get_secret_value())
now = datetime.fromisoformat(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
while deliver(service.register, office, lambda: now).arrived:
    pass
print("idle", flush=True)
sys.stdin.readline()
"""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Mailbox:
    def __init__(self):
        self.mails = []

    async def handle_DATA(self, server, session, envelope):  # noqa: N802 - aiosmtpd's name
        self.mails.append(email.message_from_bytes(envelope.original_content, policy=email.policy.default))
        return "250 OK"


def send(environ, now, lasts=None):
    """Start the process that sends; kill it after ``lasts`` seconds of sending, or let it finish."""
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, now.isoformat()], env=environ, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stdout.readline() == "ready\n"
        process.stdin.write("\n")
        process.stdin.flush()
        if lasts is None:
            assert process.stdout.readline() == "idle\n"
        else:
            time.sleep(lasts)
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdin.close()
        process.stdout.close()


def test_each_message_once_or_twice_and_none_lost(service, environ, alpha, announce, give):
    box = Mailbox()
    server = Controller(box, hostname="127.0.0.1", port=free_port(), ready_timeout=10)
    server.start()
    try:
        port = server.port
        drill(
            service,
            os.environ | environ | {"CLOSURES_SMTP_URL": f"smtp://127.0.0.1:{port}"},
            box,
            alpha,
            announce,
            give,
        )
    finally:
        server.stop()


def drill(service, environ, box, alpha, announce, give):
    chance = random.Random()
    per_round = 8
    for number in range(per_round):
        carrier, kind = ((Carrier.EMAIL, Kind.NEW), (Carrier.INVITATION, Kind.REVISION))[number % 2]
        recipients.add_recipient(
            service.store, label=f"r{number}", carrier=carrier, address=f"r{number}@example.org",
            kinds={kind}, digest_hour=None, user_code=None, now=NOW,
        )  # fmt: skip
    now = NOW
    for number in range(ROUNDS):
        give(alpha, announce(f"u{number}", "2027-12-01T02:00"), at=now)
        send(environ, now, chance.uniform(0, 0.25))
        now += timedelta(seconds=45)  # so that what was cut off is due again in the round after the next
    for _ in range(3):
        now += timedelta(hours=1)
        send(environ, now)
    for unknown in recipients.list_messages(service.store, [MessageState.DEAD]):
        assert unknown.message.unknown == 2
        outbox.resend_message(service.register, unknown.message.id.hex(), now)
    by_itself = Counter(mail["Message-ID"] for mail in box.mails)
    send(environ, now)
    received = Counter(mail["Message-ID"] for mail in box.mails)
    made = outbox_of(service)
    assert set(received) == {f"<{message.id.hex()}@gateway-closures>" for message in made}
    assert {message.state for message in made} == {MessageState.SENT}
    assert set(by_itself.values()) <= {1, 2}
    # Each recipient heard of each closure: nothing was lost between the notice and the message either.
    told = {
        (mail["To"], line)
        for mail in box.mails
        for line in mail.get_body(("plain",)).get_content().splitlines()
        if line.startswith("Reference CN-")
    }
    assert len(told) == ROUNDS * per_round
    twice = sum(times == 2 for times in by_itself.values())
    print(f"{ROUNDS} rounds of kill -9, {len(made)} messages, {twice} of them twice, none more often, 0 lost")


def outbox_of(service):
    with service.store.reading() as connection:
        return list_messages(service.store, connection, list(MessageState), most=1_000_000)
