"""Witnesses: a small one on loopback that answers as it is told to; what it cosigns is shown, what goes wrong is said."""

import base64
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from app.jobs.post_office import open_post_office
from app.jobs.sweep import sweep
from app.jobs.timetable import Timetable
from app.jobs.witness import ask_witness
from app.pulling.http_client import Outbound
from app.register.witnesses import Witnesses, cosigned_checkpoint, open_witnesses, standing_of
from app.security.notes import open_checkpoint
from app.security.signing import SigningKey, raw_public_key
from app.store.cosignatures import all_cosignatures
from app.web.site import EXTENSION
from tests.log_proofs import verify_consistency

NOW = datetime(2026, 11, 24, 9, 0, tzinfo=UTC)
NEAR = Outbound(allow_private=True)


class LoopbackWitness:
    """A witness that keeps size and root as C2SP tlog-witness demands, unless ``answer`` says what to answer."""

    def __init__(self, name, log_keys):
        self.name, self.key, self.log_keys = name, SigningKey(sha256(name.encode()).digest()), log_keys
        self.mark = sha256(name.encode() + b"\n\x04" + raw_public_key(self.key.public)).digest()[:4]
        self.size, self.root, self.at = 0, b"", 1_795_510_800
        self.asked, self.answer = [], None
        witness = self

        class Talk(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                witness.asked.append((self.path, body.split("\n")[0]))
                status, octets = (witness.answer or witness.take)(body)
                self.send_response(status)
                self.send_header("Content-Length", str(len(octets)))
                self.end_headers()
                self.wfile.write(octets)

            def log_message(self, *_):
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Talk)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}/w"
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    @property
    def vkey(self):
        key = base64.b64encode(b"\x04" + raw_public_key(self.key.public)).decode()
        return f"{self.name}+{self.mark.hex()}+{key}"

    def take(self, body):
        head, _, note = body.partition("\n\n")
        old, *proof = head.split("\n")
        if int(old.removeprefix("old ")) != self.size:
            return 409, f"{self.size}\n".encode()
        found = open_checkpoint(note, self.log_keys)
        path = [base64.b64decode(one) for one in proof]
        if self.size and not verify_consistency(self.size, found.size, self.root, found.root, path):
            return 422, b""
        self.size, self.root = found.size, found.root
        return 200, f"{self.line(found.body)}\n".encode()

    def line(self, body):
        signature = self.key.sign(f"cosignature/v1\ntime {self.at}\n{body}".encode())
        return f"— {self.name} {base64.b64encode(self.mark + self.at.to_bytes(8) + signature).decode()}"

    def close(self):
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def three(register):
    found = [LoopbackWitness(f"witness.example/{n}", register.public_keys) for n in range(3)]
    yield found
    for one in found:
        one.close()


@pytest.fixture
def witnesses(three):
    return open_witnesses([(one.vkey, one.url) for one in three], 2)


@pytest.fixture
def ask(register, clock, witnesses):
    """Return a function that asks every witness once."""

    def each():
        for one in witnesses.each:
            ask_witness(register, NEAR, one, clock)

    return each


@pytest.fixture
def publish(register, alpha, announce, give, clock):
    """Return a function that records a notice and publishes the next checkpoint, an hour on."""
    made = iter(range(1, 9))

    def next_hour():
        give(alpha, announce(f"u{(n := next(made))}", f"2027-02-0{n}T02:00"))
        sweep(register, clock.forward(hours=1))

    return next_hour


def lines(register):
    return cosigned_checkpoint(register).partition("\n\n")[2].splitlines()


def test_what_witnesses_cosign_is_shown_with_the_checkpoint(register, three, ask, publish, web):
    publish()
    ask()
    body = cosigned_checkpoint(register).partition("\n\n")[0] + "\n"
    assert lines(register)[1:] == [one.line(body) for one in three]
    assert web.test_client().get("/checkpoint").text == cosigned_checkpoint(register)
    assert [one.asked for one in three] == [[("/w/add-checkpoint", "old 0")]] * 3
    ask()  # nothing new is published
    assert [len(one.asked) for one in three] == [1, 1, 1]


def test_the_next_checkpoint_goes_with_the_proof_that_it_grew(register, three, ask, publish):
    publish()
    ask()
    size = three[0].size
    publish()
    assert len(lines(register)) == 1  # those over the checkpoint before are not over this one
    ask()
    assert (len(lines(register)), three[0].asked[1]) == (4, ("/w/add-checkpoint", f"old {size}"))
    assert three[0].size > size


def test_a_checkpoint_of_a_record_at_rest_is_cosigned_again(register, three, ask, publish, clock):
    publish()
    ask()
    sweep(register, clock.forward(hours=1))
    ask()
    sweep(register, clock.forward(hours=1))
    ask()
    assert three[0].asked[2] == ("/w/add-checkpoint", f"old {three[0].size}")


@pytest.mark.parametrize("forgets", [True, False], ids=["we forget", "it forgets"])
def test_where_the_witness_holds_another_size_we_go_on_from_that(register, three, ask, publish, forgets):
    publish()
    ask()
    publish()
    if forgets:
        with register.store.writing() as connection:
            connection.exec_driver_sql("DELETE FROM cosignatures")
    else:
        three[0].size = 0
    ask()
    assert (len(lines(register)), len(three[0].asked)) == (4, 3)


def broken(witness, body):
    note = body.partition("\n\n")[2].partition("\n\n")[0] + "\n"
    return 200, (witness.line(note.replace("\n", "\n ")) + "\n").encode()


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (lambda one, body: (200, b""), "The answer holds no cosignature of this witness."),
        (lambda one, body: (200, b"\xff" * 30_000), "Its answer is not text."),
        (lambda one, body: (200, "— x y\n".encode()), "The answer holds no cosignature of this witness."),
        (broken, "The cosignature does not hold."),
        (lambda one, body: (404, b""), "It answered 404."),
        (lambda one, body: (302, b""), "It answered 302."),
        (lambda one, body: (503, b"x" * 100), "It answered 503."),
        (lambda one, body: (409, b"x"), "It holds a longer record than ours."),
        (lambda one, body: (409, b"999999\n"), "It holds a longer record than ours."),
        (lambda one, body: (409, b"1\n"), "It does not keep to the size that it names."),
        (lambda one, body: (200, b"x" * 11_000_000), "It could not be reached."),
    ],
)
def test_nonsense_of_one_is_said_and_holds_up_nobody(register, three, ask, publish, witnesses, answer, words):
    publish()
    three[0].answer = lambda body: answer(three[0], body)
    ask()
    standing = standing_of(register, witnesses)
    assert standing.troubles == ((three[0].name, words),)
    assert (standing.cosigned, standing.of, len(lines(register))) == (2, 3, 3)
    three[0].answer = None
    ask()
    assert (standing_of(register, witnesses).troubles, len(lines(register))) == ((), 4)


def test_a_witness_that_is_away_is_asked_again(register, three, ask, publish, witnesses):
    publish()
    three[0].close()
    ask()
    ask()
    assert standing_of(register, witnesses).troubles == ((three[0].name, "It could not be reached."),)


def test_a_witness_is_reached_only_by_the_checked_way_out(register, clock, publish, witnesses, three):
    publish()
    ask_witness(register, Outbound(), witnesses.each[0], clock)
    assert (three[0].asked, len(lines(register))) == ([], 1)


def test_before_anything_is_published_nobody_is_asked(register, three, ask, alpha, announce, give):
    give(alpha, announce("u1", "2027-02-07T02:00"))
    ask()
    assert [one.asked for one in three] == [[], [], []]


@pytest.fixture
def told(web, witnesses):
    """Return a function that gives the figures for Prometheus of a service with these witnesses."""
    site = web.extensions[EXTENSION]
    web.extensions[EXTENSION] = replace(site, witnesses=witnesses)
    return lambda: [
        one for one in web.test_client().get("/metrics").text.splitlines() if one.startswith("closures_wit")
    ]


def figures(cosignatures, age):
    return [
        f"closures_witness_cosignatures {cosignatures}",
        "closures_witness_quorum 2.0",
        f"closures_witness_quorum_age_seconds {age}",
    ]


def test_a_quorum_that_is_missing_for_long_is_said(register, three, ask, publish, witnesses, clock, told):
    publish()
    assert told() == figures("0.0", "+Inf")
    ask()
    assert (told(), standing_of(register, witnesses).is_overdue(clock())) == (figures("3.0", "0.0"), False)
    for one in three[:2]:
        one.answer = lambda body: (500, b"")
    for _ in range(4):
        publish()
        ask()
    assert (told(), standing_of(register, witnesses).is_overdue(clock())) == (figures("1.0", "14400.0"), True)
    three[0].answer = None
    ask()
    assert (told(), standing_of(register, witnesses).is_overdue(clock())) == (figures("2.0", "0.0"), False)


def test_without_witnesses_nothing_is_said_of_them(register, publish, web):
    publish()
    assert "witness" not in web.test_client().get("/metrics").text
    assert not standing_of(register, Witnesses()).is_overdue(NOW + timedelta(days=9))


@pytest.mark.slow
def test_a_slow_witness_holds_up_no_other(register, three, publish, witnesses, clock, publisher):
    publish()
    let_go = threading.Event()
    three[0].answer = lambda body: (let_go.wait(60), (500, b""))[1]
    office = open_post_office(publisher, NEAR, None)
    timetable = Timetable(register, lambda: datetime.now(UTC), NEAR, office, witnesses)
    timetable.start()
    try:
        until = time.monotonic() + 90
        while time.monotonic() < until and len(cosigned(register)) < 2:
            time.sleep(0.05)
        assert sorted(cosigned(register)) == [three[1].name, three[2].name]
        assert len(three[0].asked) == 1
    finally:
        let_go.set()
        timetable.stop()


def cosigned(register):
    with register.store.reading() as connection:
        return [name for name, one in all_cosignatures(connection).items() if one.line]
