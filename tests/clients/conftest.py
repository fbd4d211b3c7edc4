"""Real clients against the running service, each in an environment of its own; what cannot be had is skipped loudly."""

import os
import shutil
import socket
import subprocess
import sys
import tarfile
import time
import urllib.request
from dataclasses import dataclass
from datetime import timedelta
from xml.etree import ElementTree as ET

import pytest

from app.domain.access import Principal, Role
from app.domain.window import ClosureWindow
from app.factory import open_service, prepare, utc_now
from app.register.people import enrolment
from app.register.reading import Question, find_history, read_schedule
from app.settings import read_settings


@dataclass(frozen=True)
class Sender:
    """A User of the running service with its gateways and an app password."""

    code: str
    gateways: tuple[str, ...]
    password: str


class Running:
    """`closures up` as a process on a port of its own, over a folder of its own."""

    def __init__(self, folder):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.base = f"http://127.0.0.1:{port}"
        self.environ = {
            "CLOSURES_DATA_DIR": str(folder / "data"),
            "CLOSURES_KEY_DIR": str(folder / "keys"),
            "CLOSURES_PORT": str(port),
            "CLOSURES_BASE_URL": self.base,
        }
        prepare(read_settings(self.environ), utc_now()).close()
        self.service = open_service(read_settings(self.environ))
        self.process = subprocess.Popen(
            [sys.executable, "-c", "from app.cli import main; main()", "up", "--json"],
            env={**os.environ, **self.environ},
            cwd=folder,
            stdout=subprocess.DEVNULL,
        )
        self._count = 0

    def wait(self):
        until = time.monotonic() + 60
        while True:
            assert self.process.poll() is None
            try:
                urllib.request.urlopen(f"{self.base}/livez", timeout=2).close()
            except OSError:
                assert time.monotonic() < until
                time.sleep(0.1)
            else:
                return

    def stop(self):
        self.service.close()
        self.process.terminate()
        self.process.wait(40)

    def enrol(self, gateways=1):
        """Let in a User that no other test knows."""
        self._count += 1
        code = f"USER{self._count}"
        store = self.service.store
        enrolment.enrol_user(store, code, f"Energy of test {self._count}")
        codes = tuple(f"GW-{self._count}-{number}" for number in range(1, gateways + 1))
        for gateway in codes:
            enrolment.enrol_gateway(store, code, gateway)
        _, password = enrolment.issue_token(store, label="a test", now=utc_now(), user_code=code)
        return Sender(code, codes, password)

    def story(self, sender):
        """What the register holds of a User: for each closure, by start, its gateway, state and the steps taken."""
        asking = Principal("a test", Role.USER, frozenset({sender.code}))
        now = utc_now()
        span = ClosureWindow(now.replace(year=now.year - 3), now.replace(year=now.year + 3))
        register = self.service.register
        found = read_schedule(register, asking, Question(span))
        return [
            (
                one.gateway,
                one.state.value,
                [revision.step.value for revision, _ in find_history(register, asking, one.reference)],
            )
            for one in found
        ]


@pytest.fixture(scope="session")
def running(tmp_path_factory):
    service = Running(tmp_path_factory.mktemp("running"))
    service.wait()
    yield service
    service.stop()


@pytest.fixture
def instants():
    """The starts that a day in a program speaks of, in UTC: of one closure that moves, and of a weekly series."""
    day = (utc_now() + timedelta(days=50)).replace(hour=2, minute=0, second=0, microsecond=0)
    starts = {"first": 28, "second": 29, "third": 0, "a week later": 7, "fourth": 30}
    return {name: f"{day + timedelta(days=days):%Y%m%dT%H%M%SZ}" for name, days in starts.items()}


def fetched(words, folder):
    """Run what fetches a client; skip, and say why, where it cannot be had."""
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=600, check=False)
    if done.returncode:
        pytest.skip(f"NOT RUN: {' '.join(map(str, words))} failed: {done.stderr.strip()[-300:]}")


@pytest.fixture(scope="session")
def node_program(tmp_path_factory):
    """Return a function that gives a folder in which node finds a package, and ``client.mjs`` that uses it."""

    def fetch(package, script):
        node, npm = shutil.which("node"), shutil.which("npm")
        if node is None or npm is None:
            pytest.skip(f"NOT RUN: {package} (node and npm are not installed)")
        folder = tmp_path_factory.mktemp("node")
        (folder / "package.json").write_text('{"private": true, "type": "module"}')
        fetched([npm, "install", "--no-audit", "--no-fund", "--ignore-scripts", "--no-package-lock", package], folder)
        (folder / "client.mjs").write_text(script)
        return folder

    return fetch


@pytest.fixture(scope="session")
def sources_of(tmp_path_factory):
    """Return a function that unpacks the sources of a package from PyPI, with its own tests."""

    def unpack(package):
        folder = tmp_path_factory.mktemp("sources")
        words = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:", package]
        fetched(words, folder)
        (archive,) = folder.glob("*.tar.gz")
        with tarfile.open(archive) as held:
            held.extractall(folder, filter="data")
        return folder / archive.name.removesuffix(".tar.gz")

    return unpack


@pytest.fixture
def report_of():
    """Return a function that reads a suite's own report: (passed, names of what failed, names of what was skipped)."""

    def read(path):
        cases = list(next(ET.parse(path).iter("testsuite")).iter("testcase"))
        skipped = [case.get("name") for case in cases if case.find("skipped") is not None]
        failed = [one.get("name") for one in cases if one.find("failure") is not None or one.find("error") is not None]
        return len(cases) - len(skipped) - len(failed), failed, skipped

    return read
