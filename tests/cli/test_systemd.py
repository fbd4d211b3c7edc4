"""What systemd hears of us (sd_notify(3)), and how the scheduler is started again when it ends."""

import os
import signal
import socket
import subprocess
import sys
import time
from contextlib import contextmanager

import psutil
import pytest

from app.factory import prepare
from app.settings import read_settings
from tests.conftest import NOW


@pytest.fixture
def site(environ):
    """The environment of a service that was set up, at a free port."""
    prepare(read_settings(environ), NOW).close()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    return os.environ | environ | {"CLOSURES_PORT": str(port)}


@contextmanager
def running(command, environ, stderr=subprocess.DEVNULL):
    program = [sys.executable, "-c", "from app.cli import main; main()", command]
    with subprocess.Popen(program, env=environ, stdout=subprocess.PIPE, stderr=stderr, text=True) as process:
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)


@pytest.mark.parametrize(
    ("command", "states"),
    [
        ("up", ["READY=1", "WATCHDOG=1", "WATCHDOG=1", "STOPPING=1"]),
        ("work", ["READY=1", "WATCHDOG=1", "WATCHDOG=1"]),
    ],
)
def test_systemd_hears_that_it_is_ready_and_then_that_it_is_well(site, tmp_path, command, states):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind(str(tmp_path / "notify"))
        heard.settimeout(60)
        with running(command, site | {"NOTIFY_SOCKET": str(tmp_path / "notify")}) as process:
            told = [heard.recv(100).decode() for _ in range(3)]
        heard.settimeout(0)
        while len(told) < len(states):
            told.append(heard.recv(100).decode())
    assert (told, process.returncode) == (states, 0)


def test_the_web_server_alone_tells_when_it_is_ready(site, tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind(str(tmp_path / "notify"))
        heard.settimeout(60)
        with running("serve", site | {"NOTIFY_SOCKET": str(tmp_path / "notify")}):
            assert heard.recv(100).decode().splitlines()[0] == "READY=1"


def scheduler_of(process, than=None):
    until = time.monotonic() + 30
    while time.monotonic() < until:
        for child in psutil.Process(process.pid).children():
            if child.pid != than and "app.worker" in child.cmdline():
                return child
        time.sleep(0.05)
    raise TimeoutError


def test_a_scheduler_that_keeps_ending_is_started_again_ever_later(site, tmp_path):
    with (tmp_path / "errors").open("w+") as errors, running("up", site, errors) as process:
        pid = None
        for _ in range(3):
            scheduler = scheduler_of(process, pid)
            pid = scheduler.pid
            scheduler.kill()
        scheduler_of(process, pid)
    said = [line for line in (tmp_path / "errors").read_text().splitlines() if line.startswith("The scheduler ended")]
    assert said == [f"The scheduler ended by itself; it is started again in {seconds} s." for seconds in (1, 2, 4)]
