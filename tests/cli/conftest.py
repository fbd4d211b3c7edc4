"""The command line as people and programs run it: the real commands, over a real database in a temporary folder."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import structlog
import time_machine
from click.testing import CliRunner

from app.cli import main

NOW = "2026-11-24T09:00:00+00:00"
_EVENT = (
    "BEGIN:VEVENT\r\nUID:{uid}\r\nDTSTAMP:20261101T000000Z\r\nDTSTART:{starts}\r\nDTEND:{ends}\r\n{more}END:VEVENT\r\n"
)


@dataclass(frozen=True)
class Said:
    """What a command said and how it ended."""

    exit_code: int
    stdout: str
    stderr: str

    @property
    def json(self):
        return json.loads(self.stdout)

    @property
    def lines(self):
        return self.stdout.splitlines()


@pytest.fixture(autouse=True)
def _log_as_it_was():
    yield
    structlog.reset_defaults()


@pytest.fixture
def clock_hand():
    """The clock on the wall, standing still; a test moves it."""
    with time_machine.travel(NOW, tick=False) as hand:
        yield hand


@pytest.fixture
def bare(environ, clock_hand):
    """Return a function that runs a command on a machine where nothing was set up yet."""

    def run(*words, text=None, **variables):
        result = CliRunner().invoke(main, list(words), input=text, env=environ | variables, prog_name="closures")
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Said(result.exit_code, result.stdout, result.stderr)

    return run


@pytest.fixture
def closures(bare, environ, first_start):
    """Return a function that runs a command over a database as a first start left it."""
    shutil.copytree(first_start["CLOSURES_KEY_DIR"], environ["CLOSURES_KEY_DIR"])
    return bare


@pytest.fixture
def alpha_closures(closures):
    """As ``closures``, with the User ALPHA and its gateways GW-A1 and GW-A2."""
    for words in (("user", "add", "alpha", "Alpha Energy"), *(("gateway", "add", "ALPHA", f"gw-a{n}") for n in (1, 2))):
        assert closures(*words).exit_code == 0
    return closures


@pytest.fixture
def calendar_file(tmp_path):
    """Return a function that writes an .ics file: ``calendar_file("a.ics", ("uid", starts, ends), ...)``."""

    def write(name, *events, more=""):
        path = tmp_path / name
        body = "".join(_EVENT.format(uid=uid, starts=starts, ends=ends, more=more) for uid, starts, ends in events)
        path.write_bytes(f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//t//t//EN\r\n{body}END:VCALENDAR\r\n".encode())
        return str(path)

    return write


@pytest.fixture
def notified(alpha_closures, calendar_file):
    """Return the reference of a closure of GW-A1 on 6 Dec 2026 02:00-06:00 UTC, told on 24 Nov 2026."""
    path = calendar_file("first.ics", ("u1", "20261206T020000Z", "20261206T060000Z"))
    said = alpha_closures("notice", "import", path, "--user", "ALPHA", "--gateway", "GW-A1", "--json")
    return said.json["accepted"][0]["reference"]


@pytest.fixture
def script(environ):
    """Return a function that runs the installed program as a process of its own."""
    program = Path(sysconfig.get_path("scripts")) / "closures"

    def run(*words, **variables):
        done = subprocess.run(
            [program, *words],
            env=os.environ | environ | variables,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return Said(done.returncode, done.stdout, done.stderr)

    return run


@pytest.fixture
def site(service, environ):
    """The environment of a service that was set up, at a free port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    return os.environ | environ | {"CLOSURES_PORT": str(port)}


@pytest.fixture
def running():
    """Return a context in which a command runs as a process, which is told to stop at the end and seen off."""

    @contextmanager
    def run(command, environ, stderr=subprocess.DEVNULL):
        program = [sys.executable, "-c", "from app.cli import main; main()", command]
        with subprocess.Popen(program, env=environ, stdout=subprocess.PIPE, stderr=stderr, text=True) as process:
            try:
                yield process
            finally:
                process.send_signal(signal.SIGTERM)

    return run
