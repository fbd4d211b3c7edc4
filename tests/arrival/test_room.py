"""The web server as a process, and clients who send little, late, or not at all."""

import contextlib
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time

import psutil
import pytest

from tests.arrival.web_server import A_THREAD_EACH, HALF_BODY, HALF_HEAD, ONE_SLOW_VIEW, REQUEST, SERVE, SLOW, Server


@pytest.fixture(scope="module")
def environ(databases, first_start, tmp_path_factory):
    """The environment of all servers of this file, over one database: nothing is written here."""
    folder = tmp_path_factory.mktemp("arrival")
    shutil.copytree(first_start["CLOSURES_KEY_DIR"], folder / "keys")
    database = databases.new(folder, first_start["CLOSURES_DATABASE_URL"])
    return first_start | {"CLOSURES_KEY_DIR": str(folder / "keys"), "CLOSURES_DATABASE_URL": database}


@pytest.fixture(scope="module")
def server(environ):
    """The server as it is shipped."""
    server = Server(environ)
    yield server
    server.stop()


@pytest.fixture
def serve(environ):
    """Return a function that starts a server for one test."""
    started = []

    def start(otherwise="pass", **settings):
        started.append(Server(environ | settings, otherwise))
        return started[-1]

    yield start
    for server in started:
        server.stop()


def all_of(client):
    """Everything until the server closes."""
    octets = b""
    with contextlib.suppress(ConnectionResetError):
        while piece := client.recv(65_536):
            octets += piece
    return octets


def test_those_who_send_nothing_or_half_keep_nobody_waiting(server):
    slow = {what: [server.open(octets) for _ in range(125)] for what, octets in SLOW.items()}
    assert [server.answers() for _ in range(20)] == [True] * 20
    # They were not sent away either: what they finish is answered.
    for what, rest, status in [
        ("nothing", REQUEST, b"200"), ("half a head", b"1\r\n\r\n", b"200"), ("half a body", b"whole", b"401"),
        ("half a chunk", b"lf\r\n0\r\n\r\n", b"401"),
    ]:  # fmt: skip
        client = slow[what][-1]
        client.sendall(rest)
        assert (what, client.recv(12)) == (what, b"HTTP/1.1 " + status)


def test_the_same_with_a_thread_for_each_would_stand_still(serve):
    server = serve(A_THREAD_EACH)
    for _ in range(16):
        server.open(HALF_HEAD)
    with pytest.raises(TimeoutError):
        server.answers(timeout=3)


@pytest.mark.parametrize("limit", ["HEAD_SECONDS", "QUIET_SECONDS", "BODY_SECONDS"])
def test_patience_ends(serve, limit):
    server = serve(f"from app.arrival import room; room.{limit} = 0.2")
    if limit == "HEAD_SECONDS":
        assert all_of(server.open()) == b""
        assert all_of(server.open(HALF_HEAD)).startswith(b"HTTP/1.1 408 ")
    else:
        assert all_of(server.open(HALF_BODY)).startswith(b"HTTP/1.1 408 ")
    assert server.answers()


def test_a_head_that_comes_drop_by_drop_has_no_more_time(serve):
    server = serve("from app.arrival import room; room.HEAD_SECONDS = 1")
    client = server.open(HALF_HEAD)
    with contextlib.suppress(OSError):
        for _ in range(600):
            client.sendall(b"a")
            time.sleep(0.05)
        raise AssertionError("still open after half a minute")


def test_whoever_takes_an_answer_and_stays_holds_nobody(server):
    # gunicorn's own way waits two seconds for each of them in the loop that serves all.
    for _ in range(60):
        server.open(b"GET /livez HTTP/1.0\r\n\r\n")
    assert server.answers(timeout=20)


def test_requests_sent_at_once_are_answered_in_order(server):
    last = REQUEST.replace(b"Host: a", b"Host: a\r\nConnection: close")
    client = server.open(REQUEST + REQUEST.replace(b"livez", b"nothing") + last)
    octets = all_of(client)
    assert [part[:3] for part in octets.split(b"HTTP/1.1 ")[1:]] == [b"200", b"404", b"200"]


def test_one_nod_before_the_body_and_none_after(server):
    asking = HALF_BODY.removesuffix(b"half").replace(
        b"Host: a", b"Host: a\r\nExpect: 100-continue\r\nConnection: close"
    )
    client = server.open(asking)
    assert client.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
    client.sendall(b"halfwhole")
    assert all_of(client).startswith(b"HTTP/1.1 401 ")


def test_more_than_can_be_held_is_refused_and_the_rest_goes_on(serve):
    server = serve("from app.arrival import room; room.MOST_HELD = 350_000", CLOSURES_WEB_WORKERS="1")
    large = HALF_BODY.replace(b"Content-Length: 9", b"Content-Length: 150000") + b"a" * 120_000
    alone = large.replace(b"Host: a", b"Host: a\r\nConnection: close") + b"a" * 29_996
    for _ in range(5):  # one after the other: each is held until its connection ends, and no longer
        assert all_of(server.open(alone))[:12] == b"HTTP/1.1 401"
    held = [server.open(large) for _ in range(3)]
    refused = select.select(held, [], [], 60)[0]
    assert [all_of(client)[:12] for client in refused] == [b"HTTP/1.1 503"]
    assert server.answers()
    for client in set(held) - set(refused):
        client.sendall(b"a" * 29_996)
        assert client.recv(12) == b"HTTP/1.1 401"


def test_one_other_machine_may_have_so_many_connections(serve):
    # To the server, 127.0.0.2 is elsewhere here.
    server = serve(
        "from app.arrival import room; room.MOST_OF_PEER = 5; room._is_here = '127.0.0.1'.__eq__",
        CLOSURES_WEB_WORKERS="1",
    )
    held = [server.open(HALF_HEAD, "127.0.0.2") for _ in range(5)]
    assert all_of(server.open(REQUEST, "127.0.0.2")) == b""
    assert [server.open(REQUEST).recv(12) for _ in range(8)] == [b"HTTP/1.1 200"] * 8
    held[0].close()
    answered, until = b"", time.monotonic() + 60
    while not answered:
        assert time.monotonic() < until
        with server.open(REQUEST.replace(b"Host: a", b"Host: a\r\nConnection: close"), "127.0.0.2") as client:
            answered = all_of(client)[:12]
    assert answered == b"HTTP/1.1 200"


def test_it_stops_for_those_who_wait_and_finishes_what_is_being_sent(serve):
    server = serve("from app.arrival import room; room.HEAD_SECONDS = room.QUIET_SECONDS = room.BODY_SECONDS = 600")
    idle, half, late = server.open(), server.open(HALF_HEAD), server.open(HALF_BODY)
    assert server.answers()
    server.process.send_signal(signal.SIGTERM)
    half.sendall(b"1\r\n\r\n")
    assert (all_of(half)[:12], all_of(idle), all_of(late)[:12]) == (b"HTTP/1.1 200", b"", b"HTTP/1.1 408")
    assert server.process.wait(20) == 0


TOLD_AS_IT_FORKS = """
import os, signal, time
import app.wsgi
from app.arrival import room
taken_over = room.WaitingRoom.init_signals
def late(worker):
    os.kill(os.getppid(), signal.SIGTERM)
    time.sleep(1)  # the parent tells us meanwhile
    taken_over(worker)
room.WaitingRoom.init_signals = late
load = app.wsgi.WebServer.load_config
def patient(server):
    load(server)
    server.cfg.set("graceful_timeout", 600)
app.wsgi.WebServer.load_config = patient
"""


def test_it_stops_where_it_is_told_to_while_it_forks(environ):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    command = [sys.executable, "-c", TOLD_AS_IT_FORKS + SERVE.removeprefix("; ")]
    with subprocess.Popen(command, env=os.environ | environ | {"CLOSURES_PORT": port}) as process:
        try:
            assert process.wait(120) == 0  # it would wait ten minutes for a worker that does not hear it
        finally:
            process.kill()


def test_there_are_as_many_processes_as_the_settings_say(serve):
    process = psutil.Process(serve(CLOSURES_WEB_WORKERS="3").process.pid)
    until = time.monotonic() + 60
    while len(process.children()) < 3:  # the first answers while the last is being forked
        assert time.monotonic() < until
        time.sleep(0.05)
    assert len(process.children()) == 3


def test_there_are_as_many_threads_as_the_settings_say(serve):
    server = serve(ONE_SLOW_VIEW, CLOSURES_WEB_WORKERS="1", CLOSURES_WEB_THREADS="16")
    held = [server.open(b"GET /slow HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n") for _ in range(15)]
    server.open(b"GET /go HTTP/1.1\r\nHost: a\r\n\r\n")
    assert {all_of(client)[:12] for client in held} == {b"HTTP/1.1 200"}


def test_a_reload_loses_no_request(serve):
    server = serve()
    answered, done = [], threading.Event()

    def ask():
        while not done.is_set():
            answered.append(server.answers())

    asking = [threading.Thread(target=ask) for _ in range(3)]
    for one in asking:
        one.start()
    for _ in range(2):
        server.process.send_signal(signal.SIGHUP)
        time.sleep(2)
    done.set()
    for one in asking:
        one.join()
    assert (len(answered) > 10, set(answered)) == (True, {True})


def test_who_sends_much_at_once_waits_and_others_are_answered(serve):
    server = serve(ONE_SLOW_VIEW, CLOSURES_WEB_WORKERS="1", CLOSURES_WEB_THREADS="4")
    slow = b"GET /slow HTTP/1.1\r\nHost: a\r\nAuthorization: Basic bm9pc3k6eA==\r\nConnection: close\r\n\r\n"
    noisy = [server.open(slow) for _ in range(8)]
    assert [server.answers() for _ in range(5)] == [True] * 5
    server.open(b"GET /go HTTP/1.1\r\nHost: a\r\n\r\n")
    assert [all_of(client).split(b"\r\n")[0] for client in noisy] == [b"HTTP/1.1 200 OK"] * len(noisy)
