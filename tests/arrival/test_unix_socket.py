"""The web server at a Unix socket: who gets in, what is believed, and what stands in its way."""

import contextlib
import http.client
import json
import os
import shutil
import socket
import stat
import subprocess
import sys
import time

import pytest

from app.arrival.listening import ListeningRefused, connected, require_free
from app.factory import prepare
from app.settings import read_settings
from tests.architecture.test_proxies import free_port, nginx, running
from tests.arrival.web_server import SERVE
from tests.conftest import NOW


class BySocket(http.client.HTTPConnection):
    """A client that connects to a path."""

    def __init__(self, path):
        super().__init__("closures.example.org", timeout=60)
        self._path = str(path)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def ask(connection, path, **headers):
    with contextlib.closing(connection):
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        answer.read()
        return answer.status


@pytest.fixture
def place(tmp_path):
    return tmp_path / "web.sock"


@pytest.fixture
def at_socket(environ, place):
    """The environment of a service that was set up, at a socket."""
    prepare(read_settings(environ), NOW).close()
    return (
        os.environ
        | environ
        | {
            "CLOSURES_HOST": f"unix:{place}",
            "CLOSURES_BASE_URL": "https://closures.example.org",
            "CLOSURES_TRUSTED_PROXIES": "1",
            "CLOSURES_REQUEST_LOG": "true",
            "CLOSURES_LOG": "json",
        }
    )


@contextlib.contextmanager
def serving(environ, place, said=subprocess.DEVNULL):
    with subprocess.Popen(
        [sys.executable, "-c", SERVE.removeprefix("; ")], env=environ, stderr=said, stdout=subprocess.DEVNULL
    ) as process:
        try:
            while process.poll() is None:
                with contextlib.suppress(OSError):
                    assert ask(BySocket(place), "/livez") == 200
                    break
                time.sleep(0.1)
            yield process
        finally:
            process.terminate()


def test_a_proxy_says_who_asks_over_it(at_socket, place, tmp_path):
    if shutil.which("nginx") is None:
        pytest.skip("NOT RUN: nginx is not installed (apt-get install nginx-light); .ci/run installs it")
    port = free_port()
    command, environment = nginx(tmp_path, port, 1)
    file = tmp_path / "nginx.conf"
    # Whoever runs this test runs both; in earnest nginx's account is in the group of ours.
    text = file.read_text().replace("127.0.0.1:1;", f"unix:{place};").replace("daemon off;", "daemon off;\nuser root;")
    file.write_text(text)
    with (
        (tmp_path / "log").open("w") as log,
        serving(at_socket, place, log),
        running(command, environment, tmp_path, port),
    ):
        through = http.client.HTTPConnection("127.0.0.1", port, timeout=60, source_address=("127.0.0.9", 0))
        status = ask(through, "/feeds/nothing.ics", **{"X-Forwarded-For": "6.6.6.6"})
    lines = [json.loads(line) for line in (tmp_path / "log").read_text().splitlines()]
    assert (status, [line["source.ip"] for line in lines if "source.ip" in line]) == (401, ["127.0.0.9"])


def test_its_group_gets_in_and_who_comes_without_a_proxy_is_believed_nothing(at_socket, place):
    with serving(at_socket, place):
        mode = stat.S_IMODE(place.stat().st_mode)
        claims = {"SCRIPT_NAME": "/evil", "PATH_INFO": "/evil", "X-Forwarded-Proto": "gopher"}
        assert (mode, ask(BySocket(place), "/livez", **claims), ask(BySocket(place), "/metrics")) == (0o660, 200, 401)
    assert not place.exists()


def test_up_watches_it(at_socket, place, tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind(str(tmp_path / "told"))
        heard.settimeout(60)
        command = [sys.executable, "-c", "from app.cli import main; main()", "up"]
        told = at_socket | {"NOTIFY_SOCKET": str(tmp_path / "told")}
        with subprocess.Popen(command, env=told, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as up:
            states = [heard.recv(100), heard.recv(100)]
            up.terminate()
            said = up.stdout.readline()
    assert (states, said) == (
        [b"READY=1", b"WATCHDOG=1"], "Closures are served at https://closures.example.org (Ctrl-C stops).\n",
    )  # fmt: skip


def somebody_listens(place):
    try:
        connected(f"unix:{place}", 0).close()
    except ConnectionRefusedError:
        return False
    return True


def test_what_a_killed_service_left_is_replaced(at_socket, place):
    with serving(at_socket, place) as process:
        process.kill()
        process.wait()
        while somebody_listens(place):  # its workers end soon after it
            time.sleep(0.1)
    assert place.is_socket()
    with serving(at_socket, place) as process:
        assert process.poll() is None


@pytest.fixture
def hindered(place):
    """Return a function that makes something stand in the way, and gives what is then said."""

    def what_is_said(hindrance):
        with contextlib.ExitStack() as standing:
            if hindrance == "in use":
                other = standing.enter_context(socket.socket(socket.AF_UNIX))
                other.bind(str(place))
                other.listen()
            elif hindrance == "another file":
                place.write_text("precious")
            host = f"unix:{place.parent / 'missing' / 'web.sock'}" if hindrance == "no folder" else f"unix:{place}"
            with pytest.raises(ListeningRefused) as refused:
                require_free(host, 8000)
            return refused.value.text.replace(str(place.parent), ""), place.exists()

    return what_is_said


@pytest.mark.parametrize(
    ("hindrance", "said"),
    [
        ("in use", ("The service cannot listen at unix:/web.sock: Address already in use.", True)),
        ("another file", ("The service cannot listen at unix:/web.sock: Address already in use.", True)),
        ("no folder", ("The service cannot listen at unix:/missing/web.sock: No such file or directory.", False)),
    ],
)
def test_what_stands_in_the_way_stays_and_is_said(hindered, hindrance, said):
    assert hindered(hindrance) == said
